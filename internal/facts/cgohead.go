package facts

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// maxCgoLines bounds what is kept of one file's C preamble.
const maxCgoLines = 200

// cgoHead is what the comments above import "C" ask the C compiler for.
type cgoHead struct {
	includes []Line   // "x.h" and <x.h>, with their quotes
	dirs     []string // -I of #cgo lines, as written
	tags     []string // before the name of the setting in #cgo lines
}

// readCgoHead reads the comments above import "C"; see
// https://pkg.go.dev/cmd/cgo.
func (g *GoFile) readCgoHead(src []byte) {
	i := slices.IndexFunc(g.Imports, func(i Import) bool { return i.Path == "C" })
	if i < 0 || g.Test {
		return
	}
	h := &cgoHead{}
	n, block := 0, false
	for line := range bytes.Lines(src) {
		if n++; n > g.Imports[i].Pos.Line || len(h.includes)+len(h.dirs) > maxCgoLines {
			break
		}
		t := strings.TrimSpace(string(line))
		switch {
		case block:
			before, _, end := strings.Cut(t, "*/")
			t, block = before, !end
		case strings.HasPrefix(t, "/*"):
			before, _, end := strings.Cut(t[2:], "*/")
			t, block = before, !end
		case strings.HasPrefix(t, "//"):
			t = t[2:]
		default:
			continue
		}
		h.line(strings.TrimSpace(t), Pos{File: g.Path, Line: n, Column: 1 + len(line) - len(bytes.TrimLeft(line, " \t"))})
	}
	if len(h.includes) > 0 {
		g.cgo = h
	}
	slices.Sort(h.tags)
	g.CgoTags = slices.Compact(h.tags)
}

func (h *cgoHead) line(t string, pos Pos) {
	rest, ok := strings.CutPrefix(t, "#")
	if !ok {
		return
	}
	rest = strings.TrimSpace(rest)
	if name, ok := strings.CutPrefix(rest, "include"); ok {
		name = strings.TrimSpace(name)
		if len(name) < 3 || name[0] != '"' && name[0] != '<' {
			return
		}
		end := byte('"')
		if name[0] == '<' {
			end = '>'
		}
		if i := strings.IndexByte(name[1:], end); i > 0 {
			h.includes = append(h.includes, Line{name[:i+2], pos})
		}
		return
	}
	if flags, ok := strings.CutPrefix(rest, "cgo "); ok {
		kind, flags, ok := strings.Cut(flags, ":")
		if words := strings.Fields(kind); ok && len(words) > 1 && len(h.tags) < maxCgoLines {
			for _, w := range words[:len(words)-1] {
				h.tags = append(h.tags, strings.FieldsFunc(w, func(c rune) bool { return c == ',' || c == '!' })...)
			}
		}
		if !ok || !strings.Contains(kind, "CFLAGS") && !strings.Contains(kind, "CPPFLAGS") && !strings.Contains(kind, "CXXFLAGS") {
			return
		}
		fs := strings.Fields(flags)
		for i, f := range fs {
			d, ok := strings.CutPrefix(f, "-I")
			if ok && d == "" && i+1 < len(fs) {
				d = fs[i+1]
			}
			if ok && d != "" {
				h.dirs = append(h.dirs, strings.Trim(d, `"'`))
			}
		}
	}
}

// settleHeaders finds the headers of the repository that are included from
// outside of the package's own directory.
func (g *GoFile) settleHeaders(files map[string]bool) {
	if g.cgo == nil {
		return
	}
	for _, inc := range g.cgo.includes {
		name := inc.Value[1 : len(inc.Value)-1]
		var dirs []string
		if inc.Value[0] == '"' {
			dirs = append(dirs, g.Dir)
		}
		for _, d := range g.cgo.dirs {
			d = strings.ReplaceAll(d, "${SRCDIR}", ".")
			if !path.IsAbs(d) && !strings.Contains(d, "$") {
				dirs = append(dirs, path.Join(g.Dir, d))
			}
		}
		for _, d := range dirs {
			if p := path.Join(d, name); files[p] {
				if path.Dir(p) != g.Dir {
					g.OutsideHeaders = append(g.OutsideHeaders, Line{p, inc.Pos})
				}
				break
			}
		}
	}
}
