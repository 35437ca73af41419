package probe

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/slipway-build/slipway/internal/i18n"
)

// CA is the pool of root certificates that a Go program would have.
type CA struct {
	Sources []CASource `json:"sources"`         // in the order crypto/x509 looks at them
	Count   int        `json:"count"`           // different certificates in the pool
	Expired []string   `json:"expired"`         // subjects
	Private []string   `json:"private"`         // subjects of those that are in no public list of this slipway's
	Asked   []CAAsked  `json:"asked,omitempty"` // certificates of the file that was named
	Error   string     `json:"error,omitempty"` // what a Go program prints when it dials TLS
}

// CASource is a file or directory of certificates.
type CASource struct {
	Path       string `json:"path"`
	From       string `json:"from"` // SSL_CERT_FILE, SSL_CERT_DIR, default
	State      string `json:"state"`
	Count      int    `json:"count"`           // certificates that were read
	Duplicates int    `json:"duplicates"`      // of them, those that were there already
	Unreadable int    `json:"unreadable"`      // blocks that are no certificate
	Error      string `json:"error,omitempty"` // why it could not be read
	Used       bool   `json:"used"`            // its certificates are in the pool
	Directory  bool   `json:"directory"`       //
	Followed   bool   `json:"followed"`        // SSL_CERT_* is set and names it
}

// CAAsked is a certificate that somebody asked for.
type CAAsked struct {
	Subject string `json:"subject"`
	SHA256  string `json:"sha256"`
	InPool  bool   `json:"inPool"`
	Trusted bool   `json:"trusted"` // a chain leads from it to the pool
	Error   string `json:"error,omitempty"`
}

// The places of crypto/x509 on Linux, in its order (src/crypto/x509/root_linux.go).
var (
	caFiles = []string{
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
		"/etc/ssl/cert.pem",
	}
	caDirs = []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}
)

// noRoots is what a Go program prints when its pool is empty.
const noRoots = "tls: failed to verify certificate: x509: certificate signed by unknown authority"

// Roots says which root certificates a Go program trusts here, and where they
// are from. file, if not empty, holds certificates in PEM form that are looked
// for in the pool.
func Roots(ctx context.Context, sys System, file string) Report {
	r := newReport("ca", file)
	pool := loadPool(sys)
	r.CA = &pool.CA
	for _, s := range pool.Sources {
		r.add(s.step())
	}
	r.add(pool.verdict())
	if len(pool.Expired) > 0 {
		r.add(Step{Status: Info, What: i18n.M("probe.ca.expired", len(pool.Expired)), Seen: list(pool.Expired, 3)})
	}
	if len(pool.Private) > 0 {
		r.add(Step{Status: Info, What: i18n.M("probe.ca.private", len(pool.Private)), Seen: list(pool.Private, 3), Note: i18n.M("probe.ca.private.note")})
	}
	if file != "" && ctx.Err() == nil {
		pool.ask(r, sys, file)
	}
	return r.done()
}

// roots is a CA with the certificates themselves.
type roots struct {
	CA
	certs []*x509.Certificate
	seen  map[[32]byte]bool
	pool  *x509.CertPool
	fatal error // what crypto/x509 gives up with
}

