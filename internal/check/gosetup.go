package check

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var setupOlder = Rule{
	ID: "GO002", Slug: "setup-go-older", Severity: finding.Waste, Confidence: High, Since: 1,
	Title: i18n.M("rule.go002.title"),
	Why:   i18n.M("rule.go002.why"),
	Fix:   i18n.M("rule.go002.fix"),
	Bad:   "- uses: actions/setup-go@v6\n  with:\n    go-version: '1.22' # go.mod says go 1.24\n- run: go test ./...",
	Good:  "- uses: actions/setup-go@v6\n  with:\n    go-version-file: go.mod\n- run: go test ./...",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, w := range repo.Workflows {
			for _, j := range w.Jobs {
				if w.Kind == "github" && !elsewhere(j) {
					out = append(out, setups(repo, w, j)...)
				}
			}
		}
		return out
	},
}

// elsewhere reports whether a job's files may be others than the repository's
// or may lie somewhere else.
func elsewhere(j facts.Job) bool {
	return slices.ContainsFunc(j.Steps, func(s facts.JobStep) bool {
		_, repository := s.With["repository"]
		_, path := s.With["path"]
		_, ref := s.With["ref"]
		return strings.HasPrefix(s.Uses.Value, "actions/checkout@") && (repository || path || ref)
	})
}

// setups judges every actions/setup-go of a job by the go commands that
// follow it, up to the next one.
func setups(repo *facts.Repo, w facts.Workflow, j facts.Job) []finding.Finding {
	var out []finding.Finding
	for i, s := range j.Steps {
		action, ref, _ := strings.Cut(s.Uses.Value, "@")
		if action != "actions/setup-go" || perhaps(&s) {
			continue
		}
		stated := versions(j, s.With["go-version"])
		if len(stated) == 0 {
			continue
		}
		rest := j.Steps[i+1:]
		if next := slices.IndexFunc(rest, func(s facts.JobStep) bool { return strings.HasPrefix(s.Uses.Value, "actions/setup-go@") }); next >= 0 {
			rest = rest[:next]
		}
		g, m := compiles(repo, rest)
		if m == nil || setsToolchain(w, j) {
			continue
		}
		for _, v := range stated {
			f := finding.Finding{
				Pos: v.Pos, Entity: entity("job", j.ID, v.Value),
				Evidence: []finding.Evidence{
					{Pos: g.Pos, Text: i18n.M("rule.go002.command", "go "+g.Verb, m.Path)},
					{Pos: m.Go.Pos, Text: i18n.M("rule.go001.line", m.Go.Value)},
				},
			}
			switch {
			case refuses(v.Value, m.Go.Value) && (pinsToolchain(ref) || !atLeast(strings.TrimSuffix(v.Value, ".x"), "1.21")):
				f.Severity = finding.StopsBuild
				f.Message = i18n.M("rule.go002.stops", v.Value, m.Go.Value)
			case refuses(v.Value, m.Go.Value):
				f.Message = i18n.M("rule.go002.other", v.Value, m.Go.Value)
			default:
				continue
			}
			if v == s.With["go-version"] {
				f.Edits = raiseSetup(s.GoText, m.Go.Value)
			}
			out = append(out, f)
		}
	}
	return out
}

// raiseSetup makes the version that a step states that of the go line.
func raiseSetup(text facts.Line, line string) []finding.Edit {
	old := strings.Trim(text.Value, `"'`)
	to := raised(old, line)
	switch {
	case text.Value == "" || to == "":
		return nil
	case old == text.Value && strings.HasSuffix(to, "0"):
		to = "'" + to + "'" // YAML takes 1.30 for the number 1.3
	case old != text.Value:
		to = text.Value[:1] + to + text.Value[:1]
	}
	return []finding.Edit{{Pos: text.Pos, Old: text.Value, New: to}}
}

// versions gives what go-version says: itself, or the entries of the matrix
// it names. Ranges and names such as stable are nothing to compare with.
func versions(j facts.Job, l facts.Line) []facts.Line {
	if name, ok := strings.CutPrefix(l.Value, "${{"); ok {
		name = strings.TrimSpace(strings.TrimSuffix(name, "}}"))
		name, ok = strings.CutPrefix(name, "matrix.")
		if !ok {
			return nil
		}
		return j.Matrix[name]
	}
	if l.Value == "" {
		return nil
	}
	return []facts.Line{l}
}

// compiles finds the first go command that reads the go line of a module of
// the repository, and that module.
func compiles(repo *facts.Repo, steps []facts.JobStep) (facts.GoCommand, *facts.RepoModule) {
	for i := range steps {
		s := &steps[i]
		for _, g := range facts.GoCommands(repo.Ran(s)) {
			switch g.Verb {
			case "build", "test", "vet", "run", "install", "list", "generate":
			default:
				continue
			}
			if g.Dir == "" || path.IsAbs(g.Dir) || slices.ContainsFunc(g.Args, func(a string) bool { return strings.ContainsAny(a, "@\x00") }) {
				continue
			}
			dir := path.Join(s.Dir, g.Dir)
			if m := repo.ModuleAt(dir); m != nil && literal(s.Dir) && hasCode(repo, dir) {
				return g, m
			}
		}
	}
	return facts.GoCommand{}, nil
}

// hasCode reports whether a directory or one below it has Go files; one that
// a job makes itself has none.
func hasCode(repo *facts.Repo, dir string) bool {
	return facts.Once(repo, "directories with code", func() map[string]bool {
		out := map[string]bool{}
		for i := range repo.GoFiles {
			for d := repo.GoFiles[i].Dir; !out[d]; d = path.Dir(d) {
				out[d] = true
			}
		}
		return out
	})[dir]
}

// setsToolchain reports whether a job says itself which toolchain is used.
func setsToolchain(w facts.Workflow, j facts.Job) bool {
	const name = "GOTOOLCHAIN"
	if _, ok := w.Env[name]; ok {
		return true
	}
	if _, ok := j.Env[name]; ok {
		return true
	}
	return slices.ContainsFunc(j.Steps, func(s facts.JobStep) bool {
		_, ok := s.Env[name]
		return ok || strings.Contains(s.Run.Value, name)
	})
}

// pinsToolchain reports whether a release of actions/setup-go is known to set
// GOTOOLCHAIN=local: v6 and later (actions/setup-go#460). A commit hash does
// not tell.
func pinsToolchain(ref string) bool {
	major, _, _ := strings.Cut(strings.TrimPrefix(ref, "v"), ".")
	n, err := strconv.Atoi(major)
	return strings.HasPrefix(ref, "v") && err == nil && n >= 6
}
