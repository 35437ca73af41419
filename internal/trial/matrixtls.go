package trial

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/slipway-build/slipway/internal/egress"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// wish is what a program should do with a server.
type wish int

const (
	works   wish = iota // connect
	refuses             // not connect; to do so is a hole
	either              // connecting is well, not connecting is a limit to know of
	better              // not to connect, though many do
)

// tlsCase is one server.
type tlsCase struct {
	id    string
	wish  wish
	cert  string // of pki; "": ecdsa
	tune  func(*tls.Config)
	title i18n.Message
	// staple is the answer of its authority that the server staples (RFC
	// 6066, section 8); "": none.
	staple string
	alone  bool // needs surroundings of its own
}

// What a server staples.
const (
	stapleGood    = "good"
	stapleRevoked = "revoked"
	stapleJunk    = "junk"
)

func group(g tls.CurveID) func(*tls.Config) {
	return func(c *tls.Config) { c.MinVersion, c.CurvePreferences = tls.VersionTLS13, []tls.CurveID{g} }
}

func tlsCases() []tlsCase {
	return []tlsCase{
		{id: "tls13", title: i18n.M("trial.tls.only", "TLS 1.3"), tune: func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }},
		{id: "tls12", title: i18n.M("trial.tls.only", "TLS 1.2"), tune: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }},
		{id: "tls11", wish: refuses, title: i18n.M("trial.tls.only", "TLS 1.1"), tune: func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}},
		{id: "x25519mlkem768", wish: either, title: i18n.M("trial.tls.only", "X25519MLKEM768"), tune: group(tls.X25519MLKEM768)},
		{id: "secp256r1mlkem768", wish: either, title: i18n.M("trial.tls.only", "SecP256r1MLKEM768"), tune: group(tls.SecP256r1MLKEM768)},
		{id: "x25519", title: i18n.M("trial.tls.only", "X25519"), tune: group(tls.X25519)},
		{id: "p256", title: i18n.M("trial.tls.only", "P-256"), tune: group(tls.CurveP256)},
		{id: "ecdsa", title: i18n.M("trial.tls.cert", "ECDSA P-256")},
		{id: "rsa2048", cert: "rsa2048", title: i18n.M("trial.tls.cert", "RSA 2048")},
		{id: "rsa1024", cert: "rsa1024", wish: better, title: i18n.M("trial.tls.cert", "RSA 1024")},
		{id: "client-certificate", wish: either, title: i18n.M("trial.tls.client"), tune: func(c *tls.Config) { c.ClientAuth = tls.RequireAndVerifyClientCert }},
		{id: "unknown-authority", cert: "unknown", wish: refuses, title: i18n.M("trial.tls.unknown")},
		{id: "expired", cert: "expired", wish: refuses, title: i18n.M("trial.tls.expired")},
		{id: "wrong-name", cert: "wrong", wish: refuses, title: i18n.M("trial.tls.wrong")},
		{id: "no-roots", alone: true, wish: refuses, title: i18n.M("trial.tls.noroots")},
		{id: "staple", staple: stapleGood, title: i18n.M("trial.tls.staple")},
		{id: "staple-junk", staple: stapleJunk, wish: either, title: i18n.M("trial.tls.staplejunk")},
		{id: "staple-revoked", staple: stapleRevoked, wish: better, title: i18n.M("trial.tls.staplerevoked")},
		{id: "http-proxy", alone: true, title: i18n.M("trial.tls.proxy")},
	}
}

// pki is an authority with the certificates of the cases.
type pki struct {
	certs                          map[string]tls.Certificate
	staples                        map[string][]byte
	pool                           *x509.CertPool
	caPEM, clientPEM, clientKeyPEM []byte
}

