// Package finding is the vocabulary that every judging stage shares: what was
// found, how bad it is by its consequence, where the evidence stands, and what
// mends it. It judges nothing itself.
package finding

import (
	"cmp"
	"slices"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Severity ranks findings by what they lead to, worst first.
type Severity string

// The severities, worst first.
const (
	StopsBuild        Severity = "stops-build"
	CannotStart       Severity = "cannot-start"
	FailsInProduction Severity = "fails-in-production"
	Security          Severity = "security"
	Waste             Severity = "waste"
)

var ranks = []Severity{StopsBuild, CannotStart, FailsInProduction, Security, Waste}

// AtLeast reports whether s is as bad as t or worse.
func (s Severity) AtLeast(t Severity) bool {
	return slices.Index(ranks, s) <= slices.Index(ranks, t)
}

// Evidence is one link of the chain that leads to a finding.
type Evidence struct {
	Pos  fault.Pos    `json:"pos,omitzero"`
	Text i18n.Message `json:"text"`
}

// Finding is one thing that is, or will go, wrong.
type Finding struct {
	ID       string       `json:"id"`       // rule, such as BIN001; stable for ever
	Severity Severity     `json:"severity"` // by consequence
	Pos      fault.Pos    `json:"pos,omitzero"`
	Entity   string       `json:"entity"` // what it is about, such as linux/amd64/orders; stable under edits
	Message  i18n.Message `json:"message"`
	Evidence []Evidence   `json:"evidence,omitempty"`
	Fix      i18n.Message `json:"fix,omitzero"`
	Edits    []Edit       `json:"edits,omitempty"` // carry out the fix, all or none of them
	// Advisory is set when the finding is shown but never counts against a
	// threshold: what it rests on is not certain enough.
	Advisory bool `json:"advisory,omitempty"`
}

// Edit replaces text at a place in a file. It is carried out only if Old
// stands there to the byte; a line that is blank afterwards and was not before
// goes as a whole.
type Edit struct {
	Pos fault.Pos `json:"pos"` // line and column in bytes, both from 1
	Old string    `json:"old"` // within one line
	New string    `json:"new"` // may hold line breaks
}

// Sort orders findings by file, position, rule and entity, and those that
// agree in these by all that they say, so that two runs over the same input
// print the same, in whatever order a rule found them.
func Sort(fs []Finding) {
	slices.SortFunc(fs, func(a, b Finding) int {
		if c := cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Entity, b.Entity),
		); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.Message.String(), b.Message.String()), slices.CompareFunc(a.Evidence, b.Evidence, compareEvidence))
	})
}

func compareEvidence(a, b Evidence) int {
	return cmp.Or(
		cmp.Compare(a.Pos.File, b.Pos.File),
		cmp.Compare(a.Pos.Line, b.Pos.Line),
		cmp.Compare(a.Pos.Column, b.Pos.Column),
		cmp.Compare(a.Text.String(), b.Text.String()),
	)
}
