package trial

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/slipway-build/slipway/internal/egress"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// Phase is how far a life came.
type Phase string

// The phases.
const (
	NotStarted Phase = "not-started" // it could not be executed
	Exited     Phase = "exited"      // it ended by itself before it answered
	Silent     Phase = "silent"      // it never listened
	NoAnswer   Phase = "no-answer"   // it listened, and never gave the answer that was expected
	Serving    Phase = "serving"     // it answered
	Crashed    Phase = "crashed"     // it answered, and ended by itself afterwards
	Running    Phase = "running"     // it runs, and nobody said that it should listen
)

// Life is one run from start to end. Times are milliseconds from the start.
type Life struct {
	Phase    Phase         `json:"phase"`
	Error    string        `json:"error,omitempty"` // why it could not be executed
	ListenMs float64       `json:"listenMs,omitempty"`
	ReadyMs  float64       `json:"readyMs,omitempty"`
	Sockets  []Socket      `json:"sockets,omitempty"`
	Answer   *Answer       `json:"answer,omitempty"` // the first good one, or the last bad one
	Asked    int           `json:"asked,omitempty"`  // questions while it was watched
	Lost     int           `json:"lost,omitempty"`   // those without the expected answer
	Reload   *Reload       `json:"reload,omitempty"`
	Stop     *Stop         `json:"stop,omitempty"`
	Exit     *sandbox.Exit `json:"exit,omitempty"`
	EndMs    float64       `json:"endMs,omitempty"`
	Log      []string      `json:"log,omitempty"` // last lines of what it printed

	probe    Probe
	hosts    []Host
	noEgress string
}

// Reload is what a reload signal did.
type Reload struct {
	Signal string `json:"signal"`
	Asked  int    `json:"asked"`
	Lost   int    `json:"lost"`
	Ended  bool   `json:"ended"` // the signal ended the program
}

// Stop is what the stop signal did.
type Stop struct {
	Signal string  `json:"signal"`
	Ms     float64 `json:"ms"`     // from the signal to the end
	Killed bool    `json:"killed"` // it did not end in time
	// Request is what became of the request that was under way, such as
	// finished; "" if there was none.
	Request string `json:"request,omitempty"`
	Detail  string `json:"detail,omitempty"` // how it was dropped
}

// ok reports whether it did what others are compared with.
func (l *Life) ok() bool {
	return l.Phase == Serving || l.Phase == Running || l.Phase == Exited && l.Exit != nil && l.Exit.Code == 0
}

// scope is how much of a life is lived.
type scope int

const (
	toReady scope = iota // to the first answer
	full                 // to the end
)

// run is a life while it goes on.
type run struct {
	t     *trial
	box   sandbox.Box
	log   *tail
	life  *Life
	began time.Time
	ended chan struct{} // closed at the end of the program
	exit  sandbox.Exit
}

// live runs the program once. The error says that it could not be tried.
func (t *trial) live(ctx context.Context, spec sandbox.Spec, eo egress.Options, sc scope) (*Life, error) {
	return t.liveWith(ctx, spec, eo, sc, nil)
}

