package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Net is what can be reached.
type Net struct {
	Targets    []Target    `json:"targets,omitempty"`
	Interfaces []Interface `json:"interfaces,omitempty"` // of this network namespace; looked at if no target was given
	Routes     []Route     `json:"routes,omitempty"`
	Listening  []string    `json:"listening,omitempty"` // addresses of listening TCP sockets
}

// Target is one address that was tried.
type Target struct {
	Target    string    `json:"target"`
	Proxy     Proxy     `json:"proxy"`
	Addresses []string  `json:"addresses,omitempty"` // in the order Go tries them
	DNSMillis float64   `json:"dnsMillis,omitzero"`
	DNSError  string    `json:"dnsError,omitempty"`
	Dials     []Dial    `json:"dials,omitempty"`
	TLS       Handshake `json:"tls,omitzero"`
	Status    int       `json:"status,omitempty"` // of HTTP
	HTTPError string    `json:"httpError,omitempty"`
	HTTPMS    float64   `json:"httpMillis,omitzero"`
	OK        bool      `json:"ok"`
}

// Dial is one TCP connection.
type Dial struct {
	Address string  `json:"address"`
	Source  string  `json:"source,omitempty"` // this machine's side
	Error   string  `json:"error,omitempty"`
	Millis  float64 `json:"millis"`
}

// Interface is a network interface that is up.
type Interface struct {
	Name      string   `json:"name"`
	MTU       int      `json:"mtu"`
	Addresses []string `json:"addresses"`
}

// Route is a route of the main table.
type Route struct {
	Destination string `json:"destination"`
	Gateway     string `json:"gateway,omitempty"`
	Interface   string `json:"interface"`
}

// NetOptions says what Reach tries.
type NetOptions struct {
	Targets []string      // host:port, or a URL with http, https or tcp
	Proxy   string        // URL; empty: as net/http decides by the environment
	CAFile  string        // authorities in place of the system's
	Timeout time.Duration // of one step; 0: 5 s
}

// Reach tries to get to each target the way a Go program would: name, each of
// its addresses, TLS, HTTP, through a proxy if the environment says so. Without
// a target it says what network there is.
func Reach(ctx context.Context, sys System, o NetOptions) (Report, error) {
	r := newReport("net", strings.Join(o.Targets, " "))
	n := &Net{}
	r.Net = n
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if len(o.Targets) == 0 {
		n.local(r)
		return r.done(), nil
	}
	pool := loadPool(sys).pool
	if o.CAFile != "" {
		var err error
		if pool, err = caFile(o.CAFile); err != nil {
			return r.done(), fmt.Errorf("%s: %w", o.CAFile, err)
		}
	}
	var urls []*url.URL
	for _, target := range o.Targets {
		u, err := parseTarget(target)
		if err != nil {
			return r.done(), err
		}
		urls = append(urls, u)
	}
	for i, u := range urls {
		if ctx.Err() != nil {
			break
		}
		t := Target{Target: o.Targets[i]}
		if o.Proxy != "" {
			var err error
			if t.Proxy, err = proxyFlag(o.Proxy); err != nil {
				return r.done(), err
			}
		} else if u.Scheme != "tcp" {
			t.Proxy = decideProxy(sys, u)
		}
		w := walk{Target: t, u: u, r: r, o: o, tls: &tls.Config{RootCAs: pool, ServerName: u.Hostname()}}
		w.run(ctx)
		n.Targets = append(n.Targets, w.Target)
	}
	return r.done(), nil
}

func parseTarget(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "tcp://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%s is no address", s)
	}
	switch u.Scheme {
	case "http", "https":
	case "tcp":
		if u.Port() == "" {
			return nil, fmt.Errorf("%s has no port", u.Host)
		}
	default:
		return nil, fmt.Errorf("%s is neither http, https nor tcp", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("%s names no host", s)
	}
	return u, nil
}

// walk is the way to one target.
type walk struct {
	Target
	u   *url.URL
	r   *Report
	o   NetOptions
	tls *tls.Config
}

