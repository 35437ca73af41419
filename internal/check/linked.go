package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
)

// linkedModule is a module from elsewhere that programs of the repository
// link.
type linkedModule struct {
	mod      facts.DepModule
	owner    *facts.RepoModule
	pos      facts.Pos                // of its require line
	packages map[string]facts.Reached // those that are linked, by import path
}

// linkedModules gives the modules from elsewhere of which the repository's
// programs link a package, each once, sorted by path and version. Programs
// that look like examples or tools for developers do not count.
func linkedModules(repo *facts.Repo) []linkedModule {
	if repo.Deps == nil {
		return nil
	}
	var out []linkedModule
	index := map[string]int{}
	for i := range repo.Modules {
		owner := &repo.Modules[i]
		mains := programs(repo, owner)
		if len(mains) == 0 {
			continue
		}
		find, selected := repo.DepPackageOf(owner), repo.Selected(owner)
		for path, reached := range repo.Closure(owner, mains, nil) {
			m, ok := moduleOf(path, selected, find(path))
			if !ok {
				continue
			}
			at, ok := index[m.Name()]
			if !ok {
				at = len(out)
				index[m.Name()] = at
				out = append(out, linkedModule{mod: m, owner: owner, pos: requirePos(owner, m.Path), packages: map[string]facts.Reached{}})
			}
			if _, ok := out[at].packages[path]; !ok {
				out[at].packages[path] = reached
			}
		}
	}
	slices.SortFunc(out, func(a, b linkedModule) int {
		return cmp.Or(cmp.Compare(a.mod.Path, b.mod.Path), cmp.Compare(a.mod.Version, b.mod.Version))
	})
	return out
}

// moduleOf gives the module that a package is from: by p, which may be nil if
// the module cache lacks it; then the one with the longest path that fits.
func moduleOf(importPath string, selected map[string]facts.DepModule, p *facts.DepPackage) (facts.DepModule, bool) {
	for at := importPath; ; {
		if m, ok := selected[at]; ok && m.Version != "" && (p == nil || p.Module == m.Name()) {
			return m, true
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			return facts.DepModule{}, false
		}
		at = at[:i]
	}
}

// programs gives the directories of a module's main packages, sorted, without
// those that look like examples or tools for developers.
func programs(repo *facts.Repo, m *facts.RepoModule) []string {
	var out []string
	for i := range repo.GoFiles {
		f := &repo.GoFiles[i]
		if f.Module == m.Root && f.Package == "main" && !f.Test && !hidden(f.Dir) && !sideline(f.Dir) && f.Built(nil) {
			out = append(out, f.Dir)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func requirePos(m *facts.RepoModule, path string) facts.Pos {
	for _, r := range m.Requires {
		if r.Path == path {
			return r.Pos
		}
	}
	return m.Pos
}

// shortest gives the package with the shortest chain of imports, the first by
// path among equals.
func (l linkedModule) shortest(take func(path string) bool) (facts.Reached, bool) {
	var best facts.Reached
	found := false
	for path, r := range l.packages {
		if !take(path) {
			continue
		}
		if c := cmp.Or(cmp.Compare(len(r.Chain), len(best.Chain)), cmp.Compare(path, best.Path)); !found || c < 0 {
			best, found = r, true
		}
	}
	return best, found
}
