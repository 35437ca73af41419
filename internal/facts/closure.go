package facts

import (
	"go/build/constraint"
	"path"
	"slices"
	"strings"
)

// Reached is one import path that a closure reaches.
type Reached struct {
	Path  string
	Chain []Step // from the package that was asked for to Path, each with the import that brings it
}

// Imports are the import paths a closure reaches, by path.
type Imports map[string]Reached

// Closure follows the imports of the packages in dirs, directories relative
// to the repository, through the repository's own files and, if Deps is
// there, through those of modules from elsewhere. Packages of std are
// reached, but not entered. The files are those of linux/amd64 with the tags
// given; cgo counts among the tags. The result is shared and not to be
// changed.
func (r *Repo) Closure(module *RepoModule, dirs []string, tags []string) Imports {
	return r.ClosureFor(linux, module, dirs, tags)
}

// Platform is what a build is for.
type Platform struct{ GOOS, GOARCH string }

var linux = Platform{"linux", "amd64"}

// ClosureFor is Closure for another platform.
func (r *Repo) ClosureFor(p Platform, module *RepoModule, dirs []string, tags []string) Imports {
	if r.memo == nil {
		return r.closure(p, module, dirs, tags, r.filesByDir(), r.selectionOf(module))
	}
	root := "\x00"
	if module != nil {
		root = module.Root
	}
	key := p.GOOS + "/" + p.GOARCH + "\n" + root + "\n" + strings.Join(dirs, "\x00") + "\n" + strings.Join(slices.Sorted(slices.Values(tags)), ",")
	m := r.memo
	m.mu.Lock()
	defer m.mu.Unlock()
	out, ok := m.closures[key]
	if !ok {
		if m.closures == nil {
			m.closures = map[string]Imports{}
		}
		out = r.closure(p, module, dirs, tags, r.dirFiles(), m.selectionOf(r, module))
		m.closures[key] = out
	}
	return out
}

// FilesIn gives the Go files of one directory, without tests.
func (r *Repo) FilesIn(dir string) []*GoFile {
	return r.dirFiles()[dir]
}

// filesByDir gives the repository's Go files without tests.
func (r *Repo) filesByDir() map[string][]*GoFile {
	byDir := map[string][]*GoFile{}
	for i := range r.GoFiles {
		if g := &r.GoFiles[i]; !g.Test {
			byDir[g.Dir] = append(byDir[g.Dir], g)
		}
	}
	return byDir
}

func (r *Repo) closure(p Platform, module *RepoModule, dirs []string, tags []string, byDir map[string][]*GoFile, sel *selection) Imports {
	out := Imports{}
	type item struct {
		files []*GoFile
		chain []Step
	}
	var queue []item
	seen := map[string]bool{}
	for _, d := range dirs {
		if !seen[d] {
			seen[d] = true
			queue = append(queue, item{byDir[d], []Step{{Package: module.ImportPath(d)}}})
		}
	}
	for len(queue) > 0 {
		it := queue[0]
		queue = queue[1:]
		for _, g := range it.files {
			if !g.BuiltFor(p, tags) {
				continue
			}
			for _, im := range g.Imports {
				if _, ok := out[im.Path]; ok {
					continue
				}
				chain := append(slices.Clip(it.chain), Step{im.Path, im.Pos})
				out[im.Path] = Reached{im.Path, chain}
				if d, ok := sel.local.dir(im.Path); ok {
					if !seen[d] {
						seen[d] = true
						queue = append(queue, item{byDir[d], chain})
					}
				} else if r.Deps != nil && module != nil {
					if d := sel.find(r.Deps, im.Path); d != nil {
						queue = append(queue, item{pointers(d.Files), chain})
					}
				}
			}
		}
	}
	return out
}

// FilesOf gives the files of the package that an import in module means, as
// far as they are known; without tests.
func (r *Repo) FilesOf(module *RepoModule, importPath string) []*GoFile {
	if r.memo == nil {
		return r.filesOf(r.selectionOf(module), r.filesByDir(), importPath)
	}
	m := r.memo
	m.mu.Lock()
	defer m.mu.Unlock()
	return r.filesOf(m.selectionOf(r, module), r.dirFiles(), importPath)
}

// selectionOf is Repo.selectionOf, worked out once. The caller holds mu.
func (m *repoMemo) selectionOf(r *Repo, module *RepoModule) *selection {
	root := "\x00"
	if module != nil {
		root = module.Root
	}
	s := m.selections[root]
	if s == nil {
		if m.selections == nil {
			m.selections = map[string]*selection{}
		}
		s = r.selectionOf(module)
		m.selections[root] = s
	}
	return s
}

