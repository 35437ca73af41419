package check

import (
	"strings"

	"github.com/slipway-build/slipway/internal/distro"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var glibcOlder = Rule{
	ID: "CGO010", Slug: "glibc-older", Severity: finding.CannotStart, Confidence: High, Since: 1,
	Title: i18n.M("rule.cgo010.title"), Why: i18n.M("rule.cgo010.why"), Fix: i18n.M("rule.cgo010.fix"),
	Bad:  "FROM golang:1.26-bookworm AS build\nRUN go build -o /app .   # imports net/http, cgo is on\nFROM debian:bullseye-slim\nCOPY --from=build /app /app",
	Good: "FROM golang:1.26-bookworm AS build\nRUN go build -o /app .\nFROM debian:bookworm-slim\nCOPY --from=build /app /app",
	Run:  runGlibcOlder,
}

// threadsMoved is the glibc that took over the functions of libpthread. Every
// program that cgo makes calls them, and one that was linked there asks for
// this version by name; what was linked to an older one runs on both.
const threadsMoved = "2.34"

// runGlibcOlder finds dynamic programs in images whose glibc is older than
// what they were linked to: "version `GLIBC_2.34' not found" at the start.
// Two versions on the same side of 2.34 may or may not fit; that is left
// alone.
func runGlibcOlder(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if b.Cgo != facts.Yes || !imageBuild(&b) || mayBeStatic(&b) {
			continue
		}
		from, to := baseOf(b.Docker, b.Stage), baseOf(b.Docker, b.Runtime)
		if from.libc != libcGlibc || to.libc != libcGlibc {
			continue
		}
		has, gets := distro.Glibc(from.ref.Familiar(), from.ref.Tag), distro.Glibc(to.ref.Familiar(), to.ref.Tag)
		if has == "" || gets == "" || !atLeast(has, threadsMoved) || atLeast(gets, threadsMoved) {
			continue
		}
		why, ok := dynamicBecause(r, &b)
		if !ok || why.Path == "C" && strings.Contains(ldflags(&b), "-static") {
			continue
		}
		evidence := []finding.Evidence{
			{Pos: from.ref.Pos, Text: i18n.M("rule.cgo001.builder", from.name(), "glibc "+has)},
			{Pos: b.Go.Pos, Text: i18n.M("rule.cgo001.build", strings.Join(b.Packages, " "))},
		}
		evidence = append(evidence, chainEvidence(why)...)
		evidence = append(evidence, finding.Evidence{Pos: to.ref.Pos, Text: i18n.M("rule.cgo001.runtime", to.name(), "glibc "+gets)})
		out = append(out, finding.Finding{
			Pos:      to.ref.Pos,
			Entity:   entity(stageName(*b.Stage), strings.Join(b.Packages, " ")),
			Message:  i18n.M("rule.cgo010.message", why.Path, threadsMoved, to.name(), gets),
			Evidence: evidence,
		})
	}
	return out
}
