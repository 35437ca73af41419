package probe

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ocsp"

	"github.com/slipway-build/slipway/internal/i18n"
)

// OCSP is the stapled statement that a certificate is not revoked. crypto/tls
// hands it over unread: a program that wants to rely on it has to verify it.
type OCSP struct {
	Present    bool      `json:"present"`
	Valid      bool      `json:"valid"`            // signed by the issuer or its delegate, and neither too old nor too new
	Status     string    `json:"status,omitempty"` // good, revoked, unknown
	ThisUpdate time.Time `json:"thisUpdate,omitzero"`
	NextUpdate time.Time `json:"nextUpdate,omitzero"`
	Error      string    `json:"error,omitempty"`
	MustStaple bool      `json:"mustStaple,omitempty"` // the certificate demands a staple (RFC 7633)
}

var (
	oidTLSFeature = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	oidSCTs       = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
)

// soon is how long before its end a certificate is worth a word.
const soon = 14 * 24 * time.Hour

func (t *TLS) certificates(r *Report, d *dialer, a attempt, roots *roots, own bool) {
	certs := a.state.PeerCertificates
	now := time.Now()
	for i, c := range certs {
		if i == 16 {
			break
		}
		cert := Cert{
			Subject: nameOf(c), Issuer: c.Issuer.String(), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
			Key: keyOf(c), Signature: c.SignatureAlgorithm.String(), SelfMade: selfSigned(c),
		}
		cert.Names = append(cert.Names, c.DNSNames...)
		for _, ip := range c.IPAddresses {
			cert.Names = append(cert.Names, ip.String())
		}
		t.Chain = append(t.Chain, cert)
		r.add(cert.step(c, i, now))
	}
	opts := x509.VerifyOptions{Roots: d.pool, Intermediates: x509.NewCertPool(), DNSName: d.name, CurrentTime: now}
	for _, c := range certs[1:] {
		opts.Intermediates.AddCert(c)
	}
	chains, err := certs[0].Verify(opts)
	st := Step{Status: OK, What: i18n.M("probe.tls.verify", d.name)}
	if err != nil {
		t.VerifyError = "tls: failed to verify certificate: " + err.Error()
		if !own && roots.fatal != nil {
			t.VerifyError = roots.Error
		}
		st.Status, st.Seen = Fail, t.VerifyError
		st.Note, st.Fix = verifyTrouble(err, certs, opts, roots, own)
	} else {
		var names []string
		for _, c := range chains[0] {
			names = append(names, nameOf(c))
		}
		st.Seen = strings.Join(names, " ← ")
	}
	r.add(st)
	t.staple(r, a, chains)
	t.SCTs = len(a.state.SignedCertificateTimestamps) + embeddedSCTs(certs[0])
	r.add(Step{Status: Info, What: i18n.M("probe.tls.scts"), Seen: fmt.Sprint(t.SCTs)})
}

func (cert Cert) step(c *x509.Certificate, i int, now time.Time) Step {
	st := Step{Status: OK, What: i18n.M("probe.tls.cert", i+1)}
	st.Seen = fmt.Sprintf("%s (%s) %s %s, %s – %s", cert.Subject, list(cert.Names, 4), cert.Key, cert.Signature,
		c.NotBefore.UTC().Format(time.DateOnly), c.NotAfter.UTC().Format(time.DateOnly))
	if len(cert.Names) == 0 {
		st.Seen = strings.Replace(st.Seen, " ()", "", 1)
	}
	switch {
	case now.After(c.NotAfter):
		st.Status, st.Note = Fail, i18n.M("probe.tls.expired", days(now.Sub(c.NotAfter)))
	case now.Before(c.NotBefore):
		st.Status, st.Note = Fail, i18n.M("probe.tls.notyet", now.UTC().Format(time.RFC3339))
	case c.NotAfter.Sub(now) < soon && c.NotAfter.Sub(c.NotBefore) > 2*soon:
		st.Status, st.Note = Warn, i18n.M("probe.tls.soon", days(c.NotAfter.Sub(now)))
	case weakKey(c):
		st.Status, st.Note = Warn, i18n.M("probe.tls.weakkey", cert.Key)
	case !cert.SelfMade && (c.SignatureAlgorithm == x509.SHA1WithRSA || c.SignatureAlgorithm == x509.ECDSAWithSHA1 || c.SignatureAlgorithm == x509.MD5WithRSA):
		st.Status, st.Note = Warn, i18n.M("probe.tls.weaksig", cert.Signature)
	case i > 0 && cert.SelfMade:
		st.Note = i18n.M("probe.tls.rootsent")
	}
	return st
}

func days(d time.Duration) string { return fmt.Sprintf("%.0f", d.Hours()/24) }

func weakKey(c *x509.Certificate) bool {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() < 2048
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize < 256
	}
	return false
}

