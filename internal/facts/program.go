package facts

import (
	"cmp"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/module"
)

// programs makes a Program of every main package that was asked for.
func (c *collector) programs(t TargetOptions, g graphRecord, now snapshot) []Program {
	gr := newGraph(g.Packages)
	var out []Program
	for i := range g.Packages {
		p := &g.Packages[i]
		if p.Name != "main" || p.DepOnly {
			continue
		}
		out = append(out, c.program(t, gr, g, p))
	}
	slices.SortFunc(out, func(a, b Program) int { return cmp.Compare(a.Package, b.Package) })
	return out
}

func (c *collector) program(t TargetOptions, gr *graph, g graphRecord, main *listed) Program {
	r := gr.below(main)
	prog := Program{
		Package: main.ImportPath, Dir: c.rel(main.Dir), Name: ProgramName(main.ImportPath, modulePath(main)),
		Pos: c.packagePos(main), Target: t.Platform, CgoOn: t.CgoOn, Packages: len(r.order),
		Modules: modules(r.order),
	}
	n := needs{c: c, r: r, by: map[NeedKind]*Need{}}
	seenTag := map[string]bool{}
	for _, p := range r.order {
		if p.Standard {
			switch p.ImportPath {
			case "net", "os/user", "plugin", "runtime/cgo", "crypto/x509":
				prog.StdCgo = append(prog.StdCgo, p.ImportPath)
			case "time/tzdata":
				n.note(NeedZonesIn, Uses, "import time/tzdata", Pos{}, p)
			}
			continue
		}
		if p.ImportPath == "golang.org/x/crypto/x509roots/fallback" {
			n.note(NeedRootsIn, Uses, "import "+p.ImportPath, Pos{}, p)
		}
		if cg, ok := c.cgoOf(p, t); ok {
			cg.Chain = c.chain(r, p)
			prog.Cgo = append(prog.Cgo, cg)
		}
		d := g.Deps[p.ImportPath]
		for _, u := range d.Uses {
			n.note(u.Kind, May, u.What, c.pos(p, u.File, u.Line, u.Col), p)
		}
		for _, tag := range d.Tags {
			if !seenTag[tag.Name] {
				seenTag[tag.Name] = true
				prog.Tags = append(prog.Tags, Tag{tag.Name, c.pos(p, tag.File, tag.Line, 1), slices.Contains(c.opts.Tags, tag.Name)})
			}
			if p == main && tag.Excluded {
				prog.Excluded = append(prog.Excluded, ExcludedFile{c.pos(p, tag.File, tag.Line, 1), tag.Expr})
			}
		}
		if p.local(c.opts.Root) {
			c.ownFacts(&prog, &n, g, p, p == main)
		}
	}
	prog.Needs = n.list()
	slices.Sort(prog.StdCgo)
	slices.SortFunc(prog.Tags, func(a, b Tag) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(prog.Stamps, func(a, b Stamp) int { return cmp.Compare(a.Var, b.Var) })
	slices.SortFunc(prog.Ports, func(a, b Port) int { return cmp.Compare(a.Port, b.Port) })
	prog.Ports = slices.CompactFunc(prog.Ports, func(a, b Port) bool { return a.Port == b.Port })
	return prog
}

// ownFacts adds what a package of the project says.
func (c *collector) ownFacts(prog *Program, n *needs, g graphRecord, p *listed, isMain bool) {
	certainty := May
	own := p.Module == nil || p.Module.Main
	if own {
		certainty = Uses
	}
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		ff := g.Own[filepath.Join(p.Dir, name)].Facts
		for _, u := range ff.Uses {
			n.note(u.Kind, certainty, u.What, c.pos(p, name, u.Line, u.Col), p)
		}
		if !own {
			continue
		}
		if isMain || p.Name != "main" {
			prefix := p.ImportPath
			if isMain {
				prefix = "main"
			}
			for _, s := range ff.Stamps {
				prog.Stamps = append(prog.Stamps, Stamp{prefix + "." + s.Name, s.Role, c.pos(p, name, s.Line, s.Col)})
			}
			for _, l := range ff.Ports {
				prog.Ports = append(prog.Ports, Port{l.Port, c.pos(p, name, l.Line, l.Col)})
			}
		}
		if isMain {
			for _, d := range ff.Debug {
				prog.Debug = append(prog.Debug, Line{d.Value, c.pos(p, name, d.Pos.Line, d.Pos.Column)})
			}
		}
	}
	if own {
		for _, pattern := range p.EmbedPatterns {
			e := Embed{Pattern: pattern, Pos: c.pos(p, firstOf(p.GoFiles), 0, 0)}
			for _, f := range p.EmbedFiles {
				clean := strings.TrimPrefix(pattern, "all:")
				if ok, _ := path.Match(clean, f); ok || f == clean || strings.HasPrefix(f, clean+"/") {
					e.Files++
				}
			}
			prog.Embeds = append(prog.Embeds, e)
		}
	}
}

func modulePath(p *listed) string {
	if p.Module == nil {
		return ""
	}
	return p.Module.Path
}

