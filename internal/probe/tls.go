package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// TLS is what a server agrees to.
type TLS struct {
	Addr       string    `json:"addr"`
	ServerName string    `json:"serverName"`
	StartTLS   string    `json:"startTLS,omitempty"`
	Proxy      Proxy     `json:"proxy"`
	Default    Handshake `json:"default"` // as a Go program built like this one dials
	// Lines are the defaults of programs by the go line of their go.mod.
	Lines    []Handshake `json:"goLines"`
	Versions []Handshake `json:"versions"`
	Suites   []Handshake `json:"suites"` // of TLS 1.2 and older
	Groups   []Handshake `json:"groups"`
	ALPN     []Handshake `json:"alpn"`

	Chain       []Cert     `json:"chain"`
	VerifyError string     `json:"verifyError,omitempty"` // as a Go program prints it
	OCSP        OCSP       `json:"ocsp"`
	SCTs        int        `json:"scts"` // signed certificate timestamps, in the handshake and in the certificate
	Resumed     bool       `json:"resumed"`
	ClientCert  ClientCert `json:"clientCert"`
}

// Handshake is one attempt.
type Handshake struct {
	Name    string  `json:"name"` // what was offered alone
	OK      bool    `json:"ok"`
	Version string  `json:"version,omitempty"`
	Suite   string  `json:"suite,omitempty"`
	Group   string  `json:"group,omitempty"`
	ALPN    string  `json:"alpn,omitempty"`
	Retried bool    `json:"retried,omitempty"` // HelloRetryRequest: one more round trip
	Error   string  `json:"error,omitempty"`
	Millis  float64 `json:"millis"` // of the handshake, without making the connection
}

