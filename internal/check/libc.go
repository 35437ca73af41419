package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// linksNet are the packages of the standard library that import net. With cgo
// on, net asks the C library for names, which makes the program dynamic.
var linksNet = []string{
	"crypto/tls", "crypto/x509", "expvar", "log/syslog", "mime/multipart", "net", "net/http", "net/http/cgi",
	"net/http/cookiejar", "net/http/fcgi", "net/http/httptest", "net/http/httptrace", "net/http/httputil",
	"net/http/pprof", "net/mail", "net/rpc", "net/rpc/jsonrpc", "net/smtp", "net/textproto",
}

// linksUser are those that import os/user, which does the same.
var linksUser = []string{"archive/tar", "os/user"}

var libcMissing = Rule{
	ID: "CGO001", Slug: "libc-missing", Severity: finding.CannotStart, Confidence: High, Since: 1,
	Title: i18n.M("rule.cgo001.title"), Why: i18n.M("rule.cgo001.why"), Fix: i18n.M("rule.cgo001.fix"),
	Bad:  "FROM golang:1.26 AS build\nRUN go build -o /app .   # imports net/http, cgo is on\nFROM scratch\nCOPY --from=build /app /app",
	Good: "FROM golang:1.26 AS build\nRUN CGO_ENABLED=0 go build -o /app .\nFROM scratch\nCOPY --from=build /app /app",
	Run:  runLibcMissing,
}

// runLibcMissing finds dynamic programs in images without the loader and the C
// library they were linked for: "no such file or directory" at the start.
func runLibcMissing(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if b.Cgo != facts.Yes || !imageBuild(&b) || mayBeStatic(&b) {
			continue
		}
		from, to := baseOf(b.Docker, b.Stage), baseOf(b.Docker, b.Runtime)
		if from.libc == libcUnknown || from.libc == libcNone || to.libc == libcUnknown || from.libc == to.libc {
			continue
		}
		why, ok := dynamicBecause(r, &b)
		if !ok || why.Path == "C" && strings.Contains(ldflags(&b), "-static") {
			continue // a static link of C needs no loader
		}
		evidence := []finding.Evidence{
			{Pos: from.ref.Pos, Text: i18n.M("rule.cgo001.builder", from.name(), from.libc)},
			{Pos: b.Go.Pos, Text: i18n.M("rule.cgo001.build", strings.Join(b.Packages, " "))},
		}
		evidence = append(evidence, chainEvidence(why)...)
		runtime := i18n.M("rule.cgo001.runtime", to.name(), to.libc)
		if to.libc == libcNone {
			runtime = i18n.M("rule.cgo001.runtime.none", to.name())
		}
		evidence = append(evidence, finding.Evidence{Pos: to.ref.Pos, Text: runtime})
		fix := i18n.M("rule.cgo001.fix")
		if why.Path == "C" {
			fix = i18n.M("rule.cgo001.mend.c", from.libc)
		}
		out = append(out, finding.Finding{
			Pos:      b.Go.Pos,
			Entity:   entity(stageName(*b.Stage), strings.Join(b.Packages, " ")),
			Message:  i18n.M("rule.cgo001.message", why.Path, from.libc, to.name()),
			Evidence: evidence, Fix: fix,
		})
	}
	return out
}

// imageBuild reports whether b is a build for Linux in a Dockerfile of which
// everything is known that decides how it is linked and where it runs.
func imageBuild(b *facts.Build) bool {
	return b.Docker != nil && b.Stage != nil && b.Runtime != nil && compiled(b) && (b.GOOS == "" || b.GOOS == "linux")
}

// compiled reports whether it is known what b compiles.
func compiled(b *facts.Build) bool {
	return (b.Go.Verb == "build" || b.Go.Verb == "install") && b.Module != nil && len(b.Packages) > 0 && b.TagsKnown
}

// mayBeStatic reports whether something may make the linker leave out the
// loader although cgo is on, or choose another C library.
func mayBeStatic(b *facts.Build) bool {
	flags := ldflags(b)
	if strings.Contains(flags, facts.NotLiteral) || strings.Contains(flags, "linkmode") || strings.Contains(flags, "-d ") {
		return true
	}
	for _, name := range []string{"CC", "CGO_LDFLAGS", "CGO_CFLAGS"} {
		if b.Go.Env[name] != "" {
			return true
		}
	}
	goflags := b.Go.Env["GOFLAGS"]
	return strings.Contains(goflags, "ldflags") || strings.Contains(goflags, facts.NotLiteral)
}

func ldflags(b *facts.Build) string { return b.Go.Flags["-ldflags"] }

// dynamicBecause finds the import that makes b's program dynamic when cgo is
// on: C in the project itself, else the user or net packages. What foreign
// modules import is not known here, so that false only means "not for sure".
func dynamicBecause(r *facts.Repo, b *facts.Build) (facts.Reached, bool) {
	reached := r.Closure(b.Module, b.Packages, append([]string{"cgo"}, b.Tags...))
	if c, ok := reached["C"]; ok {
		return c, true
	}
	for _, path := range sortedKeys(reached) {
		switch {
		case slices.Contains(linksNet, path) && !slices.Contains(b.Tags, "netgo"),
			slices.Contains(linksUser, path) && !slices.Contains(b.Tags, "osusergo"):
			return reached[path], true
		}
	}
	return facts.Reached{}, false
}

// chainEvidence is the way from the package that is built to the import.
func chainEvidence(r facts.Reached) []finding.Evidence {
	var out []finding.Evidence
	for _, s := range r.Chain {
		if s.Pos.File != "" {
			out = append(out, finding.Evidence{Pos: s.Pos, Text: i18n.M("rule.cgo.imports", s.Package)})
		}
	}
	return out
}

var pieLoader = Rule{
	ID: "CGO004", Slug: "pie-loader", Severity: finding.CannotStart, Confidence: High, Since: 1,
	Title: i18n.M("rule.cgo004.title"), Why: i18n.M("rule.cgo004.why"), Fix: i18n.M("rule.cgo004.fix"),
	Bad:  "RUN CGO_ENABLED=0 go build -buildmode=pie -o /app .\nFROM scratch",
	Good: "RUN CGO_ENABLED=0 go build -o /app .\nFROM scratch",
	Run:  runPieLoader,
}

// runPieLoader finds position-independent programs in images without a
// loader. Even without cgo they name one, and so cannot start.
func runPieLoader(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if b.Cgo != facts.No || b.Go.Flags["-buildmode"] != "pie" || b.Runtime == nil || b.Docker == nil || b.GOOS != "" && b.GOOS != "linux" {
			continue
		}
		to := baseOf(b.Docker, b.Runtime)
		if to.libc != libcNone && to.libc != libcMusl || strings.Contains(ldflags(&b), "linkmode") {
			continue
		}
		out = append(out, finding.Finding{
			Pos:     b.Go.Pos,
			Entity:  stageName(*b.Stage),
			Message: i18n.M("rule.cgo004.message", to.name()),
			Evidence: []finding.Evidence{
				{Pos: b.CgoWhy, Text: i18n.M("rule.cgo.off")},
				{Pos: to.ref.Pos, Text: i18n.M("rule.cgo004.base", to.name())},
			},
		})
	}
	return out
}
