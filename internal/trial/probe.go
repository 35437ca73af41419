package trial

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// Probe is a question to the program: a GET over HTTP or HTTPS, or whether a
// TCP port accepts.
type Probe struct {
	Scheme string // http, https, tcp
	Host   string // "": wherever it listens
	Port   uint16
	Path   string // with its query
	Status int    // expected; 0: 200 to 299
}

// ParseProbe reads http://:8080/healthz, https://…, tcp://:5432. After a #
// stands the status that is expected if it is not 2xx: http://:8080/#404.
func ParseProbe(s string) (*Probe, error) {
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" {
		return nil, fault.UsageError(i18n.M("trial.probe", s), i18n.M("trial.probe.hint"))
	}
	p := &Probe{Scheme: u.Scheme, Host: u.Hostname(), Path: u.RequestURI()}
	port := map[string]string{"http": "80", "https": "443", "tcp": ""}
	def, ok := port[u.Scheme]
	if !ok {
		return nil, fault.UsageError(i18n.M("trial.probe", s), i18n.M("trial.probe.hint"))
	}
	if u.Port() != "" {
		def = u.Port()
	}
	n, err := strconv.ParseUint(def, 10, 16)
	if err != nil || n == 0 {
		return nil, fault.UsageError(i18n.M("trial.probe", s), i18n.M("trial.probe.hint"))
	}
	p.Port = uint16(n)
	if u.Fragment != "" {
		p.Status, err = strconv.Atoi(u.Fragment)
		if err != nil || p.Status < 100 || p.Status > 599 {
			return nil, fault.UsageError(i18n.M("trial.probe", s), i18n.M("trial.probe.hint"))
		}
	}
	return p, nil
}

// String is the form that ParseProbe reads.
func (p Probe) String() string {
	s := p.Scheme + "://" + p.Host + ":" + strconv.Itoa(int(p.Port))
	if p.Scheme != "tcp" {
		s += p.Path
	}
	if p.Status != 0 {
		s += "#" + strconv.Itoa(p.Status)
	}
	return s
}

// with gives p with each {name} in its path replaced, as a query's value.
func (p Probe) with(name, value string) Probe {
	for _, form := range []string{"{" + name + "}", url.PathEscape("{" + name + "}"), url.QueryEscape("{" + name + "}")} {
		p.Path = strings.ReplaceAll(p.Path, form, url.QueryEscape(value))
	}
	return p
}

// Answer is what a Probe got.
type Answer struct {
	Probe  string `json:"probe"`
	Status int    `json:"status,omitempty"` // of HTTP
	Err    string `json:"error,omitempty"`  // no answer
	body   string
	ok     bool
	http   bool
}

// addr is where the program is to be asked: at the address it listens on.
func (p Probe) addr(socks []Socket) string {
	host := p.Host
	if host == "" {
		host = "127.0.0.1"
		for _, s := range socks {
			if s.Proto == "tcp" && s.Addr.Port() == p.Port {
				a := s.Addr.Addr()
				if a.IsUnspecified() {
					host = "127.0.0.1"
					break
				}
				host = a.String()
			}
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(int(p.Port)))
}

// bodyBytes is how much of an answer is read.
const bodyBytes = 64 << 10

// ask asks once, on a connection of its own.
func ask(ctx context.Context, n sandbox.Network, p Probe, socks []Socket) Answer {
	a := Answer{Probe: p.String()}
	c, err := n.DialContext(ctx, "tcp", p.addr(socks))
	if err != nil {
		a.Err = cause(err)
		return a
	}
	defer c.Close()
	if p.Scheme == "tcp" {
		a.ok = true
		return a
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if p.Scheme == "https" {
		// Its certificate is for names outside, and not what is asked here.
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Scheme+"://"+p.addr(socks)+p.Path, nil)
	if err != nil {
		a.Err = cause(err)
		return a
	}
	req.Header.Set("User-Agent", "slipway-verify")
	req.Close = true
	if err := req.Write(c); err != nil {
		a.Err = cause(err)
		return a
	}
	return a.read(c, req, p)
}

func (a Answer) read(c io.Reader, req *http.Request, p Probe) Answer {
	res, err := http.ReadResponse(bufio.NewReader(c), req)
	if err != nil {
		a.Err = cause(err)
		return a
	}
	defer res.Body.Close()
	a.http, a.Status = true, res.StatusCode
	b, err := io.ReadAll(io.LimitReader(res.Body, bodyBytes))
	if err != nil {
		a.Err = cause(err)
		return a
	}
	a.body = string(b)
	a.ok = p.Status == res.StatusCode || p.Status == 0 && res.StatusCode/100 == 2
	return a
}

// cause is an error without what the reader knows: who called whom.
func cause(err error) string {
	var op *net.OpError
	for errors.As(err, &op) {
		err = op.Err
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return printable(strings.TrimPrefix(err.Error(), "connect: "))
}

// candidates are the questions that may have an answer, the likeliest first.
func (s Subject) candidates(socks []Socket) []Probe {
	var ports []uint16
	for _, k := range socks {
		if k.Proto == "tcp" {
			ports = append(ports, k.Addr.Port())
		}
	}
	slices.SortStableFunc(ports, func(a, b uint16) int {
		return index(s.Ports, a) - index(s.Ports, b)
	})
	ports = slices.Compact(ports)
	var out []Probe
	for _, h := range s.Health {
		if p, err := ParseProbe(h); err == nil {
			if host, err := netip.ParseAddr(p.Host); p.Host == "localhost" || err == nil && host.IsLoopback() {
				p.Host = ""
			}
			out = append(out, *p)
		}
	}
	for _, port := range ports[:min(len(ports), 8)] {
		for _, scheme := range []string{"http", "https"} {
			for _, path := range []string{"/", "/healthz", "/health", "/readyz", "/livez", "/ping", "/-/healthy", "/metrics"} {
				out = append(out, Probe{Scheme: scheme, Port: port, Path: path})
			}
		}
	}
	return out
}

func index(ports []uint16, p uint16) int {
	if i := slices.Index(ports, p); i >= 0 {
		return i
	}
	return len(ports)
}

// discover finds out what the program answers. A 2xx is best, then any answer
// over HTTP, then a port that accepts.
func (s Subject) discover(ctx context.Context, n sandbox.Network, socks []Socket) (Probe, Answer, bool) {
	var best Probe
	var got Answer
	dead := map[string]bool{} // what does not speak HTTP there is not asked again
	for _, p := range s.candidates(socks) {
		at := fmt.Sprint(p.Scheme, p.Port)
		if dead[at] {
			continue
		}
		actx, cancel := context.WithTimeout(ctx, 3*time.Second)
		a := ask(actx, n, p, socks)
		cancel()
		switch {
		case a.ok:
			return p, a, true
		case a.http && !got.http && a.Status < 500:
			best, got = p, a
		case !a.http:
			dead[at] = true
		}
	}
	if got.http {
		best.Status, got.ok = got.Status, true
		return best, got, true
	}
	for _, k := range socks {
		if k.Proto == "tcp" {
			p := Probe{Scheme: "tcp", Port: k.Addr.Port()}
			if a := ask(ctx, n, p, socks); a.ok {
				return p, a, true
			}
		}
	}
	return best, got, false
}
