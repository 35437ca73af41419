package check

import (
	"cmp"
	"go/version"
	"path"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// atLeast compares versions as go.mod has them, such as 1.22 or 1.22.3; false
// if one of them is none.
func atLeast(v, min string) bool {
	return version.IsValid("go"+v) && version.Compare("go"+v, "go"+min) >= 0
}

// older reports whether the newest release that stated may mean is older than
// the go line. 1.22 and 1.22.x mean any release of 1.22.
func older(stated, line string) bool {
	stated = strings.TrimSuffix(stated, ".x")
	if !strings.Contains(stated, ".") || !version.IsValid("go"+stated) || !version.IsValid("go"+line) {
		return false // 1.x may be any
	}
	if strings.Count(stated, ".") == 1 {
		return version.Compare(version.Lang("go"+stated), version.Lang("go"+line)) < 0
	}
	return version.Compare("go"+stated, "go"+line) < 0
}

// refuses reports whether the go command of a release stops at the go line if
// it must not fetch another toolchain. Releases before 1.21 know no
// toolchains: 1.20 refuses what asks for 1.22, all of them refuse a line of
// three parts; otherwise they try, and often succeed.
func refuses(stated, line string) bool {
	stated = strings.TrimSuffix(stated, ".x")
	switch {
	case !older(stated, line):
		return false
	case atLeast(stated, "1.21"):
		return true
	case strings.Count(line, ".") == 2:
		return true
	}
	return version.Lang("go"+stated) == "go1.20" && atLeast(line, "1.22")
}

var imageOlder = Rule{
	ID: "GO001", Slug: "golang-image-older", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.go001.title"),
	Why:   i18n.M("rule.go001.why"),
	Fix:   i18n.M("rule.go001.fix"),
	Bad:   "FROM golang:1.22 AS build # go.mod says go 1.24\nRUN go build ./...",
	Good:  "FROM golang:1.24 AS build # go.mod says go 1.24\nRUN go build ./...",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		seen := map[facts.Pos]bool{}
		for _, b := range repo.Builds() {
			if b.Docker == nil || b.Stage == nil || b.Module == nil {
				continue
			}
			base, switches := golangBase(b)
			if switches || seen[base.Pos] || !refuses(imageVersion(base), b.Module.Go.Value) {
				continue
			}
			seen[base.Pos] = true
			out = append(out, finding.Finding{
				Edits: raiseTag(base, b.Module.Go.Value),
				Pos:   base.Pos, Entity: stageName(*b.Stage), Message: i18n.M("rule.go001.message", imageVersion(base), b.Module.Go.Value),
				Evidence: []finding.Evidence{
					{Pos: b.Go.Pos, Text: i18n.M("rule.go001.build", b.Go.Verb, cmp.Or(b.Module.Path, b.Module.Root))},
					{Pos: b.Module.Go.Pos, Text: i18n.M("rule.go001.line", b.Module.Go.Value)},
				},
			})
		}
		return out
	},
}

// raiseTag makes the tag of a golang image that of the go line, in as many
// parts as it has. Only tags that every release has are known to exist.
func raiseTag(base facts.ImageRef, line string) []finding.Edit {
	v, variant, _ := strings.Cut(base.Tag, "-")
	if base.Digest != "" || base.Raw != base.Name+":"+base.Tag || variant != "" && variant != "alpine" || base.Pos.Column == 1 {
		return nil
	}
	to := line
	if strings.Count(v, ".") == 1 {
		to = strings.TrimPrefix(version.Lang("go"+line), "go")
	}
	if strings.Trim(to, "0123456789.") != "" {
		return nil
	}
	return []finding.Edit{{Pos: base.Pos, Old: base.Raw, New: base.Name + ":" + to + strings.TrimPrefix(base.Tag, v)}}
}

// raised gives the go line's version in the shape of stated: as many parts,
// an .x that ends it. "" if the line names no release.
func raised(stated, line string) string {
	if line == "" || strings.Trim(line, "0123456789.") != "" {
		return "" // 1.25rc1
	}
	short := strings.TrimPrefix(version.Lang("go"+line), "go")
	head, any := strings.CutSuffix(stated, ".x")
	switch {
	case any:
		return short + ".x"
	case strings.Count(head, ".") == 1:
		return short
	case strings.Count(line, ".") == 1 && atLeast(line, "1.21"):
		return line + ".0" // before, the first release of a language had no third part
	}
	return line
}

// golangBase gives the image that a build's stage comes from, and whether
// anything in the stages up to there lets the go command fetch a toolchain.
func golangBase(b facts.Build) (image facts.ImageRef, switches bool) {
	_, switches = b.Go.Env["GOTOOLCHAIN"]
	for _, s := range b.Docker.Lineage(b.Stage) {
		image = s.Base
		_, env := s.Env["GOTOOLCHAIN"]
		_, arg := s.Args["GOTOOLCHAIN"]
		switches = switches || env || arg
		for _, r := range s.Runs {
			switches = switches || strings.Contains(r.Raw, "GOTOOLCHAIN")
		}
	}
	return image, switches
}

// imageVersion gives the Go release of an official golang image, such as 1.22
// or 1.22.3; "" if it is another image or its tag does not say.
func imageVersion(r facts.ImageRef) string {
	if !r.Resolved || r.Familiar() != "golang" {
		return ""
	}
	v, _, _ := strings.Cut(r.Tag, "-")
	if !version.IsValid("go"+v) || !strings.Contains(v, ".") {
		return ""
	}
	return v
}

