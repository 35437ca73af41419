package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// Query is one question to one name server, and what came back.
type Query struct {
	Name      string   `json:"name"` // with a dot at the end
	Type      string   `json:"type"`
	Server    string   `json:"server"`
	Proto     string   `json:"proto"` // udp or tcp
	RCode     string   `json:"rcode,omitempty"`
	Answers   []Answer `json:"answers,omitempty"`
	Size      int      `json:"size,omitempty"` // of the answer, in bytes
	EDNS      int      `json:"edns,omitempty"` // the size of UDP answers the server takes; 0: it does not speak EDNS
	Truncated bool     `json:"truncated,omitempty"`
	Lame      bool     `json:"lame,omitempty"`  // neither an answer nor willing to look for one
	Error     string   `json:"error,omitempty"` // refused, timeout or as it came
	Millis    float64  `json:"millis"`
}

// Answer is one record.
type Answer struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	TTL   uint32 `json:"ttl"` // seconds
	Value string `json:"value"`
}

// udpSize is the size of UDP answers that Go's resolver says it takes
// (src/net/dnsclient_unix.go, maxDNSPacketSize).
const udpSize = 1232

var errForeign = errors.New("answer to another question")

// ask sends one question over one protocol.
func ask(ctx context.Context, server, proto, name string, typ dnsmessage.Type, timeout time.Duration) Query {
	q := Query{Name: name, Type: typeName(typ), Server: server, Proto: proto}
	begin := time.Now()
	defer func() { q.Millis = millis(time.Since(begin)) }()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	id, packet, err := question(name, typ)
	if err != nil {
		q.Error = err.Error()
		return q
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, proto, server)
	if err != nil {
		q.Error = explain(err)
		return q
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := exchange(conn, proto, id, name, typ, packet)
	if err != nil {
		q.Error = explain(err)
		if ctx.Err() != nil {
			q.Error = "timeout"
		}
		return q
	}
	q.Size = len(raw)
	if err := q.read(raw); err != nil {
		q.Error = err.Error()
	}
	q.Millis = millis(time.Since(begin))
	return q
}

func question(name string, typ dnsmessage.Type) (id uint16, packet []byte, err error) {
	n, err := dnsmessage.NewName(name)
	if err != nil {
		return 0, nil, fmt.Errorf("%s is no domain name: %w", name, err)
	}
	var b [2]byte
	_, _ = rand.Read(b[:])
	id = binary.BigEndian.Uint16(b[:])
	m := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true})
	err = m.StartQuestions()
	if err == nil {
		err = m.Question(dnsmessage.Question{Name: n, Type: typ, Class: dnsmessage.ClassINET})
	}
	if err == nil {
		err = m.StartAdditionals()
	}
	var h dnsmessage.ResourceHeader
	if err == nil {
		err = h.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false)
	}
	if err == nil {
		err = m.OPTResource(h, dnsmessage.OPTResource{})
	}
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", name, err)
	}
	packet, err = m.Finish()
	return id, packet, err
}

// exchange sends the packet and waits for the answer to it; others are passed
// over, as whoever can send us a datagram could send a wrong one.
func exchange(conn net.Conn, proto string, id uint16, name string, typ dnsmessage.Type, packet []byte) ([]byte, error) {
	if proto == "tcp" {
		packet = append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
	}
	if _, err := conn.Write(packet); err != nil {
		return nil, err
	}
	buf := make([]byte, 64<<10)
	for range 64 {
		n := 0
		if proto == "tcp" {
			if _, err := io.ReadFull(conn, buf[:2]); err != nil {
				return nil, err
			}
			n = int(binary.BigEndian.Uint16(buf))
			if _, err := io.ReadFull(conn, buf[:n]); err != nil {
				return nil, err
			}
		} else {
			var err error
			if n, err = conn.Read(buf); err != nil {
				return nil, err
			}
		}
		if answers(buf[:n], id, name, typ) {
			return buf[:n:n], nil
		}
		if proto == "tcp" {
			return nil, errForeign
		}
	}
	return nil, errForeign
}

