package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Sheet is what a command found out about several things: a block of short
// lines for each, then what is wrong, then one line that sums up.
type Sheet struct {
	Blocks   []Block
	More     []Texter // between the blocks and the findings, such as tables
	Findings []finding.Finding
	Notes    []i18n.Message
	Verdict  i18n.Message
	Bad      bool // the verdict is one
}

// Block is what is known about one thing.
type Block struct {
	Head  string
	Lines []Line
}

// Line is one of its properties.
type Line struct {
	Name i18n.Message
	Text string // in the user's words
}

// WriteText writes s.
func (x Sheet) WriteText(w io.Writer, s Style) error {
	var b strings.Builder
	for _, block := range x.Blocks {
		b.WriteString(s.paint(bold, cleanName(block.Head)) + "\n")
		widest := 0
		for _, l := range block.Lines {
			widest = max(widest, Width(l.Name.In(s.Lang)))
		}
		for _, l := range block.Lines {
			name := l.Name.In(s.Lang)
			b.WriteString("  " + s.paint(faint, name) + strings.Repeat(" ", widest-Width(name)+2) + oneLine(l.Text) + "\n")
		}
		b.WriteString("\n")
	}
	for _, m := range x.More {
		if err := m.WriteText(&b, s); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	for _, f := range x.Findings {
		b.WriteString(FindingText(f, s) + "\n")
	}
	for _, n := range x.Notes {
		b.WriteString(s.paint(faint, clean(n.In(s.Lang))) + "\n")
	}
	sgr := bold
	if x.Bad {
		sgr = bold + ";" + red
	}
	b.WriteString(s.paint(sgr, clean(x.Verdict.In(s.Lang))) + "\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
