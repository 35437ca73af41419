package facts

import (
	"maps"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// expand replaces $NAME and ${NAME…} by what the stage knows and takes the
// quotes away. The result holds NotLiteral where a value is not known.
func (r *dockerReader) expand(word string) string {
	return expandDocker(word, r.escape, r.known)
}

func expandDocker(word string, escape rune, known map[string]string) string {
	// Nested defaults are the only recursion there is.
	if len(word) > maxShellWord || strings.Count(word, "$") > 64 {
		return NotLiteral
	}
	res, err := shell.NewLex(escape).ProcessWordWithMatches(word, knownEnv(known))
	if err != nil {
		return NotLiteral
	}
	if strings.Contains(word, "+") {
		for name := range res.Matched {
			if v, ok := known[name]; !ok || !Literal(v) {
				return NotLiteral // ${NAME:+text} hides that NAME is not known
			}
		}
	}
	return bounded(res.Result)
}

// knownEnv gives the values of variables; one that nobody set is not known,
// since a base image may set it.
type knownEnv map[string]string

func (e knownEnv) Get(name string) (string, bool) {
	if v, ok := e[name]; ok {
		return v, true
	}
	return NotLiteral, true
}

func (e knownEnv) Keys() []string {
	var out []string
	for k := range e {
		out = append(out, k)
	}
	return out
}

func (r *dockerReader) run(s *Stage, n *parser.Node, pos Pos) Run {
	run := Run{Pos: pos, Shell: !n.Attributes["json"], Raw: n.Original}
	if run.Workdir = r.absolute(s, "."); run.Workdir == NotLiteral {
		run.Workdir = ""
	}
	for _, f := range n.Flags {
		if m, ok := strings.CutPrefix(f, "--mount="); ok {
			r.mount(s, &run, m, pos)
		}
	}
	env := maps.Clone(r.known)
	if !run.Shell {
		if words := values(n); len(words) > 0 {
			run.Commands = []Command{{Pos: pos, Env: env, Dir: ".", Words: words}}
		}
		return run
	}
	if r.shell {
		return run // PowerShell or the like
	}
	text, first := r.runText(n)
	run.Commands, _ = readShell(shellText{src: text, env: env, at: func(line, column int) Pos {
		return Pos{File: r.d.Path, Line: first + line - 1, Column: column}
	}})
	return run
}

// runText gives the shell text of a RUN with every byte on the line and
// column where the file has it, and the number of its first line.
func (r *dockerReader) runText(n *parser.Node) (string, int) {
	first := n.StartLine
	last := min(n.EndLine, len(r.lines))
	if first < 1 || first > last {
		return "", 1
	}
	lines := make([]string, 0, last-first+1)
	for _, l := range r.lines[first-1 : last] {
		lines = append(lines, strings.TrimRight(l, "\r"))
	}
	if len(n.Heredocs) > 0 {
		if v := values(n); len(v) == 1 && strings.HasPrefix(strings.TrimSpace(v[0]), "<<") && len(strings.Fields(v[0])) == 1 {
			// The document is the script; a shebang may name another language.
			body := lines[min(1, len(lines)):max(1, len(lines)-1)]
			if len(body) > 0 && strings.HasPrefix(body[0], "#!") && !strings.Contains(body[0], "sh") {
				return "", first
			}
			return strings.Join(body, "\n"), first + 1
		}
		return blankInstruction(lines[0]) + "\n" + strings.Join(lines[1:], "\n"), first
	}
	esc := string(r.escape)
	for i, l := range lines {
		t := strings.TrimSpace(l)
		switch {
		case i > 0 && (t == "" || t[0] == '#') && i < len(lines)-1:
			lines[i] = `\`
		case i > 0 && t != "" && t[0] == '#':
			lines[i] = ""
		default:
			l = strings.TrimRight(l, " \t")
			if cut, ok := strings.CutSuffix(l, esc); ok && i < len(lines)-1 {
				l = cut + `\`
			}
			lines[i] = l
		}
	}
	// Flags may go on over several lines.
	for i := range lines {
		l := lines[i]
		if i == 0 {
			l = blankInstruction(l)
		} else {
			l = blankFlags(l, 0)
		}
		lines[i] = l
		if strings.TrimSpace(l) != `\` && strings.TrimSpace(l) != "" {
			break
		}
		// A continuation of nothing is a command of its own to the shell.
		lines[i] = ""
	}
	return strings.Join(lines, "\n"), first
}

// blankInstruction replaces the leading word and its flags by blanks.
func blankInstruction(l string) string {
	i := len(l) - len(strings.TrimLeft(l, " \t\ufeff"))
	for i < len(l) && l[i] != ' ' && l[i] != '\t' {
		i++
	}
	return blankFlags(strings.Repeat(" ", i)+l[i:], i)
}

func blankFlags(l string, i int) string {
	for {
		rest := strings.TrimLeft(l[i:], " \t")
		if !strings.HasPrefix(rest, "--") {
			return l
		}
		start := len(l) - len(rest)
		end := start
		for end < len(l) && l[end] != ' ' && l[end] != '\t' {
			end++
		}
		l = l[:start] + strings.Repeat(" ", end-start) + l[end:]
		i = end
	}
}

// mount reads one --mount.
func (r *dockerReader) mount(s *Stage, run *Run, spec string, pos Pos) {
	m := map[string]string{"type": "bind"}
	for _, f := range strings.Split(spec, ",") {
		k, v, _ := strings.Cut(f, "=")
		switch k = strings.ToLower(k); k {
		case "dst", "destination":
			k = "target"
		case "src":
			k = "source"
		}
		m[k] = r.expand(v)
	}
	target := r.absolute(s, m["target"])
	switch m["type"] {
	case "cache":
		run.CacheMounts = append(run.CacheMounts, target)
	case "bind":
		src := m["source"]
		if src == "" {
			src = "."
		}
		run.Binds = append(run.Binds, Copy{Pos: pos, From: m["from"], FromStage: r.d.stageIndex(m["from"], len(r.d.Stages)-1), Srcs: []string{src}, Dst: target})
	}
}
