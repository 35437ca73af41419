package finding

import "github.com/slipway-build/slipway/internal/i18n"

// Rule is a judgement about something that was built: a program, an image, a
// run, a rebuild. Lists of rules, `slipway explain`, the documentation and
// SARIF come from its values; each package that judges has some.
type Rule struct {
	ID       string       // such as BIN018; stable for ever
	Slug     string       // words for people, such as interpreter-missing
	Severity Severity     // by consequence
	Advisory bool         // see Finding
	Title    i18n.Message // what is wrong, without a full stop
	Why      i18n.Message // what breaks, and for whom
	Fix      i18n.Message // what mends it, for findings that do not say so themselves
}

// On gives a finding of the rule about entity. The caller may change what is
// different from the rule.
func (r Rule) On(entity string, says i18n.Message, evidence ...Evidence) Finding {
	return Finding{
		ID: r.ID, Severity: r.Severity, Advisory: r.Advisory,
		Entity: entity, Message: says, Evidence: evidence, Fix: r.Fix,
	}
}