func (w *walk) run(ctx context.Context) {
	if w.Proxy.From != "" || w.Proxy.Error != "" {
		w.r.add(w.Proxy.step())
	}
	host, port := w.u.Hostname(), w.u.Port()
	if w.Proxy.url != nil {
		host, port = w.Proxy.url.Hostname(), w.Proxy.url.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[w.Proxy.url.Scheme]
		}
		if port == "" {
			port = "1080"
		}
	} else if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[w.u.Scheme]
	}
	if !w.resolve(ctx, host) || !w.dial(ctx, port) {
		return
	}
	if w.Proxy.url != nil && w.u.Scheme != "http" && !w.tunnel(ctx) {
		return
	}
	if w.u.Scheme == "tcp" {
		w.OK = true
		return
	}
	if w.u.Scheme == "https" && !w.handshake(ctx) {
		return
	}
	w.request(ctx)
}

func (p Proxy) step() Step {
	switch {
	case p.Error != "":
		return Step{Status: Fail, What: i18n.M("probe.net.proxy"), Seen: p.From + "=" + p.Value, Note: i18n.M("probe.net.proxy.bad", p.Error)}
	case p.URL != "":
		return Step{Status: Info, What: i18n.M("probe.net.proxy"), Seen: p.URL + " (" + p.From + ")"}
	case p.From == "loopback":
		return Step{Status: Info, What: i18n.M("probe.net.proxy"), Seen: "none", Note: i18n.M("probe.net.proxy.loopback")}
	}
	return Step{Status: Info, What: i18n.M("probe.net.proxy"), Seen: "none (" + p.From + "=" + p.Value + ")"}
}

func (w *walk) resolve(ctx context.Context, host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		w.Addresses = []string{a.String()}
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	begin := time.Now()
	addrs, err := (&net.Resolver{PreferGo: true}).LookupNetIP(ctx, "ip", host)
	w.DNSMillis = millis(time.Since(begin))
	st := Step{Status: OK, What: i18n.M("probe.net.dns", host), Millis: w.DNSMillis}
	if err != nil {
		w.DNSError = err.Error()
		st.Status, st.Seen, st.Note, st.Fix = Fail, w.DNSError, i18n.M("probe.net.dns.fail"), i18n.M("probe.net.dns.fix", host)
		w.r.add(st)
		return false
	}
	for _, a := range addrs {
		w.Addresses = append(w.Addresses, a.Unmap().String())
	}
	st.Seen = strings.Join(w.Addresses, " ")
	w.r.add(st)
	return true
}

// maxDials bounds the addresses of a name that are tried.
const maxDials = 8

// dial tries every address, not only until one works: what fails today for one
// of them fails tomorrow for the program.
func (w *walk) dial(ctx context.Context, port string) bool {
	any := false
	var steps []Step
	for _, a := range w.Addresses[:min(len(w.Addresses), maxDials)] {
		addr := net.JoinHostPort(a, port)
		d := Dial{Address: addr}
		dctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
		begin := time.Now()
		var nd net.Dialer
		conn, err := nd.DialContext(dctx, "tcp", addr)
		d.Millis = millis(time.Since(begin))
		cancel()
		st := Step{Status: OK, What: i18n.M("probe.net.dial", addr), Millis: d.Millis}
		if err != nil {
			st.Status = Warn
			st.Seen, st.Note, st.Fix = dialTrouble(err, explain(err))
			d.Error = st.Seen
		} else {
			any = true
			d.Source = conn.LocalAddr().String()
			st.Seen = "← " + d.Source
			_ = conn.Close()
		}
		w.Dials = append(w.Dials, d)
		steps = append(steps, st)
	}
	for _, st := range steps {
		if st.Status == Warn && !any {
			st.Status = Fail
		}
		w.r.add(st)
	}
	return any
}

