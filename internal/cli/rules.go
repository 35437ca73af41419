package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/rebuild"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/trial"
	"github.com/slipway-build/slipway/internal/verify"
)

// ruleDoc is a rule as `slipway rules` and `slipway explain` give it.
type ruleDoc struct {
	ID         string           `json:"id"`
	Slug       string           `json:"slug"`
	Severity   finding.Severity `json:"severity"`
	Confidence check.Confidence `json:"confidence,omitempty"` // of rules about files
	Advisory   bool             `json:"advisory,omitempty"`
	Since      int              `json:"since,omitempty"`
	Title      i18n.Message     `json:"title"`
	Why        i18n.Message     `json:"why"`
	Fix        i18n.Message     `json:"fix"`
	Needs      i18n.Message     `json:"needs,omitzero"`
	Bad        string           `json:"bad,omitempty"`
	Good       string           `json:"good,omitempty"`
}

func ruleDocOf(r check.Rule) ruleDoc {
	return ruleDoc{r.ID, r.Slug, r.Severity, r.Confidence, r.Advisory, r.Since, r.Title, r.Why, r.Fix, r.Needs, r.Bad, r.Good}
}

// binaryRules are the rules about what was built, by ID: those of every package
// that judges programs, images, runs and rebuilds.
func binaryRules() []finding.Rule {
	rules := slices.Concat(build.BinaryRules(), verify.Rules(), trial.Rules(), rebuild.Rules())
	slices.SortFunc(rules, func(a, b finding.Rule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

func binaryRuleDoc(r finding.Rule) ruleDoc {
	return ruleDoc{ID: r.ID, Slug: r.Slug, Severity: r.Severity, Advisory: r.Advisory, Title: r.Title, Why: r.Why, Fix: r.Fix}
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
			t.Rows = append(t.Rows, []string{"BIN: " + a.say(i18n.M("verify.rules.family"))})
			for _, r := range binaryRules() {
				doc.Rules = append(doc.Rules, binaryRuleDoc(r))
				t.Rows = append(t.Rows, []string{r.ID, a.rank(r.Severity, r.Advisory), a.say(r.Title)})
			}
			return a.result(doc, t)
		},
	}
}

func (a *app) ruleRow(r check.Rule) []string {
	title := a.say(r.Title)
	if !r.Needs.IsZero() {
		title += " (" + a.say(r.Needs) + ")"
	}
	return []string{r.ID, a.rank(r.Severity, r.Advisory), title}
}

// rank is how bad the findings of a rule are.
func (a *app) rank(s finding.Severity, advisory bool) string {
	if advisory {
		return string(s) + " (" + a.say(i18n.M("check.advisory")) + ")"
	}
	return string(s)
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
			id := strings.ToUpper(args[0])
			for _, b := range binaryRules() {
				if b.ID == id {
					return a.result(explainDoc{check.SchemaVersion, binaryRuleDoc(b)}, a.binaryExplanation(b))
				}
			}
			r, ok := check.Find(id)
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

// binaryExplanation says all there is to say about a rule on what was built.
func (a *app) binaryExplanation(r finding.Rule) string {
	return fmt.Sprintf("%s: %s\n%s: %s\n\n%s\n  %s\n\n%s\n  %s\n",
		r.ID, a.say(r.Title), r.Slug, a.rank(r.Severity, r.Advisory),
		strings.TrimSuffix(a.say(i18n.M("check.doc.why")), ":"), a.say(r.Why),
		strings.TrimSuffix(a.say(i18n.M("check.doc.fix")), ":"), a.say(r.Fix))
}
