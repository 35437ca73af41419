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
	Findings      []finding.Finding `json:"findings"`                // sorted, without those below
	Rules         int               `json:"rules"`                   // how many rules were run
	Ignored       int               `json:"ignored"`                 // findings that a slipway:ignore comment silences
	Known         int               `json:"known"`                   // findings that the baseline holds
	KnownFindings []Known           `json:"knownFindings,omitempty"` // these
	Disabled      []string          `json:"disabled,omitempty"`      // rules that the project's policy leaves out, sorted
	Gone          []Entry           `json:"gone,omitempty"`          // of the baseline: found no more
	Older         int               `json:"older,omitempty"`         // findings that were there at the commit that was asked for
	Notes         []facts.Note      `json:"notes,omitempty"`         // what could not be read or known
}

// Run applies the rules, or those of only if there are any, and takes away
// what the project's slipway:ignore comments silence. Of all rules, those that
// the project's policy disables are left out; only asks for them all the same.
// An ID of only or of the policy that no rule has is an error.
func Run(repo *facts.Repo, only []string) (Result, error) {
	selected := Rules()
	policy := repo.Policy
	if policy == nil {
		policy = &facts.Policy{}
	}
	disabled, err := disabledRules(policy)
	if err != nil {
		return Result{}, err
	}
	if len(only) == 0 {
		selected = slices.DeleteFunc(selected, func(r Rule) bool { return slices.Contains(disabled, r.ID) })
	} else {
		disabled = nil
		for _, id := range only {
			if _, ok := Find(id); !ok {
				return Result{}, UnknownRule(id)
			}
		}
		selected = slices.DeleteFunc(selected, func(r Rule) bool { return !slices.Contains(only, r.ID) })
	}
	res := Result{SchemaVersion: SchemaVersion, Findings: []finding.Finding{}, Rules: len(selected), Disabled: disabled, Notes: repo.Notes}
	ran := map[string]bool{}
	var stale *Rule
	for _, r := range selected {
		if r.ID == staleIgnore.ID {
			stale = &r
			continue
		}
		ran[r.ID] = true
		res.Findings = append(res.Findings, pinned(policy, r, r.find(repo))...)
	}
	type line struct {
		id, file string
		n        int
	}
	ignores := map[line][]int{}
	for i, ig := range repo.Ignores {
		if ig.Reason != "" {
			k := line{ig.ID, ig.Target.File, ig.Target.Line}
			ignores[k] = append(ignores[k], i)
		}
	}
	used := make([]bool, len(repo.Ignores))
	before := len(res.Findings)
	res.Findings = slices.DeleteFunc(res.Findings, func(f finding.Finding) bool {
		k := line{f.ID, f.Pos.File, f.Pos.Line}
		is, silent := ignores[k]
		for _, i := range is {
			used[i] = true
		}
		if silent {
			ignores[k] = nil // these are done with
		}
		return silent
	})
	res.Ignored = before - len(res.Findings)
	if stale != nil {
		res.Findings = append(res.Findings, pinned(policy, *stale, staleIgnores(*stale, repo, used, ran))...)
	}
	finding.Sort(res.Findings)
	// Two ways to one place, such as a target that two jobs make, are one thing
	// to mend.
	res.Findings = slices.CompactFunc(res.Findings, func(x, y finding.Finding) bool {
		return x.ID == y.ID && x.Pos == y.Pos && x.Message.String() == y.Message.String()
	})
	return res, nil
}

// disabledRules gives the IDs that the policy leaves out, sorted.
func disabledRules(p *facts.Policy) ([]string, error) {
	var out []string
	for _, d := range p.Disabled {
		if _, ok := Find(d.Name); !ok {
			err := fault.UsageError(i18n.M("check.rule.unknown", d.Name), i18n.M("check.rule.unknown.hint"))
			err.Pos = d.Pos
			return nil, err
		}
		out = append(out, d.Name)
	}
	slices.Sort(out)
	return out, nil
}

// pinned makes what a rule found advisory if the rule is younger than the set
// that the project is held to: an update of slipway then breaks no pipeline.
func pinned(p *facts.Policy, r Rule, fs []finding.Finding) []finding.Finding {
	if p.Rules > 0 && r.Since > p.Rules {
		for i := range fs {
			fs[i].Advisory = true
		}
	}
	return fs
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
