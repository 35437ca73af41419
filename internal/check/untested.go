package check

import (
	"cmp"
	"go/build/constraint"
	"go/version"
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var untestedTags = Rule{
	ID: "CI009", Slug: "tags-untested", Severity: finding.FailsInProduction, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.ci009.title"), Why: i18n.M("rule.ci009.why"), Fix: i18n.M("rule.ci009.fix"),
	Bad:  "# Dockerfile\nRUN go build -tags prod -o /app .\n# CI\n- run: go test ./...",
	Good: "# Dockerfile\nRUN go build -tags prod -o /app .\n# CI\n- run: go test -tags prod ./...",
	Run:  runUntestedTags,
}

// runUntestedTags finds images of programs that hold files of the repository
// which no test that CI runs has compiled.
func runUntestedTags(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[string]bool{}
	for _, b := range r.Builds() {
		if !imageBuild(&b) || !b.Runtime.Last || len(b.Tags) == 0 {
			continue
		}
		tests, known := jobTests(r, b.Module)
		if !known || len(tests) == 0 {
			continue
		}
		for _, tag := range b.Tags {
			file := underTag(r, &b, tag)
			tested := slices.ContainsFunc(tests, func(t jobTest) bool { return slices.Contains(t.tags, tag) })
			if file == nil || tested || seen[b.Docker.Path+" "+tag] {
				continue
			}
			seen[b.Docker.Path+" "+tag] = true
			out = append(out, finding.Finding{
				Pos: b.Go.Pos, Entity: entity(stageName(*b.Stage), tag), Message: i18n.M("rule.ci009.message", tag, file.Path),
				Evidence: []finding.Evidence{
					{Pos: file.BuildPos, Text: i18n.M("rule.ci009.file", file.Build)},
					{Pos: tests[0].pos, Text: i18n.M("rule.ci009.test")},
				},
			})
		}
	}
	return out
}

// jobTest is one go test that CI runs.
type jobTest struct {
	pos      facts.Pos
	tags     []string
	releases []string // minor releases of Go, such as go1.24; nil unknown
}

// jobTests gives the tests of a module that CI runs; known is false if one of
// them may have tags that are not known, or tests what is not known.
func jobTests(r *facts.Repo, m *facts.RepoModule) (tests []jobTest, known bool) {
	for i := range r.Workflows {
		w := &r.Workflows[i]
		for k := range w.Jobs {
			j := &w.Jobs[k]
			if j.Uses.Value != "" && !strings.HasPrefix(j.Uses.Value, "./.github/workflows/") {
				return nil, false
			}
			for n := range j.Steps {
				s := &j.Steps[n]
				for _, g := range facts.GoCommands(r.Ran(s)) {
					if g.Verb != "test" {
						continue
					}
					if g.Dir == "" || !literal(s.Dir) || slices.Contains(g.Args, facts.NotLiteral) {
						return nil, false
					}
					if at := r.ModuleAt(path.Join(s.Dir, g.Dir)); at == nil || at.Root != m.Root {
						continue
					}
					t := jobTest{pos: g.Pos, releases: jobReleases(r, w, j, n)}
					for _, tags := range tagFlags(g) {
						if !literal(tags) {
							return nil, false
						}
						t.tags = append(t.tags, strings.FieldsFunc(tags, func(c rune) bool { return c == ',' || c == ' ' })...)
					}
					tests = append(tests, t)
				}
				if mayTest(r, s) {
					return nil, false
				}
			}
		}
	}
	return tests, true
}

// mayTest reports whether a step may run tests in a way that is not read: by
// a script or another tool. Make is read where its makefile is.
func mayTest(r *facts.Repo, s *facts.JobStep) bool {
	if strings.HasPrefix(s.Uses.Value, "./") {
		return true
	}
	for _, c := range s.Commands {
		if len(c.Words) == 0 {
			continue
		}
		switch base := path.Base(c.Words[0]); {
		case base == "make":
			if len(r.Ran(s)) == len(s.Commands) {
				return true
			}
		case slices.Contains([]string{"task", "mage", "just", "bazel", "bazelisk", "earthly", "gotestsum", "ginkgo", "docker", "dagger", "tox", "nox", "npm", "pnpm", "yarn"}, base),
			strings.HasSuffix(base, ".sh"), strings.HasPrefix(c.Words[0], "./"), base == "bash" && len(c.Words) > 1, base == "sh" && len(c.Words) > 1:
			return true
		}
	}
	return false
}

// underTag finds a file of the packages that b compiles, or of those they
// import, that only a build with tag has.
func underTag(r *facts.Repo, b *facts.Build, tag string) *facts.GoFile {
	var without []string
	for _, t := range b.Tags {
		if t != tag {
			without = append(without, t)
		}
	}
	reached := r.Closure(b.Module, b.Packages, b.Tags)
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		if g.Test || g.Module != b.Module.Root || g.Build == "" || !strings.Contains(g.Build, tag) || !g.Built(b.Tags) || g.Built(without) {
			continue
		}
		if x, err := constraint.Parse("//go:build " + g.Build); err != nil || !facts.Mentions(x, tag) {
			continue
		}
		rel := strings.TrimPrefix(g.Dir, b.Module.Root+"/")
		if _, ok := reached[path.Join(b.Module.Path, rel)]; ok || slices.Contains(b.Packages, g.Dir) {
			return g
		}
	}
	return nil
}

