// Package policy brings what a project asks of itself in slipway.yaml into
// the facts, for the rules to judge: the set of rules it is held to, the
// vulnerabilities it accepts and the licences it allows. Gather adds what others
// say about the modules: licences, retractions, deprecations and known
// vulnerabilities.
package policy

import (
	"maps"
	"slices"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
)

// Of gives the policy that the settings state. Settings that state none give
// the empty policy.
func Of(s config.Settings) *facts.Policy {
	c := s.Config.Check
	p := &facts.Policy{
		Rules:    slices.Index(config.RuleSets(), c.Rules) + 1,
		Disabled: reasons(s, "check.disable", c.Disable),
		Licenses: facts.Licenses{
			Allow: c.Licenses.Allow, Deny: c.Licenses.Deny,
			Pos:        s.Origins["check.licenses.deny"].Pos,
			Exceptions: reasons(s, "check.licenses.exceptions", c.Licenses.Exceptions),
		},
		Database: c.Vulnerabilities.Database,
		Accepted: reasons(s, "check.vulnerabilities.ignore", c.Vulnerabilities.Ignore),
	}
	if len(c.Licenses.Allow) > 0 {
		p.Licenses.Pos = s.Origins["check.licenses.allow"].Pos
	}
	return p
}

// reasons gives a table of names and reasons, sorted by name.
func reasons(s config.Settings, key string, table map[string]string) []facts.Reason {
	var out []facts.Reason
	for _, name := range slices.Sorted(maps.Keys(table)) {
		out = append(out, facts.Reason{Name: name, Reason: table[name], Pos: s.Places[key][name]})
	}
	return out
}