// liveWith calls then with the program once it answers.
func (t *trial) liveWith(ctx context.Context, spec sandbox.Spec, eo egress.Options, sc scope, then func(context.Context, *run) error) (_ *Life, err error) {
	r := &run{t: t, log: &tail{}, life: &Life{}, ended: make(chan struct{})}
	spec.Stdout, spec.Stderr = r.log, r.log
	if r.box, err = t.o.Runner.Prepare(ctx, spec); err != nil {
		return nil, fmt.Errorf("make the sandbox: %w", err)
	}
	waitCtx, stopWaiting := context.WithCancel(context.WithoutCancel(ctx))
	started, waited := false, make(chan struct{})
	var rec *egress.Recorder
	defer func() {
		if rec != nil {
			rec.Close()
		}
		if cerr := r.box.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("remove the sandbox: %w", cerr)
		}
		stopWaiting()
		if started {
			<-waited
		}
	}()
	rec, err = egress.Start(ctx, r.box.Network(), eo)
	if why, un := unsupported(err); un {
		if eo.Policy != "" || eo.NoIPv6 || eo.Zone != nil {
			return nil, err
		}
		r.life.noEgress = why
	} else if err != nil {
		return nil, err
	}
	if r.began, err = r.box.Start(ctx); err != nil {
		if _, un := unsupported(err); un || ctx.Err() != nil {
			return nil, fmt.Errorf("start the program: %w", err)
		}
		r.life.Phase, r.life.Error = NotStarted, printable(err.Error())
		return r.life, nil
	}
	started = true
	go func() {
		defer close(waited)
		e, err := r.box.Wait(waitCtx)
		if err == nil {
			r.exit = e
			close(r.ended)
		}
	}()
	if err := r.through(ctx, sc, then); err != nil {
		return nil, err
	}
	if r.over() {
		r.life.Exit, r.life.EndMs = &r.exit, millis(r.exit.At.Sub(r.began))
	}
	r.life.Log = r.log.last(logLines)
	if rec != nil {
		calls, _ := rec.Calls()
		r.life.hosts = hosts(calls, r.began, r.readyAt())
	}
	return r.life, nil
}

func (r *run) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

func (r *run) since() float64 { return millis(time.Since(r.began)) }

func (r *run) readyAt() time.Time {
	if r.life.ReadyMs == 0 {
		return time.Time{}
	}
	return r.began.Add(time.Duration(r.life.ReadyMs * float64(time.Millisecond)))
}

