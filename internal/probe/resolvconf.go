package probe

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// ResolvConf is /etc/resolv.conf as Go's resolver reads it
// (src/net/dnsconfig_unix.go).
type ResolvConf struct {
	Error         string   `json:"error,omitempty"`   // why the file could not be read
	Servers       []string `json:"servers"`           // host:port, at most three
	Named         bool     `json:"named"`             // the file names them; if not, they are Go's defaults
	Dropped       []string `json:"dropped,omitempty"` // servers that are no addresses, or more than three
	Search        []string `json:"search"`            // with a dot at the end
	Ndots         int      `json:"ndots"`
	Timeout       float64  `json:"timeout"` // seconds
	Attempts      int      `json:"attempts"`
	Rotate        bool     `json:"rotate,omitempty"`
	SingleRequest bool     `json:"singleRequest,omitempty"`
	UseTCP        bool     `json:"useTCP,omitempty"`
	TrustAD       bool     `json:"trustAD,omitempty"`
	Unknown       []string `json:"unknown,omitempty"` // words that Go passes over; a cgo program leaves all to libc then
}

func readResolvConf(sys System) ResolvConf {
	data, err := sys.read("/etc/resolv.conf")
	c := parseResolvConf(string(data))
	if err != nil {
		c.Error = cause(err)
	}
	if len(c.Servers) == 0 {
		c.Servers = []string{"127.0.0.1:53", "[::1]:53"}
	}
	if len(c.Search) == 0 {
		if h, err := os.Hostname(); err == nil {
			if _, domain, ok := strings.Cut(h, "."); ok && domain != "" {
				c.Search = []string{rooted(domain)}
			}
		}
	}
	return c
}

func parseResolvConf(data string) ResolvConf {
	c := ResolvConf{Servers: []string{}, Search: []string{}, Ndots: 1, Timeout: 5, Attempts: 2}
	for line := range strings.Lines(data) {
		if line[0] == ';' || line[0] == '#' {
			continue
		}
		f := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\r' || r == '\t' || r == '\n' })
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "nameserver":
			if len(f) < 2 {
				break
			}
			if _, err := netip.ParseAddr(f[1]); err != nil || len(c.Servers) >= 3 {
				c.Dropped = append(c.Dropped, f[1])
				break
			}
			c.Servers, c.Named = append(c.Servers, net.JoinHostPort(f[1], "53")), true
		case "domain":
			if len(f) > 1 {
				c.Search = []string{rooted(f[1])}
			}
		case "search":
			c.Search = []string{}
			for _, s := range f[1:] {
				if s = rooted(s); s != "." {
					c.Search = append(c.Search, s)
				}
			}
		case "options":
			for _, o := range f[1:] {
				c.option(o)
			}
		default:
			c.Unknown = append(c.Unknown, f[0])
		}
	}
	return c
}

func (c *ResolvConf) option(o string) {
	name, v, _ := strings.Cut(o, ":")
	switch name {
	case "ndots":
		c.Ndots = min(leading(v), 15)
	case "timeout":
		c.Timeout = float64(max(leading(v), 1))
	case "attempts":
		c.Attempts = max(leading(v), 1)
	case "rotate":
		c.Rotate = true
	case "single-request", "single-request-reopen":
		c.SingleRequest = true
	case "use-vc", "usevc", "tcp":
		c.UseTCP = true
	case "trust-ad":
		c.TrustAD = true
	case "edns0", "no-reload":
	default:
		c.Unknown = append(c.Unknown, o)
	}
}

// leading is the number that s begins with, as package net reads it: bounded,
// and 0 if there is none.
func leading(s string) int {
	n := 0
	for _, r := range s {
		if r < '0' || r > '9' {
			break
		}
		if n = n*10 + int(r-'0'); n >= 0xFFFFFF {
			return 0xFFFFFF
		}
	}
	return n
}

func (c ResolvConf) timeout() time.Duration { return time.Duration(c.Timeout * float64(time.Second)) }

