package facts

import (
	"maps"
	"regexp"
	"strings"
)

// Bounds on a makefile's expansion.
const (
	maxMakeDepth = 8
	maxMakeText  = 64 << 10
	maxMakeLines = 20000
	maxMakeWork  = 4 << 20 // bytes of all expansions of a file
)

// unknownMake stands in a recipe for a variable or function of make that is
// not known; no shell variable is called so.
const unknownMake = "${SLIPWAY_UNKNOWN}"

var makeAssign = regexp.MustCompile(`^(?:override[ \t]+)?(export[ \t]+)?([A-Za-z0-9_.-]+)[ \t]*(:::=|::=|:=|\+=|\?=|!=|=)[ \t]*(.*)$`)

// readMakefile reads the recipes of a makefile. Variables with one plain
// value are filled in; all else is not known. What it includes is read only
// for one run of make.
func readMakefile(name, src string) Script {
	m := makeReader{name: name, vars: map[string]string{}, env: map[string]string{}, offered: map[string]bool{}}
	return m.read(src)
}

func (m *makeReader) read(src string) Script {
	lines := strings.Split(strings.ReplaceAll(src, "\r\n", "\n"), "\n")
	if m.included != nil {
		lines = m.splice(nil, lines, m.name, maxMakeIncludes)
	}
	if len(lines) > maxMakeLines {
		lines = lines[:maxMakeLines]
	}
	m.readVariables(lines)
	return m.readRules(lines)
}

type makeReader struct {
	name string
	vars map[string]string            // unexpanded; unknownMake if there is more than one value
	env  map[string]string            // exported
	own  map[string]map[string]string // exported for one target

	given   map[string]bool // set on the command line of make: no line of the file changes them
	offered map[string]bool // given by ?=: only if nobody else does
	outer   map[string]bool // set by the environment: any line of the file but ?= does

	goals map[string]*makeGoal // what is known of each target
	first string               // the target that make without one makes

	included func(name string) (path, src string, ok bool) // gives a file that is included; nil reads none
	from     []Pos                                         // of every line, if files are included
	within   map[string]bool                               // the files these are of

	spent int // bytes expanded so far
}