// loadPool walks the way of crypto/x509 (src/crypto/x509/root_unix.go): the
// first file that can be read, then every directory.
func loadPool(sys System) *roots {
	p := &roots{seen: map[[32]byte]bool{}, pool: x509.NewCertPool()}
	p.Expired, p.Private = []string{}, []string{}
	files, from := caFiles, "default"
	if f := sys.getenv("SSL_CERT_FILE"); f != "" {
		files, from = []string{f}, "SSL_CERT_FILE"
	}
	var first error
	found := false
	for _, f := range files {
		s := CASource{Path: f, From: from, Followed: from != "default"}
		data, err := sys.read(f)
		switch {
		case found && err == nil:
			s.State = "not-needed"
		case err != nil:
			s.fail(err)
			if first == nil && !errors.Is(err, fs.ErrNotExist) {
				first = err
			}
		default:
			found = true
			p.take(&s, data)
		}
		p.Sources = append(p.Sources, s)
	}
	dirs, from := caDirs, "default"
	if d := sys.getenv("SSL_CERT_DIR"); d != "" {
		dirs, from = strings.Split(d, ":"), "SSL_CERT_DIR"
	}
	for _, d := range dirs {
		s := CASource{Path: d, From: from, Directory: true, Followed: from != "default"}
		entries, err := os.ReadDir(sys.path(d))
		if err != nil {
			s.fail(err)
			if first == nil && !errors.Is(err, fs.ErrNotExist) {
				first = err
			}
			p.Sources = append(p.Sources, s)
			continue
		}
		s.State, s.Used = "read", true
		for _, e := range entries {
			name := path.Join(d, e.Name())
			if e.Type()&fs.ModeSymlink != 0 {
				// A hash link to a file of the same directory; x509 skips it too.
				if target, err := os.Readlink(sys.path(name)); err == nil && !strings.Contains(target, "/") {
					continue
				}
			}
			if data, err := sys.read(name); err == nil {
				p.take(&s, data)
			}
		}
		p.Sources = append(p.Sources, s)
	}
	p.Count = len(p.certs)
	now := time.Now()
	for _, c := range p.certs {
		if now.After(c.NotAfter) {
			p.Expired = append(p.Expired, nameOf(c))
		}
		if !publicRoots()[sha256.Sum256(c.Raw)] {
			p.Private = append(p.Private, nameOf(c))
		}
	}
	if p.Count == 0 {
		p.Error = noRoots
		if first != nil {
			p.fatal = first
			p.Error = "tls: failed to verify certificate: x509: failed to load system roots and no roots provided; " + first.Error()
		}
	}
	return p
}

func (s *CASource) fail(err error) {
	s.State, s.Error = "unreadable", cause(err)
	if errors.Is(err, fs.ErrNotExist) {
		s.State = "missing"
	}
}

// take adds the certificates of a PEM file to the pool, as AppendCertsFromPEM
// does: blocks of other types and with headers are passed over.
func (p *roots) take(s *CASource, data []byte) {
	s.State, s.Used = "read", true
	certs, bad := certificates(data)
	s.Unreadable += bad
	for _, c := range certs {
		s.Count++
		sum := sha256.Sum256(c.Raw)
		if p.seen[sum] {
			s.Duplicates++
			continue
		}
		p.seen[sum] = true
		p.certs = append(p.certs, c)
		p.pool.AddCert(c)
	}
}

func certificates(data []byte) (certs []*x509.Certificate, bad int) {
	for len(data) > 0 {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			break
		}
		if b.Type != "CERTIFICATE" || len(b.Headers) != 0 {
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			bad++
			continue
		}
		certs = append(certs, c)
	}
	return certs, bad
}

func (s CASource) step() Step {
	st := Step{Status: Info, What: i18n.M("probe.ca.file", s.Path)}
	if s.Directory {
		st.What = i18n.M("probe.ca.dir", s.Path)
	}
	switch s.State {
	case "missing":
		st.Seen = s.Error
		if s.Followed {
			st.Status, st.Note, st.Fix = Warn, i18n.M("probe.ca.env.missing", s.From), i18n.M("probe.ca.env.missing.fix", s.From)
		}
	case "unreadable":
		st.Status, st.Seen, st.Note = Warn, s.Error, i18n.M("probe.ca.unreadable")
	case "not-needed":
		st.Seen, st.Note = "-", i18n.M("probe.ca.notneeded")
	default:
		st.Seen = fmt.Sprintf("%d", s.Count)
		if s.Count > 0 {
			st.Status = OK
		}
		if s.Followed {
			st.Note = i18n.M("probe.ca.env", s.From)
		}
		switch {
		case s.Unreadable > 0:
			st.Status, st.Note = Warn, i18n.M("probe.ca.bad", s.Unreadable)
		case s.Count == 0 && !s.Directory:
			st.Status, st.Note = Warn, i18n.M("probe.ca.nothing")
		case s.Duplicates > 0 && s.Count > s.Duplicates:
			st.Note = i18n.M("probe.ca.duplicates", s.Duplicates)
		}
	}
	return st
}

