package check

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
)

// place is a text of shell commands and what it belongs to.
type place struct {
	where    string // "stage build", "job test", "target release"; "" a whole script. Stable under edits
	commands []facts.Command
	script   bool // a shell script or makefile, which people run by hand as well
}

// places gives every shell text of the repository. The steps of a job, the
// RUNs of a stage and the lines of a makefile's target are one text each.
func places(repo *facts.Repo) []place {
	var out []place
	for _, d := range repo.Dockerfiles {
		for _, s := range d.Stages {
			p := place{where: stageName(s)}
			for _, run := range s.Runs {
				p.commands = append(p.commands, run.Commands...)
			}
			out = append(out, p)
		}
	}
	for _, w := range repo.Workflows {
		for _, j := range w.Jobs {
			p := place{where: "job " + j.ID}
			for _, s := range j.Steps {
				p.commands = append(p.commands, s.Commands...)
			}
			out = append(out, p)
		}
	}
	for _, s := range repo.Scripts {
		if s.Kind != "make" {
			out = append(out, place{commands: s.Commands, script: true})
			continue
		}
		for _, t := range slices.Sorted(maps.Keys(s.Targets)) {
			out = append(out, place{where: "target " + t, commands: s.Targets[t], script: true})
		}
	}
	return out
}

func stageName(s facts.Stage) string {
	return "stage " + cmp.Or(s.Name, s.Base.Raw)
}

// literal reports whether all of s is known: nothing a shell, make, a
// template or a workflow would put in.
func literal(s string) bool {
	return !strings.ContainsAny(s, "\x00$`{}<>%@")
}

// entity gives a name made of parts, leaving out empty ones.
func entity(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}
