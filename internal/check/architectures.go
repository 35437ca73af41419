package check

import (
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var wrongArch = Rule{
	ID: "IMG007", Slug: "build-platform-arch", Severity: finding.CannotStart, Confidence: High, Since: 1,
	Title: i18n.M("rule.img007.title"), Why: i18n.M("rule.img007.why"), Fix: i18n.M("rule.img007.fix"),
	Bad:  "FROM --platform=$BUILDPLATFORM golang:1.25 AS build\nRUN go build -o /app .\nFROM scratch\nCOPY --from=build /app /app",
	Good: "FROM --platform=$BUILDPLATFORM golang:1.25 AS build\nARG TARGETOS TARGETARCH\nRUN GOOS=$TARGETOS GOARCH=$TARGETARCH go build -o /app .\nFROM scratch\nCOPY --from=build /app /app",
	Run:  runWrongArch,
}

// runWrongArch finds programs that are built for the machine that builds the
// image and copied into an image for another one.
func runWrongArch(repo *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range repo.Builds() {
		if !imageBuild(&b) || seen[b.Go.Pos] || onBuilder(b.Runtime.Platform) {
			continue
		}
		stages := b.Docker.Lineage(b.Stage)
		below := stages[len(stages)-1]
		if !onBuilder(below.Platform) || mayCross(&b) || b.Runtime.Index == b.Stage.Index {
			continue
		}
		over := b.Docker.Lineage(b.Runtime)
		if last := over[len(over)-1]; last.Platform != "" && !onTarget(last.Platform) {
			continue
		}
		seen[b.Go.Pos] = true
		out = append(out, finding.Finding{
			Pos: b.Go.Pos, Entity: entity(stageName(*b.Stage), strings.Join(b.Packages, " ")), Message: i18n.M("rule.img007.message"),
			Evidence: []finding.Evidence{
				{Pos: below.Pos, Text: i18n.M("rule.img007.platform", below.Platform)},
				{Pos: b.Runtime.Pos, Text: i18n.M("rule.img007.runs", stageName(*b.Runtime))},
			},
		})
	}
	return out
}

func onBuilder(platform string) bool {
	return platform == "$BUILDPLATFORM" || platform == "${BUILDPLATFORM}"
}

func onTarget(platform string) bool {
	return platform == "$TARGETPLATFORM" || platform == "${TARGETPLATFORM}"
}

// mayCross reports whether anything in the stages of a build may tell the go
// command the architecture.
func mayCross(b *facts.Build) bool {
	words := []string{"GOARCH", "TARGETARCH", "TARGETPLATFORM", "TARGETOS", "xx-", "BUILDARCH"}
	for _, s := range b.Docker.Lineage(b.Stage) {
		for name := range s.Env {
			if hasAny(name, words) {
				return true
			}
		}
		for name := range s.Args {
			if hasAny(name, words) {
				return true
			}
		}
		for _, r := range s.Runs {
			if hasAny(r.Raw, words) {
				return true
			}
		}
		for _, c := range s.Copies {
			if strings.HasSuffix(c.From, "/xx") || c.From == "xx" {
				return true
			}
		}
	}
	return b.GOARCH != "" || b.Go.Env["GOARCH"] != ""
}

func hasAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
