package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/slipway-build/slipway/internal/finding"
)

// Annotations are findings as workflow commands of GitHub Actions, which
// shows them beside the lines of a change.
type Annotations struct {
	List []finding.Finding
	// Below is the directory of the findings' files within the repository.
	Below string
	// Counts says which findings are errors; the others are warnings, advice
	// is a notice.
	Counts func(finding.Finding) bool
}

// WriteText writes a, one line per finding.
func (a Annotations) WriteText(w io.Writer, s Style) error {
	for _, f := range a.List {
		command := "warning"
		switch {
		case f.Advisory:
			command = "notice"
		case a.Counts(f):
			command = "error"
		}
		props := []string{}
		if f.Pos.File != "" {
			props = append(props, "file="+property(join(a.Below, f.Pos.File)))
		}
		if f.Pos.Line > 0 {
			props = append(props, fmt.Sprintf("line=%d", f.Pos.Line))
		}
		if f.Pos.Column > 0 {
			props = append(props, fmt.Sprintf("col=%d", f.Pos.Column))
		}
		props = append(props, "title="+property(f.ID))
		text := f.Message.In(s.Lang)
		for _, e := range f.Evidence {
			text += "\n" + strings.TrimSpace(e.Pos.String()+" "+e.Text.In(s.Lang))
		}
		if !f.Fix.IsZero() {
			text += "\n" + f.Fix.In(s.Lang)
		}
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", command, strings.Join(props, ","), data(clean(text))); err != nil {
			return fmt.Errorf("write annotations: %w", err)
		}
	}
	return nil
}

func join(dir, file string) string {
	if dir == "" || dir == "." {
		return file
	}
	return dir + "/" + file
}

// data and property escape as the runner's own library does
// (actions/toolkit, packages/core/src/command.ts).
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}