var untestedGo = Rule{
	ID: "CI010", Slug: "go-untested", Severity: finding.FailsInProduction, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.ci010.title"), Why: i18n.M("rule.ci010.why"), Fix: i18n.M("rule.ci010.fix"),
	Bad:  "# Dockerfile\nFROM golang:1.24 AS build\n# CI\n- uses: actions/setup-go@v6\n  with: {go-version: \"1.25\"}\n- run: go test ./...",
	Good: "# Dockerfile\nFROM golang:1.25 AS build\n# CI\n- uses: actions/setup-go@v6\n  with: {go-version: \"1.25\"}\n- run: go test ./...",
	Run:  runUntestedGo,
}

// runUntestedGo finds images whose program is compiled by a minor release of
// Go with which no test of CI is run.
func runUntestedGo(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range r.Builds() {
		if !imageBuild(&b) || !b.Runtime.Last {
			continue
		}
		base, switches := golangBase(b)
		v := imageVersion(base)
		if v == "" || switches || seen[base.Pos] || refuses(v, b.Module.Go.Value) {
			continue
		}
		tests, known := jobTests(r, b.Module)
		if !known || len(tests) == 0 {
			continue
		}
		shipped := version.Lang("go" + v)
		var with []string
		for _, t := range tests {
			if t.releases == nil {
				known = false
			}
			with = append(with, t.releases...)
		}
		if !known || slices.Contains(with, shipped) {
			continue
		}
		slices.Sort(with)
		seen[base.Pos] = true
		out = append(out, finding.Finding{
			Pos: base.Pos, Entity: stageName(*b.Stage),
			Message:  i18n.M("rule.ci010.message", strings.TrimPrefix(shipped, "go"), strings.ReplaceAll(strings.Join(slices.Compact(with), ", "), "go", "")),
			Evidence: []finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.go001.build", b.Go.Verb, cmp.Or(b.Module.Path, b.Module.Root))}, {Pos: tests[0].pos, Text: i18n.M("rule.ci009.test")}},
		})
	}
	return out
}

// jobReleases gives the minor releases of Go that a step of a job runs with,
// nil if they are not known.
func jobReleases(r *facts.Repo, w *facts.Workflow, j *facts.Job, step int) []string {
	if setsToolchain(*w, *j) {
		return nil
	}
	var stated []string
	for _, s := range j.Steps[:step] {
		action, _, _ := strings.Cut(s.Uses.Value, "@")
		if action != "actions/setup-go" {
			continue
		}
		stated = nil
		if file := s.With["go-version-file"].Value; path.Base(file) == "go.mod" && s.With["go-version"].Value == "" {
			if m := r.ModuleAt(path.Dir(file)); m != nil {
				stated = append(stated, strings.TrimPrefix(cmp.Or(m.Toolchain.Value, m.Go.Value), "go"))
			}
			continue
		}
		for _, v := range versions(*j, s.With["go-version"]) {
			stated = append(stated, strings.TrimSuffix(v.Value, ".x"))
		}
	}
	if stated == nil {
		for _, image := range j.Images() {
			stated = append(stated, imageVersion(image))
		}
	}
	var out []string
	for _, v := range stated {
		if !version.IsValid("go"+v) || !strings.Contains(v, ".") {
			return nil
		}
		out = append(out, version.Lang("go"+v))
	}
	return out
}
