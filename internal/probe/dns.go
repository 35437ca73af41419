package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/slipway-build/slipway/internal/i18n"
)

// DNS is how names become addresses here.
type DNS struct {
	Order   Order      `json:"order"`
	Conf    ResolvConf `json:"resolvConf"`
	Servers []Query    `json:"servers,omitempty"` // whether each answers at all; asked if no name was given
	Lookups []Lookup   `json:"lookups,omitempty"`
}

// Lookup is the way of one name.
type Lookup struct {
	Name       string     `json:"name"`
	Hosts      []HostsHit `json:"hosts,omitempty"`
	Candidates []string   `json:"candidates,omitempty"` // names in the order they are asked for
	Queries    []Query    `json:"queries,omitempty"`
	Winner     string     `json:"winner,omitempty"` // the candidate that has addresses
	Addresses  []string   `json:"addresses"`        // what was found, in the order Go would try them
	Wasted     int        `json:"wasted"`           // queries before those that gave the answer
	WastedMS   float64    `json:"wastedMillis"`
	Go         *GoAnswer  `json:"go,omitempty"` // package net itself
}

// GoAnswer is what package net says, asked directly.
type GoAnswer struct {
	Addresses []string `json:"addresses,omitempty"`
	Error     string   `json:"error,omitempty"`
	Millis    float64  `json:"millis"`
}

// DNSOptions says what Resolve asks.
type DNSOptions struct {
	Names  []string
	Server string // address of a name server in place of those of resolv.conf; the port may be left out
}

// Resolve walks the way of Go's resolver for each name.
func Resolve(ctx context.Context, sys System, o DNSOptions) (Report, error) {
	r := newReport("dns", strings.Join(o.Names, " "))
	d := &DNS{Conf: readResolvConf(sys)}
	r.DNS = d
	if o.Server != "" {
		s, err := serverAddr(o.Server)
		if err != nil {
			return r.done(), err
		}
		d.Conf.Servers, d.Conf.Named = []string{s}, true
	}
	first := ""
	if len(o.Names) > 0 {
		first = o.Names[0]
	}
	d.Order = readOrder(sys, d.Conf, first)
	d.confSteps(r, o)
	if len(o.Names) == 0 {
		d.pings(ctx, r)
	}
	for _, n := range o.Names {
		if ctx.Err() != nil {
			break
		}
		d.lookup(ctx, sys, r, n, o.Server != "")
	}
	return r.done(), nil
}

func serverAddr(s string) (string, error) {
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return netip.AddrPortFrom(a, 53).String(), nil
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return "", err
	}
	return a.String(), nil
}

func (d *DNS) confSteps(r *Report, o DNSOptions) {
	st := Step{Status: Info, What: i18n.M("probe.dns.order"), Seen: d.Order.Go}
	switch {
	case d.Order.Error != "":
		st.Seen += " (/etc/nsswitch.conf: " + d.Order.Error + ")"
	case d.Order.Nsswitch != "":
		st.Seen += " (nsswitch hosts: " + d.Order.Nsswitch + ")"
	}
	if d.Order.Cgo == "libc" {
		st.Note = i18n.M("probe.dns.cgo", d.Order.Why)
	}
	r.add(st)
	st = Step{Status: OK, What: i18n.M("probe.dns.conf"), Seen: d.Conf.String()}
	switch {
	case o.Server != "":
	case d.Conf.Error != "":
		st.Status, st.Note, st.Fix = Warn, i18n.M("probe.dns.noconf", d.Conf.Error), i18n.M("probe.dns.noconf.fix")
	case !d.Conf.Named:
		st.Status, st.Note, st.Fix = Warn, i18n.M("probe.dns.noserver"), i18n.M("probe.dns.noconf.fix")
	case len(d.Conf.Dropped) > 0:
		st.Status, st.Note = Warn, i18n.M("probe.dns.dropped", strings.Join(d.Conf.Dropped, " "))
	case len(d.Conf.Unknown) > 0:
		st.Note = i18n.M("probe.dns.unknown", strings.Join(d.Conf.Unknown, " "))
	}
	r.add(st)
}

