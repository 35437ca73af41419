package check

import (
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var ignoreReason = Rule{
	ID: "IGN001", Slug: "ignore-without-reason", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.ign001.title"),
	Why:   i18n.M("rule.ign001.why"),
	Fix:   i18n.M("rule.ign001.fix"),
	Bad:   "ENV GOSUMDB=off # slipway:ignore ENV001",
	Good:  "ENV GOSUMDB=off # slipway:ignore ENV001 the build has no network; go.sum is complete",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, ig := range repo.Ignores {
			if ig.Reason == "" {
				out = append(out, finding.Finding{Pos: ig.Pos, Entity: ig.ID, Message: i18n.M("rule.ign001.message", ig.ID)})
			}
		}
		return out
	},
}

// staleIgnore is the only rule that needs what the others found; Run has it
// done by staleIgnores.
var staleIgnore = Rule{
	ID: "IGN002", Slug: "stale-ignore", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.ign002.title"),
	Why:   i18n.M("rule.ign002.why"),
	Fix:   i18n.M("rule.ign002.fix"),
	Bad:   "ENV GOSUMDB=sum.example.com # slipway:ignore TAG001 tags are fine here",
	Good:  "ENV GOSUMDB=sum.example.com",
	Run:   func(*facts.Repo) []finding.Finding { return nil },
}

// staleIgnores gives the comments that silence nothing. A comment about a
// rule that was not run is not judged; one about a rule that does not exist is.
func staleIgnores(r Rule, repo *facts.Repo, used []bool, ran map[string]bool) []finding.Finding {
	r.Run = func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for i, ig := range repo.Ignores {
			_, known := Find(ig.ID)
			if used[i] || ig.Reason == "" || known && !ran[ig.ID] {
				continue
			}
			m := i18n.M("rule.ign002.message", ig.ID)
			if !known {
				m = i18n.M("rule.ign002.unknown", ig.ID)
			}
			out = append(out, finding.Finding{Pos: ig.Pos, Entity: ig.ID, Message: m})
		}
		return out
	}
	return r.find(repo)
}
