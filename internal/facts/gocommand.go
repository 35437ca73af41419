package facts

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// goBoolFlags are the flags of go build, test, run, install, vet and mod
// tidy that take no value of their own (go help build, go help testflag).
var goBoolFlags = set("a", "n", "race", "msan", "asan", "cover", "v", "work", "x", "i", "linkshared",
	"modcacherw", "trimpath", "json", "buildvcs", "c", "short", "failfast", "benchmem", "fullpath", "artifacts",
	"u", "t", "d", "w", "changed", "m", "e", "deps", "find", "test", "compiled", "export", "diff", "h", "help")

// goTwoWords are the verbs that have verbs of their own.
var goTwoWords = set("mod", "work", "tool", "telemetry")

// GoCommands gives the runs of the go command among cs: plain, by path
// (/usr/local/go/bin/go) or behind env, exec, sudo and their like.
func GoCommands(cs []Command) []GoCommand {
	var out []GoCommand
	for _, c := range cs {
		if g, ok := goCommandOf(c); ok {
			out = append(out, g)
		}
	}
	return out
}

func goCommandOf(c Command) (GoCommand, bool) {
	if !slices.ContainsFunc(c.Words, func(w string) bool { return strings.HasSuffix(w, "go") }) {
		return GoCommand{}, false // most are something else
	}
	c = unwrap(c)
	if len(c.Words) < 2 || path.Base(c.Words[0]) != "go" || !Literal(c.Words[0]) {
		return GoCommand{}, false
	}
	if n := len(c.Raw) - len(c.Words); n > 0 {
		c.Raw = c.Raw[n:]
	}
	g := GoCommand{Command: c, Flags: map[string]string{}}
	rest := g.takeFlags(c.Words[1:], false) // -C
	if len(rest) == 0 || !Literal(rest[0]) {
		return GoCommand{}, false
	}
	g.Verb, rest = rest[0], rest[1:]
	switch {
	case goTwoWords[g.Verb] && len(rest) > 0 && Literal(rest[0]) && !strings.HasPrefix(rest[0], "-"):
		g.Verb, rest = g.Verb+" "+rest[0], rest[1:]
	case g.Verb == "env" && len(rest) > 0 && (rest[0] == "-w" || rest[0] == "-u"):
		g.Verb, rest = "env "+rest[0], rest[1:]
	}
	if g.Verb == "tool" || strings.HasPrefix(g.Verb, "tool ") {
		g.Args = rest // the tool's own flags
		return g, true
	}
	rest = g.takeFlags(rest, g.Verb == "test" || g.Verb == "vet")
	g.Args = append(g.Args, rest...)
	if dir, ok := g.Flags["-C"]; ok {
		s := shellState{dir: g.Dir}
		s.cd([]string{dir})
		g.Dir = s.dir
	}
	return g, true
}

// takeFlags moves the leading flags of words into g.Flags and gives the rest.
// With mixed set, flags may follow arguments, as with go test.
func (g *GoCommand) takeFlags(words []string, mixed bool) []string {
	for len(words) > 0 {
		w := words[0]
		switch {
		case w == NotLiteral:
			// Flags, arguments or nothing at all: flags may follow.
			g.Args = append(g.Args, w)
			words = words[1:]
			continue
		case w == "--" || w == "-":
			return words[1:]
		case !strings.HasPrefix(w, "-"):
			if !mixed {
				return words
			}
			g.Args = append(g.Args, w)
			words = words[1:]
			continue
		case w == "-args" || w == "--args":
			return nil
		}
		name, value, has := strings.Cut(strings.TrimLeft(w, "-"), "=")
		words = words[1:]
		switch {
		case has:
		case goBoolFlags[name]:
			value = "true"
		case len(words) > 0:
			value, words = words[0], words[1:]
		}
		g.Flags["-"+name] = value
	}
	return nil
}

// unwrap takes off the programs that only start another one.
func unwrap(c Command) Command {
	for len(c.Words) > 1 {
		switch path.Base(c.Words[0]) {
		case "exec", "command", "nohup", "time":
			if strings.HasPrefix(c.Words[1], "-") {
				return c
			}
			c.Words = c.Words[1:]
		case "sudo":
			c.Words = c.Words[1:]
			for len(c.Words) > 1 && strings.HasPrefix(c.Words[0], "-") {
				c.Words = c.Words[1:]
			}
		case "env":
			c.Words = c.Words[1:]
			c.Env = maps.Clone(c.Env)
			if c.Env == nil {
				c.Env = map[string]string{}
			}
			for len(c.Words) > 0 {
				name, value, ok := strings.Cut(c.Words[0], "=")
				if strings.HasPrefix(c.Words[0], "-") {
					if c.Words[0] == "-u" && len(c.Words) > 1 {
						delete(c.Env, c.Words[1])
						c.Words = c.Words[1:]
					}
				} else if !ok || !Literal(name) {
					break
				} else {
					c.Env[name] = value
				}
				c.Words = c.Words[1:]
			}
			if len(c.Words) == 0 {
				return c
			}
		default:
			return c
		}
	}
	return c
}
