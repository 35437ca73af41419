package check

import (
	"cmp"
	"go/version"
	"path"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var workOlder = Rule{
	ID: "GO006", Slug: "go-work-older", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.go006.title"), Why: i18n.M("rule.go006.why"), Fix: i18n.M("rule.go006.fix"),
	Bad:  "# go.work\ngo 1.22\nuse ./api # its go.mod says go 1.24",
	Good: "# go.work\ngo 1.24\nuse ./api # its go.mod says go 1.24",
	Run:  runWorkOlder,
}

// unstatedWork is the go line of a go.work without one.
const unstatedWork = "1.18"

// runWorkOlder compares as go 1.21 and later do: a workspace must ask for no
// less than each of its modules (cmd/go/internal/modload, loadModFile).
func runWorkOlder(repo *facts.Repo) []finding.Finding {
	if repo.Work == nil {
		return nil
	}
	var out []finding.Finding
	line := cmp.Or(repo.Work.Go.Value, unstatedWork)
	for _, use := range repo.Work.Uses {
		for _, m := range repo.Modules {
			if m.Root != path.Clean(use.Value) || !atLeast(m.Go.Value, "1.21") || version.Compare("go"+line, "go"+m.Go.Value) >= 0 {
				continue
			}
			f := finding.Finding{
				Pos: cmp.Or(repo.Work.Go.Pos, use.Pos), Entity: m.Path, Message: i18n.M("rule.go006.message", line, m.Path, m.Go.Value),
				Evidence: []finding.Evidence{
					{Pos: use.Pos, Text: i18n.M("rule.go006.use", use.Value)},
					{Pos: m.Go.Pos, Text: i18n.M("rule.go001.line", m.Go.Value)},
				},
			}
			out = append(out, f)
		}
	}
	return out
}

var toolchainOlder = Rule{
	ID: "GO007", Slug: "toolchain-setting-older", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.go007.title"), Why: i18n.M("rule.go007.why"), Fix: i18n.M("rule.go007.fix"),
	Bad:  "env:\n  GOTOOLCHAIN: go1.23.4 # go.mod says go 1.25\nsteps:\n  - run: go test ./...",
	Good: "env:\n  GOTOOLCHAIN: go1.25.0+auto # go.mod says go 1.25\nsteps:\n  - run: go test ./...",
	Run:  runToolchainOlder,
}

// runToolchainOlder finds go commands under a GOTOOLCHAIN that forbids the
// release that their module asks for: goX without +auto or +path, or local or
// path where the image says which Go that is.
func runToolchainOlder(repo *facts.Repo) []finding.Finding {
	out := machineToolchain(repo)
	seen := map[facts.Pos]bool{}
	judge := func(g facts.GoCommand, m *facts.RepoModule, where string, local facts.ImageRef, stated ...map[string]facts.Line) {
		value := g.Env["GOTOOLCHAIN"]
		v, named := strings.CutPrefix(value, "go")
		if value == "local" || value == "path" {
			v, named = imageVersion(local), true
		}
		if m == nil || !named || !literal(value) || strings.Contains(v, "+") || !refuses(v, m.Go.Value) {
			return
		}
		pos := g.Pos
		for _, s := range stated {
			if l, ok := s["GOTOOLCHAIN"]; ok && l.Value == value {
				pos = l.Pos
				break
			}
		}
		if seen[pos] {
			return
		}
		seen[pos] = true
		out = append(out, finding.Finding{
			Pos: pos, Entity: entity(where, "GOTOOLCHAIN="+value), Message: i18n.M("rule.go007.message", value, v, m.Go.Value),
			Evidence: []finding.Evidence{
				{Pos: g.Pos, Text: i18n.M("rule.go002.command", "go "+g.Verb, m.Path)},
				{Pos: m.Go.Pos, Text: i18n.M("rule.go001.line", m.Go.Value)},
			},
		})
	}
	for _, b := range repo.Builds() {
		switch {
		case b.Docker != nil:
			base, _ := golangBase(b)
			judge(b.Go, b.Module, stageName(*b.Stage), base, b.Stage.Env, b.Stage.Args)
		case b.Script != nil:
			judge(b.Go, b.Module, "", facts.ImageRef{})
		}
	}
	for _, w := range repo.Workflows {
		for _, j := range w.Jobs {
			if elsewhere(j) {
				continue
			}
			image := facts.ImageRef{}
			if images := j.Images(); len(images) == 1 && !bringsGo(j) {
				image = images[0]
			}
			for i, s := range j.Steps {
				if g, m := compiles(repo, j.Steps[i:i+1]); m != nil {
					judge(g, m, "job "+j.ID, image, s.Env, j.Env, w.Env)
				}
			}
		}
	}
	return out
}

// machineToolchain judges this machine by the modules of the repository, of
// which only the one at its root is sure to be built here.
func machineToolchain(r *facts.Repo) []finding.Finding {
	if r.Machine == nil {
		return nil
	}
	held := r.Machine.Vars["GOTOOLCHAIN"]
	v, named := strings.CutPrefix(held.Value, "go")
	switch {
	case held.Value == "local" || held.Value == "path":
		v = strings.TrimPrefix(r.Machine.Vars["GOVERSION"].Value, "go")
	case !named || strings.Contains(v, "+"):
		return nil
	}
	m := r.ModuleAt(".")
	if m == nil || !refuses(v, m.Go.Value) {
		return nil
	}
	return []finding.Finding{{
		Pos:    facts.Pos{File: cmp.Or(held.Pos.File, facts.EnvironmentFile), Line: held.Pos.Line, Column: held.Pos.Column},
		Entity: entity(thisMachine, "GOTOOLCHAIN"), Message: i18n.M("rule.go007.message", held.Value, v, m.Go.Value),
		Evidence: []finding.Evidence{{Pos: m.Go.Pos, Text: i18n.M("rule.go001.line", m.Go.Value)}},
	}}
}
