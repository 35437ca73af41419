package check

import (
	"strings"

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
		has, gets := glibcOf(from.ref), glibcOf(to.ref)
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

// glibcs are the versions of glibc in releases of distributions, by the words
// that name them in tags.
var glibcs = map[string]map[string]string{
	"debian": {
		"stretch": "2.24", "buster": "2.28", "bullseye": "2.31", "bookworm": "2.36", "trixie": "2.41",
		"9": "2.24", "10": "2.28", "11": "2.31", "12": "2.36", "13": "2.41",
	},
	"ubuntu": {
		"xenial": "2.23", "bionic": "2.27", "focal": "2.31", "jammy": "2.35", "noble": "2.39",
		"16.04": "2.23", "18.04": "2.27", "20.04": "2.31", "22.04": "2.35", "24.04": "2.39",
	},
	"amazonlinux": {"2": "2.26", "2023": "2.34"},
	"rockylinux":  {"8": "2.28", "9": "2.34", "10": "2.39"},
	"almalinux":   {"8": "2.28", "9": "2.34", "10": "2.39"},
}

// glibcOf gives the version of glibc in an image, "" if its name does not
// tell. A golang image without the name of a Debian release is at least the
// bookworm that Go 1.21 began with.
func glibcOf(ref facts.ImageRef) string {
	name := ref.Familiar()
	if image, ok := strings.CutPrefix(name, "gcr.io/distroless/"); ok {
		_, release, _ := strings.Cut(image, "-debian")
		return glibcs["debian"][release]
	}
	parts := strings.Split(ref.Tag, "-")
	switch name {
	case "golang":
		for _, p := range parts[1:] {
			if v := glibcs["debian"][p]; v != "" {
				return v
			}
		}
		if len(parts) == 1 && atLeast(ref.Tag, "1.21") {
			return glibcs["debian"]["bookworm"]
		}
		return ""
	case "debian":
		if release, _, ok := strings.Cut(parts[0], "."); ok && glibcs["debian"][release] != "" {
			return glibcs["debian"][release]
		}
	case "rockylinux", "almalinux":
		release, _, _ := strings.Cut(parts[0], ".")
		return glibcs[name][release]
	}
	return glibcs[name][parts[0]]
}
