package config

// Check says what `slipway check` holds the project to.
type Check struct {
	Rules           string            `yaml:"rules"`    // rule set, such as v1; rules of a later one are advisory; default: the newest
	Severity        string            `yaml:"severity"` // the least severity that counts; default: waste
	Disable         map[string]string `yaml:"disable"`  // rule: reason; such a rule is not run
	Licenses        Licenses          `yaml:"licenses"`
	Vulnerabilities Vulnerabilities   `yaml:"vulnerabilities"`
}

// Licenses is the policy on the licences of the modules that are linked.
type Licenses struct {
	Allow      []string          `yaml:"allow"`      // SPDX identifiers; if there are any, no other licence will do
	Deny       []string          `yaml:"deny"`       // SPDX identifiers
	Exceptions map[string]string `yaml:"exceptions"` // module path: reason; such a module may have any licence
}

// Vulnerabilities says where known vulnerabilities are looked up.
type Vulnerabilities struct {
	Database string            `yaml:"database"` // directory relative to slipway.yaml, or http(s) URL; default: none, nothing is looked up
	Ignore   map[string]string `yaml:"ignore"`   // OSV identifier or alias: reason
}

// RuleSets names the rule sets of `slipway check`, oldest first: what
// check.rules can be. A rule's Since counts from 1 along this list.
func RuleSets() []string { return []string{"v1"} }
