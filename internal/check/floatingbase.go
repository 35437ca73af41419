package check

import (
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var baseLatest = Rule{
	ID: "IMG006", Slug: "base-latest", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.img006.title"), Why: i18n.M("rule.img006.why"), Fix: i18n.M("rule.img006.fix"),
	Bad:  "FROM debian:latest",
	Good: "FROM debian:12-slim@sha256:…",
	Run:  runBaseLatest,
}

// runBaseLatest finds bases named latest, or not at all: the same Dockerfile
// gives another image when somebody else pushes. It looks at the stages that
// build or run a program of this repository; what else is built, for tests or
// for documentation, harms nobody who runs it.
func runBaseLatest(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range r.Builds() {
		if b.Docker == nil || inDirs(b.Docker.Path, testDirs) || inDirs(b.Docker.Path, sampleDirs) {
			continue
		}
		for _, s := range []*facts.Stage{b.Stage, b.Runtime} {
			if s == nil {
				continue
			}
			base := baseOf(b.Docker, s)
			ref := base.ref
			if seen[ref.Pos] || !ref.Resolved || ref.Digest != "" || ref.Name == "scratch" || ref.Tag != "" && ref.Tag != "latest" {
				continue
			}
			seen[ref.Pos] = true
			out = append(out, finding.Finding{
				Pos:      ref.Pos,
				Entity:   ref.Name,
				Message:  i18n.M("rule.img006.message", base.name()),
				Evidence: []finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.img004.build")}},
				Fix:      i18n.M("rule.img006.mend", ref.Name),
			})
		}
	}
	return out
}
