package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var releaseToken = Rule{
	ID: "CI002", Slug: "release-token", Severity: finding.FailsInProduction, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.ci002.title"), Why: i18n.M("rule.ci002.why"), Fix: i18n.M("rule.ci002.fix"),
	Bad:  "permissions:\n  contents: read\nsteps:\n  - run: gh release create v1.0.0\n    env:\n      GH_TOKEN: ${{ github.token }}",
	Good: "permissions:\n  contents: write\nsteps:\n  - run: gh release create v1.0.0\n    env:\n      GH_TOKEN: ${{ github.token }}",
	Run:  runReleaseToken,
}

var packageToken = Rule{
	ID: "CI003", Slug: "package-token", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.ci003.title"), Why: i18n.M("rule.ci003.why"), Fix: i18n.M("rule.ci003.fix"),
	Bad:  "permissions:\n  contents: read\nsteps:\n  - uses: docker/login-action@v3\n    with: {registry: ghcr.io, username: me, password: \"${{ secrets.GITHUB_TOKEN }}\"}\n  - uses: docker/build-push-action@v6\n    with: {push: true, tags: ghcr.io/me/app}",
	Good: "permissions:\n  contents: read\n  packages: write\nsteps:\n  - uses: docker/login-action@v3\n    with: {registry: ghcr.io, username: me, password: \"${{ secrets.GITHUB_TOKEN }}\"}\n  - uses: docker/build-push-action@v6\n    with: {push: true, tags: ghcr.io/me/app}",
	Run:  runPackageToken,
}

var pushLogin = Rule{
	ID: "CI004", Slug: "push-login", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Title: i18n.M("rule.ci004.title"), Why: i18n.M("rule.ci004.why"), Fix: i18n.M("rule.ci004.fix"),
	Bad:  "steps:\n  - uses: docker/build-push-action@v6\n    with: {push: true, tags: example/app}",
	Good: "steps:\n  - uses: docker/login-action@v3\n    with: {username: example, password: \"${{ secrets.HUB }}\"}\n  - uses: docker/build-push-action@v6\n    with: {push: true, tags: example/app}",
	Run:  runPushLogin,
}

// runReleaseToken finds jobs that make a release with the job's own token
// although that token may not write contents.
func runReleaseToken(r *facts.Repo) []finding.Finding {
	return lacking(r, "contents", func(w *facts.Workflow, j *facts.Job, s *facts.JobStep) (facts.Pos, bool) {
		name, _, _ := strings.Cut(s.Uses.Value, "@")
		switch name {
		case "goreleaser/goreleaser-action":
			args := strings.Fields(s.With["args"].Value)
			if !slices.Contains(args, "release") || slices.ContainsFunc(args, func(a string) bool {
				return strings.HasPrefix(a, "--snapshot") || strings.HasPrefix(a, "--skip") || strings.Contains(a, "${{")
			}) {
				return facts.Pos{}, false
			}
			return s.Uses.Pos, ownToken(variable(w, j, s, "GITHUB_TOKEN"))
		case "softprops/action-gh-release":
			token, stated := s.With["token"]
			if env := variable(w, j, s, "GITHUB_TOKEN"); !stated && env != "" {
				token.Value, stated = env, true
			}
			return s.Uses.Pos, (!stated || ownToken(token.Value)) && s.With["repository"].Value == ""
		}
		for _, c := range s.Commands {
			if len(c.Words) > 2 && c.Words[0] == "gh" && c.Words[1] == "release" && (c.Words[2] == "create" || c.Words[2] == "upload") {
				elsewhere := slices.ContainsFunc(c.Words, func(a string) bool { return a == "-R" || strings.HasPrefix(a, "--repo") })
				token := variable(w, j, s, "GH_TOKEN")
				if token == "" {
					token = variable(w, j, s, "GITHUB_TOKEN")
				}
				return c.Pos, ownToken(token) && !elsewhere
			}
		}
		return facts.Pos{}, false
	})
}

// runPackageToken finds jobs that push to ghcr.io with the job's own token
// although that token may not write packages.
func runPackageToken(r *facts.Repo) []finding.Finding {
	return lacking(r, "packages", func(w *facts.Workflow, j *facts.Job, s *facts.JobStep) (facts.Pos, bool) {
		if !pushes(s) || !strings.Contains(s.With["tags"].Value, "ghcr.io/") {
			return facts.Pos{}, false
		}
		logins := 0
		for _, other := range j.Steps {
			name, _, _ := strings.Cut(other.Uses.Value, "@")
			if name != "docker/login-action" || other.With["registry"].Value != "ghcr.io" {
				continue
			}
			if !ownToken(other.With["password"].Value) {
				return facts.Pos{}, false
			}
			logins++
		}
		return s.Uses.Pos, logins > 0
	})
}