func newPKI() (*pki, error) {
	p := &pki{certs: map[string]tls.Certificate{}, staples: map[string][]byte{stapleJunk: []byte("not an answer")}, pool: x509.NewCertPool()}
	ca, caKey, err := authority()
	if err != nil {
		return nil, err
	}
	other, otherKey, err := authority()
	if err != nil {
		return nil, err
	}
	p.pool.AddCert(ca)
	p.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	now := time.Now()
	for _, c := range []struct {
		id, host string
		bits     int // of RSA; 0: ECDSA
		until    time.Time
		unknown  bool
	}{
		{"ecdsa", "*." + matrixHost, 0, now.Add(time.Hour), false},
		{"rsa2048", "*." + matrixHost, 2048, now.Add(time.Hour), false},
		{"rsa1024", "*." + matrixHost, 1024, now.Add(time.Hour), false},
		{"expired", "*." + matrixHost, 0, now.Add(-time.Hour), false},
		{"wrong", "elsewhere.test", 0, now.Add(time.Hour), false},
		{"unknown", "*." + matrixHost, 0, now.Add(time.Hour), true},
		{"client", "client." + matrixHost, 0, now.Add(time.Hour), false},
	} {
		var key crypto.Signer
		if c.bits > 0 {
			key, err = rsa.GenerateKey(rand.Reader, c.bits)
		} else {
			key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		}
		if err != nil {
			return nil, fmt.Errorf("make a key: %w", err)
		}
		tpl := &x509.Certificate{
			SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: c.host}, DNSNames: []string{c.host},
			NotBefore: now.Add(-48 * time.Hour), NotAfter: c.until, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		signer, signerKey := ca, caKey
		if c.unknown {
			signer, signerKey = other, otherKey
		}
		der, err := x509.CreateCertificate(rand.Reader, tpl, signer, key.Public(), signerKey)
		if err != nil {
			return nil, fmt.Errorf("make a certificate: %w", err)
		}
		p.certs[c.id] = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
		if c.id != "ecdsa" {
			continue
		}
		for name, status := range map[string]int{stapleGood: ocsp.Good, stapleRevoked: ocsp.Revoked} {
			p.staples[name], err = ocsp.CreateResponse(ca, ca, ocsp.Response{
				Status: status, SerialNumber: tpl.SerialNumber, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour),
				RevokedAt: now.Add(-time.Hour), RevocationReason: ocsp.KeyCompromise,
			}, caKey)
			if err != nil {
				return nil, fmt.Errorf("make an OCSP response: %w", err)
			}
		}
	}
	client := p.certs["client"]
	der, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("write a key: %w", err)
	}
	p.clientPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Certificate[0]})
	p.clientKeyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return p, nil
}

func authority() (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "slipway verify"},
		NotBefore: now.Add(-72 * time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("make an authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("read the authority: %w", err)
	}
	return cert, key, nil
}

// server answers HTTPS on one connection as the case says.
func (p *pki) server(tc tlsCase) egress.Service {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ClientCAs: p.pool, NextProtos: []string{"http/1.1"}}
	id := tc.cert
	if id == "" {
		id = "ecdsa"
	}
	cert := p.certs[id]
	cert.OCSPStaple = p.staples[tc.staple]
	conf.Certificates = []tls.Certificate{cert}
	if tc.tune != nil {
		tc.tune(conf)
	}
	return func(ctx context.Context, c net.Conn) {
		s := tls.Server(c, conf)
		defer s.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if s.HandshakeContext(ctx) != nil {
			return
		}
		req, err := http.ReadRequest(bufio.NewReader(s))
		if err != nil {
			return
		}
		_ = req.Body.Close()
		_, _ = io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
	}
}

// tlsRun prepares a run with the servers of the cases.
func (t *trial) tlsRun() (p *pki, spec sandbox.Spec, eo egress.Options, done func(), err error) {
	if p, err = newPKI(); err != nil {
		return nil, spec, eo, nil, err
	}
	dir, err := t.files(map[string][]byte{"ca.pem": p.caPEM, "client.pem": p.clientPEM, "client-key.pem": p.clientKeyPEM})
	if err != nil {
		return nil, spec, eo, nil, err
	}
	spec = t.spec()
	spec.Binds = append(slices.Clone(spec.Binds), sandbox.Bind{Source: dir, Target: matrixDir})
	spec.Env = setEnv(spec.Env, "SSL_CERT_FILE", matrixDir+"/ca.pem", true)
	eo = egress.Options{Reach: t.services(nil)}
	for _, tc := range tlsCases() {
		eo.Reach[tc.id+"."+matrixHost+":443"] = p.server(tc)
	}
	return p, spec, eo, func() { os.RemoveAll(dir) }, nil
}

func (t *trial) tls(ctx context.Context) error {
	_, spec, eo, done, err := t.tlsRun()
	if err != nil {
		return err
	}
	defer done()
	cases := slices.DeleteFunc(tlsCases(), func(tc tlsCase) bool { return tc.alone })
	var cells []Cell
	for _, tc := range cases {
		cells = append(cells, Cell{Area: areaTLS, ID: tc.id, By: byProgram, Name: tc.title})
	}
	return t.together(ctx, cells, spec, eo, func(ctx context.Context, r *run, c *Cell) error {
		tc := cases[slices.IndexFunc(cases, func(x tlsCase) bool { return x.id == c.ID })]
		t.askTLS(ctx, r, c, tc)
		return nil
	})
}

