package egress

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxNames bounds the names that get an address: 198.18.0.0/15 has no more.
const maxNames = 1<<17 - 512

// names gives each name addresses of its own.
type names struct {
	mu     sync.Mutex
	index  map[string]int
	byAddr map[netip.Addr]string
	asked  map[string]int // questions so far, of names with DropFirst
}

func newNames() *names {
	return &names{index: map[string]int{}, byAddr: map[netip.Addr]string{}, asked: map[string]int{}}
}

// addrs gives the addresses of a name; !ok once there are too many names.
func (n *names) addrs(name string) (v4, v6 netip.Addr, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i, known := n.index[name]
	if !known {
		if i = len(n.index); i >= maxNames {
			return v4, v6, false
		}
		n.index[name] = i
	}
	// The first 256 addresses are those of the recorder itself.
	var b4 [4]byte
	binary.BigEndian.PutUint32(b4[:], 198<<24|18<<16|uint32(256+i))
	b6 := [16]byte{0: 0xfd, 1: 0x5c}
	binary.BigEndian.PutUint32(b6[12:], uint32(256+i))
	v4, v6 = netip.AddrFrom4(b4), netip.AddrFrom16(b6)
	if !known {
		n.byAddr[v4], n.byAddr[v6] = name, name
	}
	return v4, v6, true
}

func (n *names) of(a netip.Addr) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byAddr[a]
}

// drop reports whether this question is one of the first that go unanswered.
func (n *names) drop(key string, first int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked[key]++
	return n.asked[key] <= first
}

// reply is what becomes of a DNS question.
type reply struct {
	msg   []byte // nil: none
	delay time.Duration
}

// answer answers a question that was sent to server. It gives the call to
// record, and false for what is no question.
func (r *Recorder) answer(q []byte, server netip.Addr, tcp bool) (reply, Call, bool) {
	var ps dnsmessage.Parser
	h, err := ps.Start(q)
	if err != nil || h.Response {
		return reply{}, Call{}, false
	}
	qu, err := ps.Question()
	if err != nil {
		return reply{}, Call{}, false
	}
	name := strings.ToLower(strings.TrimSuffix(qu.Name.String(), "."))
	c := Call{At: time.Now(), Proto: "dns", Name: name, Type: strings.TrimPrefix(qu.Type.String(), "Type"), Addr: server, Port: 53, Outcome: Answered}
	a, inZone := r.opts.Zone[name]
	switch {
	case r.opts.Policy == Drop && !inZone && !r.named[name]:
		c.Outcome = Dropped
		return reply{}, c, true
	case !inZone && (r.opts.OnlyZone && !r.named[name] || strings.HasSuffix(name, ".in-addr.arpa") || strings.HasSuffix(name, ".ip6.arpa")):
		a = Answer{RCode: int(dnsmessage.RCodeNameError)}
	case !inZone:
		a = Answer{A: true, AAAA: !r.opts.NoIPv6}
	}
	if a.DropFirst > 0 && r.names.drop(name+" "+c.Type, a.DropFirst) {
		c.Outcome = Dropped
		return reply{}, c, true
	}
	if a.FailFirst && server.String() == Nameserver {
		a = Answer{RCode: int(dnsmessage.RCodeServerFailure)}
	}
	msg, err := r.build(h, qu, a, name, tcp)
	if err != nil {
		return reply{}, Call{}, false
	}
	if a.RCode != 0 {
		c.Outcome = strings.TrimPrefix(dnsmessage.RCode(a.RCode).String(), "RCode")
	}
	return reply{msg: msg, delay: a.Delay}, c, true
}

func (r *Recorder) build(h dnsmessage.Header, qu dnsmessage.Question, a Answer, name string, tcp bool) ([]byte, error) {
	out := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true,
			Authoritative: true, RCode: dnsmessage.RCode(a.RCode), Truncated: a.Truncate && !tcp,
		},
		Questions: []dnsmessage.Question{qu},
	}
	owner := qu.Name
	for range 8 { // as long as a chain may be
		if a.CNAME == "" {
			break
		}
		target, err := dnsmessage.NewName(a.CNAME + ".")
		if err != nil {
			return nil, err
		}
		out.Answers = append(out.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: 5}, Body: &dnsmessage.CNAMEResource{CNAME: target},
		})
		name, owner = a.CNAME, target
		var ok bool
		if a, ok = r.opts.Zone[name]; !ok {
			a = Answer{A: true, AAAA: !r.opts.NoIPv6}
		}
	}
	if out.Truncated {
		out.Answers = nil
		return out.Pack()
	}
	if a.RCode == 0 {
		v4, v6, ok := r.names.addrs(name)
		hdr := dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: 5}
		switch {
		case !ok:
			out.RCode = dnsmessage.RCodeRefused
		case qu.Type == dnsmessage.TypeA && a.A:
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: hdr, Body: &dnsmessage.AResource{A: v4.As4()}})
		case qu.Type == dnsmessage.TypeAAAA && a.AAAA:
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: hdr, Body: &dnsmessage.AAAAResource{AAAA: v6.As16()}})
		}
	}
	return out.Pack()
}

// serveDNS answers questions over TCP.
func (r *Recorder) serveDNS(ctx context.Context, c net.Conn, server netip.Addr) {
	defer c.Close()
	for {
		if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return
		}
		var n [2]byte
		if _, err := io.ReadFull(c, n[:]); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(n[:]))
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		rep, call, ok := r.answer(q, server, true)
		if !ok {
			return
		}
		call.Type += "/tcp"
		r.record(call)
		if rep.msg == nil || !wait(ctx, rep.delay) {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(rep.msg))), rep.msg...)); err != nil {
			return
		}
	}
}

// wait waits for d; false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
