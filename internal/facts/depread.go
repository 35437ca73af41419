package facts

import (
	"bytes"
	"context"
	"fmt"
	"go/build/constraint"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/i18n"
)

// maxDepPackages bounds how many packages from elsewhere are read, far above
// what the largest programs link.
const maxDepPackages = 20000

// depWalk reads packages from elsewhere, each once.
type depWalk struct {
	repo    *Repo
	cache   fs.FS            // the module cache
	root    string           // of the repository
	vendors map[string]fs.FS // by directory
	roots   []*os.Root
	free    map[string]bool // tags of which both values count
	byDir   map[string][]*GoFile

	platforms []Platform // whose files are read

	read    map[string]*DepPackage // by import path and module; nil: the module has no such package
	modules map[string]DepModule   // by name, those that were looked into
	there   map[string]bool        // whether a module's directory is there
	unknown map[string]Pos
}

func newDepWalk(repo *Repo, root, modcache string) *depWalk {
	w := &depWalk{
		repo: repo, cache: os.DirFS(modcache), root: root, platforms: []Platform{linux}, vendors: map[string]fs.FS{}, free: map[string]bool{"cgo": true},
		byDir: map[string][]*GoFile{}, read: map[string]*DepPackage{}, modules: map[string]DepModule{}, there: map[string]bool{}, unknown: map[string]Pos{},
	}
	for _, b := range repo.Builds() {
		if p := (Platform{b.GOOS, b.GOARCH}); p.GOARCH == "wasm" && !slices.Contains(w.platforms, p) {
			w.platforms = append(w.platforms, p) // so unlike Linux that packages differ
		}
	}
	for _, u := range repo.TagUses() {
		for _, t := range u.Tags {
			w.free[t] = true
		}
	}
	for i := range repo.GoFiles {
		if g := &repo.GoFiles[i]; !g.Test && w.mayBuild(g) {
			w.byDir[g.Module] = append(w.byDir[g.Module], g)
		}
	}
	return w
}

func (w *depWalk) close() {
	for _, r := range w.roots {
		r.Close()
	}
}

// mayBuild reports whether any build for one of the platforms takes the file,
// with cgo or without, under any of the tags in use.
func (w *depWalk) mayBuild(g *GoFile) bool {
	if g.Package == "documentation" {
		return false
	}
	xs := g.constraints()
	return slices.ContainsFunc(w.platforms, func(p Platform) bool {
		if !fitsName(path.Base(g.Path), p.GOOS, p.GOARCH) {
			return false
		}
		return !slices.ContainsFunc(xs, func(x constraint.Expr) bool {
			can, _ := outcomesOf(x, func(tag string) (on, off bool) {
				if w.free[tag] {
					return true, true
				}
				on = p.sets(tag)
				return on, !on
			})
			return !can
		})
	})
}

// fits reports whether a file of that name is for one of the platforms.
func (w *depWalk) fits(name string) bool {
	return slices.ContainsFunc(w.platforms, func(p Platform) bool { return fitsName(name, p.GOOS, p.GOARCH) })
}

// depItem is an import to follow: what it means depends on the go.mod.
type depItem struct {
	path string
	pos  Pos
}

// depTry is a package to look for in one module.
type depTry struct {
	key string
	mod DepModule
	fs  fs.FS
	dir string // in fs
	pos string // what positions begin with
	pkg *DepPackage
}

