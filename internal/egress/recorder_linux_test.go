package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"github.com/slipway-build/slipway/internal/sandbox"
	"github.com/slipway-build/slipway/internal/testkit"
)

// space is a network namespace on a thread of its own.
type space struct{ work chan func() }

func newSpace(t *testing.T) *space {
	t.Helper()
	testkit.NeedE2E(t)
	if os.Geteuid() != 0 {
		t.Fatal("SLIPWAY_E2E=1, but this is not root")
	}
	s := &space{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			var nl *netlink
			if nl, err = openNetlink(plain{}); err == nil {
				err = errors.Join(nl.up(1), nl.route(false, unix.AF_INET, unix.RT_TABLE_LOCAL, unix.RT_SCOPE_HOST, unix.RTN_LOCAL, 1),
					nl.route(false, unix.AF_INET6, unix.RT_TABLE_LOCAL, unix.RT_SCOPE_UNIVERSE, unix.RTN_LOCAL, 1))
				nl.close()
			}
		}
		ready <- err
		for f := range s.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(s.work) })
	return s
}

func (s *space) Own() bool { return true }

func (s *space) Do(f func() error) error {
	done := make(chan error)
	s.work <- func() { done <- f() }
	return <-done
}

func (s *space) Socket(domain, kind, protocol int) (fd int, err error) {
	err = s.Do(func() error {
		fd, err = unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
		return err
	})
	return fd, err
}

func (s *space) Open(name string) (fd int, err error) {
	err = s.Do(func() error {
		fd, err = unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		return err
	})
	return fd, err
}

// plain makes sockets on the thread it is called on.
type plain struct{ sandbox.Network }

func (plain) Socket(domain, kind, protocol int) (int, error) {
	return unix.Socket(domain, kind|unix.SOCK_CLOEXEC, protocol)
}

func (s *space) DialContext(ctx context.Context, network, addr string) (c net.Conn, err error) {
	err = s.Do(func() error {
		c, err = (&net.Dialer{FallbackDelay: -1, Resolver: &net.Resolver{PreferGo: true}}).DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

func (s *space) Listen(ctx context.Context, network, addr string) (l net.Listener, err error) {
	err = s.Do(func() error {
		l, err = (&net.ListenConfig{}).Listen(ctx, network, addr)
		return err
	})
	return l, err
}

func (s *space) ListenPacket(ctx context.Context, network, addr string) (p net.PacketConn, err error) {
	err = s.Do(func() error {
		p, err = (&net.ListenConfig{}).ListenPacket(ctx, network, addr)
		return err
	})
	return p, err
}

// resolve asks Nameserver (or another) for an address.
func (s *space) resolve(t *testing.T, network, server, name string, typ dnsmessage.Type) (dnsmessage.Message, error) {
	t.Helper()
	c, err := s.DialContext(t.Context(), network, net.JoinHostPort(server, "53"))
	if err != nil {
		return dnsmessage.Message{}, err
	}
	defer c.Close()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{{
		Name: dnsmessage.MustNewName(name + "."), Type: typ, Class: dnsmessage.ClassINET,
	}}}
	q, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Second))
	in := make([]byte, 2048)
	if network == "tcp" {
		q = append([]byte{byte(len(q) >> 8), byte(len(q))}, q...)
	}
	if _, err := c.Write(q); err != nil {
		return dnsmessage.Message{}, err
	}
	if network == "tcp" {
		if _, err := io.ReadFull(c, in[:2]); err != nil {
			return dnsmessage.Message{}, err
		}
	}
	n, err := c.Read(in)
	if err != nil {
		return dnsmessage.Message{}, err
	}
	var out dnsmessage.Message
	return out, out.Unpack(in[:n])
}

