package egress

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// maxCalls bounds what is written down: a program that calls in a loop says
// nothing new after so many.
const maxCalls = 20000

// Recorder is the world outside one sandbox.
type Recorder struct {
	opts  Options
	names *names
	named map[string]bool // names in Options.Reach

	mu    sync.Mutex
	calls []*Call
	more  int // calls beyond maxCalls

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	stop   func() // closes what the goroutines wait for
}

func newRecorder(ctx context.Context, o Options) *Recorder {
	if o.Policy == "" {
		o.Policy = Listen
	}
	r := &Recorder{opts: o, names: newNames(), named: map[string]bool{}}
	for at := range o.Reach {
		if host, _, err := net.SplitHostPort(at); err == nil {
			r.named[host] = true
		}
	}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return r
}

// record keeps a call and gives it back, to be completed under r.mu.
func (r *Recorder) record(c Call) *Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.calls) >= maxCalls {
		r.more++
		return &c
	}
	r.calls = append(r.calls, &c)
	return &c
}

// Calls gives what was recorded so far, in order of time, and how many more
// there were than can be kept.
func (r *Recorder) Calls() ([]Call, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Call, len(r.calls))
	for i, c := range r.calls {
		out[i] = *c
	}
	return out, r.more
}

// Close ends the world outside and waits until nothing of it runs.
func (r *Recorder) Close() error {
	r.cancel()
	r.stop()
	r.wg.Wait()
	return nil
}

// service gives who answers at dst, if anybody was named.
func (r *Recorder) service(dst netip.AddrPort) (Service, string) {
	name := r.names.of(dst.Addr())
	port := strconv.Itoa(int(dst.Port()))
	if name != "" {
		if s, ok := r.opts.Reach[name+":"+port]; ok {
			return s, name
		}
	}
	return r.opts.Reach[net.JoinHostPort(dst.Addr().String(), port)], name
}

// serve answers one accepted connection.
func (r *Recorder) serve(c net.Conn, dst netip.AddrPort, call *Call) {
	stop := context.AfterFunc(r.ctx, func() { c.Close() })
	defer stop()
	if dst.Port() == 53 {
		r.serveDNS(r.ctx, c, dst.Addr())
		return
	}
	if s, _ := r.service(dst); s != nil {
		s(r.ctx, c)
		return
	}
	var seen Call
	peek(c, &seen)
	r.mu.Lock()
	call.SNI, call.HTTP, call.Host, call.Proxy = seen.SNI, seen.HTTP, seen.Host, seen.Proxy
	r.mu.Unlock()
}

// verdict decides on a new connection and records it.
func (r *Recorder) verdict(dst netip.AddrPort) *Call {
	s, name := r.service(dst)
	c := Call{At: time.Now(), Proto: "tcp", Name: name, Addr: dst.Addr(), Port: dst.Port(), Outcome: Closed}
	switch {
	case s != nil:
		c.Outcome = Forwarded
	case dst.Port() == 53 && r.opts.Policy != Drop:
		// The questions are recorded, each by itself.
		return &c
	case r.opts.Policy == Refuse:
		c.Outcome = Refused
	case r.opts.Policy == Drop:
		c.Outcome = Dropped
	}
	return r.record(c)
}
