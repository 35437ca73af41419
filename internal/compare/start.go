package compare

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
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
}

// Probe is where a server is asked.
type Probe struct {
	Scheme string // http or https
	Addr   string // host:port in the sandbox's network
	Path   string
}

func (p Probe) String() string { return p.Scheme + "://" + p.Addr + p.Path }

// Port is the port of Addr.
func (p Probe) Port() string {
	_, port, _ := net.SplitHostPort(p.Addr) // ParseProbe has made sure of it
	return port
}

// ParseProbe reads http://:8080/healthz. The host is the loopback address
// unless it is named.
func ParseProbe(s string) (Probe, error) {
	bad := fault.UsageError(i18n.M("compare.probe", s), i18n.M("compare.probe.hint"))
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Port() == "" {
		return Probe{}, bad
	}
	host := u.Hostname()
	if host == "" {
		host = "127.0.0.1"
	}
	return Probe{Scheme: u.Scheme, Addr: net.JoinHostPort(host, u.Port()), Path: u.RequestURI()}, nil
}

// errCell is the error of a start that no further attempt would mend.
type errCell struct {
	msg  i18n.Message
	said string // by the program, at its end
}

func (e *errCell) Error() string { return e.msg.String() }

// meter takes the times of single starts.
type meter struct {
	runner  sandbox.Runner
	probe   Probe
	until   Until
	timeout time.Duration // of one start
}

// once starts a cell once and gives what was measured.
func (m *meter) once(ctx context.Context, s Start) (_ map[Metric]float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	spec, probe, err := m.placed(s.Spec)
	if err != nil {
		return nil, err
	}
	var said tail
	spec.Stdout, spec.Stderr = &said, &said
	box, err := m.runner.Prepare(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("prepare the start: %w", err)
	}
	defer func() {
		if cerr := box.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("end the program: %w", cerr)
		}
	}()
	if m.until != UntilExit && !box.Network().Own() {
		if err := free(ctx, box.Network(), probe.Addr); err != nil {
			return nil, err
		}
	}
	if s.Cache == Cold {
		if err := dropFile(s.File); err != nil {
			return nil, err
		}
	} else if err := readAhead(s.File); err != nil {
		return nil, err
	}
	began, err := box.Start(ctx)
	if err != nil {
		return nil, &errCell{msg: i18n.M("compare.start", err)}
	}
	exited := make(chan ended, 1)
	waiting, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		e, err := box.Wait(waiting)
		exited <- ended{e, err}
	}()
	defer func() {
		stop()
		<-done
	}()
	if m.until == UntilExit {
		return m.exit(ctx, began, exited, &said)
	}
	values, err := m.serve(ctx, box, began, probe, exited)
	if err != nil {
		if e, ok := errors.AsType[*errCell](err); ok {
			e.said = said.text()
		}
		return nil, err
	}
	return values, nil
}

type ended struct {
	exit sandbox.Exit
	err  error
}

func (m *meter) exit(ctx context.Context, began time.Time, exited <-chan ended, said *tail) (map[Metric]float64, error) {
	e := <-exited
	switch {
	case e.err != nil && ctx.Err() != nil:
		return nil, m.slow(ctx)
	case e.err != nil:
		return nil, fmt.Errorf("wait for the program: %w", e.err)
	case e.exit.Code != 0:
		return nil, &errCell{i18n.M("compare.exit.code", how(e.exit)), said.text()}
	}
	v := map[Metric]float64{Exited: float64(e.exit.At.Sub(began))}
	if cpu := e.exit.User + e.exit.System; cpu > 0 {
		v[CPU] = float64(cpu)
	}
	if e.exit.MaxRSS > 0 {
		v[RSS] = float64(e.exit.MaxRSS)
	}
	return v, nil
}

// slow is the error of a start that took too long, or was interrupted.
func (m *meter) slow(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &errCell{msg: i18n.M("compare.slow", m.timeout)}
	}
	return context.Cause(ctx)
}