var pinOlder = Rule{
	ID: "GO003", Slug: "pin-older", Severity: finding.Waste, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.go003.title"),
	Why:   i18n.M("rule.go003.why"),
	Fix:   i18n.M("rule.go003.fix"),
	Bad:   "# .go-version\n1.22.1\n# go.mod\ngo 1.24",
	Good:  "# .go-version\n1.24.4\n# go.mod\ngo 1.24",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, p := range repo.Pins {
			m := repo.ModuleAt(path.Dir(p.Path))
			v := strings.TrimPrefix(strings.TrimPrefix(p.Version.Value, "v"), "go")
			if m == nil || m.Root != path.Dir(p.Path) || !older(v, m.Go.Value) {
				continue
			}
			out = append(out, finding.Finding{
				Edits: raisePin(p.Text, v, m.Go.Value),
				Pos:   p.Version.Pos, Entity: p.Tool, Message: i18n.M("rule.go003.message", v, m.Go.Value),
				Evidence: []finding.Evidence{{Pos: m.Go.Pos, Text: i18n.M("rule.go001.line", m.Go.Value)}},
			})
		}
		return out
	},
}

// raisePin makes a pinned version that of the go line.
func raisePin(text facts.Line, version, line string) []finding.Edit {
	to := raised(version, line)
	if text.Value == "" || to == "" {
		return nil
	}
	return []finding.Edit{{Pos: text.Pos, Old: text.Value, New: strings.Replace(text.Value, version, to, 1)}}
}

// heldBack are the settings with a bearing on security or on the load a
// program can bear whose default follows the main module's go line, and the
// minor release that changed it. Source: internal/godebugs of the Go tree.
var heldBack = []struct {
	name  string
	since int
}{
	{"tls10server", 22}, {"tlsrsakex", 22}, {"tlsunsafeekm", 22},
	{"tls3des", 23}, {"x509negativeserial", 23},
	{"httpcookiemaxnum", 24}, {"rsa1024min", 24}, {"tlsmlkem", 24}, {"urlmaxqueryparams", 24}, {"x509usepolicies", 24},
	{"containermaxprocs", 25}, {"tlssha1", 25},
}

// currentMinor is the go line from which on none of the settings that have to
// do with security in TLS is held back unless by hand.
const currentMinor = 24

var staleGoLine = Rule{
	ID: "GO004", Slug: "stale-go-line", Severity: finding.Security, Confidence: High, Advisory: true, Since: 1,
	Title: i18n.M("rule.go004.title"),
	Why:   i18n.M("rule.go004.why"),
	Fix:   i18n.M("rule.go004.fix"),
	Bad:   "go 1.22",
	Good:  "go 1.25",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, m := range repo.Modules {
			minor, ok := minorOf(godebugDefault(m))
			if !ok || minor >= currentMinor {
				continue
			}
			reached, ok := secured(repo, m)
			if !ok {
				continue
			}
			var names []string
			for _, s := range heldBack {
				if s.since > minor && !debugSet(m, s.name) {
					names = append(names, s.name)
				}
			}
			if len(names) == 0 {
				continue
			}
			out = append(out, finding.Finding{
				Pos: m.Go.Pos, Entity: "go", Message: i18n.M("rule.go004.message", m.Go.Value, strings.Join(names, ", ")),
				Evidence: []finding.Evidence{{Pos: reached.Chain[len(reached.Chain)-1].Pos, Text: i18n.M("rule.go004.import", reached.Path)}},
			})
		}
		return out
	},
}

// godebugDefault gives the version that decides the defaults of GODEBUG:
// go.mod's "godebug default=goX", else its go line.
func godebugDefault(m facts.RepoModule) string {
	for _, l := range m.Godebug {
		if v, ok := strings.CutPrefix(l.Value, "default=go"); ok {
			return v
		}
	}
	return m.Go.Value
}

func debugSet(m facts.RepoModule, name string) bool {
	for _, l := range m.Godebug {
		if strings.HasPrefix(l.Value, name+"=") {
			return true
		}
	}
	return false
}

func minorOf(v string) (int, bool) {
	minor, ok := strings.CutPrefix(version.Lang("go"+v), "go1.")
	n, err := strconv.Atoi(minor)
	return n, ok && err == nil
}

// secured finds a program of the module that looks like more than an example
// or a tool for its developers, and whose own code reaches TLS or HTTP.
func secured(repo *facts.Repo, m facts.RepoModule) (facts.Reached, bool) {
	judged := map[string]bool{}
	for i := range repo.GoFiles {
		f := &repo.GoFiles[i]
		if f.Module != m.Root || f.Package != "main" || f.Test || f.Build != "" || judged[f.Dir] || hidden(f.Dir) || sideline(f.Dir) {
			continue
		}
		judged[f.Dir] = true
		imports := repo.Closure(&m, []string{f.Dir}, nil)
		for _, path := range []string{"crypto/tls", "crypto/x509", "net/http"} {
			if r, ok := imports[path]; ok && len(r.Chain) > 0 {
				return r, true
			}
		}
	}
	return facts.Reached{}, false
}

func sideline(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		switch part {
		case "example", "examples", "_examples", "tool", "tools", "hack", "script", "scripts", "internal", "test", "tests", "testing", "e2e", "benchmark", "benchmarks", "bench", "build", "ci", "magefiles", "docs":
			return true
		}
	}
	return false
}
