package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var rootUser = Rule{
	ID: "IMG004", Slug: "root-user", Severity: finding.Security, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.img004.title"), Why: i18n.M("rule.img004.why"), Fix: i18n.M("rule.img004.fix"),
	Bad:  "FROM scratch\nCOPY --from=build /app /app\nENTRYPOINT [\"/app\"]",
	Good: "FROM scratch\nCOPY --from=build /app /app\nUSER 65532:65532\nENTRYPOINT [\"/app\"]",
	Run:  runRootUser,
}

// runRootUser looks only at stages that run a program of this repository:
// images for tests and for artifacts may do as they like.
func runRootUser(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[*facts.Stage]bool{}
	for _, b := range r.Builds() {
		s := b.Runtime
		if s == nil || b.Docker == nil || !s.Last || seen[s] {
			continue
		}
		seen[s] = true
		below := baseOf(b.Docker, s)
		e := cmp.Or(s.Entrypoint, s.Cmd)
		if s.User.Value != "" || below.root != facts.Yes || e == nil || dropsRights(b.Docker, s) {
			continue
		}
		out = append(out, finding.Finding{
			Pos:     e.Pos,
			Entity:  stageName(*s),
			Message: i18n.M("rule.img004.message"),
			Evidence: []finding.Evidence{
				{Pos: b.Go.Pos, Text: i18n.M("rule.img004.build")},
				{Pos: below.ref.Pos, Text: i18n.M("rule.img004.base", below.name())},
			},
		})
	}
	return out
}

// dropsRights reports whether the container may change its user by itself: it
// starts with a script, or has a program for that.
func dropsRights(d *facts.Dockerfile, s *facts.Stage) bool {
	tools := []string{"gosu", "su-exec", "setpriv", "s6-"}
	for _, e := range []*facts.Exec{s.Entrypoint, s.Cmd} {
		if e == nil {
			continue
		}
		if slices.ContainsFunc(e.Args, func(a string) bool {
			return strings.HasSuffix(a, ".sh") || strings.Contains(a, "entrypoint") || slices.ContainsFunc(tools, func(t string) bool { return strings.Contains(a, t) })
		}) {
			return true
		}
	}
	for _, s := range d.Lineage(s) {
		for _, run := range s.Runs {
			if slices.ContainsFunc(tools, func(t string) bool { return strings.Contains(run.Raw, t) }) {
				return true
			}
		}
	}
	return false
}
