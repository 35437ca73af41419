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
// to the repository, through the repository's own files. Packages of std and
// of modules from elsewhere are reached, but not entered. The files are those
// of linux/amd64 with the tags given; cgo counts among the tags.
func (r *Repo) Closure(module *RepoModule, dirs []string, tags []string) Imports {
	byDir := map[string][]*GoFile{}
	for i := range r.GoFiles {
		if g := &r.GoFiles[i]; !g.Test {
			byDir[g.Dir] = append(byDir[g.Dir], g)
		}
	}
	local := r.localModules(module)
	out := Imports{}
	type item struct {
		dir   string
		chain []Step
	}
	var queue []item
	seen := map[string]bool{}
	for _, d := range dirs {
		if !seen[d] {
			seen[d] = true
			queue = append(queue, item{d, []Step{{Package: r.importPath(module, d)}}})
		}
	}
	for len(queue) > 0 {
		it := queue[0]
		queue = queue[1:]
		for _, g := range byDir[it.dir] {
			if !g.Built(tags) {
				continue
			}
			for _, im := range g.Imports {
				chain := append(slices.Clip(it.chain), Step{im.Path, im.Pos})
				if _, ok := out[im.Path]; !ok {
					out[im.Path] = Reached{im.Path, chain}
				}
				if d, ok := local.dir(im.Path); ok && !seen[d] {
					seen[d] = true
					queue = append(queue, item{d, chain})
				}
			}
		}
	}
	return out
}

// Built reports whether a build for linux/amd64 with these tags, cgo among
// them, takes the file.
func (g *GoFile) Built(tags []string) bool {
	on := func(tag string) bool {
		switch tag {
		case "linux", "amd64", "unix", "gc":
			return true
		}
		return strings.HasPrefix(tag, "go1.") || slices.Contains(tags, tag)
	}
	if !fitsName(path.Base(g.Path), "linux", "amd64") || g.Package == "documentation" {
		return false
	}
	if !slices.Contains(tags, "cgo") && slices.ContainsFunc(g.Imports, func(i Import) bool { return i.Path == "C" }) {
		return false
	}
	if g.Build != "" {
		x, err := constraint.Parse("//go:build " + g.Build)
		return err == nil && x.Eval(on)
	}
	for _, l := range g.PlusBuild {
		x, err := constraint.Parse("// +build " + l.Value)
		if err == nil && !x.Eval(on) {
			return false
		}
	}
	return true
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

func (r *Repo) importPath(module *RepoModule, dir string) string {
	if module == nil {
		return dir
	}
	if dir == module.Root {
		return module.Path
	}
	if module.Root == "." {
		return module.Path + "/" + dir
	}
	return module.Path + "/" + strings.TrimPrefix(dir, module.Root+"/")
}