// serve waits for the first connection and the first answers.
func (m *meter) serve(ctx context.Context, box sandbox.Box, began time.Time, probe Probe, exited <-chan ended) (map[Metric]float64, error) {
	v := map[Metric]float64{}
	pause := time.NewTimer(0)
	defer pause.Stop()
	wait := func() error {
		pause.Reset(pollStep)
		select {
		case e := <-exited:
			if e.err != nil && ctx.Err() != nil {
				return m.slow(ctx)
			}
			return &errCell{msg: i18n.M("compare.ended", how(e.exit))}
		case <-ctx.Done():
			return m.slow(ctx)
		case <-pause.C:
			return nil
		}
	}
	for {
		conn, err := box.Network().DialContext(ctx, "tcp", probe.Addr)
		if err != nil {
			if err := wait(); err != nil {
				return nil, err
			}
			continue
		}
		connected := time.Now()
		if _, ok := v[Listening]; !ok {
			v[Listening] = float64(connected.Sub(began))
			if m.until == UntilListening {
				conn.Close()
				usage(box.Pid(), v)
				return v, nil
			}
		}
		ok, err := ask(ctx, conn, probe, began, connected, box.Pid(), v)
		conn.Close()
		if ok {
			return v, nil
		}
		if e, is := errors.AsType[*errCell](err); is {
			return nil, e
		}
		if err := wait(); err != nil {
			return nil, err
		}
	}
}

// ask sends the two requests. It reports false if the server is not ready yet.
func ask(ctx context.Context, conn net.Conn, probe Probe, began, connected time.Time, pid int, v map[Metric]float64) (bool, error) {
	if d, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(d); err != nil {
			return false, fmt.Errorf("bound the request: %w", err)
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	if probe.Scheme == "https" {
		// Whose certificate it is plays no part in how long it takes.
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) //nolint:gosec
	}
	r := bufio.NewReader(conn)
	status, err := request(conn, r, probe)
	first := time.Now()
	if err != nil || status/100 != 2 {
		return false, err
	}
	usage(pid, v)
	v[Ready], v[First] = float64(first.Sub(began)), float64(first.Sub(connected))
	again := time.Now()
	if status, err = request(conn, r, probe); err == nil && status/100 == 2 {
		v[Second] = float64(time.Since(again))
	}
	return true, nil
}

// maxBody bounds what is read of an answer.
const maxBody = 64 << 20

func request(w io.Writer, r *bufio.Reader, probe Probe) (status int, err error) {
	if _, err := io.WriteString(w, "GET "+probe.Path+" HTTP/1.1\r\nHost: "+probe.Addr+"\r\nUser-Agent: slipway\r\nAccept: */*\r\n\r\n"); err != nil {
		return 0, fmt.Errorf("send request: %w", err)
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	if n > maxBody {
		return 0, &errCell{msg: i18n.M("compare.answer.large", maxBody>>20)}
	}
	return resp.StatusCode, nil
}

// placed chooses a free port if the program is told which one to take.
func (m *meter) placed(s sandbox.Spec) (sandbox.Spec, Probe, error) {
	uses := func(list []string) bool {
		for _, v := range list {
			if strings.Contains(v, PortMark) {
				return true
			}
		}
		return false
	}
	if !uses(s.Args) && !uses(s.Env) {
		return s, m.probe, nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return s, m.probe, fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if cerr := ln.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return s, m.probe, fmt.Errorf("find a free port: %w", err)
	}
	replace := func(list []string) []string {
		out := make([]string, len(list))
		for i, v := range list {
			out[i] = strings.ReplaceAll(v, PortMark, port)
		}
		return out
	}
	s.Args, s.Env = replace(s.Args), replace(s.Env)
	p := m.probe
	if host, _, err := net.SplitHostPort(p.Addr); err == nil {
		p.Addr = net.JoinHostPort(host, port)
	}
	return s, p, nil
}

// PortMark stands for a free port in arguments and variables.
const PortMark = "{port}"

// free makes sure that nobody else answers there.
func free(ctx context.Context, n sandbox.Network, addr string) error {
	conn, err := n.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil
	}
	conn.Close()
	return fault.UsageError(i18n.M("compare.port", addr), i18n.M("compare.port.hint", PortMark))
}

func how(e sandbox.Exit) string {
	if e.Signal != "" {
		return e.Signal
	}
	return fmt.Sprint(e.Code)
}
