package facts

// Policy is what a project asks of itself in the check section of
// slipway.yaml.
type Policy struct {
	Rules string `json:"rules,omitempty"` // the rule set it is held to, such as v1
}
