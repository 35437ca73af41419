package check

import (
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var baseLatest = Rule{
	ID: "IMG006", Slug: "base-latest", Severity: finding.Security, Confidence: High, Since: "0.1",
	Title: i18n.M("rule.img006.title"), Why: i18n.M("rule.img006.why"), Fix: i18n.M("rule.img006.fix"),
	Bad:  "FROM debian:latest",
	Good: "FROM debian:12-slim@sha256:…",
	Run:  runBaseLatest,
}

// runBaseLatest finds bases named latest, or not at all: the same Dockerfile
// gives another image when somebody else pushes.
func runBaseLatest(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachStage(r, func(d *facts.Dockerfile, s *facts.Stage) {
		ref := s.Base
		if s.Parent >= 0 || !ref.Resolved || ref.Digest != "" || ref.Name == "scratch" || ref.Tag != "" && ref.Tag != "latest" {
			return
		}
		out = append(out, finding.Finding{
			Pos:     ref.Pos,
			Entity:  ref.Name,
			Message: i18n.M("rule.img006.message", ref.Raw),
			Fix:     i18n.M("rule.img006.mend", ref.Name),
		})
	})
	return out
}