func selfSigned(c *x509.Certificate) bool {
	return slices.Equal(c.RawSubject, c.RawIssuer) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// verifyTrouble finds out which of the several causes behind one error it is.
func verifyTrouble(err error, certs []*x509.Certificate, opts x509.VerifyOptions, roots *roots, own bool) (note, fix i18n.Message) {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return i18n.M("probe.tls.wrongname", opts.DNSName, list(names(certs[0]), 8)), i18n.M("probe.tls.wrongname.fix")
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return i18n.M("probe.tls.clock", opts.CurrentTime.UTC().Format(time.RFC3339)), i18n.M("probe.tls.clock.fix")
		}
		return i18n.M("probe.tls.invalid"), i18n.Message{}
	}
	if !own && roots.Count == 0 {
		return i18n.M("probe.tls.noroots"), i18n.M("probe.ca.none.fix")
	}
	leaf, last := certs[0], certs[len(certs)-1]
	if len(certs) == 1 && selfSigned(leaf) {
		return i18n.M("probe.tls.selfsigned"), i18n.M("probe.tls.ca.fix")
	}
	public := opts
	public.Roots = publicPool()
	if _, err := leaf.Verify(public); err == nil {
		return i18n.M("probe.tls.publicly"), i18n.M("probe.tls.publicly.fix")
	}
	if !selfSigned(last) && len(certs) == 1 && len(leaf.IssuingCertificateURL) > 0 {
		return i18n.M("probe.tls.intermediate", leaf.Issuer.String(), leaf.IssuingCertificateURL[0]), i18n.M("probe.tls.intermediate.fix")
	}
	if !selfSigned(last) {
		return i18n.M("probe.tls.issuer", last.Issuer.String()), i18n.M("probe.tls.issuer.fix")
	}
	return i18n.M("probe.tls.private", nameOf(last)), i18n.M("probe.tls.ca.fix")
}

func names(c *x509.Certificate) []string {
	out := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	return out
}

func (t *TLS) staple(r *Report, a attempt, chains [][]*x509.Certificate) {
	o := &t.OCSP
	leaf := a.state.PeerCertificates[0]
	for _, e := range leaf.Extensions {
		if e.Id.Equal(oidTLSFeature) {
			var features []int
			if _, err := asn1.Unmarshal(e.Value, &features); err == nil {
				o.MustStaple = slices.Contains(features, 5)
			}
		}
	}
	st := Step{Status: Info, What: i18n.M("probe.tls.ocsp"), Seen: "none"}
	defer func() { r.add(st) }()
	raw := a.state.OCSPResponse
	if len(raw) == 0 {
		if o.MustStaple {
			st.Status, st.Note = Fail, i18n.M("probe.tls.muststaple")
		}
		return
	}
	o.Present = true
	var issuer *x509.Certificate
	if len(chains) > 0 && len(chains[0]) > 1 {
		issuer = chains[0][1]
	} else if len(a.state.PeerCertificates) > 1 {
		issuer = a.state.PeerCertificates[1]
	}
	resp, err := ocsp.ParseResponseForCert(raw, leaf, issuer)
	now := time.Now()
	switch {
	case err != nil:
		o.Error = err.Error()
	case issuer == nil:
		o.Error = "the issuer is unknown, so the signature cannot be verified"
	case now.Before(resp.ThisUpdate.Add(-5 * time.Minute)):
		o.Error = "not valid yet: thisUpdate " + resp.ThisUpdate.UTC().Format(time.RFC3339)
	case !resp.NextUpdate.IsZero() && now.After(resp.NextUpdate):
		o.Error = "expired: nextUpdate " + resp.NextUpdate.UTC().Format(time.RFC3339)
	}
	if resp != nil {
		o.Status = map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked", ocsp.Unknown: "unknown"}[resp.Status]
		o.ThisUpdate, o.NextUpdate = resp.ThisUpdate, resp.NextUpdate
	}
	o.Valid = o.Error == ""
	switch {
	case !o.Valid:
		st.Status, st.Seen, st.Note, st.Fix = Warn, o.Error, i18n.M("probe.tls.ocsp.bad"), i18n.M("probe.tls.ocsp.fix")
		if o.MustStaple {
			st.Status = Fail
		}
	case o.Status != "good":
		st.Status, st.Seen, st.Note = Fail, o.Status, i18n.M("probe.tls.ocsp.revoked")
	default:
		st.Status, st.Seen = OK, fmt.Sprintf("%s, %s – %s", o.Status, o.ThisUpdate.UTC().Format(time.RFC3339), o.NextUpdate.UTC().Format(time.RFC3339))
	}
}

// embeddedSCTs counts the timestamps in a certificate (RFC 6962, section 3.3).
func embeddedSCTs(c *x509.Certificate) int {
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSCTs) {
			continue
		}
		in := cryptobyte.String(e.Value)
		var octets, list, sct cryptobyte.String
		if !in.ReadASN1(&octets, cbasn1.OCTET_STRING) || !octets.ReadUint16LengthPrefixed(&list) {
			return 0
		}
		n := 0
		for list.ReadUint16LengthPrefixed(&sct) {
			n++
		}
		return n
	}
	return 0
}
