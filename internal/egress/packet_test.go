package egress

import (
	"bytes"
	"net"
	"strings"
	"time"
	"unicode"

	"net/netip"
	"testing"
)

func FuzzPacket(f *testing.F) {
	a, b := netip.MustParseAddrPort("198.18.0.1:40000"), netip.MustParseAddrPort("203.0.113.9:53")
	f.Add(newPacket(a.Addr(), b.Addr(), protoUDP, []byte{156, 64, 0, 53, 0, 9, 0, 0, 'x'}).raw)
	f.Add(newPacket(netip.MustParseAddr("fd5c::1"), netip.MustParseAddr("2001:db8::1"), protoTCP, make([]byte, 20)).raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, ok := parse(raw)
		if !ok {
			return
		}
		src, dst := p.dst, p.src
		switch p.proto {
		case protoTCP:
			p.reset()
		case protoUDP:
			p.datagram(p.payload())
			p.unreachable()
			r := &Recorder{names: newNames()}
			r.answer(p.payload(), p.dst.Addr(), false)
		}
		p.rewrite(src, dst)
		q, ok := parse(p.raw)
		if !ok || q.src != src || q.dst != dst {
			t.Fatalf("rewritten to %v %v, read as %v %v", src, dst, q.src, q.dst)
		}
		if !p.v6 && sum(0, p.raw[:p.hdr]) != 0xffff {
			t.Fatal("wrong checksum")
		}
	})
}

// FuzzPeek reads what a program may say first.
func FuzzPeek(f *testing.F) {
	f.Add([]byte("GET /v1/ping HTTP/1.1\r\nHost: stats.example\r\n\r\n"))
	f.Add([]byte("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET http://b/ HTTP/1.0\r\n\r\n"))
	f.Add([]byte{0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3})
	f.Fuzz(func(t *testing.T, said []byte) {
		c := &speaker{Reader: bytes.NewReader(said)}
		var call Call
		peek(c, &call)
		if !c.closed {
			t.Error("not closed")
		}
		for _, s := range []string{call.HTTP, call.Host, call.SNI} {
			if len(s) > 210 || strings.ContainsFunc(s, unicode.IsControl) && strings.ContainsAny(s, "\x1b\n\r") {
				t.Errorf("%q", s)
			}
		}
	})
}

// speaker is a connection of a program that has said all it will say.
type speaker struct {
	*bytes.Reader
	net.Conn
	closed bool
}

func (s *speaker) Read(b []byte) (int, error)      { return s.Reader.Read(b) }
func (s *speaker) Write(b []byte) (int, error)     { return len(b), nil }
func (s *speaker) Close() error                    { s.closed = true; return nil }
func (s *speaker) SetDeadline(time.Time) error     { return nil }
func (s *speaker) SetReadDeadline(time.Time) error { return nil }
func (s *speaker) RemoteAddr() net.Addr            { return &net.TCPAddr{} }
func (s *speaker) LocalAddr() net.Addr             { return &net.TCPAddr{} }
