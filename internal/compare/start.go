package compare

import (
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// pollStep is how long the measuring sleeps between two attempts to connect.
// It is the resolution of Listening; the kernel's timers add some 60 µs.
const pollStep = 100 * time.Microsecond

// Until says when a start is over.
type Until string

// The ends of a start.
const (
	UntilReady     Until = "ready"     // the first answer with status 2xx
	UntilListening Until = "listening" // the first connection
	UntilExit      Until = "exit"      // the program ends by itself with code 0
)

// metric is what decides how many rounds there are, and what cells are
// compared by.
func (u Until) metric() Metric {
	switch u {
	case UntilExit:
		return Exited
	case UntilListening:
		return Listening
	}
	return Ready
}

// Cache says how the page cache finds a start.
type Cache string

// The states of the page cache.
const (
	Warm Cache = "warm" // the program's file is in memory
	Cold Cache = "cold" // it was dropped from it
)

// Start is a cell that can be started.
type Start struct {
	Cell  int // index
	Spec  sandbox.Spec
	File  string // the program on this disk
	Cache Cache
	// Runner starts it; nil is that of Options.
	Runner sandbox.Runner
}

// errCell is the error of a start that no further attempt would mend.
type errCell struct {
	msg  i18n.Message
	said string // by the program, at its end
}

func (e *errCell) Error() string { return e.msg.String() }