// module follows all imports of the module's own files.
func (w *depWalk) module(ctx context.Context, m *RepoModule) error {
	sel := w.repo.selectionOf(m)
	if sel.partial {
		w.repo.Notes = append(w.repo.Notes, Note{Pos: m.Go.Pos, Text: i18n.M("facts.note.unpruned")})
	}
	seen := map[string]bool{}
	var level []depItem
	follow := func(files []*GoFile) {
		for _, g := range files {
			for _, im := range g.Imports {
				if !seen[im.Path] {
					seen[im.Path] = true
					level = append(level, depItem{im.Path, im.Pos})
				}
			}
		}
	}
	follow(w.byDir[m.Root])
	for len(level) > 0 {
		now := level
		level = nil
		var wanted []depItem
		for _, it := range now {
			switch _, own := sel.local.dir(it.path); {
			case own:
				d, _ := sel.local.dir(it.path)
				if other := w.repo.ModuleAt(d); other != nil && other != m {
					follow(inDir(w.byDir[other.Root], d))
				}
			case isStd(it.path) && sel.mods[it.path].Path == "":
			case module.CheckImportPath(it.path) != nil:
				w.unknown[it.path] = it.pos
			default:
				wanted = append(wanted, it)
			}
		}
		pkgs, err := w.packages(ctx, sel, wanted)
		if err != nil {
			return err
		}
		for _, p := range pkgs {
			for i := range p.Files {
				follow([]*GoFile{&p.Files[i]})
			}
		}
	}
	return nil
}

func inDir(files []*GoFile, dir string) []*GoFile {
	var out []*GoFile
	for _, g := range files {
		if g.Dir == dir {
			out = append(out, g)
		}
	}
	return out
}

// packages finds what imports mean, reading in parallel what is not read yet.
func (w *depWalk) packages(ctx context.Context, sel *selection, items []depItem) ([]*DepPackage, error) {
	var out []*DepPackage
	// The longest module path that fits is tried first; most packages are there.
	for skip := 0; len(items) > 0; skip++ {
		var tries []*depTry
		var pending []depItem
		keys := make([]string, 0, len(items))
		for _, it := range items {
			t, more := w.try(sel, it, skip)
			switch {
			case t == nil && !more:
				if _, ok := w.unknown[it.path]; !ok {
					w.unknown[it.path] = it.pos
				}
			case t == nil:
				keys, pending = append(keys, ""), append(pending, it)
			default:
				keys, pending = append(keys, t.key), append(pending, it)
				if _, ok := w.read[t.key]; !ok && len(w.read) < maxDepPackages {
					w.read[t.key] = nil
					tries = append(tries, t)
				}
			}
		}
		if err := w.readAll(ctx, tries); err != nil {
			return nil, err
		}
		items = nil
		for i, it := range pending {
			if p := w.read[keys[i]]; p != nil {
				out = append(out, p)
			} else {
				items = append(items, it)
			}
		}
	}
	return out, nil
}

// try gives the skip-th module that may hold a package; nil with more set if
// that one is not there.
func (w *depWalk) try(sel *selection, it depItem, skip int) (t *depTry, more bool) {
	n := 0
	sel.each(it.path, func(m DepModule) bool {
		if n < skip {
			n++
			return true
		}
		more = true
		rel := strings.TrimPrefix(strings.TrimPrefix(it.path, m.Path), "/")
		t = w.locate(sel, m, rel)
		return false
	})
	if t != nil {
		t.pkg = &DepPackage{Path: it.path, Module: t.mod.name()}
	}
	return t, more
}

// locate gives where a package of m must be, nil if the module is missing.
func (w *depWalk) locate(sel *selection, m DepModule, rel string) *depTry {
	if sel.vendor != "" {
		v, ok := w.vendors[sel.vendor]
		if !ok {
			if r, err := os.OpenRoot(filepath.Join(w.root, filepath.FromSlash(sel.vendor))); err == nil {
				w.roots = append(w.roots, r)
				v = r.FS()
			}
			w.vendors[sel.vendor] = v
		}
		if v == nil {
			return nil
		}
		w.modules[m.name()] = m
		dir := path.Join(m.Path, rel)
		return &depTry{key: sel.vendor + " " + dir, mod: m, fs: v, dir: dir, pos: path.Join(sel.vendor, dir)}
	}
	name := m.name()
	dir, err := escapedDir(m)
	if err != nil {
		m.Missing = true
	} else if _, ok := w.there[name]; !ok {
		fi, err := fs.Stat(w.cache, dir)
		w.there[name] = err == nil && fi.IsDir()
	}
	m.Missing = m.Missing || !w.there[name]
	w.modules[name] = m
	if m.Missing {
		return nil
	}
	return &depTry{key: path.Join(m.Path, rel) + " " + name, mod: m, fs: w.cache, dir: path.Join(dir, rel), pos: path.Join(name, rel)}
}

