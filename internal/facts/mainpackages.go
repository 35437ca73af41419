package facts

import (
	"maps"
	"slices"
	"strings"
)

// MainPackage is one main package of the repository with what its program is
// made of, as far as it is here.
type MainPackage struct {
	Module *RepoModule
	Dir    string
	Files  []*GoFile // with Sites or Web, of all packages of the repository that it imports, itself among them

	graph *packageGraph
	nodes []int32
}

// packageGraph is the graph of the repository's packages. Every module of the
// repository counts as local to all others, whatever their requirements say.
type packageGraph struct {
	dirs    []string
	files   [][]*GoFile
	edges   [][]int32
	foreign [][]string // import paths that are not of the repository
}

// Mains gives every main package, sorted by directory, for linux/amd64 and no
// tags but cgo. The result is shared and not to be changed.
func (r *Repo) Mains() []MainPackage {
	if r.memo == nil {
		return r.mains()
	}
	r.memo.programsOnce.Do(func() { r.memo.programs = r.mains() })
	return r.memo.programs
}

func (r *Repo) mains() []MainPackage {
	g, mains := r.packageGraph()
	var out []MainPackage
	seen := make([]int, len(g.dirs)) // the number of the program that saw it last
	for n, start := range mains {
		p := MainPackage{Module: r.ModuleAt(g.dirs[start]), Dir: g.dirs[start], graph: g, nodes: []int32{start}}
		seen[start] = n + 1
		for i := 0; i < len(p.nodes); i++ {
			id := p.nodes[i]
			for _, f := range g.files[id] {
				if len(f.Sites) > 0 || f.Web != nil {
					p.Files = append(p.Files, f)
				}
			}
			for _, to := range g.edges[id] {
				if seen[to] != n+1 {
					seen[to] = n + 1
					p.nodes = append(p.nodes, to)
				}
			}
		}
		slices.SortFunc(p.Files, func(a, b *GoFile) int { return strings.Compare(a.Path, b.Path) })
		out = append(out, p)
	}
	return out
}

func (r *Repo) packageGraph() (g *packageGraph, mains []int32) {
	g = &packageGraph{}
	byDir := r.dirFiles()
	g.dirs = slices.Sorted(maps.Keys(byDir))
	ids := make(map[string]int32, len(g.dirs))
	for i, d := range g.dirs {
		ids[d] = int32(i)
	}
	roots := map[string]string{}
	for _, m := range r.Modules {
		roots[m.Path] = m.Root
	}
	g.files, g.edges, g.foreign = make([][]*GoFile, len(g.dirs)), make([][]int32, len(g.dirs)), make([][]string, len(g.dirs))
	resolved := map[string]int32{} // import path → node, -1 for none
	for i, d := range g.dirs {
		isMain := false
		for _, f := range byDir[d] {
			if !f.Built([]string{"cgo"}) {
				continue
			}
			g.files[i] = append(g.files[i], f)
			isMain = isMain || f.Package == "main"
			for _, im := range f.Imports {
				to, ok := resolved[im.Path]
				if !ok {
					to = -1
					if dir, ok := dirIn(roots, im.Path); ok {
						if id, ok := ids[dir]; ok {
							to = id
						}
					}
					resolved[im.Path] = to
				}
				if to >= 0 {
					g.edges[i] = append(g.edges[i], to)
				} else {
					g.foreign[i] = append(g.foreign[i], im.Path)
				}
			}
		}
		if isMain {
			mains = append(mains, int32(i))
		}
	}
	return g, mains
}

// ImportsAny reports whether a package of the program imports one that match
// takes, of those that are not of the repository.
func (p *MainPackage) ImportsAny(match func(string) bool) bool {
	for _, id := range p.nodes {
		if slices.ContainsFunc(p.graph.foreign[id], match) {
			return true
		}
	}
	return false
}

// Sites gives every site of the program that has one of the names.
func (p *MainPackage) Sites(names ...string) []*Site {
	var out []*Site
	for _, f := range p.Files {
		for i := range f.Sites {
			if slices.Contains(names, f.Sites[i].What) {
				out = append(out, &f.Sites[i])
			}
		}
	}
	return out
}

// Imported gives the first import of a path by a file of the program.
func (p *MainPackage) Imported(path string) (Pos, bool) {
	for _, id := range p.nodes {
		for _, f := range p.graph.files[id] {
			for _, im := range f.Imports {
				if im.Path == path {
					return im.Pos, true
				}
			}
		}
	}
	return Pos{}, false
}

// Together reports whether some package of the program puts two others
// together: it imports both, or is one of them and imports the other.
func (p *MainPackage) Together(a, b string) bool {
	if a == b {
		return true
	}
	for _, id := range p.nodes {
		has := func(dir string) bool {
			return p.graph.dirs[id] == dir || slices.ContainsFunc(p.graph.edges[id], func(to int32) bool { return p.graph.dirs[to] == dir })
		}
		if has(a) && has(b) {
			return true
		}
	}
	return false
}
