package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
)

// setting is one value that a file gives to a variable of the go command.
type setting struct {
	name, value string
	pos         facts.Pos
	where       string // as in place
	build       bool   // in a Dockerfile or a CI configuration, or on this machine
}

// scope is a set of variables that are in force together.
type scope struct {
	where string
	vars  map[string]facts.Line
}

// settings gives every value of a GO… variable that is known, once for the
// place that states it.
func settings(repo *facts.Repo) []setting {
	return facts.Once(repo, "settings", func() []setting { return readSettings(repo) })
}

func readSettings(repo *facts.Repo) []setting {
	c := collector{seen: map[setting]bool{}}
	for _, d := range repo.Dockerfiles {
		for _, s := range d.Stages {
			if s.Base.Name == "scratch" {
				continue // no go command can run there to read it
			}
			c.lines(stageName(s), true, s.Env)
			c.lines(stageName(s), true, s.Args)
			for _, r := range s.Runs {
				c.commands(stageName(s), true, r.Commands, s.Env, s.Args)
			}
		}
	}
	for _, w := range repo.Workflows {
		c.lines("", true, w.Env)
		for _, j := range w.Jobs {
			c.lines("job "+j.ID, true, j.Env)
			for _, s := range j.Steps {
				c.lines("job "+j.ID, true, s.Env)
				c.commands("job "+j.ID, true, s.Commands, w.Env, j.Env, s.Env)
			}
		}
	}
	for _, s := range repo.Scripts {
		c.commands("", false, s.Commands)
		for _, t := range slices.Sorted(maps.Keys(s.Targets)) {
			c.commands("", false, s.Targets[t])
		}
	}
	for _, e := range repo.EnvFiles {
		c.lines("", false, e.Vars)
	}
	for i := range repo.Manifests {
		if w := repo.Manifests[i].Workload; w != nil {
			for _, k := range w.All() {
				c.lines("container "+k.Name.Value, false, k.Env)
			}
		}
	}
	if m := repo.Machine; m != nil {
		c.lines(thisMachine, true, machineLines(m))
	}
	return c.out
}

// thisMachine is the place of what the user has set on this machine.
const thisMachine = "this machine"

// machineLines gives what the user has set, by environment or GOENV file.
func machineLines(m *facts.Machine) map[string]facts.Line {
	out := map[string]facts.Line{}
	for name, v := range m.Vars {
		if v.Origin != "default" {
			out[name] = facts.Line{Value: v.Value, Pos: v.Pos}
		}
	}
	return out
}

type collector struct {
	out  []setting
	seen map[setting]bool
}

func (c *collector) add(s setting) {
	if !strings.HasPrefix(s.name, "GO") || s.value == "" || strings.ContainsAny(s.value, "\x00$`{}") {
		return
	}
	// The same value in the same place is one thing to mend, whichever line
	// has it first; and so is a line that several stages inherit.
	place := setting{name: s.name, value: s.value, where: s.where, pos: facts.Pos{File: s.pos.File}}
	line := setting{name: s.name, value: s.value, pos: s.pos}
	if c.seen[place] || c.seen[line] {
		c.seen[place] = true
		return
	}
	c.seen[place], c.seen[line] = true, true
	c.out = append(c.out, s)
}

func (c *collector) lines(where string, build bool, vars map[string]facts.Line) {
	for _, name := range goNames(vars) {
		c.add(setting{name, vars[name].Value, vars[name].Pos, where, build})
	}
}

// goNames gives the keys that may be the go command's, sorted.
func goNames[V any](vars map[string]V) []string {
	var out []string
	for name := range vars {
		if strings.HasPrefix(name, "GO") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// commands adds what commands set themselves. outer is in force around them
// and stated elsewhere.
func (c *collector) commands(where string, build bool, cs []facts.Command, outer ...map[string]facts.Line) {
	for _, cmd := range cs {
		for _, name := range goNames(cmd.Env) {
			inherited := slices.ContainsFunc(outer, func(vars map[string]facts.Line) bool { return vars[name].Value == cmd.Env[name] })
			if !inherited {
				c.add(setting{name, cmd.Env[name], cmd.Stated(name), where, build})
			}
		}
		for _, w := range assignments(cmd.Words) {
			name, value, _ := strings.Cut(w, "=")
			c.add(setting{name, value, cmd.Pos, where, build})
		}
	}
}

// assignments gives the NAME=value words of export, env and go env -w.
func assignments(words []string) []string {
	var rest []string
	switch {
	case len(words) > 1 && (words[0] == "export" || words[0] == "env"):
		rest = words[1:]
	case len(words) > 3 && words[0] == "go" && words[1] == "env" && words[2] == "-w":
		rest = words[3:]
	}
	if end := slices.IndexFunc(rest, func(w string) bool { return !strings.Contains(w, "=") }); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// scopes gives the sets of variables that a go command meets, outermost
// first.
func scopes(repo *facts.Repo) []scope {
	return facts.Once(repo, "scopes", func() []scope { return readScopes(repo) })
}

func readScopes(repo *facts.Repo) []scope {
	var out []scope
	for _, d := range repo.Dockerfiles {
		for _, s := range d.Stages {
			out = append(out, scope{stageName(s), merge(s.Args, s.Env)})
			for _, r := range s.Runs {
				out = append(out, commandScopes(stageName(s), r.Commands, s.Args, s.Env)...)
			}
		}
	}
	for _, w := range repo.Workflows {
		out = append(out, scope{"", w.Env})
		for _, j := range w.Jobs {
			out = append(out, scope{"job " + j.ID, merge(w.Env, j.Env)})
			for _, s := range j.Steps {
				out = append(out, scope{"job " + j.ID, merge(w.Env, j.Env, s.Env)})
				out = append(out, commandScopes("job "+j.ID, s.Commands, w.Env, j.Env, s.Env)...)
			}
		}
	}
	for _, s := range repo.Scripts {
		out = append(out, commandScopes("", s.Commands)...)
	}
	for _, e := range repo.EnvFiles {
		out = append(out, scope{"", e.Vars})
	}
	if repo.Machine != nil {
		out = append(out, scope{thisMachine, merge(machineLines(repo.Machine))})
	}
	return out
}

func merge(maps ...map[string]facts.Line) map[string]facts.Line {
	out := map[string]facts.Line{}
	for _, m := range maps {
		for k, v := range m {
			if strings.HasPrefix(k, "GO") {
				out[k] = v
			}
		}
	}
	return out
}

// commandScopes gives the scope of each command; a variable that outer has
// with the same value is stated there.
func commandScopes(where string, cs []facts.Command, outer ...map[string]facts.Line) []scope {
	var out []scope
	around := merge(outer...)
	for _, c := range cs {
		vars := map[string]facts.Line{}
		for k, v := range c.Env {
			if !strings.HasPrefix(k, "GO") {
				continue
			}
			if l, ok := around[k]; ok && l.Value == v {
				vars[k] = l
			} else {
				vars[k] = facts.Line{Value: v, Pos: c.Stated(k)}
			}
		}
		if len(vars) > 0 {
			out = append(out, scope{where, vars})
		}
	}
	return out
}
