// Package ldso finds, as the dynamic linker would, what a program loads before
// its first line: the interpreter that PT_INTERP names, and every library that
// DT_NEEDED asks for, directly or not. It knows the loader of glibc (ld.so(8))
// and that of musl.
//
// It looks into any root file system that can be asked a few things: a
// directory of this disk, the layers of an image. It runs nothing, and knows
// nothing of images and judgements.
//
// What decides at run time alone is left out: LD_LIBRARY_PATH, LD_PRELOAD,
// $PLATFORM, libraries that a program opens by itself (dlopen), and
// /etc/ld.so.cache, which says no more than /etc/ld.so.conf and the
// directories together.
package ldso

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
)

// FS is a root file system.
type FS interface {
	// Resolve gives the path without symbolic links that p leads to, and the
	// links on the way (path_resolution(7)). What it leads to exists; an error
	// that is fs.ErrNotExist says that it does not.
	Resolve(p string) (real string, links []Link, err error)
	// Open opens a regular file, by its path without links.
	Open(real string) (File, error)
	// Names gives what is in a directory, by its path without links, sorted.
	Names(real string) ([]string, error)
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64 // bytes
}

// Link is a symbolic link; the directories above it are real.
type Link struct{ Path, Target string }

// Program is what is to be loaded.
type Program struct {
	Name string       // for people
	File *binary.File // an ELF file
	Dir  string       // where it lies: what $ORIGIN stands for
	// Outside opens files of the place that Dir is in, when that is not the
	// root file system; nil: Dir is in it.
	Outside func(path string) (File, error)
	// BinDir is where a program from outside will lie in the root file system;
	// what it seeks beside itself is sought there first. May be empty.
	BinDir string
}

// Object is a program or library as the loader sees it.
type Object struct {
	Name    string // for people: the program's name, or the path it was found under
	File    *binary.File
	Real    string  // path without links; empty for a program
	Dir     string  // what $ORIGIN stands for
	Outside bool    // it is not in the root file system
	By      *Object // who asked for it first; nil for a program
	Asked   string  // the name it was asked for by
	At      Place   // where it was found
}

// Place is a directory the loader looks into.
type Place struct {
	Dir     string
	Outside bool   // it is not in the root file system
	Conf    bool   // from /etc/ld.so.conf
	As      string // as it stands in the file that names it
}

// Absent is a library that was not found.
type Absent struct {
	Name   string
	By     string   // who asks for it
	Looked []string // directories that do not have it
}

// ErrInterp is the error of New when the interpreter is not there or is none.
var ErrInterp = errors.New("no such interpreter")

// Cache holds the files that were opened, for several programs in one root
// file system. It must not be used by several goroutines at once.
type Cache struct{ opened map[cacheKey]*binary.File }

type cacheKey struct {
	fs   FS // nil: outside
	path string
}

// Loader finds the libraries of one program, which is a process of its own, in
// which a name stands for one library.
type Loader struct {
	fs       FS
	cache    *Cache
	program  Program
	main     *Object
	interp   *Object // nil: none is named
	musl     bool
	conf     []string // directories of /etc/ld.so.conf
	system   []string // directories the interpreter knows by itself
	home     string   // the first of them that is there, without links
	muslConf string   // the file that names musl's directories; empty: none
	loaded   map[string]*Object
	order    []*Object
	absent   []Absent
	looks    int // files looked for so far
}

// New finds the interpreter of a program and where it looks. cache may be nil.
// The error is ErrInterp, or one of fs.
func New(ctx context.Context, fs FS, p Program, cache *Cache) (*Loader, error) {
	if cache == nil {
		cache = &Cache{}
	}
	if cache.opened == nil {
		cache.opened = map[cacheKey]*binary.File{}
	}
	l := &Loader{
		fs: fs, cache: cache, program: p, musl: p.File.Musl, loaded: map[string]*Object{},
		main: &Object{Name: p.Name, File: p.File, Dir: p.Dir, Outside: p.Outside != nil},
	}
	l.order = []*Object{l.main}
	if p.File.Interp == "" {
		l.setSystem(defaultDirs(p.File))
		return l, nil
	}
	name := path.Clean("/" + p.File.Interp)
	real, _, err := fs.Resolve(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInterp, err)
	}
	// musl under the name of another loader: what looks for it there gets musl.
	l.musl = l.musl || strings.HasPrefix(path.Base(real), "ld-musl-")
	f := l.library(ctx, real, false)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f == nil {
		return nil, fmt.Errorf("%w: %s is none for %s", ErrInterp, real, p.File.Machine)
	}
	l.interp = &Object{Name: name, File: f, Real: real, Dir: path.Dir(name), By: l.main}
	for _, n := range []string{path.Base(name), f.SoName} {
		if n != "" {
			l.loaded[n] = l.interp
		}
	}
	if l.musl {
		l.muslDirs(real)
		return l, nil
	}
	l.conf = l.ldSoConf()
	dirs, err := l.loaderDirs(real)
	if err != nil {
		return nil, err
	}
	if len(dirs) == 0 {
		dirs = defaultDirs(p.File)
	}
	l.setSystem(dirs)
	return l, nil
}

// Interp is the interpreter; nil when the program names none.
func (l *Loader) Interp() *Object { return l.interp }

// Musl reports whether the program is started by musl's loader.
func (l *Loader) Musl() bool { return l.musl }

