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
	"sync"
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

// goGroups are the groups crypto/tls offers by itself, by go line: the newest
// toolchain too takes the older list if go.mod says an older version
// (tlsmlkem, tlssecpmlkem in go.dev/doc/godebug).
var (
	classic  = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
	groups24 = append([]tls.CurveID{tls.X25519MLKEM768}, classic...)
	groups26 = append([]tls.CurveID{tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024}, groups24...)
)

// suitesBefore122 are the secure suites and those with RSA key exchange, which
// programs with a go line below 1.22 still offer (tlsrsakex).
func suitesBefore122() []uint16 {
	var ids []uint16
	for _, s := range tls.CipherSuites() {
		ids = append(ids, s.ID)
	}
	return append(ids, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA)
}

// matrix makes all the handshakes that do not depend on one another.
func (t *TLS) matrix(ctx context.Context, d *dialer) {
	type job struct {
		to   *Handshake
		name string
		mod  func(*tls.Config)
	}
	var jobs []job
	row := func(to *[]Handshake, n int) { *to = make([]Handshake, 0, n) }
	add := func(to *[]Handshake, name string, mod func(*tls.Config)) {
		*to = append(*to, Handshake{})
		jobs = append(jobs, job{&(*to)[len(*to)-1], name, mod})
	}
	row(&t.Lines, 8) // never grown: the jobs hold addresses
	add(&t.Lines, "< 1.22", func(c *tls.Config) { c.CurvePreferences, c.CipherSuites = classic, suitesBefore122() })
	add(&t.Lines, "1.22 - 1.23", func(c *tls.Config) { c.CurvePreferences = classic })
	add(&t.Lines, "1.24 - 1.25", func(c *tls.Config) { c.CurvePreferences = groups24 })
	add(&t.Lines, ">= 1.26", func(c *tls.Config) { c.CurvePreferences = groups26 })
	row(&t.Versions, 8)
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		add(&t.Versions, tls.VersionName(v), func(c *tls.Config) { c.MinVersion, c.MaxVersion, c.CipherSuites = v, v, everySuite() })
	}
	row(&t.Groups, 16)
	for _, g := range groups26 {
		add(&t.Groups, g.String(), func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{g} })
	}
	row(&t.ALPN, 4)
	for _, p := range [][]string{{"h2", "http/1.1"}, {"h2"}, {"http/1.1"}} {
		add(&t.ALPN, strings.Join(p, ","), func(c *tls.Config) { c.NextProtos = p })
	}
	row(&t.Suites, 64)
	for _, s := range oldSuites() {
		add(&t.Suites, s.Name, func(c *tls.Config) {
			c.MinVersion, c.MaxVersion, c.CipherSuites = tls.VersionTLS10, tls.VersionTLS12, []uint16{s.ID}
		})
	}
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for _, j := range jobs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			*j.to = d.shake(ctx, j.name, j.mod).Handshake
		})
	}
	wg.Wait()
}

func oldSuites() []*tls.CipherSuite {
	var out []*tls.CipherSuite
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		for _, v := range s.SupportedVersions {
			if v < tls.VersionTLS13 {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

func everySuite() []uint16 {
	var ids []uint16
	for _, s := range oldSuites() {
		ids = append(ids, s.ID)
	}
	return ids
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

func (t *TLS) matrixSteps(r *Report) {
	r.add(t.versionStep())
	r.add(t.groupStep())
	if st := t.suiteStep(); st.Seen != "" {
		r.add(st)
	}
	for _, l := range t.Lines {
		st := Step{Status: Info, What: i18n.M("probe.tls.line", l.Name), Seen: l.String(), Millis: l.Millis}
		if !l.OK {
			st.Status = Warn
		}
		r.add(st)
	}
	var alpn []string
	for _, a := range t.ALPN {
		switch {
		case !a.OK:
			alpn = append(alpn, a.Name+": "+a.Error)
		default:
			alpn = append(alpn, a.Name+" → "+orNone(a.ALPN))
		}
	}
	r.add(Step{Status: Info, What: i18n.M("probe.tls.alpn"), Seen: strings.Join(alpn, "; ")})
}

// sides joins the names of the attempts that worked, with their times, and of
// those that did not.
func sides(hs []Handshake, times bool) (yes, no string) {
	var y, n []string
	for _, h := range hs {
		switch {
		case h.OK && times:
			y = append(y, fmt.Sprintf("%s (%.1f ms)", h.Name, h.Millis))
		case h.OK:
			y = append(y, h.Name)
		default:
			n = append(n, h.Name)
		}
	}
	return strings.Join(y, ", "), strings.Join(n, ", ")
}

func (t *TLS) versionStep() Step {
	yes, no := sides(t.Versions, true)
	st := Step{Status: OK, What: i18n.M("probe.tls.versions"), Seen: orNone(yes)}
	if no != "" {
		st.Seen += "; ✗ " + no
	}
	if ok(t.Versions, "TLS 1.0") || ok(t.Versions, "TLS 1.1") {
		st.Status, st.Note, st.Fix = Warn, i18n.M("probe.tls.versions.old"), i18n.M("probe.tls.versions.fix")
	}
	return st
}

func (t *TLS) groupStep() Step {
	yes, no := sides(t.Groups, true)
	st := Step{Status: OK, What: i18n.M("probe.tls.groups"), Seen: orNone(yes)}
	if no != "" {
		st.Seen += "; ✗ " + no
	}
	if !strings.Contains(yes, "MLKEM") {
		st.Status, st.Note = Info, i18n.M("probe.tls.nopq")
	}
	return st
}

func (t *TLS) suiteStep() Step {
	st := Step{Status: Info, What: i18n.M("probe.tls.suites")}
	insecure := map[string]bool{}
	for _, s := range tls.InsecureCipherSuites() {
		insecure[s.Name] = true
	}
	var good, bad []string
	for _, s := range t.Suites {
		switch {
		case s.OK && insecure[s.Name]:
			bad = append(bad, s.Name)
		case s.OK:
			good = append(good, s.Name)
		}
	}
	st.Seen = list(append(good, bad...), 16)
	if len(bad) > 0 {
		st.Status, st.Note = Warn, i18n.M("probe.tls.suites.weak", strings.Join(bad, ", "))
	}
	return st
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
