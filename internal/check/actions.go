package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var actionPin = Rule{
	ID: "CI001", Slug: "action-pin", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.ci001.title"), Why: i18n.M("rule.ci001.why"), Fix: i18n.M("rule.ci001.fix"),
	Bad:  "permissions:\n  contents: write\nsteps:\n  - uses: vendor/release-action@v2",
	Good: "permissions:\n  contents: write\nsteps:\n  - uses: vendor/release-action@0123456789abcdef0123456789abcdef01234567 # v2.1.0",
	Run:  runActionPin,
}

// runActionPin finds jobs that have something to steal, a token that may
// write or secrets, and run actions of third parties that are named by a tag
// or a branch. Elsewhere an action can do no more than a pull request could.
// A job gives one finding, at the first of its actions.
func runActionPin(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachJob(r, func(w *facts.Workflow, j *facts.Job) {
		power := powerOf(w, j)
		if power.Text.IsZero() {
			return
		}
		f := finding.Finding{Entity: "job " + j.ID, Evidence: []finding.Evidence{power}}
		for _, s := range j.Steps {
			name, ref, ok := strings.Cut(s.Uses.Value, "@")
			if !ok || !thirdParty(name) || sameOwner(r, name) || isHash(ref) || strings.Contains(ref, "${{") {
				continue
			}
			if f.Message.IsZero() {
				f.Pos, f.Message = s.Uses.Pos, i18n.M("rule.ci001.message", s.Uses.Value)
			} else {
				f.Evidence = append(f.Evidence, finding.Evidence{Pos: s.Uses.Pos, Text: i18n.M("rule.ci001.more", s.Uses.Value)})
			}
		}
		if !f.Message.IsZero() {
			out = append(out, f)
		}
	})
	return out
}

// thirdParty reports whether name is an action of neither the platform nor
// the repository itself.
func thirdParty(name string) bool {
	owner, rest, ok := strings.Cut(name, "/")
	return ok && rest != "" && owner != "." && owner != ".." && owner != "actions" && owner != "github" && !strings.HasPrefix(name, "docker://")
}

// sameOwner reports whether the action belongs to those whom the repository
// belongs to, going by the module it holds.
func sameOwner(r *facts.Repo, action string) bool {
	owner, _, _ := strings.Cut(action, "/")
	return slices.ContainsFunc(r.Modules, func(m facts.RepoModule) bool {
		parts := strings.Split(m.Path, "/")
		return len(parts) > 1 && strings.Contains(parts[0], ".") && strings.EqualFold(parts[1], owner)
	})
}

// isHash reports whether ref is a full commit hash, SHA-1 or SHA-256.
func isHash(ref string) bool {
	return (len(ref) == 40 || len(ref) == 64) && strings.Trim(ref, "0123456789abcdef") == ""
}

// powerOf is the evidence that what runs in j can do harm; zero if none is known.
func powerOf(w *facts.Workflow, j *facts.Job) finding.Evidence {
	p := permissions(w, j)
	if p != nil {
		if p.All == "write-all" {
			return finding.Evidence{Pos: p.Pos, Text: i18n.M("rule.ci.power.all")}
		}
		for _, scope := range sortedKeys(p.Scopes) {
			if p.Scopes[scope].Value == "write" {
				return finding.Evidence{Pos: p.Scopes[scope].Pos, Text: i18n.M("rule.ci.power.scope", scope)}
			}
		}
	}
	for _, s := range j.Steps {
		for _, values := range []map[string]facts.Line{s.With, s.Env} {
			for _, key := range sortedKeys(values) {
				if name := secretIn(values[key].Value); name != "" {
					return finding.Evidence{Pos: values[key].Pos, Text: i18n.M("rule.ci.power.secret", name)}
				}
			}
		}
	}
	return finding.Evidence{}
}

// secretIn gives the name of the secret that value refers to, other than the
// token of the job, whose rights are stated elsewhere.
func secretIn(value string) string {
	_, rest, ok := strings.Cut(value, "secrets.")
	if !ok || !strings.Contains(value, "${{") {
		return ""
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if end >= 0 {
		rest = rest[:end]
	}
	if strings.EqualFold(rest, "GITHUB_TOKEN") || worthless(strings.ToUpper(rest)) {
		return ""
	}
	return rest
}

// worthless reports whether a secret is, by its name, of no use to a thief: it
// says who somebody is, or only lets them upload a report of coverage.
func worthless(name string) bool {
	return strings.HasSuffix(name, "_ID") || strings.HasSuffix(name, "_USERNAME") || strings.HasSuffix(name, "_USER") ||
		strings.Contains(name, "CODECOV") || strings.Contains(name, "COVERALLS")
}

// permissions gives what is stated for the token of j: by the job, else by
// the workflow; nil if neither says anything.
func permissions(w *facts.Workflow, j *facts.Job) *facts.Permissions {
	if j.Permissions != nil {
		return j.Permissions
	}
	return w.Permissions
}

// eachJob visits the jobs of GitHub workflows.
func eachJob(r *facts.Repo, visit func(*facts.Workflow, *facts.Job)) {
	for i := range r.Workflows {
		w := &r.Workflows[i]
		if w.Kind != "github" {
			continue
		}
		for j := range w.Jobs {
			visit(w, &w.Jobs[j])
		}
	}
}
