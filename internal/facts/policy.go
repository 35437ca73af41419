package facts

// Policy is what a project asks of itself in the check section of
// slipway.yaml.
type Policy struct {
	Rules    int      `json:"rules,omitempty"`    // number of the rule set it is held to; 0: the newest
	Disabled []Reason `json:"disabled,omitempty"` // rules that are not run
	Licenses Licenses `json:"licenses,omitzero"`
	Database string   `json:"database,omitempty"` // of vulnerabilities, as stated; "" none
	Accepted []Reason `json:"accepted,omitempty"` // vulnerabilities that the project accepts
}

// Reason is a name with the words that excuse it.
type Reason struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
	Pos    Pos    `json:"pos,omitzero"` // zero if no file states it
}

// Licenses is a policy on licences, in SPDX identifiers.
type Licenses struct {
	Allow      []string `json:"allow,omitempty"` // if there are any, no other licence will do
	Deny       []string `json:"deny,omitempty"`
	Pos        Pos      `json:"pos,omitzero"`         // of what states Allow, else Deny
	Exceptions []Reason `json:"exceptions,omitempty"` // modules that may have any licence
}
