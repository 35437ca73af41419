package check

import (
	"cmp"
	"go/version"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var jobImageOlder = Rule{
	ID: "GO005", Slug: "job-image-older", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.go005.title"), Why: i18n.M("rule.go005.why"), Fix: i18n.M("rule.go005.fix"),
	Bad:  "test:\n  image: golang:1.22 # go.mod says go 1.24\n  script: [go test ./...]",
	Good: "test:\n  image: golang:1.24 # go.mod says go 1.24\n  script: [go test ./...]",
	Run:  runJobImageOlder,
}

// runJobImageOlder finds the jobs whose container holds an older Go than the
// module they compile asks for. The official images set GOTOOLCHAIN=local.
func runJobImageOlder(repo *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{} // jobs inherit images
	for _, w := range repo.Workflows {
		for _, j := range w.Jobs {
			if j.Image.Raw == "" || elsewhere(j) || setsToolchain(w, j) || bringsGo(j) {
				continue
			}
			g, m := compiles(repo, j.Steps)
			if m == nil {
				continue
			}
			for _, image := range j.Images() {
				v := imageVersion(image)
				if seen[image.Pos] || !refuses(v, m.Go.Value) {
					continue
				}
				seen[image.Pos] = true
				out = append(out, finding.Finding{
					Edits: raiseTag(image, m.Go.Value),
					Pos:   image.Pos, Entity: entity("job", j.ID, v), Message: i18n.M("rule.go005.message", v, m.Go.Value),
					Evidence: []finding.Evidence{
						{Pos: g.Pos, Text: i18n.M("rule.go002.command", "go "+g.Verb, m.Path)},
						{Pos: m.Go.Pos, Text: i18n.M("rule.go001.line", m.Go.Value)},
					},
				})
			}
		}
	}
	return out
}

// bringsGo reports whether a job puts another Go in the place of its image's.
func bringsGo(j facts.Job) bool {
	for _, s := range j.Steps {
		if strings.Contains(s.Uses.Value, "setup-go") || strings.Contains(s.Run.Value, "GOTOOLCHAIN") || strings.Contains(s.Run.Value, "/usr/local/go") {
			return true
		}
	}
	return false
}

var toolchainUnused = Rule{
	ID: "GO008", Slug: "toolchain-line-unused", Severity: finding.Security, Confidence: High, Advisory: true, Since: 1,
	Title: i18n.M("rule.go008.title"), Why: i18n.M("rule.go008.why"), Fix: i18n.M("rule.go008.fix"),
	Bad:  "FROM golang:1.24.1 AS build # go.mod says toolchain go1.24.6\nRUN go build -o /app .",
	Good: "FROM golang:1.24.6 AS build # go.mod says toolchain go1.24.6\nRUN go build -o /app .",
	Run:  runToolchainUnused,
}

// runToolchainUnused finds the stages whose image is older than the toolchain
// line. Its GOTOOLCHAIN=local lets the go command pass over that line without
// a word.
func runToolchainUnused(repo *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range repo.Builds() {
		if b.Docker == nil || b.Module == nil || b.Module.Toolchain.Value == "" {
			continue
		}
		base, switches := golangBase(b)
		v, want := imageVersion(base), strings.TrimPrefix(b.Module.Toolchain.Value, "go")
		if switches || seen[base.Pos] || !older(v, want) || refuses(v, b.Module.Go.Value) {
			continue
		}
		seen[base.Pos] = true
		out = append(out, finding.Finding{
			Pos: base.Pos, Entity: stageName(*b.Stage), Message: i18n.M("rule.go008.message", v, want),
			Evidence: []finding.Evidence{
				{Pos: b.Go.Pos, Text: i18n.M("rule.go001.build", b.Go.Verb, cmp.Or(b.Module.Path, b.Module.Root))},
				{Pos: b.Module.Toolchain.Pos, Text: i18n.M("rule.go008.line", b.Module.Toolchain.Value)},
			},
		})
	}
	return out
}

var golangFloats = Rule{
	ID: "GO009", Slug: "golang-image-floats", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.go009.title"), Why: i18n.M("rule.go009.why"), Fix: i18n.M("rule.go009.fix"),
	Bad:  "FROM golang:alpine AS build\nRUN go build -o /app .",
	Good: "FROM golang:1.25-alpine AS build\nRUN go build -o /app .",
	Run:  runGolangFloats,
}

// runGolangFloats finds golang images that compile a program of this
// repository and whose tag says nothing of the Go release. latest is IMG006's.
func runGolangFloats(repo *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range repo.Builds() {
		if b.Docker == nil || b.Module == nil {
			continue
		}
		base, _ := golangBase(b)
		v, _, _ := strings.Cut(base.Tag, "-")
		switch {
		case seen[base.Pos], !base.Resolved, base.Familiar() != "golang", base.Digest != "", base.Tag == "", base.Tag == "latest":
			continue
		case version.IsValid("go"+v) && strings.Contains(v, "."):
			continue
		case strings.ContainsAny(v, "0123456789") && v != "1": // tip-2025…, or what we do not know
			continue
		}
		seen[base.Pos] = true
		out = append(out, finding.Finding{
			Pos: base.Pos, Entity: stageName(*b.Stage), Message: i18n.M("rule.go009.message", base.Name+":"+base.Tag),
			Evidence: []finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.go001.build", b.Go.Verb, cmp.Or(b.Module.Path, b.Module.Root))}},
		})
	}
	return out
}
