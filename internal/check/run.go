package check

import (
	"slices"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// SchemaVersion of the Result document. A change that a reader could notice
// raises it.
const SchemaVersion = 1

// Result is what a check came to.
type Result struct {
	SchemaVersion int               `json:"schemaVersion"`
	Findings      []finding.Finding `json:"findings"`        // sorted, without those below
	Rules         int               `json:"rules"`           // how many rules were run
	Ignored       int               `json:"ignored"`         // findings that a slipway:ignore comment silences
	Known         int               `json:"known"`           // findings that the baseline holds
	Gone          []Entry           `json:"gone,omitempty"`  // of the baseline: found no more
	Notes         []facts.Note      `json:"notes,omitempty"` // what could not be read or known
}

// Run applies the rules, or those of only if there are any, and takes away
// what the project's slipway:ignore comments silence. An ID of only that no
// rule has is an error.
func Run(repo *facts.Repo, only []string) (Result, error) {
	selected := Rules()
	if len(only) > 0 {
		for _, id := range only {
			if _, ok := Find(id); !ok {
				return Result{}, UnknownRule(id)
			}
		}
		selected = slices.DeleteFunc(selected, func(r Rule) bool { return !slices.Contains(only, r.ID) })
	}
	res := Result{SchemaVersion: SchemaVersion, Findings: []finding.Finding{}, Rules: len(selected), Notes: repo.Notes}
	ran := map[string]bool{}
	var stale *Rule
	for _, r := range selected {
		if r.ID == staleIgnore.ID {
			stale = &r
			continue
		}
		ran[r.ID] = true
		res.Findings = append(res.Findings, r.find(repo)...)
	}
	used := make([]bool, len(repo.Ignores))
	before := len(res.Findings)
	res.Findings = slices.DeleteFunc(res.Findings, func(f finding.Finding) bool {
		silent := false
		for i, ig := range repo.Ignores {
			if ig.Reason != "" && ig.ID == f.ID && ig.Target.File == f.Pos.File && ig.Target.Line == f.Pos.Line {
				used[i], silent = true, true
			}
		}
		return silent
	})
	res.Ignored = before - len(res.Findings)
	if stale != nil {
		res.Findings = append(res.Findings, staleIgnores(*stale, repo, used, ran)...)
	}
	finding.Sort(res.Findings)
	return res, nil
}

// UnknownRule is the error about an ID that no rule has.
func UnknownRule(id string) error {
	return fault.UsageError(i18n.M("check.rule.unknown", id), i18n.M("check.rule.unknown.hint"))
}

// AtLeast counts the findings that are as bad as s or worse and not advisory.
func (r Result) AtLeast(s finding.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if !f.Advisory && f.Severity.AtLeast(s) {
			n++
		}
	}
	return n
}
