package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Style is how text is written to one destination.
type Style struct {
	Lang     i18n.Lang
	Color    bool
	Terminal bool
	Width    int // cells of a line; 0: as long as need be
}

// Texter is a result that can say itself in words. What it writes ends with a
// newline.
type Texter interface {
	WriteText(w io.Writer, s Style) error
}

func (r *Reporter) resultText(v any) error {
	s := r.outStyle()
	var err error
	switch v := v.(type) {
	case nil:
	case Texter:
		err = v.WriteText(r.o.Stdout, s)
	case i18n.Message:
		_, err = fmt.Fprintln(r.o.Stdout, v.In(s.Lang))
	case string:
		_, err = io.WriteString(r.o.Stdout, strings.TrimSuffix(v, "\n")+"\n")
	default:
		return fmt.Errorf("write result: %T has no text form", v)
	}
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// The colours, as parameters of SGR (ECMA-48).
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	yellow = "33"
	cyan   = "36"
)

func (s Style) paint(sgr, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

// label is the word a line begins with and the space after it, which a
// full-width colon brings with it.
func (s Style) label(sgr string, m i18n.Message) string {
	text := m.In(s.Lang)
	if strings.HasSuffix(text, ":") {
		return s.paint(sgr, text) + " "
	}
	return s.paint(sgr, text)
}

// WarningText gives the lines of a warning.
func WarningText(m i18n.Message, s Style) string {
	return "slipway: " + s.label(yellow, i18n.M("report.warning")) + clean(m.In(s.Lang)) + "\n"
}

// ErrorText gives the lines of an error: what is wrong, once what the tool said
// that found it, and what to do. Joined errors follow each other.
func ErrorText(err error, s Style) string {
	var b strings.Builder
	shown := map[string]bool{}
	for _, e := range flatten(err) {
		p := describe(e)
		fmt.Fprintf(&b, "slipway: %s%s\n", s.label(bold+";"+red, i18n.M("report.error")), clean(p.in(s.Lang)))
		if d := strings.Trim(p.detail, "\r\n"); d != "" && !shown[d] {
			shown[d] = true
			b.WriteString(clean(strings.ReplaceAll(d, "\r\n", "\n")) + "\n")
		}
		if !p.hint.IsZero() {
			fmt.Fprintf(&b, "slipway: %s%s\n", s.label(cyan, i18n.M("report.hint")), clean(p.hint.In(s.Lang)))
		}
	}
	return b.String()
}

// flatten takes errors apart that errors.Join put together, in their order.
// An error with several causes but one sentence (two %w) stays whole.
func flatten(err error) []error {
	if _, ok := err.(*fault.Error); ok {
		return []error{err}
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		var texts []string
		for _, e := range j.Unwrap() {
			all = append(all, flatten(e)...)
			texts = append(texts, e.Error())
		}
		if len(all) > 0 && strings.Join(texts, "\n") == err.Error() {
			return all
		}
		return []error{err}
	}
	if parts := flattenCause(err); len(parts) > 1 {
		return parts
	}
	return []error{err}
}

func flattenCause(err error) []error {
	if cause := errors.Unwrap(err); cause != nil {
		return flatten(cause)
	}
	return nil
}

// problem is an error as it is shown.
type problem struct {
	code    int
	context string // what was being done, such as "build linux/arm64: "
	pos     fault.Pos
	msg     i18n.Message
	cause   string // may be empty
	hint    i18n.Message
	detail  string
}

func describe(err error) problem {
	p := problem{code: fault.ExitCode(err)}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		if before, ok := strings.CutSuffix(err.Error(), f.Error()); ok {
			p.context = before
		}
		p.pos, p.msg, p.hint, p.detail = f.Pos, f.Msg, f.Hint, f.Detail
		if f.Cause != nil {
			p.cause = f.Cause.Error()
		}
		return p
	}
	if errors.Is(err, context.Canceled) {
		p.msg = i18n.M("report.interrupted")
		return p
	}
	p.msg = i18n.M("report.failure", err)
	return p
}

func (p problem) in(l i18n.Lang) string {
	s := p.context
	if at := p.pos.String(); at != "" {
		s += at + ": "
	}
	s += p.msg.In(l)
	if p.cause != "" {
		s += ": " + p.cause
	}
	return s
}

// FindingText gives the lines of a finding: where, which rule, how bad, what;
// then the evidence, each link a step further in; then what mends it.
func FindingText(f finding.Finding, s Style) string {
	var b strings.Builder
	where := f.Pos.String()
	if where == "" {
		where = f.Entity
	}
	if where != "" {
		b.WriteString(s.paint(bold, cleanName(where)) + " ")
	}
	color := yellow
	if f.Severity.AtLeast(finding.CannotStart) {
		color = red
	}
	severity := string(f.Severity)
	if f.Advisory {
		severity += " (" + i18n.M("check.advisory").In(s.Lang) + ")"
	}
	fmt.Fprintf(&b, "%s %s %s\n", f.ID, s.paint(color, severity), clean(f.Message.In(s.Lang)))
	for _, e := range f.Evidence {
		b.WriteString("  ")
		if at := e.Pos.String(); at != "" {
			b.WriteString(cleanName(at) + " ")
		}
		b.WriteString(clean(e.Text.In(s.Lang)) + "\n")
	}
	if !f.Fix.IsZero() {
		fmt.Fprintf(&b, "  %s%s\n", s.label(cyan, i18n.M("report.fix")), clean(f.Fix.In(s.Lang)))
	}
	return b.String()
}