func (t *trial) askTLS(ctx context.Context, r *run, c *Cell, tc tlsCase) {
	a, took := question(ctx, r, t.o.Matrix.TLS.with("url", "https://"+tc.id+"."+matrixHost+"/"), 15*time.Second)
	c.Ms, c.Detail = took, a.detail()
	switch {
	case !a.http:
		c.Verdict, c.Evidence = Fail, i18n.M("trial.cell.noanswer", a.Err)
	default:
		c.judgeTLS(tc, a.ok)
	}
}

// judgeTLS says whether it is well that a server was reached, or not.
func (c *Cell) judgeTLS(tc tlsCase, ok bool) {
	switch {
	case ok && tc.wish == refuses:
		c.Verdict, c.Evidence, c.accepted = Fail, i18n.M("trial.tls.accepted"), true
	case ok && tc.wish == better:
		c.Verdict, c.Evidence = Degraded, i18n.M("trial.tls.accepted")
	case ok:
		c.Verdict, c.Evidence = Pass, i18n.M("trial.tls.connected", c.Ms)
	case tc.wish == refuses || tc.wish == better:
		c.Verdict, c.Evidence = Pass, i18n.M("trial.tls.refused")
	case tc.wish == either:
		c.Verdict, c.Evidence = Degraded, i18n.M("trial.tls.unable")
	default:
		c.Verdict, c.Evidence = Fail, i18n.M("trial.tls.unable")
	}
}

func tlsCaseOf(id string) tlsCase {
	all := tlsCases()
	return all[slices.IndexFunc(all, func(tc tlsCase) bool { return tc.id == id })]
}

// withoutRoots gives surroundings without a single root certificate in the
// places where programs look for them.
func withoutRoots(spec sandbox.Spec) sandbox.Spec {
	spec.Env = setEnv(spec.Env, "SSL_CERT_FILE", matrixDir+"/none.pem", true)
	spec.Env = setEnv(spec.Env, "SSL_CERT_DIR", matrixDir+"/none", true)
	return spec
}

// withoutAnyRoots asks for a server while nobody is trusted.
func (t *trial) withoutAnyRoots(ctx context.Context) error {
	_, spec, eo, done, err := t.tlsRun()
	if err != nil {
		return err
	}
	defer done()
	tc := tlsCaseOf("no-roots")
	cells := []Cell{{Area: areaTLS, ID: tc.id, By: byProgram, Name: tc.title}}
	return t.together(ctx, cells, withoutRoots(spec), eo, func(ctx context.Context, r *run, c *Cell) error {
		t.askTLS(ctx, r, c, tc)
		return nil
	})
}

// proxied asks for a server that can only be reached through an HTTP proxy.
func (t *trial) proxied(ctx context.Context) error {
	_, spec, eo, done, err := t.tlsRun()
	if err != nil {
		return err
	}
	defer done()
	tc := tlsCaseOf("http-proxy")
	target := tc.id + "." + matrixHost + ":443"
	server := eo.Reach[target]
	delete(eo.Reach, target)
	eo.Zone = map[string]egress.Answer{tc.id + "." + matrixHost: {RCode: 3}}
	seen := make(chan struct{}, 16)
	eo.Reach["proxy."+matrixHost+":3128"] = func(ctx context.Context, c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil || req.Method != http.MethodConnect || req.Host != target {
			c.Close()
			return
		}
		select {
		case seen <- struct{}{}:
		default:
		}
		if _, err := io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
			c.Close()
			return
		}
		server(ctx, c)
	}
	for _, k := range []string{"HTTPS_PROXY", "https_proxy"} {
		spec.Env = setEnv(spec.Env, k, "http://proxy."+matrixHost+":3128", true)
	}
	cells := []Cell{{Area: areaTLS, ID: tc.id, By: byProgram, Name: tc.title}}
	return t.together(ctx, cells, spec, eo, func(ctx context.Context, r *run, c *Cell) error {
		t.askTLS(ctx, r, c, tc)
		if c.Verdict == Fail && len(seen) == 0 {
			c.Evidence = i18n.M("trial.tls.noproxy")
		}
		return nil
	})
}
