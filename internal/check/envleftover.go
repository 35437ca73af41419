package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var envLeftover = Rule{
	ID: "ENV010", Slug: "go-env-leftover", Severity: finding.FailsInProduction, Confidence: Medium, Since: 1,
	Title: i18n.M("rule.env010.title"), Why: i18n.M("rule.env010.why"), Fix: i18n.M("rule.env010.fix"),
	Bad:  "release:\n\tgo env -w GOOS=linux GOARCH=arm64\n\tgo build -o app .",
	Good: "release:\n\tGOOS=linux GOARCH=arm64 go build -o app .",
	Run:  runEnvLeftover,
}

// lasting are the settings that change what every build on a machine makes.
var lasting = []string{"GOOS", "GOARCH", "CGO_ENABLED", "GOFLAGS", "GO111MODULE", "GOEXPERIMENT"}

// runEnvLeftover finds settings that go env -w has written, or will write, to
// the GOENV file, where they outlive what they were meant for.
func runEnvLeftover(r *facts.Repo) []finding.Finding {
	out := machineLeftovers(r.Machine)
	for _, s := range r.Scripts {
		if inImage(r, s.Path) {
			continue
		}
		// Targets share commands; a script's own list has each once.
		out = append(out, scriptLeftovers(s.Commands)...)
	}
	for _, w := range r.Workflows {
		for _, j := range w.Jobs {
			var cs []facts.Command
			for _, s := range j.Steps {
				cs = append(cs, s.Commands...)
			}
			out = append(out, jobLeftovers(j, facts.GoCommands(cs))...)
		}
	}
	return out
}

// machineLeftovers judges the GOENV file of this machine.
func machineLeftovers(m *facts.Machine) []finding.Finding {
	if m == nil {
		return nil
	}
	var out []finding.Finding
	for _, name := range lasting {
		v := m.Vars[name]
		if v.Origin != "file" {
			continue
		}
		host := m.Vars["GOHOST"+strings.TrimPrefix(name, "GO")].Value // GOHOSTOS, GOHOSTARCH
		f := finding.Finding{Pos: v.Pos, Entity: entity(thisMachine, name), Fix: i18n.M("rule.env010.unset", name)}
		switch {
		case name == "GOOS" || name == "GOARCH":
			if host == v.Value || host == "" {
				continue
			}
			f.Severity, f.Message = finding.StopsBuild, i18n.M("rule.env010.foreign", name, v.Value, host)
		default:
			f.Advisory, f.Message = true, i18n.M("rule.env010.message", name+"="+v.Value)
		}
		out = append(out, f)
	}
	return out
}

// scriptLeftovers finds go env -w that nothing later takes back. Where the
// script runs is not known, so that this is advice.
func scriptLeftovers(cs []facts.Command) []finding.Finding {
	var out []finding.Finding
	gs := facts.GoCommands(cs)
	for i, g := range gs {
		if _, own := g.Env["GOENV"]; own || g.Verb != "env -w" {
			continue
		}
		for _, name := range written(g) {
			back := slices.ContainsFunc(gs[i+1:], func(later facts.GoCommand) bool {
				return later.Verb == "env -u" && slices.Contains(later.Args, name)
			})
			if !back {
				out = append(out, finding.Finding{Pos: g.Pos, Entity: entity("go env -w", name), Message: i18n.M("rule.env010.script", name), Advisory: true})
				break
			}
		}
	}
	return out
}

// jobLeftovers finds another system set for good by a job that later runs
// what it builds.
func jobLeftovers(j facts.Job, gs []facts.GoCommand) []finding.Finding {
	if len(j.RunsOn) != 1 || !strings.HasPrefix(j.RunsOn[0], "ubuntu-") || strings.HasSuffix(j.RunsOn[0], "-arm") {
		return nil
	}
	set := map[string]facts.GoCommand{}
	for _, g := range gs {
		switch g.Verb {
		case "env -w", "env -u":
			for _, a := range g.Args {
				name, value, _ := strings.Cut(a, "=")
				if foreign := name == "GOOS" && value != "linux" || name == "GOARCH" && value != "amd64" && value != "386"; g.Verb == "env -w" && foreign && literal(value) && value != "" {
					set[name] = g
				} else {
					delete(set, name)
				}
			}
		case "run", "test", "generate":
			_, compiles := g.Flags["-c"]
			_, other := g.Flags["-exec"]
			for _, name := range []string{"GOOS", "GOARCH"} {
				w, ok := set[name]
				if _, own := g.Env[name]; !ok || own || compiles || other || g.Verb == "generate" {
					continue
				}
				return []finding.Finding{{
					Pos: w.Pos, Entity: entity("job", j.ID, name), Severity: finding.StopsBuild, Message: i18n.M("rule.env010.job", name, "go "+g.Verb),
					Evidence: []finding.Evidence{{Pos: g.Pos, Text: i18n.M("rule.env010.later", "go "+g.Verb)}},
				}}
			}
		}
	}
	return nil
}

// written gives the names of lasting that a go env -w sets to something.
func written(g facts.GoCommand) []string {
	var out []string
	for _, a := range g.Args {
		if name, value, ok := strings.Cut(a, "="); ok && value != "" && slices.Contains(lasting, name) {
			out = append(out, name)
		}
	}
	return out
}

// inImage reports whether a Dockerfile names the script: what it writes stays
// in the image.
func inImage(r *facts.Repo, script string) bool {
	base := path.Base(script)
	for _, d := range r.Dockerfiles {
		for _, s := range d.Stages {
			if slices.ContainsFunc(s.Runs, func(run facts.Run) bool { return strings.Contains(run.Raw, base) }) ||
				slices.ContainsFunc(s.Copies, func(c facts.Copy) bool {
					return slices.ContainsFunc(c.Srcs, func(src string) bool { return path.Base(src) == base })
				}) {
				return true
			}
		}
	}
	return false
}
