package check

import (
	"slices"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var retracted = Rule{
	ID: "MOD006", Slug: "retracted", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod006.title"), Why: i18n.M("rule.mod006.why"), Fix: i18n.M("rule.mod006.fix"),
	Bad:  "require example.com/lib v1.2.0 // go.mod of v1.2.1 says: retract v1.2.0 // loses data",
	Good: "require example.com/lib v1.2.1",
	Run: func(repo *facts.Repo) []finding.Finding {
		return published(repo, func(r facts.Require, p facts.Published) (f finding.Finding, ok bool) {
			if p.Retracted == nil {
				return f, false
			}
			f.Message = i18n.M("rule.mod006.message", p.Path, p.Version)
			says := i18n.M("rule.mod006.says", p.Latest)
			if p.Retracted.Value != "" {
				says = i18n.M("rule.mod006.because", p.Latest, p.Retracted.Value)
			}
			f.Evidence = []finding.Evidence{{Pos: p.Retracted.Pos, Text: says}}
			// Nobody here chose an indirect one; who did may have been right to.
			f.Advisory = r.Indirect
			return f, true
		})
	},
}

var deprecated = Rule{
	ID: "MOD007", Slug: "deprecated", Severity: finding.Waste, Confidence: High, Advisory: true, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.mod007.title"), Why: i18n.M("rule.mod007.why"), Fix: i18n.M("rule.mod007.fix"),
	Bad:  "require example.com/lib v1.2.0 // its newest go.mod says: Deprecated: use example.com/new",
	Good: "require example.com/new v1.0.0",
	Run: func(repo *facts.Repo) []finding.Finding {
		return published(repo, func(r facts.Require, p facts.Published) (f finding.Finding, ok bool) {
			// The go command warns of direct ones alone, too.
			if p.Deprecated == nil || r.Indirect {
				return f, false
			}
			f.Message = i18n.M("rule.mod007.message", p.Path, p.Deprecated.Value)
			f.Evidence = []finding.Evidence{{Pos: p.Deprecated.Pos, Text: i18n.M("rule.mod007.says", p.Latest)}}
			return f, true
		})
	},
}

var taggedCommit = Rule{
	ID: "MOD008", Slug: "pseudo-version-of-tag", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod008.title"), Why: i18n.M("rule.mod008.why"), Fix: i18n.M("rule.mod008.fix"),
	Bad:  "require example.com/lib v1.2.1-0.20240101000000-0123456789ab // the commit has the tag v1.3.0",
	Good: "require example.com/lib v1.3.0",
	Run: func(repo *facts.Repo) []finding.Finding {
		return published(repo, func(r facts.Require, p facts.Published) (f finding.Finding, ok bool) {
			if p.Tag == "" || r.Indirect {
				return f, false
			}
			f.Message = i18n.M("rule.mod008.message", p.Path, p.Version, p.Tag)
			f.Fix = i18n.M("rule.mod008.get", p.Path, p.Tag)
			return f, true
		})
	},
}

// published calls judge for each require line of which the module cache tells
// something.
func published(repo *facts.Repo, judge func(facts.Require, facts.Published) (finding.Finding, bool)) []finding.Finding {
	if repo.Known == nil {
		return nil
	}
	var out []finding.Finding
	for _, m := range repo.Modules {
		if hidden(m.Root) {
			continue
		}
		for _, r := range m.Requires {
			i := slices.IndexFunc(repo.Known.Published, func(p facts.Published) bool { return p.Path == r.Path && p.Version == r.Version })
			if i < 0 {
				continue
			}
			if f, ok := judge(r, repo.Known.Published[i]); ok {
				f.Pos, f.Entity = r.Pos, r.Path
				out = append(out, f)
			}
		}
	}
	return out
}
