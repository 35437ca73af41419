package probe

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// authority is a root with an intermediate below it.
type authority struct {
	root, inter       *x509.Certificate
	rootKey, interKey crypto.Signer
	file              string // PEM of the root
}

var serial int64

func issue(t *testing.T, tmpl, parent *x509.Certificate, key crypto.Signer, signer crypto.Signer) *x509.Certificate {
	t.Helper()
	serial++
	tmpl.SerialNumber = big.NewInt(serial)
	if tmpl.NotAfter.IsZero() {
		tmpl.NotBefore, tmpl.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(90*24*time.Hour)
	}
	if parent == nil {
		parent = tmpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ecKey(t *testing.T) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{rootKey: ecKey(t), interKey: ecKey(t)}
	ca := func(name string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	}
	a.root = issue(t, ca("test root"), nil, a.rootKey, a.rootKey)
	a.inter = issue(t, ca("test intermediate"), a.root, a.interKey, a.rootKey)
	a.file = writePEM(t, a.root)
	return a
}

func writePEM(t *testing.T, certs ...*x509.Certificate) string {
	t.Helper()
	var b []byte
	for _, c := range certs {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	name := filepath.Join(t.TempDir(), "certs.pem")
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// leaf gives a server certificate with its chain.
func (a *authority) leaf(t *testing.T, mod func(*x509.Certificate), key crypto.Signer) tls.Certificate {
	t.Helper()
	if key == nil {
		key = ecKey(t)
	}
	tmpl := &x509.Certificate{Subject: pkix.Name{CommonName: "leaf"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment}
	if mod != nil {
		mod(tmpl)
	}
	c := issue(t, tmpl, a.inter, key, a.interKey)
	return tls.Certificate{Certificate: [][]byte{c.Raw, a.inter.Raw}, PrivateKey: key, Leaf: c}
}

// tlsServer answers handshakes until the test ends; before, if not nil, speaks
// first and says whether to go on.
func tlsServer(t *testing.T, cfg *tls.Config, before func(net.Conn) (net.Conn, bool)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				conn := c
				if before != nil {
					var ok bool
					if conn, ok = before(c); !ok {
						return
					}
				}
				s := tls.Server(conn, cfg)
				if s.Handshake() == nil {
					_, _ = io.Copy(io.Discard, s)
				}
			}()
		}
	}()
	return ln.Addr().String()
}

func shakes(t *testing.T, o TLSOptions) Report {
	t.Helper()
	r, err := Handshakes(t.Context(), System{Root: t.TempDir()}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHandshakes(t *testing.T) {
	ca := newAuthority(t)
	addr := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, nil, nil)}, NextProtos: []string{"h2"}}, nil)
	r := shakes(t, TLSOptions{Target: addr, CAFile: ca.file, Name: "localhost"})
	x := r.TLS
	if r.Verdict != OK || !x.Default.OK || x.Default.Group != "X25519MLKEM768" || x.Default.Version != "TLS 1.3" || !x.Resumed || len(x.Chain) != 2 || x.VerifyError != "" {
		t.Errorf("%s: %+v", r.Verdict, x)
	}
	for name, want := range map[string]bool{"TLS 1.0": false, "TLS 1.1": false, "TLS 1.2": true, "TLS 1.3": true} {
		if ok(x.Versions, name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
	for _, g := range x.Groups {
		if !g.OK || g.Group != g.Name {
			t.Errorf("group %+v", g)
		}
	}
	groups := map[string]string{"< 1.22": "X25519", "1.22 - 1.23": "X25519", "1.24 - 1.25": "X25519MLKEM768", ">= 1.26": "X25519MLKEM768"}
	for _, l := range x.Lines {
		if l.Group != groups[l.Name] {
			t.Errorf("go line %s: %s", l.Name, l.Group)
		}
	}
	if !x.ALPN[0].OK || x.ALPN[0].ALPN != "h2" || x.ALPN[2].ALPN != "" {
		t.Errorf("ALPN: %+v", x.ALPN)
	}
	if !ok(x.Suites, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256") || ok(x.Suites, "TLS_RSA_WITH_AES_128_CBC_SHA") {
		t.Errorf("suites: %+v", x.Suites)
	}
}

// TestHandshakeTroubles: each server has one thing wrong, and the report says
// which.
func TestHandshakeTroubles(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	good := ca.leaf(t, nil, nil)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	alone := good
	alone.Certificate = good.Certificate[:1]
	withURL := ca.leaf(t, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://ca.test/inter.crt"} }, nil)
	withURL.Certificate = withURL.Certificate[:1]
	selfKey := ecKey(t)
	self := issue(t, &x509.Certificate{Subject: pkix.Name{CommonName: "self"}, DNSNames: []string{"localhost"}}, nil, selfKey, selfKey)
	old := time.Now().Add(-40 * 24 * time.Hour)
	for _, test := range []struct {
		name    string
		cfg     *tls.Config
		before  func(net.Conn) (net.Conn, bool)
		roots   string
		host    string
		verdict Status
		note    string // ID
	}{
		{"expired", &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = old, old.Add(30*24*time.Hour) }, nil)}}, nil, ca.file, "localhost", Fail, "probe.tls.clock"},
		{"soon", &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = old, time.Now().Add(3*24*time.Hour) }, nil)}}, nil, ca.file, "localhost", Warn, "probe.tls.soon"},
		{"wrong name", &tls.Config{Certificates: []tls.Certificate{good}}, nil, ca.file, "db.internal", Fail, "probe.tls.wrongname"},
		{"private root", &tls.Config{Certificates: []tls.Certificate{good}}, nil, other.file, "localhost", Fail, "probe.tls.issuer"},
		{"root sent", &tls.Config{Certificates: []tls.Certificate{{Certificate: append(good.Certificate[:2:2], ca.root.Raw), PrivateKey: good.PrivateKey}}}, nil, other.file, "localhost", Fail, "probe.tls.private"},
		{"intermediate missing", &tls.Config{Certificates: []tls.Certificate{withURL}}, nil, ca.file, "localhost", Fail, "probe.tls.intermediate"},
		{"issuer missing", &tls.Config{Certificates: []tls.Certificate{alone}}, nil, ca.file, "localhost", Fail, "probe.tls.issuer"},
		{"self-signed", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{self.Raw}, PrivateKey: selfKey}}}, nil, ca.file, "localhost", Fail, "probe.tls.selfsigned"},
		{"no roots", &tls.Config{Certificates: []tls.Certificate{good}}, nil, "", "localhost", Fail, "probe.tls.noroots"},
		{"old versions", &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10}, nil, ca.file, "localhost", Warn, "probe.tls.versions.old"},
		{"only old", &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, nil, ca.file, "localhost", Fail, "probe.tls.old.note"},
		{"rsa key exchange", &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, nil, rsaKey)}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, nil, ca.file, "localhost", Fail, "probe.tls.rsakex.note"},
		{"big hello", &tls.Config{Certificates: []tls.Certificate{good}}, smallHello, ca.file, "localhost", Fail, "probe.tls.big.note"},
		{"http", nil, func(c net.Conn) (net.Conn, bool) {
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			return c, false
		}, ca.file, "localhost", Fail, "probe.tls.http"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			addr := tlsServer(t, test.cfg, test.before)
			r := shakes(t, TLSOptions{Target: addr, CAFile: test.roots, Name: test.host, Timeout: 3 * time.Second})
			if r.Verdict != test.verdict || step(r, test.note) == nil {
				t.Errorf("%s, no %s in %+v", r.Verdict, test.note, r.Steps)
			}
		})
	}
}