// Cert is one certificate of the chain, the server's own first.
type Cert struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Names     []string  `json:"names,omitempty"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	Key       string    `json:"key"`
	Signature string    `json:"signature"`
	SelfMade  bool      `json:"selfSigned,omitempty"`
}

// ClientCert is whether the server wants to see a certificate.
type ClientCert struct {
	Asked    bool     `json:"asked"`
	Required bool     `json:"required"`
	CAs      []string `json:"cas,omitempty"` // authorities the server names
	Sent     bool     `json:"sent"`
}

// TLSOptions says whom Handshakes talks to.
type TLSOptions struct {
	Target     string // host, host:port or https URL; port 443 if there is none, that of the protocol with StartTLS
	Name       string // to ask for and to verify; empty: the host
	CAFile     string // authorities in place of the system's
	ClientCert string // PEM files
	ClientKey  string
	Proxy      string // URL; empty: as the environment says
	StartTLS   string
	Timeout    time.Duration // of one handshake; 0: 5 s
}

// parallel bounds the handshakes that run at once: enough to be quick, too few
// for a server to call it an attack.
const parallel = 4

type dialer struct {
	addr, name, start string
	proxy             Proxy
	timeout           time.Duration
	pool              *x509.CertPool
	cert              *tls.Certificate
}

// attempt is a handshake with all that it showed.
type attempt struct {
	Handshake
	state tls.ConnectionState
	err   error
	dial  bool // the error is that of the connection, not of TLS
	asked *tls.CertificateRequestInfo
	after error // what a read directly after the handshake came to
}

// Handshakes tries what a server agrees to: each version, cipher suite and
// group alone, and what Go programs of several ages would come to with it.
func Handshakes(ctx context.Context, sys System, o TLSOptions) (Report, error) {
	r := newReport("tls", o.Target)
	d, roots, err := newDialer(sys, o)
	if err != nil {
		return r.done(), err
	}
	t := &TLS{Addr: d.addr, ServerName: d.name, StartTLS: o.StartTLS, Proxy: d.proxy}
	r.TLS = t
	if d.proxy.URL != "" || d.proxy.Error != "" {
		r.add(d.proxy.step())
	}
	first := d.shake(ctx, "default", nil)
	t.Default = first.Handshake
	r.add(first.defaultStep(d))
	if first.dial || ctx.Err() != nil {
		return r.done(), nil
	}
	t.matrix(ctx, d)
	shown := first
	if first.err != nil {
		shown = t.fallback(ctx, d, first, r)
	}
	t.matrixSteps(r)
	if len(shown.state.PeerCertificates) > 0 {
		t.certificates(r, d, shown, roots, o.CAFile != "")
	}
	t.clientCert(r, first)
	if first.err == nil {
		t.resume(ctx, d, r)
	}
	return r.done(), nil
}

func newDialer(sys System, o TLSOptions) (*dialer, *roots, error) {
	target := o.Target
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		target = u.Host
	}
	port := map[string]string{"postgres": "5432", "smtp": "25", "imap": "143"}[o.StartTLS]
	if port == "" {
		port = "443"
	}
	addr := withPort(target, port)
	host, _, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return nil, nil, fmt.Errorf("%s is no address", o.Target)
	}
	d := &dialer{addr: addr, name: o.Name, start: o.StartTLS, timeout: o.Timeout}
	if d.name == "" {
		d.name = host
	}
	if d.timeout == 0 {
		d.timeout = 5 * time.Second
	}
	if o.Proxy != "" {
		if d.proxy, err = proxyFlag(o.Proxy); err != nil {
			return nil, nil, err
		}
	} else {
		d.proxy = decideProxy(sys, &url.URL{Scheme: "https", Host: addr})
	}
	roots := loadPool(sys)
	d.pool = roots.pool
	if o.CAFile != "" {
		if d.pool, err = caFile(o.CAFile); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.CAFile, err)
		}
	}
	if o.ClientCert != "" || o.ClientKey != "" {
		key := o.ClientKey
		if key == "" {
			key = o.ClientCert
		}
		c, err := tls.LoadX509KeyPair(o.ClientCert, key)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.ClientCert, err)
		}
		d.cert = &c
	}
	return d, roots, nil
}

// shake makes one connection. Certificates are not verified in it, so that all
// of it can be seen; that is done afterwards, as crypto/tls does it.
func (d *dialer) shake(ctx context.Context, name string, mod func(*tls.Config)) attempt {
	a := attempt{Handshake: Handshake{Name: name}}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := d.proxy.connect(ctx, d.addr, &tls.Config{RootCAs: d.pool})
	if err != nil {
		a.fail(ctx, err)
		a.dial = true
		return a
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := startTLS(conn, d.start); err != nil {
		a.fail(ctx, err)
		a.dial = true
		return a
	}
	cfg := &tls.Config{ServerName: d.name, InsecureSkipVerify: true}
	cfg.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		a.asked = info
		if d.cert != nil && info.SupportsCertificate(d.cert) == nil {
			return d.cert, nil
		}
		return &tls.Certificate{}, nil
	}
	if mod != nil {
		mod(cfg)
	}
	begin := time.Now()
	c := tls.Client(conn, cfg)
	err = c.HandshakeContext(ctx)
	a.Millis = millis(time.Since(begin))
	if err != nil {
		a.fail(ctx, err)
		return a
	}
	s := c.ConnectionState()
	a.OK, a.state = true, s
	a.Version, a.Suite, a.ALPN = tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), s.NegotiatedProtocol
	if s.CurveID != 0 {
		a.Group = s.CurveID.String()
	}
	a.Retried = s.HelloRetryRequest
	if a.asked != nil || cfg.ClientSessionCache != nil {
		// With TLS 1.3 session tickets, and the alert for a certificate that was
		// not sent, come after the handshake.
		_ = c.SetReadDeadline(time.Now().Add(min(d.timeout, 150*time.Millisecond+4*time.Since(begin))))
		var b [1]byte
		_, a.after = c.Read(b[:])
	}
	_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	_ = c.CloseWrite()
	return a
}

func (a *attempt) fail(ctx context.Context, err error) {
	a.err = err
	a.Error = explain(err)
	if ctx.Err() != nil {
		a.Error = "timeout"
	}
}

// defaultStep is the first step: does a Go program get through at all.
func (a *attempt) defaultStep(d *dialer) Step {
	st := Step{Status: OK, What: i18n.M("probe.tls.default", d.addr), Seen: a.String(), Millis: a.Millis}
	if a.err == nil {
		if a.Retried {
			st.Note = i18n.M("probe.tls.retried")
		}
		return st
	}
	st.Status = Fail
	if rec, ok := errors.AsType[tls.RecordHeaderError](a.err); ok {
		st.Seen = fmt.Sprintf("%q", string(rec.RecordHeader[:]))
		st.Note = i18n.M("probe.tls.plain")
		if strings.HasPrefix(string(rec.RecordHeader[:]), "HTTP/") {
			st.Note = i18n.M("probe.tls.http")
		}
		return st
	}
	if a.dial {
		st.What = i18n.M("probe.tls.connect", d.addr)
		st.Seen, st.Note, st.Fix = dialTrouble(a.err, a.Error)
		return st
	}
	st.Note = i18n.M("probe.tls.refused")
	return st
}

// fallback looks for what does work when the default does not.
func (t *TLS) fallback(ctx context.Context, d *dialer, first attempt, r *Report) attempt {
	if ok(t.Lines, "1.22 - 1.23") {
		r.add(Step{Status: Fail, What: i18n.M("probe.tls.big"), Seen: first.Error, Note: i18n.M("probe.tls.big.note"), Fix: i18n.M("probe.tls.big.fix")})
		return d.shake(ctx, "classic", func(c *tls.Config) { c.CurvePreferences = classic })
	}
	if ok(t.Lines, "< 1.22") {
		r.add(Step{Status: Fail, What: i18n.M("probe.tls.rsakex"), Seen: first.Error, Note: i18n.M("probe.tls.rsakex.note"), Fix: i18n.M("probe.tls.rsakex.fix")})
		return d.shake(ctx, "rsa", func(c *tls.Config) { c.CurvePreferences, c.CipherSuites = classic, suitesBefore122() })
	}
	for _, v := range t.Versions {
		if v.OK {
			r.add(Step{Status: Fail, What: i18n.M("probe.tls.old", v.Name), Seen: v.String(), Note: i18n.M("probe.tls.old.note"), Fix: i18n.M("probe.tls.old.fix")})
			return d.shake(ctx, "old", func(c *tls.Config) { c.MinVersion, c.CipherSuites = tls.VersionTLS10, everySuite() })
		}
	}
	return first
}

func ok(hs []Handshake, name string) bool {
	for _, h := range hs {
		if h.Name == name {
			return h.OK
		}
	}
	return false
}

// String is what was agreed on, or the error.
func (h Handshake) String() string {
	if !h.OK {
		return h.Error
	}
	s := h.Version + " " + h.Suite
	if h.Group != "" {
		s += " " + h.Group
	}
	if h.ALPN != "" {
		s += " " + h.ALPN
	}
	return s
}

func (t *TLS) clientCert(r *Report, a attempt) {
	if a.asked == nil {
		return
	}
	c := &t.ClientCert
	c.Asked = true
	for _, raw := range a.asked.AcceptableCAs {
		var rdn pkix.RDNSequence
		if _, err := asn1.Unmarshal(raw, &rdn); err == nil && len(c.CAs) < 64 {
			var n pkix.Name
			n.FillFromRDNSequence(&rdn)
			c.CAs = append(c.CAs, n.String())
		}
	}
	failed := a.err
	if failed == nil && a.after != nil && !isTimeout(a.after) {
		failed = a.after
	}
	refused := failed != nil && strings.Contains(failed.Error(), "remote error")
	st := Step{Status: Info, What: i18n.M("probe.tls.clientcert"), Seen: orNone(list(c.CAs, 3)), Note: i18n.M("probe.tls.clientcert.asked")}
	if refused {
		c.Required = true
		st.Status, st.Note, st.Fix = Fail, i18n.M("probe.tls.clientcert.required", failed.Error()), i18n.M("probe.tls.clientcert.fix")
	}
	r.add(st)
}

// resume makes two connections, the second with the ticket of the first.
func (t *TLS) resume(ctx context.Context, d *dialer, r *Report) {
	cache := tls.NewLRUClientSessionCache(4)
	mod := func(c *tls.Config) { c.ClientSessionCache = cache }
	first := d.shake(ctx, "ticket", mod)
	second := d.shake(ctx, "resume", mod)
	t.Resumed = second.OK && second.state.DidResume
	st := Step{Status: Info, What: i18n.M("probe.tls.resume"), Seen: "no", Millis: second.Millis}
	if t.Resumed {
		st.Status, st.Seen = OK, fmt.Sprintf("yes (%.1f ms → %.1f ms)", first.Millis, second.Millis)
	}
	r.add(st)
}
