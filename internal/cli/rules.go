package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
)

// ruleDoc is a rule as `slipway rules` and `slipway explain` give it.
type ruleDoc struct {
	ID         string           `json:"id"`
	Slug       string           `json:"slug"`
	Severity   finding.Severity `json:"severity"`
	Confidence check.Confidence `json:"confidence"`
	Advisory   bool             `json:"advisory,omitempty"`
	Since      int              `json:"since"`
	Title      i18n.Message     `json:"title"`
	Why        i18n.Message     `json:"why"`
	Fix        i18n.Message     `json:"fix"`
	Needs      i18n.Message     `json:"needs,omitzero"`
	Bad        string           `json:"bad"`
	Good       string           `json:"good"`
}

func ruleDocOf(r check.Rule) ruleDoc {
	return ruleDoc{r.ID, r.Slug, r.Severity, r.Confidence, r.Advisory, r.Since, r.Title, r.Why, r.Fix, r.Needs, r.Bad, r.Good}
}

// rulesDoc is the result of `slipway rules`.
type rulesDoc struct {
	SchemaVersion int       `json:"schemaVersion"`
	Rules         []ruleDoc `json:"rules"`
}

// explainDoc is the result of `slipway explain`.
type explainDoc struct {
	SchemaVersion int     `json:"schemaVersion"`
	Rule          ruleDoc `json:"rule"`
}

func (a *app) rulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rules",
		Short: a.say(i18n.M("check.rules.short")),
		Long:  a.say(i18n.M("check.rules.long")),
		Args:  a.noArgs,
		RunE: func(*cobra.Command, []string) error {
			doc := rulesDoc{SchemaVersion: check.SchemaVersion}
			t := &report.Table{Columns: []report.Column{
				{Title: i18n.M("check.rules.id")}, {Title: i18n.M("check.rules.severity")}, {Title: i18n.M("check.rules.title"), Wrap: true},
			}, Notes: []i18n.Message{i18n.M("check.rules.advice")}, Sections: true}
			for _, r := range check.Rules() {
				doc.Rules = append(doc.Rules, ruleDocOf(r))
			}
			for _, f := range check.Families() {
				t.Rows = append(t.Rows, []string{f.Prefix + ": " + a.say(f.Title)})
				for _, r := range check.Rules() {
					if r.In(f) {
						t.Rows = append(t.Rows, a.ruleRow(r))
					}
				}
			}
			return a.result(doc, t)
		},
	}
}

func (a *app) ruleRow(r check.Rule) []string {
	severity, title := string(r.Severity), a.say(r.Title)
	if r.Advisory {
		severity += " (" + a.say(i18n.M("check.advisory")) + ")"
	}
	if !r.Needs.IsZero() {
		title += " (" + a.say(r.Needs) + ")"
	}
	return []string{r.ID, severity, title}
}

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain RULE",
		Short: a.say(i18n.M("check.explain.short")),
		Long:  a.say(i18n.M("check.explain.long")),
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fault.UsageError(i18n.M("check.explain.args", c.CommandPath()), i18n.M("check.rule.unknown.hint"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, ok := check.Find(strings.ToUpper(args[0]))
			if !ok {
				return check.UnknownRule(args[0])
			}
			return a.result(explainDoc{check.SchemaVersion, ruleDocOf(r)}, a.explanation(r))
		},
	}
}

// explanation is the rule's page without the marks of Markdown.
func (a *app) explanation(r check.Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%s\n", r.ID, a.say(r.Title), r.Rank(a.lang))
	for _, part := range []struct {
		head i18n.Message
		text string
	}{{i18n.M("check.doc.why"), a.say(r.Why)}, {i18n.M("check.doc.fix"), a.say(r.Fix)}, {i18n.M("check.doc.bad"), r.Bad}, {i18n.M("check.doc.good"), r.Good}} {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSuffix(a.say(part.head), ":"))
		for line := range strings.Lines(part.text) {
			b.WriteString("  " + strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return b.String()
}
