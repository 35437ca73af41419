package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Signal is what the platform sent.
type Signal struct {
	PID      int        `json:"pid"`
	Received []Received `json:"received"`
	// Sender says whether the kernel told who sent a signal.
	Sender bool `json:"sender"`
}

// Received is one signal.
type Received struct {
	Name    string  `json:"name"`
	Number  int     `json:"number"`
	Seconds float64 `json:"seconds"`           // since the probe was ready
	PID     int     `json:"pid"`               // of the sender; 0: the kernel, or a process that cannot be seen from here
	UID     int     `json:"uid"`               // of the sender; -1: unknown
	From    string  `json:"from"`              // user (kill), kernel, queue (sigqueue), thread (tgkill), unknown
	Command string  `json:"command,omitempty"` // of the sender, if it can still be seen
}

// SignalOptions says how long Signals waits.
type SignalOptions struct {
	For  time.Duration // how long to wait; 0: until a signal asks to stop
	Stay bool          // go on after SIGTERM, to see how long the platform waits before it kills
	// Event, if not nil, is told each signal, and each second after the first
	// one that asks to stop.
	Event func(Step)
	// Again is the command line, program name first, by which this process
	// executes itself once to come back here, so that the kernel says who sends
	// a signal; nil: it does not, and senders stay unknown. Env goes with it.
	Again, Env []string
}

// ErrAgain is the error of Signals where it could neither make the kernel say
// who sends a signal nor wait for signals otherwise.
var ErrAgain = errors.New("signals cannot be waited for here")

// Signals stands in for a program and tells which signals come, when and from
// whom. It ends at SIGTERM or SIGINT, or when its time is over.
func Signals(ctx context.Context, o SignalOptions) (Report, error) {
	r := newReport("signal", "")
	s := &Signal{PID: os.Getpid(), Received: []Received{}}
	r.Signal = s
	tell := func(st Step) {
		r.add(st)
		if o.Event != nil {
			o.Event(st)
		}
	}
	src, err := openSignals(o.Again, o.Env)
	if err != nil {
		return r.done(), err
	}
	defer src.close()
	s.Sender = src.sender
	begin := time.Now()
	ready := Step{Status: Info, What: i18n.M("probe.signal.ready"), Seen: fmt.Sprintf("pid=%d", s.PID)}
	switch {
	case s.PID == 1:
		ready.Note = i18n.M("probe.signal.pid1")
	case !src.sender:
		ready.Note = i18n.M("probe.signal.nosender")
	}
	tell(ready)
	done := ctx.Done()
	var end <-chan time.Time
	if o.For > 0 {
		t := time.NewTimer(o.For)
		defer t.Stop()
		end = t.C
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var asked time.Time // when the first signal to stop came
	for {
		select {
		case got, ok := <-src.c:
			if !ok {
				return r.done(), ErrAgain
			}
			got.Seconds = time.Since(begin).Round(time.Millisecond).Seconds()
			s.Received = append(s.Received, got)
			stops := got.Name == "SIGTERM" || got.Name == "SIGINT"
			tell(got.step(stops))
			if stops && !o.Stay {
				return r.done(), nil
			}
			if stops && asked.IsZero() {
				asked = time.Now()
				tick.Reset(time.Second)
			}
		case <-tick.C:
			if !asked.IsZero() && o.Event != nil {
				// Told, not kept: the last line in the log is the time that the
				// platform grants.
				o.Event(Step{Status: Info, What: i18n.M("probe.signal.alive"), Seen: fmt.Sprintf("%.0f s", time.Since(asked).Seconds())})
			}
		case <-done:
			// Somebody else was told of a signal before we could be, or wants us
			// to end. What is on its way is still taken.
			done = nil
			if !o.Stay {
				t := time.NewTimer(100 * time.Millisecond)
				defer t.Stop()
				end = t.C
			}
		case <-end:
			if len(s.Received) == 0 && o.For > 0 {
				tell(Step{Status: Info, What: i18n.M("probe.signal.none"), Seen: o.For.String()})
			}
			return r.done(), nil
		}
	}
}

func (g Received) step(stops bool) Step {
	st := Step{Status: Info, What: i18n.M("probe.signal.got", g.Name), Seen: fmt.Sprintf("t=%.3fs", g.Seconds)}
	switch g.From {
	case "kernel":
		st.Seen += " kernel"
		st.Note = i18n.M("probe.signal.kernel")
	case "unknown":
	default:
		st.Seen += fmt.Sprintf(" pid=%d uid=%d", g.PID, g.UID)
		if g.Command != "" {
			st.Seen += " " + g.Command
		}
		if g.PID == 0 {
			st.Note = i18n.M("probe.signal.outside")
		}
	}
	if stops {
		st.Status = OK
	}
	return st
}