// through lives through the phases.
func (r *run) through(ctx context.Context, sc scope, then func(context.Context, *run) error) error {
	if err := r.untilReady(ctx); err != nil {
		return err
	}
	served := r.life.Phase == Serving
	if served && then != nil {
		if err := then(ctx, r); err != nil {
			return err
		}
	}
	if sc == toReady || !served && r.life.Phase != Running {
		return ctx.Err()
	}
	if served {
		r.life.Asked, r.life.Lost = r.watch(ctx, r.t.o.Steady)
		if r.over() {
			r.life.Phase = Crashed
			return ctx.Err()
		}
		if err := r.reload(ctx); err != nil {
			return err
		}
	}
	if !r.over() {
		if err := r.stop(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// pause waits a moment; false if the program or ctx ended.
func (r *run) pause(ctx context.Context, d time.Duration) bool {
	tm := time.NewTimer(d)
	defer tm.Stop()
	select {
	case <-tm.C:
		return true
	case <-r.ended:
	case <-ctx.Done():
	}
	return false
}

// untilReady waits for the first answer.
func (r *run) untilReady(ctx context.Context) error {
	o, s := r.t.o, r.t.s
	expected := o.Probe != nil || len(s.Ports) > 0 || len(s.Health) > 0
	limit := o.Start
	if !expected {
		limit = min(limit, 5*time.Second)
	}
	deadline := r.began.Add(limit)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	l := r.life
	for step := 500 * time.Microsecond; ; step = min(step*5/4, 25*time.Millisecond) {
		// Whoever reads /proc can be slower than a program is.
		if socks := listening(r.box.Pid()); len(socks) > 0 && !r.over() {
			if l.ListenMs == 0 && slices.ContainsFunc(socks, func(k Socket) bool { return k.Proto == "tcp" }) {
				l.ListenMs = r.since()
			}
			l.Sockets = socks
		}
		if l.ListenMs > 0 && r.answers(ctx) {
			l.ReadyMs, l.Phase = r.since(), Serving
			// More may be there by now than when it began to listen.
			if socks := listening(r.box.Pid()); len(socks) > 0 {
				l.Sockets = socks
			}
			return nil
		}
		if r.pause(ctx, step) {
			continue
		}
		switch {
		case r.over():
			l.Phase = Exited
		case !time.Now().Before(deadline.Add(-time.Millisecond)):
			switch {
			case l.ListenMs > 0:
				l.Phase = NoAnswer
			case expected:
				l.Phase = Silent
			default:
				l.Phase = Running
			}
		default:
			return context.Cause(ctx)
		}
		return nil
	}
}

// answers asks once.
func (r *run) answers(ctx context.Context) bool {
	l := r.life
	if p := r.t.o.Probe; p != nil {
		l.probe = *p
		actx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		a := ask(actx, r.box.Network(), *p, l.Sockets)
		if a.Err == "" || l.Answer == nil || !l.Answer.http {
			l.Answer = &a
		}
		return a.ok
	}
	p, a, ok := r.t.s.discover(ctx, r.box.Network(), l.Sockets)
	if a.Probe != "" {
		l.Answer = &a
	}
	// A port that is open before the one that answers, and an error page
	// before the page, are given a second.
	good := a.http && a.Status/100 == 2
	if !ok || !good && r.since() < l.ListenMs+1000 {
		return false
	}
	l.probe = p
	return true
}

// watch asks again and again, and counts the answers that were not as
// expected.
func (r *run) watch(ctx context.Context, d time.Duration) (asked, lost int) {
	end := time.Now().Add(d)
	for {
		actx, cancel := context.WithTimeout(ctx, 5*time.Second)
		a := ask(actx, r.box.Network(), r.life.probe, r.life.Sockets)
		cancel()
		if ctx.Err() != nil {
			return asked, lost
		}
		asked++
		if !a.ok {
			lost++
		}
		if !time.Now().Before(end) || !r.pause(ctx, 20*time.Millisecond) {
			return asked, lost
		}
	}
}

func (r *run) reload(ctx context.Context) error {
	if r.t.o.Reload == "" {
		return nil
	}
	sig, err := parseSignal(r.t.o.Reload)
	if err != nil {
		return err
	}
	if err := r.box.Signal(sig); err != nil && !r.over() {
		return fmt.Errorf("send %s: %w", r.t.o.Reload, err)
	}
	rl := &Reload{Signal: r.t.o.Reload}
	rl.Asked, rl.Lost = r.watch(ctx, max(r.t.o.Steady, time.Second))
	rl.Ended = r.over()
	r.life.Reload = rl
	return nil
}

// stop sends the stop signal while a request is under way, and waits for the
// end.
func (r *run) stop(ctx context.Context) error {
	name := r.t.s.StopSignal
	sig, err := parseSignal(name)
	if err != nil {
		return err
	}
	st := &Stop{Signal: name}
	r.life.Stop = st
	var req *underway
	if r.life.Phase == Serving {
		req = r.begin(ctx)
	}
	sent := time.Now()
	if err := r.box.Signal(sig); err != nil && !r.over() {
		return fmt.Errorf("send %s: %w", name, err)
	}
	switch {
	case req != nil && req.half:
		// Long enough for a program to end that does not wait for anybody.
		st.Request = Awaited
		if !r.pause(ctx, 300*time.Millisecond) && r.over() {
			st.Request = NotAwaited
		}
		req.c.Close()
	case req != nil:
		st.Request, st.Detail = req.finish(ctx)
	}
	wctx, cancel := context.WithDeadline(ctx, sent.Add(r.t.o.Stop))
	defer cancel()
	select {
	case <-r.ended:
	case <-wctx.Done():
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		st.Killed = true
		kill, err := parseSignal("SIGKILL")
		if err != nil {
			return err
		}
		if err := r.box.Signal(kill); err != nil && !r.over() {
			return fmt.Errorf("kill the program: %w", err)
		}
		kctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		select {
		case <-r.ended:
		case <-kctx.Done():
			return errors.New("the program does not end even when it is killed")
		}
	}
	st.Ms = millis(r.exit.At.Sub(sent))
	return nil
}

// reachable reports whether any of the sockets can be reached from outside.
func reachable(socks []Socket, port uint16) (known, ok bool) {
	for _, s := range socks {
		if s.Proto != "tcp" || port != 0 && s.Addr.Port() != port {
			continue
		}
		known = true
		if !s.loopback() {
			return true, true
		}
	}
	return known, false
}

// sockets puts addresses into words: [::] and 0.0.0.0 are "every address".
func socketText(addr netip.AddrPort) string {
	if addr.Addr().IsUnspecified() {
		return fmt.Sprintf("*:%d", addr.Port())
	}
	return addr.String()
}
