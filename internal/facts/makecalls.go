package facts

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// Bounds on following make: what people write is far below them.
const (
	maxMakeCalls = 8   // make that runs make
	maxMakeGoals = 200 // targets of one run
	maxMadeCalls = 400 // runs of make in one repository
)

// madeCommand is a command that a run of make comes to.
type madeCommand struct {
	Command     // Dir is relative to where the text with make in it starts
	via     Pos // of make there
}

// makeFollower follows make from one text of shell to the makefiles of the
// repository.
type makeFollower struct {
	r     *Repo
	at    func(dir string) (string, bool) // the repository's directory that lies at dir of the text
	calls *int                            // left
}

// follow gives the commands that the makes among cs come to.
func (f makeFollower) follow(cs []Command) []madeCommand {
	var out []madeCommand
	for _, c := range cs {
		for _, m := range f.make(c, maxMakeCalls) {
			out = append(out, madeCommand{m, c.Pos})
		}
	}
	return out
}

// makeCall is the command line of a make.
type makeCall struct {
	dir   string // as Command.Dir
	file  string // -f
	goals []string
	vars  map[string]string // NAME=value
}

// makeCallOf reads a command line of make; ok is false if it is none or holds
// a word that is not known and may be anything.
func makeCallOf(c Command) (call makeCall, ok bool) {
	c = unwrap(c)
	if len(c.Words) == 0 || c.Words[0] != "make" && c.Words[0] != "gmake" || c.Dir == "" {
		return call, false
	}
	s := shellState{dir: c.Dir}
	call.vars = map[string]string{}
	for ws := c.Words[1:]; len(ws) > 0; ws = ws[1:] {
		w := ws[0]
		name, value, set := strings.Cut(w, "=")
		flag := strings.HasPrefix(w, "-")
		switch {
		case !Literal(name):
			return call, false
		case flag && (w == "-C" || w == "--directory" || w == "-f" || w == "--file" || w == "-j" || w == "-o" || w == "-W" || w == "-I"):
			if len(ws) < 2 || !Literal(ws[1]) {
				return call, false
			}
			switch {
			case w == "-j" && strings.Trim(ws[1], "0123456789") != "":
				continue // its number is optional
			case w == "-C" || w == "--directory":
				s.cd(ws[1:2])
			case w == "-f" || w == "--file":
				call.file = ws[1]
			}
			ws = ws[1:]
		case flag && set && name == "--directory":
			s.cd([]string{value})
		case flag && set && name == "--file":
			call.file = value
		case flag && (w == "-n" || w == "--dry-run" || w == "--just-print"):
			return call, false
		case flag:
		case set:
			call.vars[strings.TrimRight(name, ":?")] = value
		default:
			call.goals = append(call.goals, w)
		}
	}
	call.dir = s.dir
	return call, call.dir != ""
}

// make gives the commands of one run, in the order in which make without -j
// runs them. A target whose recipe depends on a condition gives none.
func (f makeFollower) make(c Command, depth int) []Command {
	call, ok := makeCallOf(c)
	if !ok || depth == 0 || *f.calls == 0 {
		return nil
	}
	dir, ok := f.at(call.dir)
	if !ok {
		return nil
	}
	script := f.r.makefileAt(dir, call.file)
	if script == nil || script.make == nil {
		return nil
	}
	*f.calls--
	m := makeReader{name: script.Path, vars: map[string]string{"MAKE": "make"}, env: map[string]string{}, given: map[string]bool{"MAKE": true}, outer: map[string]bool{}, offered: map[string]bool{}}
	inherited := maps.Clone(c.Env)
	if inherited == nil {
		inherited = map[string]string{}
	}
	for k, v := range c.Env {
		m.vars[k], m.outer[k] = makeValue(v), true
	}
	for k, v := range call.vars {
		m.vars[k], m.given[k], inherited[k] = makeValue(v), true, v
		delete(m.outer, k)
	}
	m.included = func(name string) (string, string, bool) { // make looks where it runs
		if s := f.r.makefileAt(dir, name); s != nil && s.make != nil {
			return s.Path, s.make.src, true
		}
		return "", "", false
	}
	sc := m.read(script.make.src)
	if len(call.goals) == 0 {
		call.goals = []string{m.first}
	}
	var out []Command
	done := map[string]bool{}
	var reach func(goal string)
	reach = func(goal string) {
		g := m.goals[goal]
		if g == nil || done[goal] || len(done) > maxMakeGoals {
			return
		}
		done[goal] = true
		for _, n := range g.needs {
			reach(n)
		}
		if g.doubtful {
			return
		}
		for _, cmd := range sc.Targets[goal] {
			env := maps.Clone(inherited)
			maps.Copy(env, cmd.Env)
			cmd.Env = env
			cmd.Dir = joinDir(call.dir, cmd.Dir)
			out = append(out, cmd)
			out = append(out, f.make(cmd, depth-1)...)
		}
	}
	for _, goal := range call.goals {
		reach(goal)
	}
	return out
}

// makeValue is a value from outside as the text of a makefile.
func makeValue(v string) string {
	if !Literal(v) {
		return unknownMake
	}
	return strings.ReplaceAll(v, "$", "$$")
}

// joinDir is dir as seen from base; "" if one of them is not known.
func joinDir(base, dir string) string {
	switch {
	case dir == "" || path.IsAbs(dir):
		return dir
	case base == "":
		return ""
	}
	return path.Join(base, dir)
}

// makefileAt gives the makefile that make reads in a directory.
func (r *Repo) makefileAt(dir, file string) *Script {
	names := []string{"GNUmakefile", "makefile", "Makefile"}
	if file != "" {
		names = []string{file}
	}
	for _, n := range names {
		i := slices.IndexFunc(r.Scripts, func(s Script) bool { return s.Kind == "make" && s.Path == path.Join(dir, n) })
		if i >= 0 {
			return &r.Scripts[i]
		}
	}
	return nil
}

// Ran gives the commands of a step, and after them those that the make
// targets among them come to. The result is shared and not to be changed.
func (r *Repo) Ran(s *JobStep) []Command {
	if r.memo == nil {
		return r.ran(s)
	}
	cs, ok := r.memo.ran.Load(s)
	if !ok {
		cs, _ = r.memo.ran.LoadOrStore(s, r.ran(s))
	}
	return cs.([]Command)
}

func (r *Repo) ran(s *JobStep) []Command {
	out := slices.Clip(s.Commands)
	left := maxMakeCalls
	for _, m := range r.stepMakes(s, &left) {
		out = append(out, m.Command)
	}
	return slices.Clip(out)
}

func (r *Repo) stepMakes(s *JobStep, calls *int) []madeCommand {
	if strings.Contains(s.Dir, "$") {
		return nil
	}
	f := makeFollower{r: r, calls: calls, at: func(dir string) (string, bool) {
		dir = path.Join(s.Dir, dir)
		return dir, !path.IsAbs(dir) && !strings.HasPrefix(dir, "..")
	}}
	return f.follow(s.Commands)
}