func (p *roots) verdict() Step {
	if p.Count == 0 {
		return Step{Status: Fail, What: i18n.M("probe.ca.pool"), Seen: p.Error, Note: i18n.M("probe.ca.none"), Fix: i18n.M("probe.ca.none.fix")}
	}
	return Step{Status: OK, What: i18n.M("probe.ca.pool"), Seen: fmt.Sprintf("%d", p.Count)}
}

func (p *roots) ask(r *Report, sys System, file string) {
	data, err := sys.read(file)
	if err != nil {
		r.add(Step{Status: Fail, What: i18n.M("probe.ca.asked", file), Seen: cause(err)})
		return
	}
	certs, _ := certificates(data)
	if len(certs) == 0 {
		if c, err := x509.ParseCertificate(bytes.TrimSpace(data)); err == nil {
			certs = append(certs, c)
		}
	}
	if len(certs) == 0 {
		r.add(Step{Status: Fail, What: i18n.M("probe.ca.asked", file), Note: i18n.M("probe.ca.asked.none")})
		return
	}
	others := x509.NewCertPool()
	for _, c := range certs {
		others.AddCert(c)
	}
	for _, c := range certs {
		sum := sha256.Sum256(c.Raw)
		a := CAAsked{Subject: nameOf(c), SHA256: hex.EncodeToString(sum[:]), InPool: p.seen[sum]}
		_, err := c.Verify(x509.VerifyOptions{Roots: p.pool, Intermediates: others, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		a.Trusted = err == nil
		st := Step{Status: OK, What: i18n.M("probe.ca.asked", a.Subject), Seen: "sha256:" + a.SHA256[:16]}
		switch {
		case a.InPool:
			st.Note = i18n.M("probe.ca.asked.in")
		case a.Trusted:
			st.Note = i18n.M("probe.ca.asked.leads")
		default:
			a.Error = err.Error()
			st.Status, st.Note, st.Fix = Fail, i18n.M("probe.ca.asked.out", a.Error), i18n.M("probe.ca.asked.fix")
		}
		p.Asked = append(p.Asked, a)
		r.add(st)
	}
}

// publicRoots are the digests of the roots that Mozilla trusts, as of the
// list that is linked into slipway.
var publicRoots = sync.OnceValue(func() map[[32]byte]bool {
	m := map[[32]byte]bool{}
	for r := range bundle.Roots() {
		m[sha256.Sum256(r.Certificate)] = true
	}
	return m
})

// publicPool is Mozilla's list as a pool: what would verify if the image had
// any roots at all.
var publicPool = sync.OnceValue(func() *x509.CertPool {
	pool := x509.NewCertPool()
	for r := range bundle.Roots() {
		if c, err := x509.ParseCertificate(r.Certificate); err == nil && r.Constraint == nil {
			pool.AddCert(c)
		}
	}
	return pool
})

// nameOf is what people call a certificate.
func nameOf(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.Subject.OrganizationalUnit) > 0:
		return c.Subject.OrganizationalUnit[0]
	case len(c.Subject.Organization) > 0:
		return c.Subject.Organization[0]
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	}
	return c.SerialNumber.String()
}

// keyOf names a public key with its size in bits.
func keyOf(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA-%d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA-" + k.Curve.Params().Name
	}
	return c.PublicKeyAlgorithm.String()
}

// list joins the first n of ss.
func list(ss []string, n int) string {
	if len(ss) <= n {
		return strings.Join(ss, ", ")
	}
	return strings.Join(ss[:n], ", ") + fmt.Sprintf(", … (%d)", len(ss)-n)
}

// caFile reads the authorities that --ca names in place of the system's.
func caFile(name string) (*x509.CertPool, error) {
	data, err := System{}.read(filepath.Clean(name))
	if err != nil {
		return nil, err
	}
	certs, _ := certificates(data)
	if len(certs) == 0 {
		return nil, constError("it holds no certificate in PEM form")
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}