func rooted(s string) string {
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// candidates are the names that are asked for, one after the other
// (dnsConfig.nameList in src/net/dnsclient_unix.go).
func (c ResolvConf) candidates(name string) []string {
	isRooted := strings.HasSuffix(name, ".")
	if len(name) > 254 || len(name) == 254 && !isRooted {
		return nil
	}
	onion := func(n string) bool { return strings.HasSuffix(strings.ToLower(n), ".onion.") }
	if isRooted {
		if onion(name) {
			return nil
		}
		return []string{name}
	}
	enough := strings.Count(name, ".") >= c.Ndots
	fqdn := name + "."
	var names []string
	if enough && !onion(fqdn) {
		names = append(names, fqdn)
	}
	for _, s := range c.Search {
		if n := fqdn + s; len(n) <= 254 && !onion(n) {
			names = append(names, n)
		}
	}
	if !enough && !onion(fqdn) {
		names = append(names, fqdn)
	}
	return names
}

// Order is which sources are asked for a host, and in which order.
type Order struct {
	Nsswitch string `json:"nsswitch,omitempty"` // the hosts line of /etc/nsswitch.conf; empty: there is none
	Error    string `json:"error,omitempty"`    // why the file could not be read
	Go       string `json:"go"`                 // files,dns or dns,files or files or dns: a program without cgo
	Cgo      string `json:"cgo"`                // the same for a program with cgo; libc: it leaves all to libc
	Why      string `json:"why,omitempty"`      // what makes a program with cgo ask libc
	Netdns   string `json:"netdns,omitempty"`   // of GODEBUG
}

// readOrder does what src/net/conf.go does.
func readOrder(sys System, conf ResolvConf, name string) Order {
	o := Order{Go: "files,dns", Cgo: "files,dns"}
	libc := func(why string) {
		if o.Cgo != "libc" {
			o.Cgo, o.Why = "libc", why
		}
	}
	for s := range strings.SplitSeq(sys.getenv("GODEBUG"), ",") {
		if v, ok := strings.CutPrefix(s, "netdns="); ok {
			o.Netdns = v
		}
	}
	data, err := sys.read("/etc/nsswitch.conf")
	if err != nil {
		o.Error = cause(err)
	}
	var sources []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		if db, rest, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(db) == "hosts" {
			o.Nsswitch = strings.Join(strings.Fields(rest), " ")
			sources = strings.Fields(rest)
		}
	}
	if err == nil && len(sources) > 0 {
		o.Go = orderOf(sources)
		o.Cgo = o.Go
		for _, s := range sources {
			switch {
			case s == "files" || s == "dns" || strings.HasPrefix(s, "["):
			case s == "myhostname":
				if h, err := os.Hostname(); err != nil || strings.EqualFold(h, name) || strings.HasSuffix(name, "localhost") {
					libc("nsswitch: " + s)
				}
			case strings.HasPrefix(s, "mdns"):
				if _, err := os.Stat(sys.path("/etc/mdns.allow")); err == nil || strings.HasSuffix(strings.TrimSuffix(strings.ToLower(name), "."), ".local") {
					libc("nsswitch: " + s)
				}
			default:
				libc("nsswitch: " + s)
			}
		}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		libc("/etc/nsswitch.conf: " + o.Error)
	}
	if len(conf.Unknown) > 0 {
		libc("resolv.conf: " + conf.Unknown[0])
	}
	for _, k := range []string{"LOCALDOMAIN", "RES_OPTIONS", "HOSTALIASES"} {
		if _, ok := sys.lookup(k); ok {
			libc(k)
		}
	}
	switch forced, _, _ := strings.Cut(o.Netdns, "+"); forced {
	case "cgo":
		o.Cgo = "libc"
		o.Why = "GODEBUG=netdns=cgo"
	case "go":
		o.Cgo, o.Why = o.Go, ""
	}
	return o
}

// orderOf is the order of a resolver that cannot ask libc: a source it does
// not know counts as dns, if dns is not named.
func orderOf(sources []string) string {
	first := ""
	files, dns, named := false, false, false
	for _, s := range sources {
		named = named || s == "dns"
	}
	for _, s := range sources {
		kind := ""
		switch {
		case strings.HasPrefix(s, "["):
		case s == "files":
			kind, files = "files", true
		case s == "dns" || !named:
			kind, dns = "dns", true
		}
		if first == "" {
			first = kind
		}
	}
	switch {
	case files && dns && first == "dns":
		return "dns,files"
	case files && !dns:
		return "files"
	case dns && !files:
		return "dns"
	}
	return "files,dns"
}

// HostsHit is an address of /etc/hosts.
type HostsHit struct {
	Line int    `json:"line"`
	IP   string `json:"ip"`
}

func readHosts(sys System, name string) (hits []HostsHit, err error) {
	data, err := sys.read("/etc/hosts")
	if err != nil {
		return nil, err
	}
	name = strings.TrimSuffix(name, ".")
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		ip, err := netip.ParseAddr(f[0])
		if err != nil {
			continue
		}
		for _, h := range f[1:] {
			if strings.EqualFold(strings.TrimSuffix(h, "."), name) {
				hits = append(hits, HostsHit{n, ip.String()})
				break
			}
		}
	}
	return hits, nil
}

func (o Order) has(source string) bool {
	for s := range strings.SplitSeq(o.Go, ",") {
		if s == source {
			return true
		}
	}
	return false
}

func (c ResolvConf) String() string {
	s := strings.Join(c.Servers, " ") + " ndots:" + strconv.Itoa(c.Ndots) + " timeout:" + strconv.FormatFloat(c.Timeout, 'f', -1, 64) + " attempts:" + strconv.Itoa(c.Attempts)
	if len(c.Search) > 0 {
		s += " search " + strings.Join(c.Search, " ")
	}
	for _, o := range []struct {
		on   bool
		name string
	}{{c.Rotate, "rotate"}, {c.SingleRequest, "single-request"}, {c.UseTCP, "use-vc"}, {c.TrustAD, "trust-ad"}} {
		if o.on {
			s += " " + o.name
		}
	}
	return s
}