// smallHello closes a connection whose first record does not fit into one
// packet, as some boxes on the way do.
func smallHello(c net.Conn) (net.Conn, bool) {
	br := bufio.NewReaderSize(c, 4096)
	head, err := br.Peek(5)
	if err != nil || int(head[3])<<8|int(head[4]) > 1300 {
		return c, false
	}
	return &buffered{c, br}, true
}

// buffered is a connection of which something was read ahead.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

func TestStaple(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.leaf(t, nil, nil)
	response := func(status int, this, next time.Time, signer crypto.Signer, by *x509.Certificate) []byte {
		b, err := ocsp.CreateResponse(by, by, ocsp.Response{Status: status, SerialNumber: cert.Leaf.SerialNumber, ThisUpdate: this, NextUpdate: next, RevokedAt: this}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	now := time.Now()
	other := newAuthority(t)
	for name, test := range map[string]struct {
		staple  []byte
		valid   bool
		status  string
		verdict Status
	}{
		"good":    {response(ocsp.Good, now.Add(-time.Hour), now.Add(time.Hour), ca.interKey, ca.inter), true, "good", OK},
		"revoked": {response(ocsp.Revoked, now.Add(-time.Hour), now.Add(time.Hour), ca.interKey, ca.inter), true, "revoked", Fail},
		"expired": {response(ocsp.Good, now.Add(-3*time.Hour), now.Add(-time.Hour), ca.interKey, ca.inter), false, "good", Warn},
		"early":   {response(ocsp.Good, now.Add(time.Hour), now.Add(2*time.Hour), ca.interKey, ca.inter), false, "good", Warn},
		"foreign": {response(ocsp.Good, now.Add(-time.Hour), now.Add(time.Hour), other.interKey, other.inter), false, "", Warn},
		"junk":    {[]byte("x"), false, "", Warn},
		"none":    {nil, false, "", OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cert
			c.OCSPStaple = test.staple
			r := shakes(t, TLSOptions{Target: tlsServer(t, &tls.Config{Certificates: []tls.Certificate{c}}, nil), CAFile: ca.file})
			if o := r.TLS.OCSP; o.Valid != test.valid || o.Status != test.status || r.Verdict != test.verdict || o.Present != (test.staple != nil) {
				t.Errorf("%s: %+v", r.Verdict, o)
			}
		})
	}
}

func TestClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(ca.root)
	server := &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, nil, nil)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	client := ca.leaf(t, nil, nil)
	der, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, c := range client.Certificate {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	file := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := server.Clone()
		cfg.MaxVersion = version
		addr := tlsServer(t, cfg, nil)
		r := shakes(t, TLSOptions{Target: addr, CAFile: ca.file})
		if c := r.TLS.ClientCert; !c.Asked || !c.Required || r.Verdict != Fail || len(c.CAs) != 1 || !strings.Contains(c.CAs[0], "test root") {
			t.Errorf("%s, without: %s %+v", tls.VersionName(version), r.Verdict, c)
		}
		r = shakes(t, TLSOptions{Target: addr, CAFile: ca.file, ClientCert: file})
		if c := r.TLS.ClientCert; !c.Asked || c.Required || r.Verdict != OK {
			t.Errorf("%s, with: %s %+v", tls.VersionName(version), r.Verdict, c)
		}
	}
}

