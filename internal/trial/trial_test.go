package trial

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/egress"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

func TestParseProbe(t *testing.T) {
	for in, want := range map[string]string{
		"http://:8080/healthz":           "http://:8080/healthz",
		"http://:8080":                   "http://:8080/",
		"https://localhost/a?b=c":        "https://localhost:443/a?b=c",
		"http://:8080/#404":              "http://:8080/#404",
		"tcp://:5432":                    "tcp://:5432",
		"http://:8080/r?name={name}&x=1": "http://:8080/r?name={name}&x=1",
	} {
		p, err := ParseProbe(in)
		if err != nil || p.String() != want {
			t.Errorf("%s: %v %v", in, p, err)
		}
	}
	for _, in := range []string{"", "8080", "ftp://:1/", "tcp://host", "http://:0/", "http://:70000/", "http://:8080/#ok", "http:8080", "http://:8080/#99"} {
		if _, err := ParseProbe(in); fault.ExitCode(err) != fault.Usage {
			t.Errorf("%s: %v", in, err)
		}
	}
	p, err := ParseProbe("http://:8080/r?name={name}")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.with("name", "a b&c").Path; got != "/r?name=a+b%26c" {
		t.Error(got)
	}
}

func FuzzParseProbe(f *testing.F) {
	f.Add("http://:8080/healthz#404")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseProbe(s)
		if err != nil {
			return
		}
		// What can be said can be read again.
		if q, err := ParseProbe(p.String()); err != nil || *q != *p {
			t.Fatalf("%q is %+v, and %q is %+v (%v)", s, p, p, q, err)
		}
	})
}

// From proc_net_tcp.txt of the kernel, with one socket of each kind.
const procNet = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0
   2: 0100007F:A000 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100 0 0 10 0
   3: 010012C6:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1 0 100 0 0 10 0
`

func TestParseSockets(t *testing.T) {
	text := func(own map[string]bool) string {
		var out []string
		for _, s := range parseSockets(strings.NewReader(procNet), "tcp", "0A", own) {
			out = append(out, fmt.Sprint(s.Addr, s.loopback()))
		}
		return strings.Join(out, " ")
	}
	if got := text(nil); got != "127.0.0.1:8080 true 0.0.0.0:22 false" {
		t.Errorf("all: %s", got)
	}
	if got := text(map[string]bool{"12": true}); got != "0.0.0.0:22 false" {
		t.Errorf("own: %s", got)
	}
	six := "sl\n 0: 00000000000000000000000001000000:0050 0:0 0A 0 0 0 0 0 9\n"
	if got := parseSockets(strings.NewReader(six), "tcp", "0A", nil); len(got) != 1 || !got[0].loopback() || got[0].Addr != netip.MustParseAddrPort("[::1]:80") {
		t.Errorf("IPv6: %+v", got)
	}
}

func FuzzParseSockets(f *testing.F) {
	f.Add(procNet)
	f.Fuzz(func(_ *testing.T, s string) { parseSockets(strings.NewReader(s), "udp", "0A", nil) })
}

func TestTail(t *testing.T) {
	l := &tail{}
	for i := range 100 {
		fmt.Fprintf(l, "line %d\n", i)
	}
	fmt.Fprint(l, "\x1b[31mred\x07 half")
	if got := l.last(2); !slices.Equal(got, []string{"line 99", "[31mred half"}) {
		t.Errorf("%q", got)
	}
	fmt.Fprint(l, strings.Repeat("x", 1<<20)+"\n")
	if got := l.last(1); len(got[0]) != logWidth {
		t.Errorf("%d bytes", len(got[0]))
	}
}

func TestHosts(t *testing.T) {
	began := time.Now()
	at := func(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }
	a := netip.MustParseAddr("198.18.1.0")
	got := hosts([]egress.Call{
		{At: at(1), Proto: "dns", Name: "t.example", Type: "A", Outcome: egress.Answered},
		{At: at(2), Proto: "dns", Name: "only.example", Type: "A", Outcome: egress.Answered},
		{At: at(3), Proto: "tcp", Name: "t.example", Addr: a, Port: 443, SNI: "t.example", Outcome: egress.Closed},
		{At: at(9), Proto: "tcp", Name: "t.example", Addr: a, Port: 443, SNI: "t.example", Outcome: egress.Closed},
		{At: at(10), Proto: "tcp", Name: "proxy", Addr: a, Port: 3128, HTTP: "CONNECT api.example:8443", Host: "api.example:8443", SNI: "api.example", Proxy: true, Outcome: egress.Closed},
		{At: at(11), Proto: "udp", Addr: netip.MustParseAddr("203.0.113.1"), Port: 123, Outcome: egress.Unreachable},
	}, began, at(5))
	var text []string
	for _, h := range got {
		text = append(text, fmt.Sprintf("%s %s:%d %d %v %v", h.Proto, h.Name, h.Port, h.Count, h.Before, h.Proxied))
	}
	want := []string{"dns only.example:0 1 true false", "https t.example:443 2 true false", "https api.example:8443 1 false true", "udp 203.0.113.1:123 1 false false"}
	if !slices.Equal(text, want) {
		t.Errorf("%q", text)
	}
}

func TestAllowed(t *testing.T) {
	h := Host{Name: "db.example.com", Port: 5432}
	for pattern, want := range map[string]bool{
		"db.example.com": true, "*.example.com": true, "db.example.com:5432": true, "*:5432": true,
		"example.com": false, "db.example.com:443": false, "[": false,
	} {
		if got := allowed(pattern, h); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

func TestRulesAreWhole(t *testing.T) {
	for i, r := range Rules() {
		if want := fmt.Sprintf("BIN%03d", 40+i); r.ID != want || r.Slug == "" || r.Title.IsZero() || r.Why.IsZero() || r.Fix.IsZero() {
			t.Errorf("%s instead of %s: %+v", r.ID, want, r)
		}
	}
	for _, v := range variants() {
		if v.name.In(i18n.Chinese) == v.name.In(i18n.English) {
			t.Errorf("%s has no name", v.id)
		}
	}
}
