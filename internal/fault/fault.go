// Package fault is how slipway tells a user that something went wrong: what
// is wrong and where, what to do next, and which exit code follows. Stages
// return a *Error when a person can act on the cause; every other error is
// wrapped as usual and ends as exit code 1.
package fault

import (
	"errors"
	"fmt"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Exit codes, the same for every command.
const (
	OK       = 0 // nothing wrong
	Failed   = 1 // slipway, or a tool it ran, failed
	Usage    = 2 // the command line, configuration or input is wrong
	Findings = 3 // findings at or above the threshold
)

// Error is an error a person can act on.
type Error struct {
	Pos    Pos          // where, if it is in a file
	Msg    i18n.Message // what is wrong
	Hint   i18n.Message // what to do; may be zero
	Detail string       // raw output of a tool that explains it, such as a compiler's; may be empty
	Code   int          // exit code
	Cause  error        // may be nil
}

// Pos is a place in a file. Line and Column start at 1; 0 means unknown.
type Pos struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String gives file:line:column, leaving out what is unknown.
func (p Pos) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// UsageError makes an error that ends with exit code 2.
func UsageError(msg, hint i18n.Message) *Error {
	return &Error{Msg: msg, Hint: hint, Code: Usage}
}

// New makes an error that ends with exit code 1.
func New(cause error, msg, hint i18n.Message) *Error {
	return &Error{Msg: msg, Hint: hint, Code: Failed, Cause: cause}
}

// Error gives the English text with its position, without the hint.
func (e *Error) Error() string { return e.In(i18n.English) }

// In gives the text in one language with its position, without the hint.
func (e *Error) In(l i18n.Lang) string {
	s := e.Msg.In(l)
	if p := e.Pos.String(); p != "" {
		s = p + ": " + s
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// ExitCode gives the exit code err stands for: 0 for nil, the code of the
// *Error in its chain, else 1.
func ExitCode(err error) int {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Code != 0 {
		return e.Code
	}
	return Failed
}