func start(t *testing.T, s *space, o Options) *Recorder {
	t.Helper()
	r, err := Start(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func address(t *testing.T, m dnsmessage.Message) netip.Addr {
	t.Helper()
	if len(m.Answers) == 0 {
		t.Fatalf("no answer in %+v", m)
	}
	switch b := m.Answers[len(m.Answers)-1].Body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(b.A)
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(b.AAAA)
	}
	t.Fatalf("no address in %+v", m)
	return netip.Addr{}
}

// last gives the last call that was completed.
func last(t *testing.T, r *Recorder, ok func(Call) bool) Call {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		calls, _ := r.Calls()
		for i := len(calls) - 1; i >= 0; i-- {
			if ok(calls[i]) {
				return calls[i]
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no such call among %+v", calls)
		}
		runtime.Gosched()
	}
}

func TestCallsAreRecordedByNameAndContent(t *testing.T) {
	s := newSpace(t)
	r := start(t, s, Options{})
	for _, typ := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		m, err := s.resolve(t, "udp", Nameserver, "telemetry.example", typ)
		if err != nil {
			t.Fatal(err)
		}
		addr := address(t, m)
		c, err := s.DialContext(t.Context(), "tcp", netip.AddrPortFrom(addr, 443).String())
		if err != nil {
			t.Fatal(err)
		}
		err = tls.Client(c, &tls.Config{ServerName: "telemetry.example"}).HandshakeContext(t.Context())
		if err == nil {
			t.Fatal("somebody answered")
		}
		call := last(t, r, func(c Call) bool { return c.Proto == "tcp" && c.Addr == addr && c.SNI != "" })
		if call.Name != "telemetry.example" || call.SNI != "telemetry.example" || call.Port != 443 || call.Outcome != Closed {
			t.Errorf("%+v", call)
		}
		c.Close()
	}
	// An address that nobody was given, and a port of no name.
	c, err := s.DialContext(t.Context(), "tcp", "203.0.113.9:8125")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /v1/ping HTTP/1.1\r\nHost: stats.example\r\n\r\n")
	call := last(t, r, func(c Call) bool { return c.HTTP != "" })
	if call.HTTP != "GET /v1/ping" || call.Host != "stats.example" || call.Addr.String() != "203.0.113.9" || call.Port != 8125 {
		t.Errorf("%+v", call)
	}
	c.Close()
}

func TestProxyIsSeenThrough(t *testing.T) {
	s := newSpace(t)
	r := start(t, s, Options{})
	c, err := s.DialContext(t.Context(), "tcp", "192.0.2.1:3128")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	if tls.Client(c, &tls.Config{ServerName: "api.example"}).HandshakeContext(t.Context()) == nil {
		t.Fatal("somebody answered")
	}
	call := last(t, r, func(c Call) bool { return c.SNI != "" })
	if !call.Proxy || call.Host != "api.example:443" || call.SNI != "api.example" {
		t.Errorf("%+v", call)
	}
}