// dialTrouble says what stands behind an error of a connection.
func dialTrouble(err error, short string) (seen string, note, fix i18n.Message) {
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e.Error(), i18n.M("probe.net.dns.fail"), i18n.M("probe.net.dns.fix", e.Name)
	}
	if e, ok := errors.AsType[*proxyRefusal](err); ok {
		if e.code == http.StatusProxyAuthRequired {
			return e.status, i18n.M("probe.net.proxyauth"), i18n.M("probe.net.proxyauth.fix")
		}
		return e.status, i18n.M("probe.net.proxyrefused"), i18n.M("probe.net.proxyrefused.fix")
	}
	switch {
	case short == "timeout":
		return short, i18n.M("probe.net.timeout"), i18n.M("probe.net.timeout.fix")
	case errors.Is(err, syscall.ECONNREFUSED):
		return short, i18n.M("probe.net.refused"), i18n.M("probe.net.refused.fix")
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return short, i18n.M("probe.net.unreachable"), i18n.M("probe.net.unreachable.fix")
	case errors.Is(err, syscall.ECONNRESET), short == "closed":
		return short, i18n.M("probe.net.reset"), i18n.Message{}
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return short, i18n.M("probe.net.denied"), i18n.Message{}
	}
	return err.Error(), i18n.Message{}, i18n.Message{}
}

func (w *walk) address() string {
	port := w.u.Port()
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(w.u.Hostname(), port)
}

func (w *walk) tunnel(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	begin := time.Now()
	conn, err := w.Proxy.connect(ctx, w.address(), w.tls)
	st := Step{Status: OK, What: i18n.M("probe.net.connect", w.address()), Millis: millis(time.Since(begin))}
	if err != nil {
		st.Status = Fail
		st.Seen, st.Note, st.Fix = dialTrouble(err, explain(err))
		w.HTTPError = err.Error()
	} else {
		_ = conn.Close()
	}
	w.r.add(st)
	return err == nil
}

func (w *walk) handshake(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	st := Step{Status: OK, What: i18n.M("probe.net.tls", w.u.Hostname())}
	conn, err := w.Proxy.connect(ctx, w.address(), w.tls)
	begin := time.Now()
	var c *tls.Conn
	if err == nil {
		defer conn.Close()
		c = tls.Client(conn, w.tls)
		err = c.HandshakeContext(ctx)
	}
	w.TLS = Handshake{Name: "default", OK: err == nil, Millis: millis(time.Since(begin))}
	st.Millis = w.TLS.Millis
	if err != nil {
		w.TLS.Error = err.Error()
		st.Status, st.Seen, st.Note, st.Fix = Fail, w.TLS.Error, i18n.M("probe.net.tls.fail"), i18n.M("probe.net.tls.fix", w.address())
	} else {
		s := c.ConnectionState()
		w.TLS.Version, w.TLS.Suite, w.TLS.Group = tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), s.CurveID.String()
		st.Seen = w.TLS.String()
	}
	w.r.add(st)
	return err == nil
}

// request asks for the page once; redirects are shown and not followed.
func (w *walk) request(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	tr := &http.Transport{TLSClientConfig: w.tls.Clone(), DisableKeepAlives: true, ForceAttemptHTTP2: true,
		Proxy: func(*http.Request) (*url.URL, error) { return w.Proxy.url, nil }}
	defer tr.CloseIdleConnections()
	begin := time.Now()
	st := Step{Status: OK, What: i18n.M("probe.net.http", w.u.Redacted())}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.u.String(), nil)
	var resp *http.Response
	if err == nil {
		req.Header.Set("User-Agent", "slipway-probe")
		resp, err = tr.RoundTrip(req)
	}
	w.HTTPMS = millis(time.Since(begin))
	st.Millis = w.HTTPMS
	if err != nil {
		w.HTTPError = err.Error()
		st.Status = Fail
		st.Seen, st.Note, st.Fix = dialTrouble(err, explain(err))
		w.r.add(st)
		return
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	_ = resp.Body.Close()
	w.Status, w.OK = resp.StatusCode, true
	st.Seen = resp.Proto + " " + resp.Status
	if l := resp.Header.Get("Location"); l != "" {
		st.Seen += " → " + l
	}
	switch {
	case resp.StatusCode == http.StatusProxyAuthRequired:
		st.Status, st.Note, st.Fix = Fail, i18n.M("probe.net.proxyauth"), i18n.M("probe.net.proxyauth.fix")
		w.OK = false
	case resp.StatusCode >= 500:
		st.Status, st.Note = Warn, i18n.M("probe.net.5xx")
	}
	w.r.add(st)
}