func (r *Repo) filesOf(sel *selection, byDir map[string][]*GoFile, importPath string) []*GoFile {
	if d, ok := sel.local.dir(importPath); ok {
		return byDir[d]
	}
	if r.Deps == nil {
		return nil
	}
	if p := sel.find(r.Deps, importPath); p != nil {
		return pointers(p.Files)
	}
	return nil
}

func pointers(files []GoFile) []*GoFile {
	out := make([]*GoFile, len(files))
	for i := range files {
		out[i] = &files[i]
	}
	return out
}

// Built reports whether a build for linux/amd64 with these tags, cgo among
// them, takes the file.
func (g *GoFile) Built(tags []string) bool { return g.BuiltFor(linux, tags) }

// BuiltFor is Built for another platform.
func (g *GoFile) BuiltFor(p Platform, tags []string) bool {
	if !fitsName(path.Base(g.Path), p.GOOS, p.GOARCH) || g.Package == "documentation" {
		return false
	}
	if !slices.Contains(tags, "cgo") && slices.ContainsFunc(g.Imports, func(i Import) bool { return i.Path == "C" }) {
		return false
	}
	if g.Build == "" && len(g.PlusBuild) == 0 {
		return true
	}
	on := func(tag string) bool { return p.sets(tag) || slices.Contains(tags, tag) }
	if g.Build != "" {
		xs := g.constraints()
		return len(xs) == 1 && xs[0].Eval(on)
	}
	for _, x := range g.constraints() {
		if !x.Eval(on) {
			return false
		}
	}
	return true
}

// sets reports whether a tag is set by itself on the platform.
func (p Platform) sets(tag string) bool {
	switch tag {
	case p.GOOS, p.GOARCH, "gc":
		return true
	case "unix":
		return unixes[p.GOOS]
	}
	return strings.HasPrefix(tag, "go1.")
}

// unixes are the systems that fit the tag unix. Source: internal/syslist.
var unixes = set("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "linux", "netbsd", "openbsd", "solaris")

// constraints are the build constraints of the file that count, all of which
// must hold; one that is malformed is left out.
func (g *GoFile) constraints() []constraint.Expr {
	if g.exprs != nil {
		return g.exprs
	}
	if g.Build != "" {
		if x, err := constraint.Parse("//go:build " + g.Build); err == nil {
			return []constraint.Expr{x}
		}
		return nil
	}
	var out []constraint.Expr
	for _, l := range g.PlusBuild {
		if x, err := constraint.Parse(l.Value); err == nil {
			out = append(out, x)
		}
	}
	return out
}

// Constraint is what the build lines of the file say together: //go:build if
// it has one, else // +build. Nil if there is none, or it is malformed.
func (g *GoFile) Constraint() constraint.Expr {
	var all constraint.Expr
	for _, x := range g.constraints() {
		if all == nil {
			all = x
		} else {
			all = &constraint.AndExpr{X: all, Y: x}
		}
	}
	return all
}

// localModules are the modules whose packages are taken from the repository
// when module is built: itself, those its go.work names and those it replaces
// by a directory. The longest path comes first.
type localModules [][2]string // module path, root

func (r *Repo) localModules(module *RepoModule) localModules {
	if module == nil {
		return nil
	}
	out := localModules{{module.Path, module.Root}}
	add := func(root, as string) {
		for i := range r.Modules {
			if m := &r.Modules[i]; m.Root == root && m != module {
				if as == "" {
					as = m.Path
				}
				out = append(out, [2]string{as, root})
				return
			}
		}
	}
	for _, rp := range module.Replaces {
		if rp.Local {
			old, _, _ := strings.Cut(rp.Old, "@")
			add(path.Join(module.Root, rp.New), old)
		}
	}
	if r.Work != nil && slices.ContainsFunc(r.Work.Uses, func(u Line) bool { return path.Clean(u.Value) == module.Root }) {
		for _, u := range r.Work.Uses {
			add(path.Clean(u.Value), "")
		}
	}
	slices.SortStableFunc(out, func(a, b [2]string) int { return len(b[0]) - len(a[0]) })
	return out
}

// dir gives the directory of a package of the repository.
func (l localModules) dir(importPath string) (string, bool) {
	for _, m := range l {
		if importPath == m[0] {
			return m[1], true
		}
		if rest, ok := strings.CutPrefix(importPath, m[0]+"/"); ok {
			return path.Join(m[1], rest), true
		}
	}
	return "", false
}
