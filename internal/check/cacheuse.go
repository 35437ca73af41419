package check

import (
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var doubleCache = Rule{
	ID: "CI006", Slug: "double-cache", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.ci006.title"), Why: i18n.M("rule.ci006.why"), Fix: i18n.M("rule.ci006.fix"),
	Bad:  "- uses: actions/setup-go@v5\n- uses: actions/cache@v4\n  with: {path: ~/go/pkg/mod, key: \"go-${{ hashFiles('go.sum') }}\"}",
	Good: "- uses: actions/setup-go@v5",
	Run:  runDoubleCache,
}

// runDoubleCache finds jobs in which both actions/setup-go and actions/cache
// restore the go command's directories.
func runDoubleCache(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachJob(r, func(w *facts.Workflow, j *facts.Job) {
		var setup *facts.JobStep
		checkedOut := false // before that there is no go.sum for actions/setup-go to find
		for i := range j.Steps {
			s := &j.Steps[i]
			switch name, _, _ := strings.Cut(s.Uses.Value, "@"); {
			case name == "actions/checkout":
				checkedOut = true
			case name == "actions/setup-go" && checkedOut && setupCaches(r, s):
				setup = s
			case name == "actions/setup-go":
				setup = nil
			case name == "actions/cache" && setup != nil && defaultGoDir(s.With["path"].Value) && setup.If.Value == s.If.Value && !movesGoDirs(w, j):
				out = append(out, finding.Finding{
					Pos: s.Uses.Pos, Entity: entity("job", j.ID, "actions/cache"), Message: i18n.M("rule.ci006.message"),
					Evidence: []finding.Evidence{{Pos: setup.Uses.Pos, Text: i18n.M("rule.ci006.setup", setup.Uses.Value)}},
				})
			}
		}
	})
	return out
}

// setupCaches reports whether a step of actions/setup-go is known to cache:
// since v4 it does unless told not to, if it finds go.sum.
func setupCaches(r *facts.Repo, s *facts.JobStep) bool {
	_, ref, _ := strings.Cut(s.Uses.Value, "@")
	major, _, _ := strings.Cut(strings.TrimPrefix(ref, "v"), ".")
	n, err := strconv.Atoi(major)
	cache := s.With["cache"].Value
	if cache != "true" && (cache != "" || err != nil || n < 4 || n > 99) {
		return false
	}
	if s.With["cache-dependency-path"].Value != "" {
		return true
	}
	m := r.ModuleAt(".")
	return m != nil && m.Root == "." && m.HasGoSum
}

// defaultGoDir reports whether one of the lines of a path input is a directory
// that the go command uses on a hosted runner unless it is told otherwise.
func defaultGoDir(paths string) bool {
	for p := range strings.FieldsSeq(paths) {
		p = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(p, "/"), "/home/runner/"), "~/")
		switch p {
		case "go", "go/pkg", "go/pkg/mod", ".cache/go-build", "Library/Caches/go-build":
			return true
		}
	}
	return false
}

// movesGoDirs reports whether a job may have told the go command to use other
// directories.
func movesGoDirs(w *facts.Workflow, j *facts.Job) bool {
	words := []string{"GOPATH", "GOMODCACHE", "GOCACHE"}
	for _, name := range words {
		_, a := w.Env[name]
		_, b := j.Env[name]
		if a || b {
			return true
		}
	}
	for _, s := range j.Steps {
		if hasAny(s.Run.Value, words) {
			return true
		}
	}
	return false
}

// goCache reports whether a path input of actions/cache names a directory of
// the go command.
func goCache(path string) bool {
	return hasAny(path, []string{"go/pkg/mod", "go-build"})
}

var fixedCacheKey = Rule{
	ID: "CI007", Slug: "cache-key-fixed", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.ci007.title"), Why: i18n.M("rule.ci007.why"), Fix: i18n.M("rule.ci007.fix"),
	Bad:  "- uses: actions/cache@v4\n  with: {path: ~/.cache/go-build, key: \"${{ runner.os }}-go\"}",
	Good: "- uses: actions/cache@v4\n  with: {path: ~/.cache/go-build, key: \"go-${{ github.sha }}\", restore-keys: go-}",
	Run:  runFixedCacheKey,
}

// runFixedCacheKey finds caches of the go command whose key is always the
// same. What has once been saved under a key is never replaced.
func runFixedCacheKey(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachJob(r, func(_ *facts.Workflow, j *facts.Job) {
		for _, s := range j.Steps {
			name, _, _ := strings.Cut(s.Uses.Value, "@")
			key := s.With["key"]
			if name != "actions/cache" || !goCache(s.With["path"].Value) || key.Value == "" || !fixedText(key.Value) {
				continue
			}
			out = append(out, finding.Finding{Pos: key.Pos, Entity: entity("job", j.ID, key.Value), Message: i18n.M("rule.ci007.message", key.Value)})
		}
	})
	return out
}

// fixedText reports whether all expressions of a text give the same at every
// run: the runner's system and the job's own matrix.
func fixedText(s string) bool {
	for {
		_, rest, ok := strings.Cut(s, "${{")
		if !ok {
			return true
		}
		expression, after, _ := strings.Cut(rest, "}}")
		switch e := strings.TrimSpace(expression); {
		case e == "runner.os", e == "runner.arch", e == "github.workflow", e == "github.job":
		case strings.HasPrefix(e, "matrix.") && strings.Trim(e[7:], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "":
		default:
			return false
		}
		s = after
	}
}

var untrustedCache = Rule{
	ID: "CI008", Slug: "untrusted-cache", Severity: finding.Security, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.ci008.title"), Why: i18n.M("rule.ci008.why"), Fix: i18n.M("rule.ci008.fix"),
	Bad:  "on: pull_request_target\nsteps:\n  - uses: actions/checkout@v4\n    with: {ref: \"${{ github.event.pull_request.head.sha }}\"}\n  - uses: actions/setup-go@v5",
	Good: "on: pull_request\nsteps:\n  - uses: actions/checkout@v4\n  - uses: actions/setup-go@v5",
	Run:  runUntrustedCache,
}

// runUntrustedCache finds jobs that hold the code of a pull request and save a
// cache in the scope of the default branch, from where every other job,
// releases too, restores it.
func runUntrustedCache(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachJob(r, func(w *facts.Workflow, j *facts.Job) {
		var on facts.Line
		for _, l := range w.On {
			if l.Value == "pull_request_target" {
				on = l
			}
		}
		if on.Value == "" {
			return
		}
		var checkout facts.Pos
		for i := range j.Steps {
			s := &j.Steps[i]
			name, _, _ := strings.Cut(s.Uses.Value, "@")
			ref := s.With["ref"].Value
			switch {
			case name == "actions/checkout" && hasAny(ref, []string{"github.event.pull_request.head.", "github.head_ref", "refs/pull/"}):
				checkout = s.With["ref"].Pos
			case checkout.File != "" && (name == "actions/cache" && goCache(s.With["path"].Value) || name == "actions/setup-go" && setupCaches(r, s)):
				out = append(out, finding.Finding{
					Pos: s.Uses.Pos, Entity: entity("job", j.ID, name), Message: i18n.M("rule.ci008.message", s.Uses.Value),
					Evidence: []finding.Evidence{{Pos: on.Pos, Text: i18n.M("rule.ci005.on")}, {Pos: checkout, Text: i18n.M("rule.ci005.checkout")}},
				})
				return
			}
		}
	})
	return out
}
