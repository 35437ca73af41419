package egress

import (
	"encoding/binary"
	"net/netip"
)

// Protocol numbers of IP.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// Flags of TCP.
const (
	flagSYN = 0x02
	flagRST = 0x04
	flagACK = 0x10
)

// packet is an IP packet with its TCP or UDP header, in place.
type packet struct {
	raw      []byte // the whole packet
	v6       bool
	proto    byte
	hdr      int // length of the IP header
	src, dst netip.AddrPort
}

// parse reads a packet as far as it is TCP or UDP without extension headers
// and fragments: a kernel sends no others to a device with a fixed MTU, save
// for oversized UDP.
func parse(b []byte) (packet, bool) {
	p := packet{raw: b}
	if len(b) < 20 {
		return p, false
	}
	var src, dst netip.Addr
	switch b[0] >> 4 {
	case 4:
		p.hdr = int(b[0]&15) * 4
		total := int(binary.BigEndian.Uint16(b[2:]))
		if p.hdr < 20 || total < p.hdr || total > len(b) || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
			return p, false
		}
		p.raw, p.proto = b[:total], b[9]
		src, dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	case 6:
		if len(b) < 40 {
			return p, false
		}
		p.v6, p.hdr, p.proto = true, 40, b[6]
		total := 40 + int(binary.BigEndian.Uint16(b[4:]))
		if total > len(b) {
			return p, false
		}
		p.raw = b[:total]
		src, dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	default:
		return p, false
	}
	need := 8
	switch p.proto {
	case protoTCP:
		need = 20
	case protoUDP:
	default:
		return p, false
	}
	seg := p.raw[p.hdr:]
	if len(seg) < need {
		return p, false
	}
	p.src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(seg))
	p.dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(seg[2:]))
	return p, true
}

func (p packet) flags() byte { return p.raw[p.hdr+13] }

// payload is that of UDP.
func (p packet) payload() []byte { return p.raw[p.hdr+8:] }

// rewrite changes both ends. They are of the packet's own IP version.
func (p *packet) rewrite(src, dst netip.AddrPort) {
	seg := p.raw[p.hdr:]
	if p.v6 {
		a, b := src.Addr().As16(), dst.Addr().As16()
		copy(p.raw[8:], a[:])
		copy(p.raw[24:], b[:])
	} else {
		a, b := src.Addr().As4(), dst.Addr().As4()
		copy(p.raw[12:], a[:])
		copy(p.raw[16:], b[:])
	}
	binary.BigEndian.PutUint16(seg, src.Port())
	binary.BigEndian.PutUint16(seg[2:], dst.Port())
	p.src, p.dst = src, dst
	p.seal()
}

// seal writes the checksums anew.
func (p packet) seal() {
	if !p.v6 {
		p.raw[10], p.raw[11] = 0, 0
		binary.BigEndian.PutUint16(p.raw[10:], ^sum(0, p.raw[:p.hdr]))
	}
	seg := p.raw[p.hdr:]
	var at int
	switch p.proto {
	case protoTCP:
		at = 16
	case protoUDP:
		at = 6
	case protoICMP:
		seg[2], seg[3] = 0, 0
		binary.BigEndian.PutUint16(seg[2:], ^sum(0, seg))
		return
	case protoICMPv6:
		at = 2
	}
	seg[at], seg[at+1] = 0, 0
	// The pseudo header of RFC 9293 3.1 and RFC 8200 8.1.
	s := uint32(p.proto) + uint32(len(seg))
	if p.v6 {
		s = uint32(sum(s, p.raw[8:40]))
	} else {
		s = uint32(sum(s, p.raw[12:20]))
	}
	c := ^sum(s, seg)
	if c == 0 && p.proto == protoUDP {
		c = 0xffff // 0 means that there is none
	}
	binary.BigEndian.PutUint16(seg[at:], c)
}

// sum is the sum of RFC 1071, folded.
func sum(s uint32, b []byte) uint16 {
	t := uint64(s)
	for ; len(b) >= 2; b = b[2:] {
		t += uint64(b[0])<<8 | uint64(b[1])
	}
	if len(b) == 1 {
		t += uint64(b[0]) << 8
	}
	for t > 0xffff {
		t = t>>16 + t&0xffff
	}
	return uint16(t)
}

// newPacket makes an IP packet around a segment whose checksum is still to be
// written.
func newPacket(src, dst netip.Addr, proto byte, seg []byte) packet {
	p := packet{v6: dst.Is6(), proto: proto, hdr: 20}
	if p.v6 {
		p.hdr = 40
	}
	b := make([]byte, p.hdr, p.hdr+len(seg))
	if p.v6 {
		b[0] = 6 << 4
		binary.BigEndian.PutUint16(b[4:], uint16(len(seg)))
		b[6], b[7] = proto, 64
		s, d := src.As16(), dst.As16()
		copy(b[8:], s[:])
		copy(b[24:], d[:])
	} else {
		b[0] = 4<<4 | 5
		binary.BigEndian.PutUint16(b[2:], uint16(20+len(seg)))
		b[6], b[8], b[9] = 0x40, 64, proto
		s, d := src.As4(), dst.As4()
		copy(b[12:], s[:])
		copy(b[16:], d[:])
	}
	p.raw = append(b, seg...)
	p.seal()
	return p
}

// reset answers a SYN as a closed port does.
func (p packet) reset() packet {
	in := p.raw[p.hdr:]
	seg := make([]byte, 20)
	copy(seg, in[2:4])
	copy(seg[2:], in[:2])
	binary.BigEndian.PutUint32(seg[8:], binary.BigEndian.Uint32(in[4:])+1)
	seg[12], seg[13] = 5<<4, flagRST|flagACK
	return newPacket(p.dst.Addr(), p.src.Addr(), protoTCP, seg)
}

// datagram answers a UDP packet.
func (p packet) datagram(payload []byte) packet {
	in := p.raw[p.hdr:]
	seg := make([]byte, 8, 8+len(payload))
	copy(seg, in[2:4])
	copy(seg[2:], in[:2])
	binary.BigEndian.PutUint16(seg[4:], uint16(8+len(payload)))
	return newPacket(p.dst.Addr(), p.src.Addr(), protoUDP, append(seg, payload...))
}

// unreachable is ICMP's "port unreachable" for p.
func (p packet) unreachable() packet {
	seg := []byte{3, 3, 0, 0, 0, 0, 0, 0}
	proto := byte(protoICMP)
	if p.v6 {
		seg[0], seg[1], proto = 1, 4, protoICMPv6
	}
	return newPacket(p.dst.Addr(), p.src.Addr(), proto, append(seg, p.raw[:p.hdr+8]...))
}
