package facts

import (
	"cmp"
	"slices"
	"strings"
)

// Linked gives the files of the repository that a build of the packages in
// dirs compiles, as Closure takes them, sorted by path. It keeps no chains,
// so it may be asked for every program of a large repository.
func (r *Repo) Linked(module *RepoModule, dirs []string, tags []string) []*GoFile {
	byDir := r.dirFiles()
	local := r.localModules(module)
	roots := map[string]string{} // module path → root
	for _, m := range local {
		roots[m[0]] = m[1]
	}
	queue := slices.Clone(dirs)
	seen, known := map[string]bool{}, map[string]bool{}
	for _, d := range dirs {
		seen[d] = true
	}
	var out []*GoFile
	for len(queue) > 0 {
		d := queue[0]
		queue = queue[1:]
		for _, g := range byDir[d] {
			if !g.Built(tags) {
				continue
			}
			out = append(out, g)
			for _, im := range g.Imports {
				if known[im.Path] {
					continue
				}
				known[im.Path] = true
				if d, ok := dirIn(roots, im.Path); ok && !seen[d] {
					seen[d] = true
					queue = append(queue, d)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b *GoFile) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// dirIn is localModules.dir for many questions: it looks up the prefixes of
// the path instead of trying every module.
func dirIn(roots map[string]string, importPath string) (string, bool) {
	for p := importPath; ; {
		if root, ok := roots[p]; ok {
			rest := importPath[len(p):]
			switch {
			case rest == "":
				return root, true
			case root == ".":
				return rest[1:], true
			}
			return root + rest, true
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return "", false
		}
		p = p[:i]
	}
}

// dirFiles is filesByDir, read once.
func (r *Repo) dirFiles() map[string][]*GoFile {
	if r.memo == nil {
		return r.filesByDir()
	}
	r.memo.dirsOnce.Do(func() { r.memo.dirs = r.filesByDir() })
	return r.memo.dirs
}