// perhaps reports whether it depends on the inputs of its action whether a
// step is run: not for every job that uses it.
func perhaps(s *facts.JobStep) bool {
	return s.Via.File != "" && strings.Contains(s.If.Value, "inputs.")
}

// lacking finds the first step of each job that needs to write to scope,
// where permissions are stated and do not give that. What is not listed there
// is not given.
func lacking(r *facts.Repo, scope string, needs func(*facts.Workflow, *facts.Job, *facts.JobStep) (facts.Pos, bool)) []finding.Finding {
	var out []finding.Finding
	eachJob(r, func(w *facts.Workflow, j *facts.Job) {
		p := permissions(w, j)
		if p == nil || p.All != "" && p.All != "read-all" || p.Scopes[scope].Value == "write" {
			return
		}
		for i := range j.Steps {
			pos, ok := needs(w, j, &j.Steps[i])
			if !ok || perhaps(&j.Steps[i]) {
				continue
			}
			given := p.Scopes[scope].Value
			at := p.Scopes[scope].Pos
			if given == "" {
				given, at = "none", p.Pos
			}
			if p.All != "" {
				given = "read"
			}
			out = append(out, finding.Finding{
				Pos:      pos,
				Entity:   "job " + j.ID,
				Message:  i18n.M("rule.ci.lacking", scope),
				Evidence: []finding.Evidence{{Pos: at, Text: i18n.M("rule.ci.given", scope, given)}},
			})
			return
		}
	})
	return out
}

// runPushLogin finds pushes on fresh machines where nothing before could have
// logged in.
func runPushLogin(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachJob(r, func(w *facts.Workflow, j *facts.Job) {
		if len(j.RunsOn) != 1 || !strings.HasPrefix(j.RunsOn[0], "ubuntu-") || j.Image.Raw != "" {
			return // a machine of one's own may be logged in for ever
		}
		for i := range j.Steps {
			s := &j.Steps[i]
			if mayLogIn(s) {
				return
			}
			if !pushes(s) || !remoteTags(s.With["tags"].Value) {
				continue
			}
			out = append(out, finding.Finding{
				Pos:     s.Uses.Pos,
				Entity:  "job " + j.ID,
				Message: i18n.M("rule.ci004.message"),
			})
			return
		}
	})
	return out
}

// mayLogIn reports whether s can leave credentials for a registry behind. Any
// action could; those that are known not to are the exception.
func mayLogIn(s *facts.JobStep) bool {
	if s.Uses.Value != "" {
		name, _, _ := strings.Cut(s.Uses.Value, "@")
		return !strings.HasPrefix(name, "actions/") && !slices.Contains([]string{
			"docker/setup-buildx-action", "docker/setup-qemu-action", "docker/metadata-action", "docker/build-push-action",
		}, name)
	}
	text := strings.ToLower(s.Run.Value)
	return slices.ContainsFunc([]string{"login", "auth", "config.json", "credential", ".sh", "make", "secrets."}, func(w string) bool { return strings.Contains(text, w) })
}

// pushes reports whether s builds an image and pushes it in any case.
func pushes(s *facts.JobStep) bool {
	name, _, _ := strings.Cut(s.Uses.Value, "@")
	return name == "docker/build-push-action" && s.With["push"].Value == "true"
}

// remoteTags reports whether tags are literal and name a registry elsewhere.
func remoteTags(tags string) bool {
	return tags != "" && !slices.ContainsFunc([]string{"localhost", "127.0.0.1", "registry:", ":5000/", "ttl.sh", "steps.", "env.", "vars.", "inputs.", "needs."}, func(w string) bool {
		return strings.Contains(tags, w)
	})
}

// ownToken reports whether value is the token of the job.
func ownToken(value string) bool {
	switch strings.ToLower(strings.ReplaceAll(value, " ", "")) {
	case "${{secrets.github_token}}", "${{github.token}}":
		return true
	}
	return false
}

// variable gives an environment variable as a step sees it, nearest first.
func variable(w *facts.Workflow, j *facts.Job, s *facts.JobStep, name string) string {
	for _, env := range []map[string]facts.Line{s.Env, j.Env, w.Env} {
		if l, ok := env[name]; ok {
			return l.Value
		}
	}
	return ""
}

// sortedKeys gives the keys of m in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
