package facts

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// readGoFile reads the head of a Go file and, by their bytes alone, the
// directives and the init functions of the rest.
func readGoFile(name string, src []byte) (GoFile, error) {
	g := GoFile{Path: name, Dir: path.Dir(name), Test: strings.HasSuffix(name, "_test.go")}
	h, ok := quickGoHead(name, src)
	if !ok {
		var err error
		if h, err = parseGoHead(name, src); err != nil {
			return g, err
		}
	}
	g.Package, g.Imports = h.name, h.imports
	head := h.clause
	g.readHead(src[:head])
	if g.Build != "" || len(g.PlusBuild) > 0 {
		g.exprs = g.constraints()
	}
	g.readLateBuild(src, head)
	g.HasInit = (g.Build != "" || len(g.PlusBuild)+len(g.SpacedBuild) > 0) && bytes.Contains(src[head:], []byte("\nfunc init()"))
	if slices.ContainsFunc(g.Imports, func(i Import) bool { return i.Path == "embed" }) && bytes.Contains(src, []byte("//go:embed")) {
		g.readEmbeds(src)
	}
	return g, nil
}

// parseGoHead is quickGoHead by go/parser, for any file.
func parseGoHead(name string, src []byte) (h goHead, err error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, parser.ImportsOnly|parser.SkipObjectResolution)
	if f == nil || f.Name == nil || f.Name.Name == "" || f.Name.Name == "_" {
		if err == nil {
			err = fmt.Errorf("no package clause")
		}
		return h, err
	}
	h.name = f.Name.Name
	for _, s := range f.Imports {
		p, uerr := strconv.Unquote(s.Path.Value)
		if uerr != nil {
			continue
		}
		q := fset.PositionFor(s.Path.Pos(), false)
		im := Import{Path: p, Pos: Pos{File: name, Line: q.Line, Column: q.Column}}
		if s.Name != nil {
			im.Name = s.Name.Name
		}
		h.imports = append(h.imports, im)
	}
	h.clause = min(fset.PositionFor(f.Package, false).Offset, len(src))
	return h, nil
}

// readHead reads the comments before the package clause.
func (g *GoFile) readHead(head []byte) {
	if len(head) == 0 {
		return
	}
	block, prose := false, false
	var pending []Line // old-style constraints, which count only if a blank line follows
	n := 0
	for line := range bytes.Lines(head) {
		n++
		t := string(bytes.TrimSpace(line))
		if block {
			if i := strings.Index(t, "*/"); i >= 0 {
				block = false
			}
			continue
		}
		pos := Pos{File: g.Path, Line: n, Column: 1 + len(line) - len(bytes.TrimLeft(line, " \t"))}
		switch {
		case t == "":
			g.PlusBuild = append(g.PlusBuild, pending...)
			pending, prose = nil, false
		case strings.HasPrefix(t, "/*"):
			block = !strings.Contains(t[2:], "*/")
		case !strings.HasPrefix(t, "//"):
		case strings.HasPrefix(t, "//go:build ") || strings.HasPrefix(t, "//go:build\t"):
			if g.Build == "" {
				g.Build, g.BuildPos = strings.TrimSpace(t[len("//go:build"):]), pos
			}
		case strings.HasPrefix(t, "// Code generated ") && strings.HasSuffix(t, " DO NOT EDIT."):
			g.Generated = true
		case strings.HasPrefix(t, "//go:debug ") || strings.HasPrefix(t, "//go:debug\t"):
			g.Debugs = append(g.Debugs, Line{strings.TrimSpace(t[len("//go:debug"):]), pos})
		default:
			word, rest, _ := strings.Cut(strings.TrimLeft(t[2:], " \t"), " ")
			switch {
			case word == "+build":
				pending = append(pending, Line{t, pos})
			case word == "go:build" && strings.TrimSpace(rest) != "":
				g.SpacedBuild = append(g.SpacedBuild, Line{t, pos})
			default:
				prose = true
			}
		}
	}
	if !prose {
		g.DeadBuild = pending
	}
}

// readLateBuild finds build constraints between the package clause and the
// first declaration, where the go command does not look for them. head is
// where the clause begins.
func (g *GoFile) readLateBuild(src []byte, head int) {
	n := 0 // lines below that of the clause
	for line := range bytes.Lines(src[head:]) {
		t := bytes.TrimSpace(line)
		switch {
		case bytes.HasPrefix(line, []byte("//go:build ")):
			g.DeadBuild = append(g.DeadBuild, Line{string(t), Pos{File: g.Path, Line: 1 + bytes.Count(src[:head], []byte("\n")) + n, Column: 1}})
		case len(t) > 0 && !bytes.HasPrefix(t, []byte("//")) && !bytes.HasPrefix(t, []byte("package ")):
			return
		}
		n++
	}
}

// readEmbeds reads the go:embed directives, which begin their line.
func (g *GoFile) readEmbeds(src []byte) {
	n := 0
	for line := range bytes.Lines(src) {
		n++
		t := bytes.TrimLeft(line, " \t")
		rest, ok := bytes.CutPrefix(t, []byte("//go:embed"))
		if !ok || len(rest) == 0 || rest[0] != ' ' && rest[0] != '\t' {
			continue
		}
		pos := Pos{File: g.Path, Line: n, Column: 1 + len(line) - len(t)}
		for s := strings.TrimSpace(string(rest)); s != ""; s = strings.TrimSpace(s) {
			if p, err := strconv.QuotedPrefix(s); err == nil {
				s = s[len(p):]
				if p, err = strconv.Unquote(p); err == nil {
					g.Embeds = append(g.Embeds, Line{p, pos})
				}
				continue
			}
			word := strings.Fields(s)[0]
			g.Embeds, s = append(g.Embeds, Line{word, pos}), s[len(word):]
		}
	}
}
