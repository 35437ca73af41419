package check

import (
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var vendorEdited = Rule{
	ID: "MOD013", Slug: "vendor-edited", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod013.title"), Why: i18n.M("rule.mod013.why"), Fix: i18n.M("rule.mod013.fix"),
	Bad:  "# vendor/example.com/lib/extra.go, which example.com/lib v1.2.0 does not have",
	Good: "replace example.com/lib => example.com/fork v1.2.1",
	Run:  runVendorEdited,
}

// maxListed bounds the files that one finding names.
const maxListed = 5

// runVendorEdited finds files below vendor that are not those of the module;
// one finding for each module, at the first of them, added ones before others.
func runVendorEdited(repo *facts.Repo) []finding.Finding {
	var out []finding.Finding
	at := map[string]int{}
	for _, added := range []bool{true, false} {
		for _, v := range repo.VendorFiles {
			if v.Added != added {
				continue
			}
			m := i18n.M("rule.mod013.changed", v.Module, v.Version)
			if v.Added {
				m = i18n.M("rule.mod013.added", v.Module, v.Version)
			}
			i, ok := at[v.Module]
			if !ok {
				at[v.Module] = len(out)
				out = append(out, finding.Finding{Pos: v.Pos, Entity: v.Module, Message: m})
			} else if len(out[i].Evidence) < maxListed {
				out[i].Evidence = append(out[i].Evidence, finding.Evidence{Pos: v.Pos, Text: m})
			}
		}
	}
	return out
}
