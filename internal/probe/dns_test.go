package probe

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is what a name server of a test knows: names with a dot at the end.
type zone map[string]rr

type rr struct {
	a, aaaa  []string
	cname    string
	rcode    dnsmessage.RCode
	truncate bool // over UDP
	silent   bool
}

// nameServer serves z on UDP and TCP of one port of the loopback interface.
func nameServer(t *testing.T, z zone) string {
	t.Helper()
	var pc net.PacketConn
	var ln net.Listener
	for range 20 { // the port that is free on UDP may be taken on TCP
		var err error
		if pc, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if ln, err = net.Listen("tcp", pc.LocalAddr().String()); err == nil {
			break
		}
		pc.Close()
	}
	if ln == nil {
		t.Fatal("no port is free on both UDP and TCP")
	}
	t.Cleanup(func() { pc.Close(); ln.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if out := z.answer(buf[:n], false); out != nil {
				_, _ = pc.WriteTo(out, from)
			}
		}
	}()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				var l [2]byte
				for {
					if _, err := io.ReadFull(c, l[:]); err != nil {
						return
					}
					q := make([]byte, binary.BigEndian.Uint16(l[:]))
					if _, err := io.ReadFull(c, q); err != nil {
						return
					}
					out := z.answer(q, true)
					_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
				}
			}()
		}
	}()
	return pc.LocalAddr().String()
}

func (z zone) answer(q []byte, tcp bool) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(q)
	if err != nil {
		return nil
	}
	question, err := p.Question()
	if err != nil {
		return nil
	}
	r, ok := z[question.Name.String()]
	if r.silent {
		return nil
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: h.ID, Response: true, RecursionAvailable: true, RCode: r.rcode}, Questions: []dnsmessage.Question{question}}
	if !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	name := question.Name
	add := func(t dnsmessage.Type, b dnsmessage.ResourceBody) {
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name, Type: t, Class: dnsmessage.ClassINET, TTL: 30}, Body: b})
	}
	if r.cname != "" {
		add(dnsmessage.TypeCNAME, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(r.cname)})
		name = dnsmessage.MustNewName(r.cname)
		r = z[r.cname]
	}
	if r.truncate && !tcp {
		m.Truncated = true
	} else if question.Type == dnsmessage.TypeA {
		for _, a := range r.a {
			add(question.Type, &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()})
		}
	} else if question.Type == dnsmessage.TypeAAAA {
		for _, a := range r.aaaa {
			add(question.Type, &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(a).As16()})
		}
	}
	out, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return out
}

