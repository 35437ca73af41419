package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var fipsUndone = Rule{
	ID: "TLS005", Slug: "fips-undone", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.tls005.title"), Why: i18n.M("rule.tls005.why"), Fix: i18n.M("rule.tls005.fix"),
	Bad:  "RUN GOFIPS140=v1.0.0 go build -o /app .\nFROM scratch\nENV GODEBUG=fips140=off",
	Good: "RUN GOFIPS140=v1.0.0 go build -o /app .\nFROM scratch",
	Run:  runFIPSUndone,
}

// fipsBuild reports whether a build asks for the FIPS 140 module, and which.
func fipsBuild(b *facts.Build) (string, bool) {
	v := b.Go.Env["GOFIPS140"]
	return v, v != "" && v != "off" && literal(v) && (b.Go.Verb == "build" || b.Go.Verb == "install")
}

// runFIPSUndone joins builds for FIPS 140 with what is in force when their
// programs run: the image they end in, the containers that run it, the
// program's own go:debug lines, go.mod, and files of variables.
func runFIPSUndone(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range r.Builds() {
		version, ok := fipsBuild(&b)
		if !ok {
			continue
		}
		for _, l := range programDebug(r, &b) {
			if fipsMode(l.Value) != "off" || seen[l.Pos] {
				continue
			}
			seen[l.Pos] = true
			out = append(out, finding.Finding{
				Pos: l.Pos, Entity: entity(strings.Join(b.Packages, " "), "fips140=off"), Message: i18n.M("rule.tls005.message"),
				Evidence: []finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.tls005.build", version)}},
			})
		}
	}
	return out
}

// programDebug gives the GODEBUG lists that are in force where b's program
// runs; a later one overrules an earlier one.
func programDebug(r *facts.Repo, b *facts.Build) []facts.Line {
	var out []facts.Line
	if b.Module != nil {
		out = append(out, b.Module.Godebug...)
	}
	for i := range r.GoFiles {
		if g := &r.GoFiles[i]; len(g.Debugs) > 0 && g.Package == "main" && !g.Test && slices.Contains(b.Packages, g.Dir) {
			out = append(out, g.Debugs...)
		}
	}
	for _, e := range r.EnvFiles {
		if l := e.Vars["GODEBUG"]; l.Value != "" {
			out = append(out, l)
		}
	}
	if b.Runtime != nil {
		if l := b.Runtime.Env["GODEBUG"]; l.Value != "" {
			out = append(out, l)
		}
	}
	for _, run := range r.Runs() {
		if l := run.Container.Env["GODEBUG"]; l.Value != "" && run.Certain == facts.Yes && run.Build != nil && run.Build.Go.Pos == b.Go.Pos && !sample(run.Manifest) {
			out = append(out, l)
		}
	}
	return out
}

// fipsMode gives the value of fips140 in a list of settings, "" if it has none.
func fipsMode(list string) string {
	mode := ""
	for pair := range strings.SplitSeq(list, ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(pair), "fips140="); ok {
			mode = v
		}
	}
	return mode
}

var fipsMixed = Rule{
	ID: "TLS006", Slug: "fips-mixed", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.tls006.title"), Why: i18n.M("rule.tls006.why"), Fix: i18n.M("rule.tls006.fix"),
	Bad:  "import \"crypto/md5\" // and ENV GODEBUG=fips140=only",
	Good: "import \"crypto/sha256\"",
	Run:  runFIPSMixed,
}

// unapproved are packages that hold nothing which fips140=only lets pass.
// enforced says that their functions fail then: those of std ask
// crypto/internal/fips140only, those of x/crypto ask nobody.
var unapproved = map[string]struct{ enforced bool }{
	"crypto/md5": {true}, "crypto/rc4": {true}, "crypto/des": {true}, "crypto/sha1": {true},
	"golang.org/x/crypto/blowfish": {}, "golang.org/x/crypto/cast5": {}, "golang.org/x/crypto/chacha20": {},
	"golang.org/x/crypto/chacha20poly1305": {}, "golang.org/x/crypto/md4": {}, "golang.org/x/crypto/ripemd160": {},
	"golang.org/x/crypto/salsa20": {}, "golang.org/x/crypto/tea": {}, "golang.org/x/crypto/twofish": {}, "golang.org/x/crypto/xtea": {},
	"golang.org/x/crypto/nacl/box": {}, "golang.org/x/crypto/nacl/secretbox": {}, "golang.org/x/crypto/bcrypt": {},
	"golang.org/x/crypto/argon2": {}, "golang.org/x/crypto/scrypt": {}, "golang.org/x/crypto/blake2b": {}, "golang.org/x/crypto/blake2s": {},
}

