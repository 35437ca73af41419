package trial

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// What became of a request that was under way at the stop signal.
const (
	Finished   = "finished"    // it was answered
	Dropped    = "dropped"     // it was not
	Awaited    = "awaited"     // the program waited for the second half of the question
	NotAwaited = "not-awaited" // it ended, though there was half a question
)

// underway is a request that began before the stop signal. Either its answer
// takes a while (Options.Slow), or only the first half of the question is sent
// before the signal. For that one net/http's Shutdown waits, up to five
// seconds (Go issue 22682); it does not answer it any more once it has the
// second half, so that only the waiting can be judged.
type underway struct {
	c    net.Conn
	req  *http.Request
	p    Probe
	half bool // the rest of the question is not sent
}

// begin begins a request; nil if it cannot be.
func (r *run) begin(ctx context.Context) *underway {
	p := r.life.probe
	if r.t.o.Slow != nil {
		p = *r.t.o.Slow
	}
	if p.Scheme == "tcp" {
		return nil
	}
	c, err := r.box.Network().DialContext(ctx, "tcp", p.addr(r.life.Sockets))
	if err != nil {
		return nil
	}
	_ = c.SetDeadline(time.Now().Add(r.t.o.Stop + 5*time.Second))
	if p.Scheme == "https" {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Scheme+"://"+p.addr(r.life.Sockets)+p.Path, nil)
	if err != nil {
		c.Close()
		return nil
	}
	req.Header.Set("User-Agent", "slipway-verify")
	req.Close = true
	var b strings.Builder
	if err := req.Write(&b); err != nil {
		c.Close()
		return nil
	}
	u := &underway{c: c, req: req, p: p}
	text := b.String()
	if r.t.o.Slow == nil {
		text, u.half = text[:len(text)-2], true
	}
	if _, err := io.WriteString(c, text); err != nil {
		c.Close()
		return nil
	}
	// The server has accepted it once it has read; nothing tells so but time.
	r.pause(ctx, 100*time.Millisecond)
	return u
}

// finish sends the rest and reads the answer.
func (u *underway) finish(ctx context.Context) (outcome, detail string) {
	defer u.c.Close()
	stop := context.AfterFunc(ctx, func() { u.c.Close() })
	defer stop()
	res, err := http.ReadResponse(bufio.NewReader(u.c), u.req)
	if err != nil {
		return Dropped, cause(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<20)); err != nil {
		return Dropped, cause(err)
	}
	// 503 while it drains is an answer as well.
	return Finished, ""
}