// rootWith makes a root file system of the files given.
func rootWith(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// step finds the step whose sentence is id.
func step(r Report, id string) *Step {
	for i := range r.Steps {
		if s := &r.Steps[i]; s.What.ID == id || s.Note.ID == id {
			return s
		}
	}
	return nil
}

const kubernetes = "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.0.0.10\noptions ndots:5 timeout:1 attempts:1\n"

func TestResolve(t *testing.T) {
	big := make([]string, 0, 200)
	for i := range 200 {
		big = append(big, netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}).String())
	}
	server := nameServer(t, zone{
		"orders.shop.svc.cluster.local.": {a: []string{"10.96.0.7"}},
		"api.example.test.":              {cname: "edge.example.test."},
		"edge.example.test.":             {a: []string{"192.0.2.1"}, aaaa: []string{"2001:db8::1"}},
		"many.test.":                     {a: big, truncate: true},
		"empty.test.":                    {},
		"broken.test.":                   {rcode: dnsmessage.RCodeServerFailure},
		"db.shop.svc.cluster.local.":     {rcode: dnsmessage.RCodeServerFailure},
		"db.svc.cluster.local.":          {a: []string{"10.96.0.9"}},
		"a.b.c.d.e.f.cluster.local.":     {a: []string{"10.96.0.8"}},
		"silent.test.":                   {silent: true},
	})
	for _, test := range []struct {
		name, conf, ask string
		verdict         Status
		addrs           []string
		winner          string
		wasted          int
		notes           []string // IDs that must be there
	}{
		{"search", kubernetes, "orders", OK, []string{"10.96.0.7"}, "orders.shop.svc.cluster.local.", 0, nil},
		{"ndots", kubernetes, "api.example.test", Warn, []string{"192.0.2.1", "2001:db8::1"}, "api.example.test.", 6, []string{"probe.dns.wasted.note"}},
		{"rooted", kubernetes, "api.example.test.", OK, []string{"192.0.2.1", "2001:db8::1"}, "api.example.test.", 0, nil},
		{"truncated", "options ndots:1\n", "many.test", OK, big, "many.test.", 0, []string{"probe.dns.truncated", "probe.dns.musl.tcp"}},
		{"nodata", "", "empty.test", Fail, nil, "", 2, []string{"probe.dns.nodata"}},
		{"nxdomain", kubernetes, "nobody", Fail, nil, "", 8, []string{"probe.dns.nxdomain"}},
		{"servfail", "options attempts:1\n", "broken.test", Fail, nil, "", 2, []string{"probe.dns.servfail", "probe.dns.broken"}},
		{"servfail on the way", kubernetes, "db", Warn, []string{"10.96.0.9"}, "db.svc.cluster.local.", 2, []string{"probe.dns.musl.again"}},
		{"many dots", kubernetes, "a.b.c.d.e.f", Warn, []string{"10.96.0.8"}, "a.b.c.d.e.f.cluster.local.", 6, []string{"probe.dns.musl.search"}},
		{"timeout", "options timeout:1 attempts:1\n", "silent.test", Fail, nil, "", 2, []string{"probe.dns.timeout", "probe.dns.nobody"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sys := System{Root: rootWith(t, map[string]string{"etc/resolv.conf": test.conf})}
			r, err := Resolve(t.Context(), sys, DNSOptions{Names: []string{test.ask}, Server: server})
			if err != nil {
				t.Fatal(err)
			}
			l := r.DNS.Lookups[0]
			if r.Verdict != test.verdict || !sameSet(l.Addresses, test.addrs) || l.Winner != test.winner || l.Wasted != test.wasted {
				t.Errorf("verdict %s, addresses %q, winner %q, wasted %d; want %s, %q, %q, %d\n%+v", r.Verdict, l.Addresses, l.Winner, l.Wasted, test.verdict, test.addrs, test.winner, test.wasted, r.Steps)
			}
			for _, id := range test.notes {
				if step(r, id) == nil {
					t.Errorf("no step says %s: %+v", id, r.Steps)
				}
			}
		})
	}
}

// TestResolveAsGo holds the order of names and the answer against package net
// itself, which is sent to the same server.
func TestResolveAsGo(t *testing.T) {
	server := nameServer(t, zone{"api.example.test.": {a: []string{"192.0.2.1", "192.0.2.2"}, aaaa: []string{"2001:db8::1"}}})
	r, err := Resolve(t.Context(), System{}, DNSOptions{Names: []string{"api.example.test.", "missing.example.test."}, Server: server})
	if err != nil {
		t.Fatal(err)
	}
	got, missing := r.DNS.Lookups[0], r.DNS.Lookups[1]
	if got.Go == nil || !slices.Equal(got.Addresses, got.Go.Addresses) || len(got.Addresses) != 3 {
		t.Errorf("we say %q, package net %+v", got.Addresses, got.Go)
	}
	if missing.Go == nil || !strings.Contains(missing.Go.Error, "no such host") || len(missing.Addresses) != 0 {
		t.Errorf("we say %q, package net %+v", missing.Addresses, missing.Go)
	}
	if step(r, "probe.dns.differs") != nil {
		t.Errorf("a difference where there is none: %+v", r.Steps)
	}
}