func modules(pkgs []*listed) []Dep {
	seen := map[string]bool{}
	var out []Dep
	for _, p := range pkgs {
		m := p.Module
		if m == nil || m.Main || seen[m.Path] {
			continue
		}
		seen[m.Path] = true
		d := Dep{Path: m.Path, Version: m.Version, Sum: m.Sum}
		if m.Replace != nil {
			d.Replace = m.Replace.Path
			d.Sum = m.Replace.Sum
			if m.Replace.Version != "" {
				d.Replace += "@" + m.Replace.Version
			}
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Dep) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// ProgramName gives a binary the name a person would: the last element of its
// import path that is not a major version, so that example.com/tool/v2 is
// called tool and gopkg.in/tool.v1 too.
func ProgramName(importPath, modPath string) string {
	if importPath == modPath || modPath == "" {
		if prefix, _, ok := module.SplitPathVersion(importPath); ok {
			importPath = prefix
		}
	}
	name := path.Base(importPath)
	if isMajor(name) {
		name = path.Base(path.Dir(importPath))
	}
	if name == "." || name == "/" {
		return "app"
	}
	return name
}

func isMajor(s string) bool {
	if len(s) < 2 || s[0] != 'v' {
		return false
	}
	_, err := strconv.Atoi(s[1:])
	return err == nil
}

// chain gives the imports that lead from the main package to p.
func (c *collector) chain(r reach, p *listed) []Step {
	var rev []Step
	for q := p; q != nil; q = r.parent[q] {
		s := Step{Package: q.ImportPath}
		if by := r.parent[q]; by != nil {
			s.Pos = c.importPos(by, slices.Concat(by.GoFiles, by.CgoFiles), q.ImportPath)
		}
		rev = append(rev, s)
	}
	slices.Reverse(rev)
	return rev
}

// importPos finds where one of the files of p imports path.
func (c *collector) importPos(p *listed, files []string, path string) Pos {
	for _, name := range files {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ImportsOnly|parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		for _, imp := range f.Imports {
			got, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				continue
			}
			if got == path || p.ImportMap[got] == path {
				at := fset.Position(imp.Pos())
				return c.pos(p, name, at.Line, at.Column)
			}
		}
	}
	return Pos{}
}

func (c *collector) packagePos(p *listed) Pos {
	name := firstOf(p.GoFiles, p.CgoFiles)
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly)
	if err != nil {
		return c.pos(p, name, 0, 0)
	}
	at := fset.Position(f.Package)
	return c.pos(p, name, at.Line, at.Column)
}

// pos names a place for people and documents: below the project's root by its
// path there, otherwise by module, never by this machine's directories.
func (c *collector) pos(p *listed, file string, line, col int) Pos {
	full := filepath.Join(p.Dir, file)
	name := file
	switch {
	case within(full, c.opts.Root):
		name = c.rel(full)
	case p.Standard:
		name = "std/" + p.ImportPath + "/" + file
	case p.Module != nil:
		m := p.Module
		if m.Replace != nil && m.Replace.Version != "" {
			m = m.Replace
		}
		id := m.Path
		if m.Version != "" {
			id += "@" + m.Version
		}
		name = id + "/" + file
		if rel, err := filepath.Rel(firstDir(p.Module), full); err == nil {
			name = id + "/" + filepath.ToSlash(rel)
		}
	}
	return Pos{File: name, Line: line, Column: col}
}

func firstDir(m *listedModule) string {
	if m.Dir == "" && m.Replace != nil {
		return m.Replace.Dir
	}
	return m.Dir
}

func (c *collector) rel(path string) string {
	rel, err := filepath.Rel(c.opts.Root, path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	return filepath.ToSlash(rel)
}

// tagsOf gives the custom build tags that the package's files mention, those
// of files left out included.
func (c *collector) tagsOf(p *listed) []depTag {
	var out []depTag
	scan := func(names []string, excluded bool) {
		for _, name := range names {
			src, err := readHeader(filepath.Join(p.Dir, name))
			if err != nil {
				continue
			}
			x, line := constraintAt(src)
			if x == nil {
				continue
			}
			EachTag(x, func(tag string) {
				if customTag(tag) {
					out = append(out, depTag{Name: tag, File: name, Line: line, Expr: x.String(), Excluded: excluded})
				}
			})
		}
	}
	scan(slices.Concat(p.GoFiles, p.CgoFiles), false)
	scan(p.IgnoredGoFiles, true)
	return out
}

func readHeader(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 4<<10)
	n, err := f.Read(b)
	if n == 0 && err != nil {
		return nil, err
	}
	return b[:n], nil
}

// customTag reports whether a person sets the tag, and not the toolchain.
func customTag(tag string) bool {
	switch tag {
	case "ignore", "tools", "unix", "cgo", "gc", "gccgo", "race", "msan", "asan", "compiler_bootstrap", "boringcrypto", "appengine":
		return false
	}
	arch, _, _ := strings.Cut(tag, ".")
	return !knownOS[tag] && !knownArch[arch] && !strings.HasPrefix(tag, "go1.") && !strings.HasPrefix(tag, "goexperiment.")
}
