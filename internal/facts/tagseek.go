package facts

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
)

// Bounds on the search for a tag that nothing linked asks for.
const (
	maxSeekFiles = 100000
	seekHead     = 4 << 10 // bytes of each file
)

// seekTags looks for the tags that go commands set and no file read so far
// asks for: in all of the modules, linked or not, and in those directories of
// the repository that are not read.
func (w *depWalk) seekTags(ctx context.Context, d *Deps) error {
	wanted := map[string]bool{}
	declared := w.repo.DeclaredTags()
	for _, u := range w.repo.TagUses() {
		for _, t := range u.Tags {
			if _, ok := declared[t]; !ok && !IsStdTag(t) && Literal(t) {
				wanted[t] = true
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	d.Elsewhere = map[string]Pos{}
	s := tagSeeker{ctx: ctx, wanted: wanted, found: d.Elsewhere, left: maxSeekFiles}
	if r, err := os.OpenRoot(w.root); err == nil {
		defer r.Close()
		if err := s.tree(r.FS(), ".", "", 0); err != nil {
			return err
		}
	}
	d.Searched = true
	done := map[string]bool{}
	for i := range w.repo.Modules {
		mods := w.repo.selectionOf(&w.repo.Modules[i]).mods
		for _, p := range slices.Sorted(maps.Keys(mods)) {
			m := mods[p]
			dir, err := escapedDir(m)
			if done[dir] {
				continue
			}
			done[dir] = true
			if _, serr := fs.Stat(w.cache, dir); err != nil || serr != nil || m.Missing {
				d.Searched = false
				continue
			}
			if err := s.tree(w.cache, dir, m.name(), 0); err != nil {
				return err
			}
		}
	}
	return nil
}

type tagSeeker struct {
	ctx    context.Context
	wanted map[string]bool
	found  map[string]Pos
	left   int
	buf    []byte
}

// tree looks below dir; prefix is how positions begin.
func (s *tagSeeker) tree(fsys fs.FS, dir, prefix string, depth int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	es, err := fs.ReadDir(fsys, dir)
	if err != nil || depth > maxRepoDepth {
		return nil // a directory that is not there asks for nothing
	}
	for _, e := range es {
		name := path.Join(dir, e.Name())
		switch {
		case len(s.wanted) == 0 || s.left == 0:
			return nil
		case e.IsDir() && e.Name() != ".git" && e.Name() != "node_modules":
			if err := s.tree(fsys, name, path.Join(prefix, e.Name()), depth+1); err != nil {
				return err
			}
		case e.Type().IsRegular() && constrained[path.Ext(name)]:
			s.left--
			s.file(fsys, name, path.Join(prefix, e.Name()))
		}
	}
	return nil
}

// constrained are endings of files that may have build constraints.
var constrained = set(".go", ".s", ".S", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".m", ".f", ".F", ".swig", ".swigcxx", ".tmpl")

func (s *tagSeeker) file(fsys fs.FS, name, shown string) {
	f, err := fsys.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	s.buf = slices.Grow(s.buf[:0], seekHead)[:seekHead]
	n, _ := io.ReadFull(f, s.buf)
	src := s.buf[:n]
	if !bytes.Contains(src, []byte("build ")) {
		return
	}
	for t := range maps.Clone(s.wanted) {
		if !bytes.Contains(src, []byte(t)) {
			continue
		}
		g := GoFile{Path: shown}
		g.readHead(append(bytes.Clone(src), "\n\n"...))
		g.eachConstraintTag(func(has string) {
			if has != t || !s.wanted[t] {
				return
			}
			pos := g.BuildPos
			if pos.File == "" {
				pos = g.PlusBuild[0].Pos
			}
			s.found[t] = pos
			delete(s.wanted, t)
		})
	}
}
