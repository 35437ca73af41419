package egress

import (
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
