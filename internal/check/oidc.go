package check

import (
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var identityToken = Rule{
	ID: "CI011", Slug: "identity-token", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.ci011.title"), Why: i18n.M("rule.ci011.why"), Fix: i18n.M("rule.ci011.fix"),
	Bad:  "permissions:\n  contents: read\nsteps:\n  - uses: actions/attest-build-provenance@v2\n    with: {subject-path: dist/*}",
	Good: "permissions:\n  contents: read\n  id-token: write\n  attestations: write\nsteps:\n  - uses: actions/attest-build-provenance@v2\n    with: {subject-path: dist/*}",
	Run:  runIdentityToken,
}

// runIdentityToken finds steps that sign in or sign by the identity of the
// job, although that may not ask for a token.
func runIdentityToken(r *facts.Repo) []finding.Finding {
	return lacking(r, "id-token", func(_ *facts.Workflow, _ *facts.Job, s *facts.JobStep) (facts.Pos, bool) {
		name, _, _ := strings.Cut(s.Uses.Value, "@")
		switch name {
		case "actions/attest", "actions/attest-build-provenance", "actions/attest-sbom":
			return s.Uses.Pos, true
		case "google-github-actions/auth":
			return s.Uses.Pos, s.With["workload_identity_provider"].Value != ""
		case "aws-actions/configure-aws-credentials":
			for _, other := range []string{"aws-access-key-id", "web-identity-token-file", "role-chaining"} {
				if s.With[other].Value != "" {
					return facts.Pos{}, false
				}
			}
			return s.Uses.Pos, s.With["role-to-assume"].Value != "" && s.Env["AWS_ACCESS_KEY_ID"].Value == ""
		}
		return facts.Pos{}, false
	})
}

var writeAll = Rule{
	ID: "CI012", Slug: "write-all", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.ci012.title"), Why: i18n.M("rule.ci012.why"), Fix: i18n.M("rule.ci012.fix"),
	Bad:  "permissions: write-all",
	Good: "permissions:\n  contents: read",
	Run: func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, w := range r.Workflows {
			if w.Kind != "github" {
				continue
			}
			// A workflow gives one finding, at the first.
			f := finding.Finding{Entity: "permissions", Message: i18n.M("rule.ci012.message")}
			stated := []*facts.Permissions{w.Permissions}
			for _, j := range w.Jobs {
				stated = append(stated, j.Permissions)
			}
			for _, p := range stated {
				switch {
				case p == nil || p.All != "write-all":
				case f.Pos.File == "":
					f.Pos = p.Pos
				default:
					f.Evidence = append(f.Evidence, finding.Evidence{Pos: p.Pos, Text: f.Message})
				}
			}
			if f.Pos.File != "" {
				out = append(out, f)
			}
		}
		return out
	},
}