func answers(raw []byte, id uint16, name string, typ dnsmessage.Type) bool {
	var p dnsmessage.Parser
	h, err := p.Start(raw)
	if err != nil || !h.Response || h.ID != id {
		return false
	}
	q, err := p.Question()
	if err != nil {
		// Some servers send an error without the question.
		return h.RCode != dnsmessage.RCodeSuccess
	}
	return q.Type == typ && strings.EqualFold(q.Name.String(), name)
}

// read takes an answer apart.
func (q *Query) read(raw []byte) error {
	var p dnsmessage.Parser
	h, err := p.Start(raw)
	if err != nil {
		return err
	}
	q.RCode, q.Truncated = rcodeName(h.RCode), h.Truncated
	if err := p.SkipAllQuestions(); err != nil {
		return err
	}
	for {
		a, err := p.Answer()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if err != nil {
			if h.Truncated {
				return nil
			}
			return err
		}
		if len(q.Answers) < 256 {
			q.Answers = append(q.Answers, Answer{a.Header.Name.String(), typeName(a.Header.Type), a.Header.TTL, valueOf(a.Body)})
		}
	}
	q.Lame = h.RCode == dnsmessage.RCodeSuccess && !h.Authoritative && !h.RecursionAvailable && len(q.Answers) == 0
	if err := p.SkipAllAuthorities(); err != nil {
		return nil
	}
	for {
		r, err := p.AdditionalHeader()
		if err != nil {
			return nil
		}
		if r.Type == dnsmessage.TypeOPT {
			q.EDNS = int(r.Class)
		}
		if p.SkipAdditional() != nil {
			return nil
		}
	}
}

func typeName(t dnsmessage.Type) string { return strings.TrimPrefix(t.String(), "Type") }

func rcodeName(c dnsmessage.RCode) string {
	switch c {
	case dnsmessage.RCodeSuccess:
		return "NOERROR"
	case dnsmessage.RCodeFormatError:
		return "FORMERR"
	case dnsmessage.RCodeServerFailure:
		return "SERVFAIL"
	case dnsmessage.RCodeNameError:
		return "NXDOMAIN"
	case dnsmessage.RCodeNotImplemented:
		return "NOTIMP"
	case dnsmessage.RCodeRefused:
		return "REFUSED"
	}
	return fmt.Sprintf("RCODE%d", c)
}

func valueOf(b dnsmessage.ResourceBody) string {
	switch b := b.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(b.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(b.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return b.CNAME.String()
	case *dnsmessage.NSResource:
		return b.NS.String()
	}
	return ""
}

// explain is the cause of a network error in a word or two, without addresses.
func explain(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return cause(e.Err)
	}
	return cause(err)
}

// addresses are those that a query gave, whatever chain led to them.
func (q Query) addresses() []string {
	var out []string
	for _, a := range q.Answers {
		if a.Type == q.Type && (a.Type == "A" || a.Type == "AAAA") {
			out = append(out, a.Value)
		}
	}
	return out
}

// negative says that the name does not exist or has no such record: an answer
// that ends the search among servers.
func (q Query) negative() bool {
	return q.Error == "" && (q.RCode == "NXDOMAIN" || q.RCode == "NOERROR" && !q.Lame && len(q.addresses()) == 0)
}

// String is what a line of the report shows.
func (q Query) String() string {
	if q.Error != "" {
		return q.Error
	}
	s := q.RCode
	for i, a := range q.Answers {
		if i == 6 {
			s += fmt.Sprintf(" … (%d)", len(q.Answers)-i)
			break
		}
		s += fmt.Sprintf(" %s %s ttl=%d", a.Type, a.Value, a.TTL)
	}
	if q.Truncated {
		s += " truncated"
	}
	if q.Lame {
		s += " lame"
	}
	s += fmt.Sprintf(" %dB", q.Size)
	if q.EDNS > 0 {
		s += fmt.Sprintf(" edns=%d", q.EDNS)
	}
	return s
}