// pings asks each server for the root, which every one knows and which tells
// nobody what this program looks for.
func (d *DNS) pings(ctx context.Context, r *Report) {
	qs := make([]Query, len(d.Conf.Servers))
	var wg sync.WaitGroup
	for i, s := range d.Conf.Servers {
		wg.Go(func() { qs[i] = ask(ctx, s, "udp", ".", dnsmessage.TypeNS, min(d.Conf.timeout(), 2*time.Second)) })
	}
	wg.Wait()
	d.Servers = qs
	alive := 0
	for _, q := range qs {
		if q.Error == "" {
			alive++
		}
	}
	for _, q := range qs {
		st := Step{Status: OK, What: i18n.M("probe.dns.server", q.Server), Seen: q.RCode, Millis: q.Millis}
		if q.Error != "" {
			st.Status, st.Seen = Warn, q.Error
			if alive == 0 {
				st.Status = Fail
			}
			st.Note, st.Fix = why(q)
		}
		r.add(st)
	}
}

// why explains a query that got no answer.
func why(q Query) (note, fix i18n.Message) {
	switch q.Error {
	case "refused":
		return i18n.M("probe.dns.refused"), i18n.M("probe.dns.refused.fix")
	case "timeout":
		return i18n.M("probe.dns.timeout"), i18n.M("probe.dns.timeout.fix")
	}
	return i18n.M("probe.dns.unreachable"), i18n.Message{}
}

func (d *DNS) lookup(ctx context.Context, sys System, r *Report, name string, override bool) {
	l := Lookup{Name: name, Addresses: []string{}}
	defer func() { d.Lookups = append(d.Lookups, l) }()
	if _, err := netip.ParseAddr(name); err == nil {
		l.Addresses = []string{name}
		r.add(Step{Status: OK, What: i18n.M("probe.dns.name", name), Note: i18n.M("probe.dns.literal")})
		return
	}
	order := readOrder(sys, d.Conf, name)
	if order.has("files") {
		l.hosts(sys, r)
	}
	hit := len(l.Hosts) > 0 && strings.HasPrefix(order.Go, "files")
	if order.has("dns") && !hit {
		l.ask(ctx, d.Conf, r)
	}
	if len(l.Addresses) == 0 {
		for _, h := range l.Hosts {
			l.Addresses = append(l.Addresses, h.IP)
		}
	}
	if sys.Root == "" {
		l.own(ctx, d.Conf, override)
	}
	r.add(l.outcome())
	l.differences(ctx, d.Conf, r, override)
}

func (l *Lookup) hosts(sys System, r *Report) {
	var err error
	l.Hosts, err = readHosts(sys, l.Name)
	st := Step{Status: Info, What: i18n.M("probe.dns.hosts", l.Name), Seen: "-"}
	if err != nil {
		st.Seen = cause(err)
	}
	for i, h := range l.Hosts {
		if i == 0 {
			st.Seen, st.Status = "", OK
		}
		st.Seen += fmt.Sprintf("%s (line %d) ", h.IP, h.Line)
	}
	st.Seen = strings.TrimSpace(st.Seen)
	r.add(st)
}

// ask goes through the candidates: A and AAAA at once, unless resolv.conf says
// one after the other, until one has an address.
func (l *Lookup) ask(ctx context.Context, conf ResolvConf, r *Report) {
	l.Candidates = conf.candidates(l.Name)
	for _, name := range l.Candidates {
		if ctx.Err() != nil {
			return
		}
		begin := time.Now()
		types := []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}
		tried := make([][]Query, len(types))
		var wg sync.WaitGroup
		for i, t := range types {
			if conf.SingleRequest {
				tried[i] = try(ctx, conf, name, t)
				continue
			}
			wg.Go(func() { tried[i] = try(ctx, conf, name, t) })
		}
		wg.Wait()
		took := time.Since(begin)
		var found []string
		for _, qs := range tried {
			for _, q := range qs {
				l.Queries = append(l.Queries, q)
				r.add(q.step())
			}
			found = append(found, qs[len(qs)-1].addresses()...)
		}
		if len(found) > 0 {
			l.Winner = name
			l.Addresses = found
			return
		}
		l.Wasted += len(tried[0]) + len(tried[1])
		l.WastedMS += millis(took)
	}
}

