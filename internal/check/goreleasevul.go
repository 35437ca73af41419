package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var vulnerableGo = Rule{
	ID: "VUL003", Slug: "vulnerable-go", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.vul003.title"), Why: i18n.M("rule.vul003.why"), Fix: i18n.M("rule.vul003.fix"),
	Needs: i18n.M("rule.vul.needs"),
	Bad:   "FROM golang:1.22.1 AS build # net/http of 1.22.1 has known vulnerabilities, and the program links it\nRUN go build -o /app .",
	Good:  "FROM golang:1.22.12 AS build\nRUN go build -o /app .",
	Run:   runVulnerableGo,
}

// runVulnerableGo holds the exact Go release of each build against the
// packages of the standard library that the build links.
func runVulnerableGo(repo *facts.Repo) []finding.Finding {
	list := slices.DeleteFunc(slices.Clone(advisories(repo)), func(a facts.Advisory) bool { return a.Module != "stdlib" || accepted(repo, &a) })
	if len(list) == 0 {
		return nil
	}
	var out []finding.Finding
	type place struct {
		pos    facts.Pos
		module string
	}
	seen := map[place]bool{}
	for _, b := range repo.Builds() {
		stated, where := releaseOf(&b)
		v := facts.GoVersion(stated.Value)
		if v == "" || !compiled(&b) || refuses(stated.Value, b.Module.Go.Value) || seen[place{stated.Pos, b.Module.Root}] {
			continue
		}
		tags := b.Tags
		if b.Cgo == facts.Yes {
			tags = append([]string{"cgo"}, tags...)
		}
		reached := withStd(repo.Closure(b.Module, b.Packages, tags))
		var ids []string
		var first facts.Reached
		fixed := ""
		for i := range list {
			a := &list[i]
			fix, affected := a.Affects(v)
			if !affected {
				continue
			}
			for _, p := range a.Packages {
				r, ok := reached[p.Path]
				if !ok || len(p.GOOS) > 0 && !slices.Contains(p.GOOS, cmp.Or(b.GOOS, "linux")) {
					continue
				}
				if len(ids) == 0 {
					first = r
				}
				ids = append(ids, a.ID)
				// What is fixed in no release of this one's minor is fixed by moving on.
				if semver.Compare(fix, fixed) > 0 {
					fixed = fix
				}
				break
			}
		}
		if len(ids) == 0 {
			continue
		}
		seen[place{stated.Pos, b.Module.Root}] = true
		f := finding.Finding{
			Pos: stated.Pos, Entity: entity(where, b.Module.Path), Message: i18n.M("rule.vul003.message", stated.Value, len(ids), firstFew(ids)),
			Evidence: append([]finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.cgo001.build", strings.Join(b.Packages, " "))}}, chainEvidence(first)...),
		}
		if fixed != "" {
			f.Fix = i18n.M("rule.vul003.upgrade", strings.TrimPrefix(fixed, "v"))
		}
		out = append(out, f)
	}
	return out
}

// firstFew names the first few of ids.
func firstFew(ids []string) string {
	const most = 5
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s, … (+%d)", strings.Join(ids[:most], ", "), len(ids)-most)
}

// releaseOf gives the Go release that a build states exactly, and the part of
// the file that it belongs to: the tag of the official image, which builds
// with nothing else, or the go-version of actions/setup-go in the job.
func releaseOf(b *facts.Build) (facts.Line, string) {
	switch {
	case b.Docker != nil && b.Stage != nil:
		base, switches := golangBase(*b)
		if v := imageVersion(base); !switches {
			return facts.Line{Value: v, Pos: base.Pos}, stageName(*b.Stage)
		}
	case b.Workflow != nil && b.Job != nil && b.Workflow.Kind == "github" && !setsToolchain(*b.Workflow, *b.Job):
		var found []facts.Line
		for _, s := range b.Job.Steps {
			if action, _, _ := strings.Cut(s.Uses.Value, "@"); action == "actions/setup-go" {
				stated := versions(*b.Job, s.With["go-version"])
				if len(stated) != 1 || s.With["check-latest"].Value == "true" {
					return facts.Line{}, ""
				}
				found = append(found, stated[0])
			}
		}
		if len(found) == 1 {
			// A toolchain line that is newer makes the go command fetch that one.
			if t := strings.TrimPrefix(toolchainOf(b.Module), "go"); t == "" || !older(found[0].Value, t) {
				return found[0], "job " + b.Job.ID
			}
		}
	}
	return facts.Line{}, ""
}

// stdImports are packages of the standard library that a program links with
// another one, on every system and for all supported releases: those in which
// vulnerabilities were found. A test holds them against the toolchain.
var stdImports = map[string][]string{
	"net/http":          {"bufio", "compress/gzip", "crypto/tls", "crypto/x509", "encoding/base64", "io", "mime", "mime/multipart", "net", "net/textproto", "net/url", "os", "path"},
	"crypto/tls":        {"crypto/x509", "crypto/ecdsa", "crypto/ed25519", "crypto/elliptic", "crypto/rsa", "encoding/pem", "math/big", "net"},
	"crypto/x509":       {"crypto/elliptic", "encoding/asn1", "encoding/pem", "math/big", "net", "net/url"},
	"net/http/httputil": {"net/http", "net/textproto"},
	"net/http/pprof":    {"net/http"},
	"net/rpc":           {"encoding/gob", "net/http"},
	"net/smtp":          {"crypto/tls", "net/textproto"},
	"net/mail":          {"mime", "net/textproto"},
	"html/template":     {"encoding/json", "text/template", "html"},
	"archive/zip":       {"compress/flate"},
	"compress/gzip":     {"compress/flate"},
	"expvar":            {"net/http", "encoding/json"},
	"log/syslog":        {"net"},
	"mime/multipart":    {"mime", "net/textproto"},
}

// withStd adds what std brings in by itself. The chain then ends where the
// first of these packages is imported.
func withStd(reached facts.Imports) facts.Imports {
	out := facts.Imports{}
	var add func(path string, r facts.Reached)
	add = func(path string, r facts.Reached) {
		if old, ok := out[path]; ok && len(old.Chain) <= len(r.Chain) {
			return
		}
		out[path] = r
		for _, p := range stdImports[path] {
			add(p, r)
		}
	}
	for path, r := range reached {
		add(path, r)
	}
	return out
}

func toolchainOf(m *facts.RepoModule) string {
	if m == nil {
		return ""
	}
	return m.Toolchain.Value
}
