package check

import (
	"fmt"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Rank says how bad and how sure a finding of the rule is, and what the rule
// needs to find anything.
func (r Rule) Rank(l i18n.Lang) string {
	s := i18n.M("check.doc.severity", r.Severity, r.Confidence, r.Since).In(l)
	if r.Advisory {
		s += " " + i18n.M("check.doc.advisory").In(l)
	}
	if !r.Needs.IsZero() {
		s += " " + i18n.M("check.doc.needs", r.Needs.In(l)).In(l)
	}
	return s
}

// page says all there is to say about the rule, in Markdown below a heading
// of the third level.
func (r Rule) page(l i18n.Lang) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s: %s\n\n", r.ID, r.Title.In(l))
	b.WriteString("`" + r.Slug + "`. " + r.Rank(l))
	fmt.Fprintf(&b, "\n\n**%s** %s\n\n", i18n.M("check.doc.why").In(l), r.Why.In(l))
	fmt.Fprintf(&b, "**%s** %s\n\n", i18n.M("check.doc.fix").In(l), r.Fix.In(l))
	fmt.Fprintf(&b, "%s\n\n```\n%s\n```\n\n", i18n.M("check.doc.bad").In(l), r.Bad)
	fmt.Fprintf(&b, "%s\n\n```\n%s\n```\n", i18n.M("check.doc.good").In(l), r.Good)
	return b.String()
}

// handbook is the page of all rules.
func handbook(l i18n.Lang) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", i18n.M("check.doc.title").In(l), i18n.M("check.doc.intro").In(l))
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s: %s\n", f.Prefix, f.Title.In(l))
		for _, r := range Rules() {
			if r.In(f) {
				b.WriteString("\n" + r.page(l))
			}
		}
	}
	return b.String()
}
