package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var hybridDropped = Rule{
	ID: "TLS001", Slug: "hybrid-dropped", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.tls001.title"), Why: i18n.M("rule.tls001.why"), Fix: i18n.M("rule.tls001.fix"),
	Bad:  "cfg := &tls.Config{\n\tCurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},\n}",
	Good: "cfg := &tls.Config{\n\tCurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256},\n}",
	Run:  runHybridDropped,
}

// classic are the groups of crypto/tls that a quantum computer breaks.
var classic = []string{"crypto/tls.X25519", "crypto/tls.CurveP256", "crypto/tls.CurveP384", "crypto/tls.CurveP521"}

// runHybridDropped finds lists that are wholly known. Below go 1.24 it is the
// go line that keeps the hybrid away, whatever the list says.
func runHybridDropped(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachTLSField(r, "CurvePreferences", func(g *facts.GoFile, s *facts.Site, v facts.Value) {
		m := r.ModuleAt(g.Dir)
		if m == nil || !atLeast(godebugDefault(*m), "1.24") || debugSet(*m, "tlsmlkem") {
			return
		}
		if len(v.Elems) == 0 || slices.ContainsFunc(v.Elems, func(e facts.Value) bool { return !slices.Contains(classic, e.Text) }) {
			return
		}
		if max, ok := s.Fields["MaxVersion"]; ok && max.Text != "crypto/tls.VersionTLS13" || guarded(s, "fips", "curve", "hybrid", "legacy", "compat", "mlkem", "kyber", "pq", "quantum") {
			return
		}
		first := v.Elems[0]
		pkg := tlsName(g)
		f := finding.Finding{
			Pos: v.Pos, Entity: entity(g.Dir, s.Func, "CurvePreferences"), Message: i18n.M("rule.tls001.message"),
			Evidence: []finding.Evidence{{Pos: m.Go.Pos, Text: i18n.M("rule.go001.line", m.Go.Value)}},
		}
		if pkg != "" {
			f.Edits = []finding.Edit{{Pos: first.Pos, New: pkg + ".X25519MLKEM768, "}}
		}
		out = append(out, f)
	})
	return out
}

// tlsName is what the file calls crypto/tls, "" if it dots it in.
func tlsName(g *facts.GoFile) string {
	for _, im := range g.Imports {
		switch {
		case im.Path != "crypto/tls":
		case im.Name == "":
			return "tls"
		case im.Name != ".":
			return im.Name
		}
	}
	return ""
}

var skipVerify = Rule{
	ID: "TLS003", Slug: "skip-verify", Severity: finding.Security, Confidence: Medium, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.tls003.title"), Why: i18n.M("rule.tls003.why"), Fix: i18n.M("rule.tls003.fix"),
	Bad:  "cfg := &tls.Config{RootCAs: pool, InsecureSkipVerify: true}",
	Good: "cfg := &tls.Config{RootCAs: pool}",
	Run:  runSkipVerify,
}

// runSkipVerify leaves alone what a setting decides and what verifies in its
// own way. Without RootCAs beside it, it may be meant so: a probe, a first
// contact. Such findings are advisory.
func runSkipVerify(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachTLSField(r, "InsecureSkipVerify", func(g *facts.GoFile, s *facts.Site, v facts.Value) {
		if v.Text != "true" || verifiesItself(g, s) ||
			guarded(s, "insecure", "skip", "verify", "unsafe", "selfsigned", "untrusted", "pin", "fingerprint", "test", "fetch", "debug", "dev", "spiffe", "ca", "cert") {
			return
		}
		roots, contradiction := s.Fields["RootCAs"]
		contradiction = contradiction && roots.Text != "nil"
		f := finding.Finding{
			Pos: v.Pos, Entity: entity(g.Dir, s.Func, "InsecureSkipVerify"), Message: i18n.M("rule.tls003.message"), Advisory: !contradiction,
		}
		if contradiction {
			f.Message = i18n.M("rule.tls003.roots")
			f.Evidence = []finding.Evidence{{Pos: roots.Pos, Text: i18n.M("rule.tls003.pool")}}
		}
		out = append(out, f)
	})
	return out
}

