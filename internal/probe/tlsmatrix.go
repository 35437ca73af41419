package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync"

	"github.com/slipway-build/slipway/internal/i18n"
)

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