func TestForwarding(t *testing.T) {
	s := newSpace(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	}()
	r := start(t, s, Options{Reach: map[string]Service{"db.example:5432": Forward(l.Addr().String())}})
	m, err := s.resolve(t, "udp", Nameserver, "db.example", dnsmessage.TypeA)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.DialContext(t.Context(), "tcp", netip.AddrPortFrom(address(t, m), 5432).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := strings.Repeat("0123456789", 50000)
	go func() {
		_, _ = io.WriteString(c, want)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != want {
		t.Fatalf("%d bytes of %d came back: %v", len(got), len(want), err)
	}
	if call := last(t, r, func(c Call) bool { return c.Proto == "tcp" }); call.Outcome != Forwarded || call.Name != "db.example" {
		t.Errorf("%+v", call)
	}
}

func TestPolicies(t *testing.T) {
	t.Run("refuse", func(t *testing.T) {
		s := newSpace(t)
		r := start(t, s, Options{Policy: Refuse})
		for _, addr := range []string{"203.0.113.9:443", "[2001:db8::1]:443"} {
			if _, err := s.DialContext(t.Context(), "tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%s: %v", addr, err)
			}
			last(t, r, func(c Call) bool { return c.Outcome == Refused && netip.AddrPortFrom(c.Addr, c.Port).String() == addr })
		}
	})
	t.Run("drop", func(t *testing.T) {
		s := newSpace(t)
		r := start(t, s, Options{Policy: Drop})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if _, err := s.DialContext(ctx, "tcp", "203.0.113.9:443"); !os.IsTimeout(err) {
			t.Error(err)
		}
		if _, err := s.resolve(t, "udp", Nameserver, "a.example", dnsmessage.TypeA); !os.IsTimeout(err) {
			t.Error(err)
		}
		last(t, r, func(c Call) bool { return c.Proto == "dns" && c.Outcome == Dropped && c.Name == "a.example" })
	})
	t.Run("udp", func(t *testing.T) {
		s := newSpace(t)
		r := start(t, s, Options{})
		c, err := s.DialContext(t.Context(), "udp", "203.0.113.9:123")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(3 * time.Second))
		_, _ = c.Write([]byte("x"))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Error(err)
		}
		last(t, r, func(c Call) bool { return c.Proto == "udp" && c.Port == 123 && c.Outcome == Unreachable })
	})
	t.Run("no IPv6", func(t *testing.T) {
		s := newSpace(t)
		start(t, s, Options{NoIPv6: true})
		if _, err := s.DialContext(t.Context(), "tcp", "[2001:db8::1]:443"); err == nil {
			t.Error("IPv6 is there")
		}
		m, err := s.resolve(t, "udp", Nameserver, "a.example", dnsmessage.TypeAAAA)
		if err != nil || len(m.Answers) > 0 {
			t.Error(m, err)
		}
	})
}

func TestNamesBehave(t *testing.T) {
	s := newSpace(t)
	start(t, s, Options{OnlyZone: true, Zone: map[string]Answer{
		"a.test":     {A: true},
		"big.test":   {A: true, Truncate: true},
		"alias.test": {CNAME: "a.test"},
		"late.test":  {A: true, Delay: 100 * time.Millisecond},
		"lossy.test": {A: true, DropFirst: 1},
		"fail.test":  {A: true, FailFirst: true},
	}})
	ask := func(network, server, name string, typ dnsmessage.Type) (dnsmessage.Message, error) {
		return s.resolve(t, network, server, name, typ)
	}
	if m, err := ask("udp", Nameserver, "a.test", dnsmessage.TypeAAAA); err != nil || len(m.Answers) != 0 || m.RCode != 0 {
		t.Error(m, err)
	}
	if m, err := ask("udp", Nameserver, "no.test", dnsmessage.TypeA); err != nil || m.RCode != dnsmessage.RCodeNameError {
		t.Error(m, err)
	}
	if m, err := ask("udp", Nameserver, "big.test", dnsmessage.TypeA); err != nil || !m.Truncated || len(m.Answers) > 0 {
		t.Error(m, err)
	}
	if m, err := ask("tcp", Nameserver, "big.test", dnsmessage.TypeA); err != nil || m.Truncated || len(m.Answers) != 1 {
		t.Error(m, err)
	}
	if m, err := ask("udp", Nameserver, "alias.test", dnsmessage.TypeA); err != nil || len(m.Answers) != 2 {
		t.Error(m, err)
	}
	began := time.Now()
	if _, err := ask("udp", Nameserver, "late.test", dnsmessage.TypeA); err != nil || time.Since(began) < 100*time.Millisecond {
		t.Error(time.Since(began), err)
	}
	if _, err := ask("udp", Nameserver, "lossy.test", dnsmessage.TypeA); !os.IsTimeout(err) {
		t.Error(err)
	}
	if _, err := ask("udp", Nameserver, "lossy.test", dnsmessage.TypeA); err != nil {
		t.Error(err)
	}
	if m, err := ask("udp", Nameserver, "fail.test", dnsmessage.TypeA); err != nil || m.RCode != dnsmessage.RCodeServerFailure {
		t.Error(m, err)
	}
	if m, err := ask("udp", SecondNameserver, "fail.test", dnsmessage.TypeA); err != nil || len(m.Answers) != 1 {
		t.Error(m, err)
	}
}