// try asks the servers in turn, as often as resolv.conf says, until one knows;
// a truncated answer is asked for again over TCP.
func try(ctx context.Context, conf ResolvConf, name string, t dnsmessage.Type) []Query {
	var out []Query
	for range conf.Attempts {
		for _, s := range conf.Servers {
			proto := "udp"
			if conf.UseTCP {
				proto = "tcp"
			}
			q := ask(ctx, s, proto, name, t, conf.timeout())
			out = append(out, q)
			if q.Truncated && proto == "udp" {
				q = ask(ctx, s, "tcp", name, t, conf.timeout())
				out = append(out, q)
			}
			if len(q.addresses()) > 0 || q.negative() || ctx.Err() != nil || len(out) >= 64 {
				return out
			}
		}
	}
	return out
}

func (q Query) step() Step {
	st := Step{Status: Info, What: i18n.M("probe.dns.query", q.Type, q.Name, q.Server, q.Proto), Seen: q.String(), Millis: q.Millis}
	switch {
	case q.Error != "":
		st.Status = Warn
		st.Note, st.Fix = why(q)
	case q.Truncated && q.Proto == "udp":
		st.Note = i18n.M("probe.dns.truncated")
	case len(q.addresses()) > 0:
		st.Status = OK
	case q.RCode == "FORMERR":
		st.Status, st.Note = Warn, i18n.M("probe.dns.formerr")
	case q.RCode == "SERVFAIL":
		st.Status, st.Note = Warn, i18n.M("probe.dns.servfail")
	case q.RCode == "REFUSED":
		st.Status, st.Note = Warn, i18n.M("probe.dns.refusedname")
	case q.Lame:
		st.Status, st.Note = Warn, i18n.M("probe.dns.lame")
	}
	return st
}