// MuslConf is the file that names musl's directories; empty when there is none.
func (l *Loader) MuslConf() string { return l.muslConf }

// System are the directories that the interpreter searches by itself, and home
// is the first of them that is there, without links.
func (l *Loader) System() (dirs []string, home string) { return l.system, l.home }

// Objects are the program and the libraries found so far, in the order in
// which they are loaded. The interpreter is not among them.
func (l *Loader) Objects() []*Object { return l.order }

// Absent are the libraries that were not found.
func (l *Loader) Absent() []Absent { return l.absent }

// Libc is glibc's own library, if it was found.
func (l *Loader) Libc() *Object {
	if o := l.loaded["libc.so.6"]; o != nil && o.File != nil && o.File.GlibcOffered != "" {
		return o
	}
	return nil
}

// Load walks breadth-first, as the loader does: who asks first for a name
// decides which library it is.
func (l *Loader) Load(ctx context.Context) error { return l.from(ctx, 0) }

// Open finds libraries that by opens while it runs, and what they need. One
// that is not there is passed over.
func (l *Loader) Open(ctx context.Context, by *Object, names ...string) error {
	from := len(l.order)
	for _, name := range names {
		l.need(ctx, by, name, true)
	}
	return l.from(ctx, from)
}

// maxObjects is how many libraries one program may load; the largest desktop
// programs load a few hundred.
const maxObjects = 4096

// maxLooks is how many files may be looked for: an object can name thousands
// of libraries and thousands of directories.
const maxLooks = 1 << 19

func (l *Loader) from(ctx context.Context, i int) error {
	for ; i < len(l.order) && i < maxObjects; i++ {
		for _, name := range l.order[i].File.Needed {
			if err := ctx.Err(); err != nil {
				return err
			}
			l.need(ctx, l.order[i], name, false)
			if l.looks > maxLooks {
				return fmt.Errorf("%s and its libraries name too many places to look into", l.main.Name)
			}
		}
	}
	return nil
}

func (l *Loader) need(ctx context.Context, by *Object, name string, optional bool) {
	if l.loaded[name] != nil || l.musl && muslOwn(name) {
		return
	}
	o, looked := l.find(ctx, by, name)
	if o == nil {
		if !optional {
			l.loaded[name] = &Object{} // say it once
			l.absent = append(l.absent, Absent{name, by.Name, looked})
		}
		return
	}
	l.loaded[name] = o
	if o.File.SoName != "" && l.loaded[o.File.SoName] == nil {
		l.loaded[o.File.SoName] = o
	}
	if slices.ContainsFunc(l.order, func(x *Object) bool { return x.Real == o.Real && x != l.main }) {
		return // the same file under another name
	}
	l.order = append(l.order, o)
}

func (l *Loader) setSystem(dirs []string) {
	l.system, l.home = dirs, dirs[0]
	for _, d := range dirs {
		if real, _, err := l.fs.Resolve(d); err == nil {
			l.home = real
			return
		}
	}
}

// find looks for a library. looked are the directories that do not have it.
func (l *Loader) find(ctx context.Context, by *Object, name string) (o *Object, looked []string) {
	if strings.Contains(name, "/") {
		if path.IsAbs(name) {
			if o := l.open(ctx, by, Place{Dir: path.Dir(name)}, name); o != nil {
				return o, nil
			}
		}
		return nil, []string{name}
	}
	for _, at := range l.places(by) {
		if l.looks++; l.looks > maxLooks {
			break
		}
		if o := l.open(ctx, by, at, name); o != nil {
			return o, nil
		}
		if !slices.Contains(looked, at.Dir) {
			looked = append(looked, at.Dir)
		}
	}
	return nil, looked
}

func (l *Loader) open(ctx context.Context, by *Object, at Place, asked string) *Object {
	name := path.Base(asked)
	p := path.Join(at.Dir, name)
	real := path.Join(l.home, name)
	file := p
	if !at.Outside {
		var err error
		if real, _, err = l.fs.Resolve(p); err != nil {
			return nil
		}
		file = real
	}
	f := l.library(ctx, file, at.Outside)
	if f == nil {
		return nil
	}
	return &Object{Name: p, File: f, Real: real, Dir: at.Dir, Outside: at.Outside, By: by, Asked: asked, At: at}
}

// library opens a file if it is a library the loader of the program would
// load. Anything else of that name is passed over, as the loader does; linker
// scripts end in .so, too.
func (l *Loader) library(ctx context.Context, file string, outside bool) *binary.File {
	key := cacheKey{l.fs, file}
	if outside {
		key.fs = nil
	}
	f, ok := l.cache.opened[key]
	if !ok {
		f = l.read(ctx, file, outside)
		l.cache.opened[key] = f
	}
	like := l.program.File
	if f == nil || f.Format != binary.ELF || f.Type == binary.Object || f.Type == binary.Exec ||
		f.Machine != like.Machine || f.Bits != like.Bits || f.BigEndian != like.BigEndian {
		return nil
	}
	return f
}

func (l *Loader) read(ctx context.Context, file string, outside bool) *binary.File {
	open := l.fs.Open
	if outside {
		open = l.program.Outside
	}
	r, err := open(file)
	if err != nil {
		return nil
	}
	defer r.Close()
	f, _ := binary.Read(ctx, r, r.Size())
	return f
}
