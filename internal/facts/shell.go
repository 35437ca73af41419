package facts

import (
	"maps"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Bounds on shell text: what a person writes is far below them, and the
// parser's recursion and our expansion stay small.
const (
	maxShellText  = 256 << 10 // bytes of one text
	maxShellDepth = 200       // nested constructs
	maxShellWord  = 4 << 10   // bytes of one expanded word
	maxShellWords = 4 << 20   // bytes of all words of a text
)

// shellText is a piece of shell inside some file.
type shellText struct {
	src  string
	at   func(line, column int) Pos // of a place in src, both from 1
	env  map[string]string          // exported when it starts; NotLiteral if not known
	vars map[string]string          // known, but not exported
	from *shellState                // in place of env and vars: goes on from there
}

// readShell gives the simple commands of a text in the order they are
// written. A text that cannot be parsed gives the commands before the fault
// and ok == false.
func readShell(t shellText) (cs []Command, ok bool) {
	cs, _, ok = followShell(t)
	return cs, ok
}

// followShell is readShell that also tells what the shell knows at the end.
func followShell(t shellText) ([]Command, *shellState, bool) {
	s := &shellState{env: maps.Clone(t.env), vars: maps.Clone(t.vars), dir: "."}
	if t.from != nil {
		s = t.from.clone()
	}
	if s.env == nil {
		s.env = map[string]string{}
	}
	if s.vars == nil {
		s.vars = map[string]string{}
	}
	if len(t.src) > maxShellText || tooDeep(t.src) {
		return nil, s, false
	}
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(t.src), "")
	if f == nil {
		return nil, s, false
	}
	r := shellReader{at: t.at, src: t.src}
	r.stmts(f.Stmts, s)
	return r.out, s, err == nil
}

// tooDeep bounds the parser's recursion by an upper bound of the nesting:
// openers that are not closed again.
func tooDeep(src string) bool {
	depth := 0
	for i := range len(src) {
		switch src[i] {
		case '(', '{', '[':
			depth++
		case ')', '}', ']':
			depth = max(0, depth-1)
		}
		if depth > maxShellDepth {
			return true
		}
	}
	// if, while and case nest by words; one per line is the usual cost.
	n := 0
	for _, w := range []string{"if ", "while ", "until ", "for ", "case ", "! ", "time "} {
		n += strings.Count(src, w)
	}
	return n > 50*maxShellDepth
}

// shellState is what is known of the shell at one point.
type shellState struct {
	env, vars map[string]string
	dir       string
	shared    map[string]string // copy of env that commands hold; nil once env has changed
	at        map[string]Pos    // where a variable of the go command got its value; replaced, never changed
}

func (s *shellState) clone() *shellState {
	return &shellState{maps.Clone(s.env), maps.Clone(s.vars), s.dir, s.shared, s.at}
}

// snapshot gives env as it is now, to be read only.
func (s *shellState) snapshot() map[string]string {
	if s.shared == nil {
		s.shared = maps.Clone(s.env)
	}
	return s.shared
}

// join makes s what is known when either s or o holds.
func (s *shellState) join(o *shellState) {
	s.shared = nil
	if s.dir != o.dir {
		s.dir = ""
	}
	if !maps.Equal(s.at, o.at) {
		s.at = maps.Clone(s.at)
		maps.DeleteFunc(s.at, func(k string, p Pos) bool { return o.at[k] != p })
	}
	for _, m := range []struct{ a, b map[string]string }{{s.env, o.env}, {s.vars, o.vars}} {
		for k, v := range m.b {
			if w, ok := m.a[k]; !ok || w != v {
				m.a[k] = NotLiteral
			}
		}
		for k := range m.a {
			if _, ok := m.b[k]; !ok {
				m.a[k] = NotLiteral
			}
		}
	}
}

func (s *shellState) get(name string) (string, bool) {
	if v, ok := s.vars[name]; ok {
		return v, true
	}
	v, ok := s.env[name]
	return v, ok
}

// statedAt notes where name gets its value, if it is a variable of the go
// command.
func statedAt(at map[string]Pos, name string, pos Pos) map[string]Pos {
	if !strings.HasPrefix(name, "GO") && !strings.HasPrefix(name, "CGO_") {
		return at
	}
	out := maps.Clone(at)
	if out == nil {
		out = map[string]Pos{}
	}
	out[name] = pos
	return out
}

// Stated gives where the text of a command states a variable of the go command
// that it gets; where it does not, the command itself.
func (c Command) Stated(name string) Pos {
	if p, ok := c.At[name]; ok {
		return p
	}
	return c.Pos
}

func (s *shellState) set(name, value string) {
	if _, ok := s.env[name]; ok {
		s.env[name], s.shared = value, nil
		return
	}
	s.vars[name] = value
}

func (s *shellState) export(name string) {
	s.shared = nil
	if v, ok := s.vars[name]; ok {
		s.env[name] = v
		delete(s.vars, name)
	} else if _, ok := s.env[name]; !ok {
		s.env[name] = NotLiteral
	}
}

func (s *shellState) cd(args []string) {
	switch {
	case len(args) != 1 || !Literal(args[0]) || args[0] == "-" || strings.HasPrefix(args[0], "~"):
		s.dir = ""
	case path.IsAbs(args[0]):
		s.dir = path.Clean(args[0])
	case s.dir != "":
		s.dir = path.Join(s.dir, args[0])
	}
}
