// Package egress is the world outside a sandbox, as a program in it sees it:
// every name resolves, every address can be called, and whoever is called is
// written down. Nothing leaves the machine but what was asked to be forwarded.
//
// # How
//
// The default route of the sandbox's network leads into a TUN device that this
// package reads. DNS questions are answered from there, to whatever server they
// are sent; each name gets an address of its own, out of the ranges that are
// set aside for tests (RFC 2544, RFC 4193), so that a later connection tells
// its name. TCP is handed back to the kernel with both ends rewritten, so that
// one listener gets the connections to all addresses and ports without taking
// a port that the program itself may want. What the program says first is read
// there: the server name of a TLS hello, the request line of HTTP.
//
// The package knows packets and protocols, and nothing of images and
// judgements.
package egress

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// Nameserver and SecondNameserver answer DNS; they belong into resolv.conf of
// the sandbox. (Any other address is answered on port 53 as well.)
const (
	Nameserver       = "198.18.0.53"
	SecondNameserver = "198.18.0.54"
)

// Self is the program's own address in its network, besides the loopback
// address.
const Self = "198.18.0.1"

// Policy is what becomes of a call that nobody was named for.
type Policy string

// The policies.
const (
	// Listen accepts the connection, reads what the program says first, and
	// closes it without an answer.
	Listen Policy = "listen"
	// Refuse answers every connection with a reset. Names resolve.
	Refuse Policy = "refuse"
	// Drop answers nothing at all, DNS included, as a firewall does that
	// drops packets.
	Drop Policy = "drop"
)

// Options say how the world outside behaves.
type Options struct {
	Policy Policy // "": Listen
	// Reach are the services there are, by "name:port" or "address:port".
	Reach map[string]Service
	// Zone are names with a behaviour of their own, in lower case and without
	// the dot at the end. All others have an IPv4 and an IPv6 address.
	Zone map[string]Answer
	// OnlyZone says that no names exist but those of Zone and Reach.
	OnlyZone bool
	NoIPv6   bool // the network has no IPv6 at all
}

// Service answers one connection, and closes it. ctx ends with the recorder.
type Service func(ctx context.Context, c net.Conn)

// Answer is how a name resolves.
type Answer struct {
	A, AAAA   bool
	CNAME     string        // the name is another name for this one
	RCode     int           // such as 3, NXDOMAIN; 0: no error
	Truncate  bool          // over UDP, only a truncated answer is given
	Delay     time.Duration // each answer comes late
	DropFirst int           // so many questions go unanswered
	// FailFirst makes Nameserver say SERVFAIL; others answer.
	FailFirst bool
}

// Call is one thing the program asked of the world outside.
type Call struct {
	At    time.Time  `json:"-"`
	Proto string     `json:"proto"`           // dns, tcp, udp
	Name  string     `json:"name,omitempty"`  // the name asked for, or that the address was given for
	Type  string     `json:"type,omitempty"`  // of a DNS question, such as AAAA
	Addr  netip.Addr `json:"addr,omitzero"`   // who was called
	Port  uint16     `json:"port,omitempty"`  //
	SNI   string     `json:"sni,omitempty"`   // server name in the TLS hello
	HTTP  string     `json:"http,omitempty"`  // request line
	Host  string     `json:"host,omitempty"`  // of the HTTP request
	Proxy bool       `json:"proxy,omitempty"` // the program took the called one for an HTTP proxy
	// Outcome is what it got: answered, refused, dropped, forwarded,
	// unreachable (UDP), closed (accepted, read and closed).
	Outcome string `json:"outcome"`
}

// The outcomes.
const (
	Answered    = "answered"
	Refused     = "refused"
	Dropped     = "dropped"
	Forwarded   = "forwarded"
	Unreachable = "unreachable"
	Closed      = "closed"
)

// Forward gives a Service that connects to addr on this machine.
func Forward(addr string) Service {
	return func(ctx context.Context, c net.Conn) {
		defer c.Close()
		var d net.Dialer
		up, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return
		}
		splice(ctx, c, up)
	}
}