// escapedDir is where the module cache keeps a module.
func escapedDir(m DepModule) (string, error) {
	source := m.Source
	if source == "" {
		source = m.Path
	}
	p, err := module.EscapePath(source)
	if err != nil {
		return "", fmt.Errorf("module directory: %w", err)
	}
	v, err := module.EscapeVersion(m.Version)
	if err != nil {
		return "", fmt.Errorf("module directory: %w", err)
	}
	return p + "@" + v, nil
}

func (w *depWalk) readAll(ctx context.Context, tries []*depTry) error {
	const batch = 4
	var mu sync.Mutex
	var eg errgroup.Group
	eg.SetLimit(runtime.GOMAXPROCS(0))
	for chunk := range slices.Chunk(tries, batch) {
		eg.Go(func() error {
			var buf []byte
			for _, t := range chunk {
				if err := ctx.Err(); err != nil {
					return err
				}
				ok := false
				if ok, buf = w.readPackage(t, buf); ok {
					mu.Lock()
					w.read[t.key] = t.pkg
					mu.Unlock()
				}
			}
			return nil
		})
	}
	return eg.Wait()
}

// readPackage reads the files of one directory, false if there are none.
func (w *depWalk) readPackage(t *depTry, buf []byte) (bool, []byte) {
	es, err := fs.ReadDir(t.fs, t.dir)
	if err != nil {
		return false, buf
	}
	any := false
	for _, e := range es {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name[0] == '_' || name[0] == '.' ||
			!e.Type().IsRegular() || !w.fits(name) {
			continue
		}
		f, err := t.fs.Open(path.Join(t.dir, name))
		if err != nil {
			continue
		}
		var g GoFile
		g, buf, err = readGoHead(f, path.Join(t.pos, name), buf)
		builds := err == nil && w.mayBuild(&g)
		if builds {
			buf = readBody(f, &g, buf)
		}
		f.Close()
		if err != nil {
			continue
		}
		any = true
		if builds {
			t.pkg.Files = append(t.pkg.Files, g)
		}
	}
	return any, buf
}

// depHead is how much of a file is read at first, in bytes; nearly every
// import block ends before it.
const depHead = 8 << 10

// readGoHead reads as much of a Go file as its imports need.
func readGoHead(f io.Reader, name string, buf []byte) (GoFile, []byte, error) {
	buf = slices.Grow(buf[:0], depHead)[:depHead]
	n, err := io.ReadFull(f, buf)
	buf = buf[:n]
	if err == nil && !headEnds(buf) {
		rest, rerr := io.ReadAll(io.LimitReader(f, maxGoFile))
		if rerr != nil {
			return GoFile{}, buf, rerr
		}
		buf = append(buf, rest...)
	}
	g, err := readGoFile(name, buf)
	if g.Package == "" {
		return g, buf, err
	}
	g.readCgoHead(buf)
	g.cgo = nil // headers elsewhere are not looked for
	return g, buf, nil
}

// readBody reads the rest of a file, whose head is in buf, for what its code
// names: telemetry hosts, time zones. What cannot be read names nothing.
func readBody(f io.Reader, g *GoFile, buf []byte) []byte {
	for len(buf) < maxGoFile {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, depHead)
		}
		n, err := f.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil {
			break
		}
	}
	for _, h := range readHosts(g, buf) {
		if h.Kind == HostTelemetry {
			g.Hosts = append(g.Hosts, h)
		}
	}
	g.ZoneCalls = readZoneCalls(g, buf)
	return buf
}

// headEnds reports whether a declaration other than an import begins in what
// was read of a file.
func headEnds(src []byte) bool {
	i := bytes.Index(src, []byte("package "))
	if i < 0 {
		return false
	}
	for _, word := range [...]string{"\nfunc ", "\ntype ", "\nvar ", "\nconst "} {
		if bytes.Contains(src[i:], []byte(word)) {
			return true
		}
	}
	return false
}
