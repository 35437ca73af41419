package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Steps is what was looked at, one line each with what was seen; what it means
// and what to do stand below it.
type Steps struct {
	Areas []StepArea
}

// StepArea is the steps of one question, under their verdict.
type StepArea struct {
	Title  i18n.Message // zero: the steps alone
	Level  Level        // of the title
	Steps  []StepLine
	Footer i18n.Message // may be zero
}

// Level is how good or bad a step is.
type Level int

// The levels.
const (
	Plain Level = iota
	Good
	Doubtful
	Bad
)

// StepLine is one step.
type StepLine struct {
	Level  Level
	Status i18n.Message // the word for the level
	What   i18n.Message
	Seen   string       // evidence; from outside
	Note   i18n.Message // may be zero
	Fix    i18n.Message // may be zero
	Took   time.Duration
}

// The widths of the columns of a step, in cells. A longer cell pushes the rest
// of its own line away, and of no other.
const (
	statusWidth = 5
	whatWidth   = 36
)

// WriteText writes the steps.
func (st Steps) WriteText(w io.Writer, s Style) error {
	var b strings.Builder
	for i, a := range st.Areas {
		if i > 0 {
			b.WriteByte('\n')
		}
		if !a.Title.IsZero() {
			b.WriteString(s.paint(levelColor(a.Level), clean(a.Title.In(s.Lang))) + "\n")
		}
		what := 0
		for _, l := range a.Steps {
			if n := Width(l.What.In(s.Lang)); n <= whatWidth {
				what = max(what, n)
			}
		}
		for _, l := range a.Steps {
			l.write(&b, s, what)
		}
		if !a.Footer.IsZero() {
			b.WriteString("  " + s.paint(faint, clean(a.Footer.In(s.Lang))) + "\n")
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write steps: %w", err)
	}
	return nil
}

func levelColor(l Level) string {
	switch l {
	case Bad:
		return red
	case Doubtful:
		return yellow
	}
	return bold
}

func (l StepLine) write(b *strings.Builder, s Style, what int) {
	status := oneLine(l.Status.In(s.Lang))
	painted := status
	if l.Level == Bad || l.Level == Doubtful {
		painted = s.paint(levelColor(l.Level), status)
	}
	name := oneLine(l.What.In(s.Lang))
	line := "  " + painted + strings.Repeat(" ", max(statusWidth-Width(status), 0)+1) + name
	pad := strings.Repeat(" ", max(what-Width(name), 0)+2)
	seen := oneLine(l.Seen)
	// On a terminal a long list goes below its name: cut anywhere, it could not
	// be told from the next step.
	long := s.Width > 40 && Width(line)+len(pad)+Width(seen)+10 > s.Width && Width(seen) > s.Width/2
	if seen != "" && !long {
		line += pad + seen
		pad = "  "
	}
	if l.Took > 0 {
		line += pad + s.paint(faint, Short(l.Took))
	}
	b.WriteString(line + "\n")
	if long {
		l.sentence(b, s, seen, "")
	}
	l.below(b, s, l.Note, "")
	if !l.Fix.IsZero() {
		l.below(b, s, l.Fix, s.label(cyan, i18n.M("probe.fix")))
	}
}

// below writes a sentence under a step, wrapped on a terminal.
func (l StepLine) below(b *strings.Builder, s Style, m i18n.Message, label string) {
	if !m.IsZero() {
		l.sentence(b, s, oneLine(m.In(s.Lang)), label)
	}
}

func (l StepLine) sentence(b *strings.Builder, s Style, text, label string) {
	const indent = "        "
	lines := []string{text}
	if s.Width > 40 {
		if wrapped, ok := wrap(text, s.Width-len(indent)-6); ok {
			lines = wrapped
		}
	}
	for i, t := range lines {
		if i > 0 {
			label = ""
		}
		b.WriteString(indent + label + t + "\n")
	}
}

// Short gives a time that may be far below a second: 0.12 ms, 3.4 ms, then as
// Duration does.
func Short(d time.Duration) string {
	if d >= 100*time.Millisecond {
		return Duration(d)
	}
	ms := float64(d) / float64(time.Millisecond)
	prec := 1
	if ms < 1 {
		prec = 2
	}
	return strconv.FormatFloat(ms, 'f', prec, 64) + " ms"
}