func TestHostsAndOrder(t *testing.T) {
	server := nameServer(t, zone{"db.": {a: []string{"192.0.2.9"}}})
	hosts := "# db 1.1.1.1\n10.0.0.5 other DB db.local # comment\nfe80::1%eth0 db\nnonsense db\n"
	for nss, want := range map[string][]string{
		"":                                   {"10.0.0.5", "fe80::1%eth0"},
		"hosts: files dns\n":                 {"10.0.0.5", "fe80::1%eth0"},
		"hosts: dns files\n":                 {"192.0.2.9"},
		"hosts: dns [NOTFOUND=return] files": {"192.0.2.9"},
		"hosts: resolve files":               {"192.0.2.9"},
	} {
		files := map[string]string{"etc/hosts": hosts, "etc/resolv.conf": ""}
		if nss != "" {
			files["etc/nsswitch.conf"] = nss
		}
		r, err := Resolve(t.Context(), System{Root: rootWith(t, files)}, DNSOptions{Names: []string{"db"}, Server: server})
		if err != nil {
			t.Fatal(err)
		}
		if l := r.DNS.Lookups[0]; !slices.Equal(l.Addresses, want) {
			t.Errorf("%q: %q, want %q", nss, l.Addresses, want)
		}
		if nss == "hosts: resolve files" && r.DNS.Order.Cgo != "libc" {
			t.Errorf("%q: a program with cgo would use %s", nss, r.DNS.Order.Cgo)
		}
	}
}

func TestResolvConf(t *testing.T) {
	c := parseResolvConf("; c\nnameserver 10.0.0.1\nnameserver ::1\nnameserver dns.example\nnameserver 10.0.0.3\nnameserver 10.0.0.4\ndomain a.example\nsearch b.example . c.example.\noptions ndots:99 timeout:0 attempts:x rotate use-vc single-request trust-ad edns0 inet6\nsortlist x\n")
	want := "10.0.0.1:53 [::1]:53 10.0.0.3:53 ndots:15 timeout:1 attempts:1 search b.example. c.example. rotate single-request use-vc trust-ad"
	if c.String() != want {
		t.Errorf("%s\nwant %s", c, want)
	}
	if !slices.Equal(c.Dropped, []string{"dns.example", "10.0.0.4"}) || !slices.Equal(c.Unknown, []string{"inet6", "sortlist"}) {
		t.Errorf("dropped %q, unknown %q", c.Dropped, c.Unknown)
	}
}

func TestNoResolvConf(t *testing.T) {
	r, err := Resolve(t.Context(), System{Root: t.TempDir()}, DNSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.DNS.Conf.Servers, []string{"127.0.0.1:53", "[::1]:53"}) || step(r, "probe.dns.noconf") == nil {
		t.Errorf("%+v", r)
	}
	if _, err := Resolve(t.Context(), System{}, DNSOptions{Server: "dns.example"}); err == nil {
		t.Error("a name is taken for the address of a server")
	}
}

func FuzzResolvConf(f *testing.F) {
	f.Add(kubernetes, "orders")
	f.Add("options ndots:99999999999999999999\nsearch "+strings.Repeat("a.", 200), "x.onion")
	f.Fuzz(func(t *testing.T, conf, name string) {
		c := parseResolvConf(conf)
		if len(c.Servers) > 3 || c.Ndots < 0 || c.Ndots > 15 || c.Timeout < 1 || c.Attempts < 1 {
			t.Errorf("%+v", c)
		}
		for _, n := range c.candidates(name) {
			if !strings.HasSuffix(n, ".") || len(n) > 255 {
				t.Errorf("candidate %q", n)
			}
		}
	})
}

func FuzzAnswer(f *testing.F) {
	q, _ := dnsmessage.NewName("a.test.")
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true}, Questions: []dnsmessage.Question{{Name: q, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	b, _ := m.Pack()
	f.Add(b)
	f.Add(zone{"a.test.": {a: []string{"192.0.2.1"}}}.answer(b, true))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var q Query
		_ = q.read(raw)
		_ = q.String()
		_ = q.step()
		answers(raw, 0, "a.test.", dnsmessage.TypeA)
	})
}