// verifiesItself reports whether the function, or the literal, sets a
// verification of its own.
func verifiesItself(g *facts.GoFile, s *facts.Site) bool {
	for _, name := range []string{"VerifyConnection", "VerifyPeerCertificate"} {
		if v, ok := s.Fields[name]; ok && v.Text != "nil" {
			return true
		}
		if slices.ContainsFunc(g.Sites, func(o facts.Site) bool {
			return o.Kind == facts.SiteAssign && o.What == "."+name && o.Func == s.Func || o.Fields[name].Pos.Line > 0 && o.Func == s.Func
		}) {
			return true
		}
	}
	return false
}

var oldVersion = Rule{
	ID: "TLS004", Slug: "old-version", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.tls004.title"), Why: i18n.M("rule.tls004.why"), Fix: i18n.M("rule.tls004.fix"),
	Bad:  "cfg := &tls.Config{MinVersion: tls.VersionTLS10}",
	Good: "cfg := &tls.Config{MinVersion: tls.VersionTLS12}",
	Run:  runOldVersion,
}

var oldVersions = map[string]string{
	"crypto/tls.VersionSSL30": "SSL 3.0", "crypto/tls.VersionTLS10": "TLS 1.0", "crypto/tls.VersionTLS11": "TLS 1.1",
	"0x0300": "SSL 3.0", "0x0301": "TLS 1.0", "0x0302": "TLS 1.1",
}

func runOldVersion(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachTLSField(r, "MinVersion", func(g *facts.GoFile, s *facts.Site, v facts.Value) {
		name := oldVersions[v.Text]
		if name == "" || guarded(s, "legacy", "compat", "old", "insecure", "version", "min", "tls1", "tlsv1", "weak", "test") {
			return
		}
		out = append(out, finding.Finding{
			Pos: v.Pos, Entity: entity(g.Dir, s.Func, "MinVersion"), Message: i18n.M("rule.tls004.message", name),
		})
	})
	return out
}

// eachTLSField visits the values that shipped code gives to a field of
// tls.Config, in literals and in assignments.
func eachTLSField(r *facts.Repo, field string, visit func(*facts.GoFile, *facts.Site, facts.Value)) {
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		if len(g.Sites) == 0 || !shipped(g) {
			continue
		}
		for k := range g.Sites {
			s := &g.Sites[k]
			switch {
			case s.Kind == facts.SiteLiteral && s.What == "crypto/tls.Config":
				if v, ok := s.Fields[field]; ok {
					visit(g, s, v)
				}
			case s.Kind == facts.SiteAssign && s.What == "."+field && len(s.Args) == 1:
				visit(g, s, s.Args[0])
			}
		}
	}
}

// guarded reports whether a condition around the site, or the name of its
// function, speaks of one of the words: then it is somebody's choice.
func guarded(s *facts.Site, words ...string) bool {
	for _, name := range append([]string{s.Func}, s.Guards...) {
		name = strings.ToLower(name)
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) }) {
			return true
		}
	}
	return false
}

// shippedFiles are the files of the repository that are shipped.
func shippedFiles(r *facts.Repo) []*facts.GoFile {
	return facts.Once(r, "shipped files", func() []*facts.GoFile {
		var out []*facts.GoFile
		for i := range r.GoFiles {
			if g := &r.GoFiles[i]; shipped(g) {
				out = append(out, g)
			}
		}
		return out
	})
}

// shipped reports whether a file looks like a part of what users run: no test,
// example, tool for developers, nor code that tests share.
func shipped(g *facts.GoFile) bool {
	if g.Test || g.Generated || g.Module == "" || hidden(g.Dir) || strings.HasSuffix(g.Package, "test") || strings.HasSuffix(g.Package, "_test") {
		return false
	}
	for part := range strings.SplitSeq(strings.ToLower(g.Path), "/") {
		part = strings.TrimSuffix(part, ".go")
		switch part {
		case "example", "examples", "sample", "samples", "demo", "demos", "hack", "e2e", "benchmark", "benchmarks", "bench", "perf", "magefiles", "docs", "doc", "tutorial", "playground", "scripts", "internal_tools", "third_party", "interop", "crossdock":
			return false
		}
		if strings.Contains(part, "test") || strings.Contains(part, "mock") || strings.Contains(part, "fake") || strings.HasPrefix(part, "example") || strings.HasSuffix(part, "bench") || strings.Contains(part, "fixture") {
			return false
		}
	}
	return true
}