// runFIPSMixed tells the two modes apart: fips140=only makes what it does not
// approve fail, fips140=on lets it run. A program that asks crypto/fips140
// itself may know what it does.
func runFIPSMixed(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{}
	for _, b := range r.Builds() {
		if !compiled(&b) {
			continue
		}
		asked, mode := fipsAsked(r, &b)
		if mode != "on" && mode != "only" {
			continue
		}
		tags := b.Tags
		if b.Cgo == facts.Yes {
			tags = append([]string{"cgo"}, tags...)
		}
		reached := r.Closure(b.Module, b.Packages, tags)
		if _, ok := reached["crypto/fips140"]; ok {
			continue
		}
		for _, path := range slices.Sorted(maps.Keys(unapproved)) {
			why, ok := reached[path]
			if !ok || len(why.Chain) == 0 {
				continue
			}
			last := why.Chain[len(why.Chain)-1].Pos
			key := entity(b.Module.Path, strings.Join(b.Packages, " "), path)
			if seen[key] || blankImport(r, last) {
				continue
			}
			seen[key] = true
			f := finding.Finding{Pos: last, Entity: key, Message: i18n.M("rule.tls006.on", path), Severity: finding.Security, Advisory: true}
			if mode == "only" && unapproved[path].enforced && ownFile(r, last.File) {
				f.Message, f.Severity, f.Advisory = i18n.M("rule.tls006.only", path), finding.FailsInProduction, false
			}
			f.Evidence = append([]finding.Evidence{
				{Pos: b.Go.Pos, Text: i18n.M("rule.cgo001.build", strings.Join(b.Packages, " "))},
				{Pos: asked, Text: i18n.M("rule.tls006.mode", mode)},
			}, chainEvidence(why)...)
			out = append(out, f)
		}
	}
	return out
}

// ownFile reports whether a file is one of the repository. One from elsewhere
// may well import a package for a use that this program never makes.
func ownFile(r *facts.Repo, name string) bool {
	return slices.ContainsFunc(r.GoFiles, func(g facts.GoFile) bool { return g.Path == name })
}

// fipsAsked gives the mode in which b's program runs and the line that says
// so. What is stated for its run overrules what it was built with.
func fipsAsked(r *facts.Repo, b *facts.Build) (facts.Pos, string) {
	pos, mode := facts.Pos{}, ""
	if _, ok := fipsBuild(b); ok {
		pos, mode = b.Go.Pos, "on"
	}
	for _, l := range programDebug(r, b) {
		if m := fipsMode(l.Value); m != "" {
			pos, mode = l.Pos, m
		}
	}
	return pos, mode
}

// blankImport reports whether the import at p is for its side effects alone.
func blankImport(r *facts.Repo, p facts.Pos) bool {
	for i := range r.GoFiles {
		if g := &r.GoFiles[i]; g.Path == p.File {
			return slices.ContainsFunc(g.Imports, func(im facts.Import) bool { return im.Pos == p && im.Name == "_" })
		}
	}
	return false
}

var boringWithoutCgo = Rule{
	ID: "TLS007", Slug: "boringcrypto-without-cgo", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.tls007.title"), Why: i18n.M("rule.tls007.why"), Fix: i18n.M("rule.tls007.fix"),
	Bad:  "RUN CGO_ENABLED=0 GOEXPERIMENT=boringcrypto go build -o /app .",
	Good: "RUN CGO_ENABLED=0 GOFIPS140=v1.0.0 go build -o /app .",
	Run:  runBoringWithoutCgo,
}

// runBoringWithoutCgo rests on the constraint of crypto/internal/boring:
// linux, amd64 or arm64, and cgo.
func runBoringWithoutCgo(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range r.Builds() {
		if !slices.Contains(strings.Split(b.Go.Env["GOEXPERIMENT"], ","), "boringcrypto") || b.Cgo != facts.No || seen[b.Go.Pos] {
			continue
		}
		seen[b.Go.Pos] = true
		f := finding.Finding{
			Pos: b.Go.Pos, Entity: entity("go", b.Go.Verb, b.Where, strings.Join(b.Packages, " ")), Message: i18n.M("rule.tls007.message"),
		}
		if b.CgoWhy.File != "" {
			f.Evidence = []finding.Evidence{{Pos: b.CgoWhy, Text: i18n.M("rule.tls007.off")}}
		}
		out = append(out, f)
	}
	return out
}
