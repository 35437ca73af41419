package report

import (
	"fmt"
	"io"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Findings are findings for people: grouped by file, each with its evidence
// and what mends it, and notes below them.
type Findings struct {
	List  []finding.Finding // sorted by file
	Notes []i18n.Message
}

// WriteText writes f.
func (f Findings) WriteText(w io.Writer, s Style) error {
	file := ""
	for i, x := range f.List {
		if x.Pos.File != file || i == 0 {
			file = x.Pos.File
			if _, err := fmt.Fprintln(w, s.paint(bold, cleanName(file))); err != nil {
				return fmt.Errorf("write findings: %w", err)
			}
		}
		if _, err := io.WriteString(w, FindingText(x, s)+"\n"); err != nil {
			return fmt.Errorf("write findings: %w", err)
		}
	}
	for _, n := range f.Notes {
		if _, err := fmt.Fprintln(w, clean(n.In(s.Lang))); err != nil {
			return fmt.Errorf("write findings: %w", err)
		}
	}
	return nil
}