// logical gives the line at i with those it continues on, and how many.
func logical(lines []string, i int) (string, int) {
	n := 1
	for strings.HasSuffix(lines[i+n-1], `\`) && i+n < len(lines) {
		n++
	}
	return strings.Join(lines[i:i+n], "\n"), n
}

// readVariables collects the assignments. Make reads the whole file before it
// runs a recipe, so their order does not matter to recipes.
func (m *makeReader) readVariables(lines []string) {
	var exported []string
	define := false
	for i := 0; i < len(lines); {
		l, n := logical(lines, i)
		i += n
		t := strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(t, "define "):
			define = true
			m.vars[strings.Fields(t)[1]] = unknownMake
			continue
		case t == "endef":
			define = false
			continue
		case define || strings.HasPrefix(l, "\t"):
			continue
		}
		t = strings.ReplaceAll(t, "\\\n", " ")
		if v := makeAssign.FindStringSubmatch(t); v != nil {
			m.assign(v[2], v[3], v[4])
			if v[1] != "" {
				exported = append(exported, v[2])
			}
		} else if rest, ok := strings.CutPrefix(t, "export "); ok {
			exported = append(exported, strings.Fields(rest)...)
		}
	}
	for _, name := range exported {
		v := m.expand("$("+name+")", "", maxMakeDepth)
		if strings.Contains(v, unknownMake) {
			v = NotLiteral
		}
		m.env[name] = v
	}
}

func (m *makeReader) assign(name, op, value string) {
	if i := strings.Index(value, " #"); i >= 0 {
		value = value[:i]
	}
	value = strings.TrimSpace(value)
	old, again := m.vars[name]
	if m.given[name] || m.outer[name] && op == "?=" {
		return
	}
	if m.outer[name] {
		delete(m.outer, name)
		again = op == "+="
	}
	switch {
	case op == "!=":
		m.vars[name] = unknownMake
	case op == "?=" && again:
	case op == "?=":
		m.offered[name] = true
		m.vars[name] = value
	case op == "+=" && again && old != unknownMake:
		m.vars[name] = old + " " + value
	case again && old != value, op == "+=" && again:
		m.vars[name] = unknownMake // a condition chooses
	default:
		m.vars[name] = value
	}
	if len(m.vars[name]) > maxMakeText {
		m.vars[name] = unknownMake
	}
}

// expand fills in $(NAME) and ${NAME}; $$ becomes the shell's dollar.
func (m *makeReader) expand(s, target string, depth int) string {
	if !strings.Contains(s, "$") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case '$':
			b.WriteByte('$')
		case '@':
			if target == "" || strings.Contains(target, "%") {
				b.WriteString(unknownMake)
			} else {
				b.WriteString(target)
			}
		case '(', '{':
			end := closing(s, i)
			if end < 0 {
				b.WriteString(unknownMake)
				i = len(s)
				continue
			}
			value, ok := m.vars[s[i+1:end]]
			i = end
			m.spent += 1 + len(value)
			if !ok || depth == 0 || value == unknownMake || m.spent > maxMakeWork {
				b.WriteString(unknownMake)
			} else {
				b.WriteString(m.expand(value, target, depth-1))
			}
		default:
			b.WriteString(unknownMake)
		}
		if b.Len() > maxMakeText {
			return unknownMake
		}
	}
	return b.String()
}

// closing finds the bracket that closes the one at i.
func closing(s string, i int) int {
	open, shut, depth := s[i], byte(')'), 0
	if open == '{' {
		shut = '}'
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (m *makeReader) readRules(lines []string) Script {
	sc := Script{Path: m.name, Kind: "make"}
	var targets []string
	env := m.env
	for i := 0; i < len(lines); {
		l, n := logical(lines, i)
		first := i + 1
		i += n
		switch {
		case strings.HasPrefix(l, "\t") && targets != nil:
			cs := m.recipe(l, first, targets[0], env)
			m.makes(targets)
			sc.Commands = append(sc.Commands, cs...)
			for _, t := range targets {
				if sc.Targets == nil {
					sc.Targets = map[string][]Command{}
				}
				sc.Targets[t] = append(sc.Targets[t], cs...)
			}
		case strings.TrimSpace(l) == "" || strings.HasPrefix(strings.TrimSpace(l), "#") || makeAssign.MatchString(l):
		default:
			names, rest, ok := strings.Cut(strings.ReplaceAll(l, "\\\n", " "), ":")
			if conditional(l) {
				m.doubt(targets)
				continue
			}
			if !ok || strings.HasPrefix(l, "\t") {
				continue
			}
			t := strings.Fields(m.expand(names, "", maxMakeDepth))
			if v := makeAssign.FindStringSubmatch(strings.TrimSpace(rest)); v != nil {
				m.targetVariable(t, v)
				targets = nil
				continue
			}
			if targets = t; len(t) == 0 {
				targets = nil
				continue
			}
			m.rule(t, rest)
			env = m.env
			if own := m.own[t[0]]; own != nil {
				env = maps.Clone(m.env)
				maps.Copy(env, own)
			}
			if _, inline, ok := strings.Cut(rest, ";"); ok {
				m.makes(targets)
				sc.Commands = append(sc.Commands, m.recipe("\t"+inline, first, targets[0], env)...)
			}
		}
	}
	return sc
}

// targetVariable reads "target: export NAME = value".
func (m *makeReader) targetVariable(targets, v []string) {
	if v[1] == "" {
		m.vars[v[2]] = unknownMake // it differs from target to target
		return
	}
	value := m.expand(strings.TrimSpace(v[4]), "", maxMakeDepth)
	if strings.Contains(value, unknownMake) {
		value = NotLiteral
	}
	for _, t := range targets {
		if m.own == nil {
			m.own = map[string]map[string]string{}
		}
		if m.own[t] == nil {
			m.own[t] = map[string]string{}
		}
		m.own[t][v[2]] = value
	}
}

// recipe reads one recipe line, which one shell runs.
func (m *makeReader) recipe(l string, first int, target string, env map[string]string) []Command {
	// Make takes the tab and these marks away.
	marks := len(l) - len(strings.TrimLeft(l, "\t @+-"))
	text := strings.Repeat(" ", marks) + m.expand(l[marks:], target, maxMakeDepth)
	start := m.place(first)
	cs, _ := readShell(shellText{src: text, env: env, at: func(line, column int) Pos {
		return Pos{File: start.File, Line: start.Line + line - 1, Column: column}
	}})
	if m.offers(l, "CGO_ENABLED", env) {
		for i := range cs {
			cs[i].Offered = append(cs[i].Offered, "CGO_ENABLED")
		}
	}
	if strings.Contains(l, "$") {
		forgetExpanded(cs, strings.Split(l, "\n"), start.Line)
	}
	return cs
}

// offers reports whether the recipe l sets the variable name to what the
// makefile gives with ?=, by itself or by exporting it.
func (m *makeReader) offers(l, name string, env map[string]string) bool {
	if _, ok := env[name]; ok && m.offered[name] {
		return true
	}
	_, rest, ok := strings.Cut(l, name+"=$")
	if !ok || rest == "" || rest[0] != '(' && rest[0] != '{' {
		return false
	}
	end := closing(rest, 0)
	return end > 0 && m.offered[rest[1:end]]
}

// forgetExpanded takes out of Raw what does not stand in the file like that:
// whatever comes after a variable of its line.
func forgetExpanded(cs []Command, lines []string, first int) {
	for i := range cs {
		for k, w := range cs[i].Raw {
			n := w.Pos.Line - first
			if n < 0 || n >= len(lines) {
				continue
			}
			if at := strings.IndexByte(lines[n], '$'); at >= 0 && w.Pos.Column+len(w.Value) > at+1 {
				cs[i].Raw[k] = Line{}
			}
		}
	}
}
