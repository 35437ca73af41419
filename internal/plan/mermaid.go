package plan

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// WriteMermaid draws the way from the facts over the decisions to the results
// as a Mermaid flowchart. What was rejected is grey and dashed.
func WriteMermaid(w io.Writer, p Plan, l i18n.Lang) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "---\ntitle: %s\n---\nflowchart LR\n", mermaidTitle(graphTitle(p, l)))
	last, n := "", 0
	for i, s := range stages(p) {
		end := fmt.Sprintf("s%d", i)
		for _, d := range s.rows {
			n++
			id := fmt.Sprintf("d%d", n)
			fmt.Fprintf(&b, "  %s[%s]\n", id, mermaidText(d.name(), d.Choice, d.Why.In(l)))
			for j, c := range factCaptions(d, l) {
				fmt.Fprintf(&b, "  %sf%d[%s]:::fact --> %s\n", id, j, mermaidText(c.head, c.body), id)
			}
			for j, c := range rejectedCaptions(d, l) {
				fmt.Fprintf(&b, "  %s -.-x %sr%d[%s]:::rejected\n", id, id, j, mermaidText(c.head, c.body))
			}
			fmt.Fprintf(&b, "  %s --> %s\n", id, end)
		}
		fmt.Fprintf(&b, "  %s([%s]):::stage\n", end, mermaidText(s.title.In(l)))
		if last != "" {
			fmt.Fprintf(&b, "  %s ==> %s\n", last, end)
		}
		last = end
	}
	for i, t := range p.Targets {
		fmt.Fprintf(&b, "  t%d[%s]:::result\n", i, mermaidText(append([]string{t.Platform.String()}, resultLines(t, l)...)...))
		if last != "" {
			fmt.Fprintf(&b, "  %s ==> t%d\n", last, i)
		}
	}
	b.WriteString(`  classDef fact fill:#8882,stroke:#888
  classDef stage fill:#36c,stroke:#36c,color:#fff
  classDef result fill:#2a72,stroke:#2a7,stroke-width:2px
  classDef rejected fill:none,stroke:#999,color:#888,stroke-dasharray:4 3
`)
	_, err := w.Write(b.Bytes())
	return err
}

// mermaidText writes lines as one quoted label. Everything that means
// something to Mermaid or to HTML becomes an entity.
func mermaidText(lines ...string) string {
	var b strings.Builder
	b.WriteByte('"')
	first := true
	for _, s := range lines {
		if s == "" {
			continue
		}
		if !first {
			b.WriteString("<br/>")
		}
		first = false
		for _, r := range s {
			switch {
			case r < ' ' || strings.ContainsRune("\"#<>&`\\;", r):
				fmt.Fprintf(&b, "#%d;", max(r, ' '))
			default:
				b.WriteRune(r)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}

// mermaidTitle quotes a title for the YAML in front of the chart.
func mermaidTitle(s string) string {
	return "'" + strings.ReplaceAll(strings.Map(func(r rune) rune {
		if r < ' ' || r == '<' || r == '>' { // a title is HTML, without entities
			return ' '
		}
		return r
	}, s), "'", "''") + "'"
}