func TestStartTLS(t *testing.T) {
	ca := newAuthority(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, nil, nil)}}
	smtp := func(c net.Conn) (net.Conn, bool) {
		br := bufio.NewReader(c)
		_, _ = io.WriteString(c, "220-hello\r\n220 ready\r\n")
		_, _ = br.ReadString('\n')
		_, _ = io.WriteString(c, "250-localhost\r\n250 STARTTLS\r\n")
		l, _ := br.ReadString('\n')
		_, _ = io.WriteString(c, "220 go ahead\r\n")
		return &buffered{c, br}, l == "STARTTLS\r\n"
	}
	postgres := func(answer string) func(net.Conn) (net.Conn, bool) {
		return func(c net.Conn) (net.Conn, bool) {
			var b [8]byte
			_, err := io.ReadFull(c, b[:])
			_, _ = io.WriteString(c, answer)
			return c, err == nil && answer == "S"
		}
	}
	for _, test := range []struct {
		protocol string
		before   func(net.Conn) (net.Conn, bool)
		verdict  Status
	}{{"smtp", smtp, OK}, {"postgres", postgres("S"), OK}, {"postgres", postgres("N"), Fail}} {
		r := shakes(t, TLSOptions{Target: tlsServer(t, cfg, test.before), CAFile: ca.file, StartTLS: test.protocol})
		if r.Verdict != test.verdict {
			t.Errorf("%s: %s %+v", test.protocol, r.Verdict, r.Steps)
		}
	}
}

// connectProxy is an HTTP proxy that knows CONNECT; auth is the header it wants.
func connectProxy(t *testing.T, auth string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case auth != "" && r.Header.Get("Proxy-Authorization") != auth:
			w.WriteHeader(http.StatusProxyAuthRequired)
		case r.Method != http.MethodConnect:
			_, _ = io.WriteString(w, "by proxy")
		case strings.HasPrefix(r.Host, "forbidden.test"):
			w.WriteHeader(http.StatusForbidden)
		default:
			up, err := net.Dial("tcp", r.Host)
			if err != nil {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			defer up.Close()
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			go func() { _, _ = io.Copy(up, c); up.Close() }()
			_, _ = io.Copy(c, up)
		}
	})}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { srv.Close() })
	return ln.Addr().String()
}

func TestTLSThroughProxy(t *testing.T) {
	ca := newAuthority(t)
	addr := tlsServer(t, &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, nil, nil)}}, nil)
	proxy := connectProxy(t, "Basic dXNlcjpwYXNz") // user:pass
	r := shakes(t, TLSOptions{Target: addr, CAFile: ca.file, Proxy: "http://user:pass@" + proxy})
	if r.Verdict != OK || strings.Contains(r.TLS.Proxy.URL+r.TLS.Proxy.Value, "pass") {
		t.Errorf("%s %+v", r.Verdict, r.TLS.Proxy)
	}
	if r := shakes(t, TLSOptions{Target: addr, CAFile: ca.file, Proxy: proxy}); r.Verdict != Fail || step(r, "probe.net.proxyauth") == nil {
		t.Errorf("without a password: %+v", r.Steps)
	}
}

func newServerConfig(t *testing.T, ca *authority) *tls.Config {
	t.Helper()
	return &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, nil, nil)}}
}
