// Package check judges what a repository's files say: what will break between
// a commit and production. It is pure: it works on the facts document alone,
// so that any result can be replayed, and knows nothing of files, processes,
// the net or the clock.
//
// A rule is a Rule value in a file of its own (or that of its small family),
// one line in rules.go and one file in testdata. Documentation, `slipway
// explain` and the metadata of reports come from the value.
package check

import (
	"cmp"
	"slices"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Confidence is how often a hit of a rule is what the rule says it is.
type Confidence string

// The confidences.
const (
	High   Confidence = "high"   // the files prove it
	Medium Confidence = "medium" // the files say so; something outside of them could make up for it
)

// Cost is what mending a finding asks of somebody.
type Cost string

// The costs, lowest first.
const (
	Automatic Cost = "automatic" // the finding has edits that carry the fix out
	OneLine   Cost = "line"      // a setting, a flag, a line in a file
	Design    Cost = "design"    // somebody has to decide how things are to work
)

// Rule is one thing that is looked for.
type Rule struct {
	ID         string           // family and number, such as TAG001; stable for ever
	Slug       string           // words for people, such as tags-syntax
	Severity   finding.Severity // by consequence
	Confidence Confidence
	Advisory   bool         // its findings never count against a threshold
	Since      int          // the rule set that brought it; one that pins an older set gets it as advisory
	Cost       Cost         // of mending one by hand; zero: OneLine
	Title      i18n.Message // what is wrong, without a full stop
	Why        i18n.Message // what breaks, and for whom
	Fix        i18n.Message // what mends it, for findings that do not say so themselves
	Needs      i18n.Message // the setting without which it finds nothing; zero if there is none
	Bad, Good  string       // the same few lines, with the fault and without
	// Run finds. ID, Severity, Advisory and Fix of a finding need not be set
	// where they are those of the rule. Run neither changes nor keeps the facts.
	Run func(*facts.Repo) []finding.Finding
}

// Find gives the rule with an ID.
func Find(id string) (Rule, bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// Rules gives all rules, sorted by ID.
func Rules() []Rule {
	return slices.SortedFunc(slices.Values(rules), func(a, b Rule) int { return cmp.Compare(a.ID, b.ID) })
}

// CostOf gives what mending f, a finding of the rule, asks for.
func (r Rule) CostOf(f finding.Finding) Cost {
	if len(f.Edits) > 0 {
		return Automatic
	}
	return cmp.Or(r.Cost, OneLine)
}

// find runs the rule and completes its findings.
func (r Rule) find(repo *facts.Repo) []finding.Finding {
	fs := r.Run(repo)
	for i := range fs {
		f := &fs[i]
		f.ID = r.ID
		f.Severity = cmp.Or(f.Severity, r.Severity)
		f.Advisory = f.Advisory || r.Advisory
		if f.Fix.IsZero() {
			f.Fix = r.Fix
		}
	}
	return fs
}
