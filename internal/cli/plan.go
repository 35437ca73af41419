package cli

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/report"
)

func (a *app) planCommand() *cobra.Command {
	var graph string
	c := &cobra.Command{
		Use:     "plan [" + a.say(i18n.M("cli.arg.package")) + "...]",
		Short:   a.say(i18n.M("cli.plan.short")),
		Long:    a.say(i18n.M("cli.plan.long")),
		Example: "  slipway plan\n  slipway plan explain base\n  slipway plan --json > plan.json && slipway build --plan plan.json\n  slipway plan --graph",
		Args:    cobra.ArbitraryArgs,
	}
	settings := a.settingFlags(c)
	c.Flags().StringVar(&graph, "graph", "", a.say(i18n.M("cli.flag.graph")))
	c.Flags().Lookup("graph").NoOptDefVal = "files"
	c.RunE = func(c *cobra.Command, args []string) error {
		keys, err := settings()
		if err != nil {
			return err
		}
		s, err := a.prepare(c.Context(), args, keys)
		if err != nil {
			return err
		}
		if graph != "" {
			return a.graph(s, graph)
		}
		return a.result(s.plan, a.planTable(s.plan.Decisions))
	}
	c.AddCommand(a.explain())
	return c
}

func (a *app) explain() *cobra.Command {
	c := &cobra.Command{
		Use:     "explain [" + a.say(i18n.M("cli.arg.decision")) + "] [" + a.say(i18n.M("cli.arg.package")) + "...]",
		Short:   a.say(i18n.M("cli.explain.short")),
		Long:    a.say(i18n.M("cli.explain.long")),
		Example: "  slipway plan explain base\n  slipway plan explain cgo ./cmd/api",
	}
	settings := a.settingFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		keys, err := settings()
		if err != nil {
			return err
		}
		id := ""
		if len(args) > 0 {
			id, args = args[0], args[1:]
		}
		s, err := a.prepare(c.Context(), args, keys)
		if err != nil {
			return err
		}
		ds := s.plan.Decisions
		if id != "" {
			if ds, err = s.plan.Explain(id); err != nil {
				return err
			}
		}
		doc := struct {
			SchemaVersion int             `json:"schemaVersion"`
			Decisions     []plan.Decision `json:"decisions"`
		}{plan.SchemaVersion, ds}
		return a.result(doc, a.explainText(ds))
	}
	return c
}

// planTable has a line for each decision.
func (a *app) planTable(ds []plan.Decision) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Title: i18n.M("cli.plan.decision")}, {Title: i18n.M("cli.table.target")}, {Title: i18n.M("cli.plan.choice")}, {Title: i18n.M("cli.plan.why"), Wrap: true},
	}}
	for _, d := range ds {
		t.Rows = append(t.Rows, []string{d.ID, d.Target, d.Choice, a.say(d.Why)})
	}
	return t
}

// explainText puts decisions into words, with their facts and what was
// rejected.
func (a *app) explainText(ds []plan.Decision) string {
	var b strings.Builder
	for i, d := range ds {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.ID)
		if d.Target != "" {
			b.WriteString(" " + d.Target)
		}
		fmt.Fprintf(&b, ": %s\n  %s\n", d.Choice, a.say(d.Why))
		for _, f := range d.Facts {
			b.WriteString("  - ")
			if p := f.Pos.String(); p != "" {
				b.WriteString(p + ": ")
			}
			b.WriteString(a.say(f.Text) + "\n")
		}
		for _, r := range d.Rejected {
			fmt.Fprintf(&b, "  × %s: %s\n", r.Choice, a.say(r.Why))
		}
	}
	return b.String()
}

// graph draws the decisions: "svg" and "mermaid" to standard output, otherwise
// both into the output directory.
func (a *app) graph(s *session, format string) error {
	draw := map[string]func(io.Writer) error{
		"svg":     func(w io.Writer) error { return plan.WriteSVG(w, s.plan, a.lang) },
		"mermaid": func(w io.Writer) error { return plan.WriteMermaid(w, s.plan, a.lang) },
	}
	if f, ok := draw[format]; ok {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			return fmt.Errorf("draw the plan: %w", err)
		}
		_, err := a.stdout.Write(b.Bytes())
		return err
	}
	if format != "files" {
		return fault.UsageError(i18n.M("cli.graph", format), i18n.M("cli.graph.hint"))
	}
	doc := struct {
		SchemaVersion int      `json:"schemaVersion"`
		Files         []string `json:"files"`
	}{SchemaVersion: plan.SchemaVersion}
	for _, f := range []struct{ name, format string }{{"plan.svg", "svg"}, {"plan.mmd", "mermaid"}} {
		name := filepath.Join(s.output, f.name)
		if err := writeFile(name, draw[f.format]); err != nil {
			return err
		}
		doc.Files = append(doc.Files, name)
	}
	var text strings.Builder
	for _, f := range doc.Files {
		text.WriteString(a.pretty(s, f) + "\n")
	}
	return a.result(doc, text.String())
}