// own asks package net the same: it sorts the addresses by RFC 6724, and is
// the witness for all that was said before.
func (l *Lookup) own(ctx context.Context, conf ResolvConf, override bool) {
	res := net.Resolver{PreferGo: true}
	if override {
		res.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, conf.Servers[0])
		}
	}
	begin := time.Now()
	addrs, err := res.LookupNetIP(ctx, "ip", l.Name)
	l.Go = &GoAnswer{Millis: millis(time.Since(begin))}
	if err != nil {
		l.Go.Error = err.Error()
		return
	}
	for _, a := range addrs {
		l.Go.Addresses = append(l.Go.Addresses, a.Unmap().String())
	}
	if sameSet(l.Go.Addresses, l.Addresses) {
		l.Addresses = l.Go.Addresses
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

func (l *Lookup) outcome() Step {
	st := Step{Status: OK, What: i18n.M("probe.dns.name", l.Name), Seen: strings.Join(l.Addresses, " ")}
	if l.Go != nil {
		st.Millis = l.Go.Millis
	}
	if len(l.Addresses) > 0 {
		if l.Go != nil && !sameSet(l.Go.Addresses, l.Addresses) {
			st.Status, st.Note = Warn, i18n.M("probe.dns.differs", orNone(strings.Join(l.Go.Addresses, " ")+l.Go.Error))
		} else if len(l.Hosts) > 0 && l.Winner == "" {
			st.Note = i18n.M("probe.dns.fromhosts")
		}
		return st
	}
	st.Status = Fail
	if l.Go != nil {
		st.Seen = l.Go.Error
	}
	switch {
	case len(l.Queries) > 0 && !slices.ContainsFunc(l.Queries, func(q Query) bool { return q.Error == "" }):
		st.Note = i18n.M("probe.dns.nobody")
		_, st.Fix = why(l.Queries[len(l.Queries)-1])
	case slices.ContainsFunc(l.Queries, func(q Query) bool { return q.Error != "" || q.RCode != "NOERROR" && q.RCode != "NXDOMAIN" }):
		st.Note = i18n.M("probe.dns.broken")
	case slices.ContainsFunc(l.Queries, func(q Query) bool { return q.RCode == "NOERROR" }):
		st.Note = i18n.M("probe.dns.nodata")
	default:
		st.Note, st.Fix = i18n.M("probe.dns.nxdomain"), i18n.M("probe.dns.nxdomain.fix")
	}
	return st
}

// differences are where musl and glibc would come to something else, or where
// the way costs more than it must.
func (l *Lookup) differences(ctx context.Context, conf ResolvConf, r *Report, override bool) {
	if l.Wasted > 0 && l.Winner != "" {
		st := Step{Status: Info, What: i18n.M("probe.dns.wasted", l.Wasted, l.Wasted+2), Seen: fmt.Sprintf("ndots:%d", conf.Ndots), Millis: l.WastedMS,
			Fix: i18n.M("probe.dns.wasted.fix", strings.TrimSuffix(l.Winner, ".")+".")}
		if l.Wasted >= 4 {
			st.Status, st.Note = Warn, i18n.M("probe.dns.wasted.note")
		}
		r.add(st)
	}
	asItIs := strings.TrimSuffix(l.Name, ".") + "."
	if l.Winner != "" && l.Winner != asItIs && strings.Count(l.Name, ".") >= conf.Ndots {
		r.add(Step{Status: Warn, What: i18n.M("probe.dns.musl"), Seen: "EAI_NONAME", Note: i18n.M("probe.dns.musl.search", conf.Ndots), Fix: i18n.M("probe.dns.musl.search.fix", l.Winner)})
	}
	if i := slices.IndexFunc(l.Queries, func(q Query) bool { return q.Name != l.Winner && (q.Error != "" || q.RCode == "SERVFAIL") }); i >= 0 && l.Winner != "" {
		r.add(Step{Status: Warn, What: i18n.M("probe.dns.musl"), Seen: "EAI_AGAIN", Note: i18n.M("probe.dns.musl.again", l.Queries[i].Name)})
	}
	if slices.ContainsFunc(l.Queries, func(q Query) bool { return q.Truncated && q.Proto == "udp" }) {
		r.add(Step{Status: Info, What: i18n.M("probe.dns.musl"), Seen: "< 1.2.4", Note: i18n.M("probe.dns.musl.tcp")})
	}
	if l.Winner != "" && !override && len(conf.Servers) > 1 && ctx.Err() == nil {
		l.compare(ctx, conf, r)
	}
}

// compare asks the servers that were not needed: Go and glibc ask them only
// if the first is silent, musl asks all at once and believes the fastest.
func (l *Lookup) compare(ctx context.Context, conf ResolvConf, r *Report) {
	base := map[string]string{}
	for _, q := range l.Queries {
		if q.Name == l.Winner && q.Error == "" && !q.Truncated {
			base[q.Type] = answerKey(q)
		}
	}
	asked := map[string]bool{}
	for _, q := range l.Queries {
		asked[q.Server+q.Type+q.Name] = true
	}
	for _, s := range conf.Servers {
		if asked[s+"A"+l.Winner] || base["A"] == "" {
			continue
		}
		q := ask(ctx, s, "udp", l.Winner, dnsmessage.TypeA, min(conf.timeout(), 2*time.Second))
		if q.Truncated {
			continue
		}
		st := Step{Status: OK, What: i18n.M("probe.dns.other", s), Seen: q.String(), Millis: q.Millis}
		switch {
		case q.Error != "":
			st.Status = Info
		case answerKey(q) != base["A"]:
			st.Status, st.Note, st.Fix = Warn, i18n.M("probe.dns.split"), i18n.M("probe.dns.split.fix")
		}
		r.add(st)
	}
}

func answerKey(q Query) string {
	return q.RCode + " " + strings.Join(slices.Sorted(slices.Values(q.addresses())), " ")
}

// isTimeout reports whether err is a deadline that passed.
func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
