package image

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
)

// loader finds the libraries of one program in the order the dynamic linker
// would: that of glibc (ld.so(8)) or that of musl.
type loader struct {
	*collector
	root     *sysroot
	main     *object
	musl     bool
	conf     []string // directories of /etc/ld.so.conf; the image has no cache of them
	system   []string // directories the interpreter knows by itself
	home     string   // the first of them that the sysroot has, without links
	loaded   map[string]*object
	order    []*object
	absences []absent
}

// place is a directory to look into.
type place struct {
	dir    string
	onDisk bool // of this disk, not of the image
	conf   bool // from /etc/ld.so.conf
	as     string
}

func (c *collector) loader(ctx context.Context, root *sysroot, p Program, f *binary.File) (*loader, error) {
	abs, err := filepath.Abs(p.Path)
	if err != nil {
		return nil, err
	}
	l := &loader{
		collector: c, root: root, musl: f.Musl, loaded: map[string]*object{},
		main: &object{name: p.Binary.Name, file: f, dir: filepath.Dir(abs), onDisk: true},
	}
	if f.Interp == "" {
		l.setSystem(defaultDirs(f))
		return l, nil
	}
	interp := canonical(f.Interp)
	real, _, err := root.resolve(interp)
	if err != nil || c.library(root.host(real), f) == nil {
		return nil, noInterp(p, f, root.dir, err)
	}
	if err := c.take(ctx, root, interp, "interpreter"); err != nil {
		return nil, err
	}
	o := &object{name: interp, file: c.library(root.host(real), f), real: real, dir: path.Dir(interp), parent: l.main}
	for _, name := range []string{path.Base(interp), o.file.SoName} {
		if name != "" {
			l.loaded[name] = o
		}
	}
	if l.musl {
		return l, l.muslDirs(ctx, interp)
	}
	l.conf = root.ldSoConf()
	dirs, err := root.loaderDirs(real)
	if err != nil {
		return nil, err
	}
	if len(dirs) == 0 {
		dirs = defaultDirs(f)
	}
	l.setSystem(dirs)
	return l, nil
}

// load walks breadth-first, as the loader does: who asks first for a name
// decides which library it is.
func (l *loader) load(ctx context.Context) error {
	l.order = []*object{l.main}
	for i := 0; i < len(l.order); i++ {
		for _, name := range l.order[i].file.Needed {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := l.need(ctx, l.order[i], name, false); err != nil {
				return err
			}
		}
	}
	if len(l.absences) > 0 {
		return missing(l.root.dir, l.absences)
	}
	return l.checkC(ctx)
}

func (l *loader) need(ctx context.Context, by *object, name string, optional bool) error {
	if l.loaded[name] != nil || l.musl && muslOwn(name) {
		return nil
	}
	o, at, looked := l.find(by, name)
	if o == nil {
		if !optional {
			l.loaded[name] = &object{} // say it once
			l.absences = append(l.absences, absent{name, by.name, looked})
		}
		return nil
	}
	l.loaded[name] = o
	if o.file.SoName != "" && l.loaded[o.file.SoName] == nil {
		l.loaded[o.file.SoName] = o
	}
	if slices.ContainsFunc(l.order, func(x *object) bool { return x.real == o.real && x != l.main }) {
		return nil // the same file under another name
	}
	l.order = append(l.order, o)
	return l.bring(ctx, o, by, name, at)
}

// bring puts a library that was found into the image, at a place where the
// loader will look there.
func (l *loader) bring(ctx context.Context, o, by *object, name string, at place) error {
	found := path.Join(at.dir, name)
	if strings.Contains(name, "/") {
		found = name
	}
	switch {
	case l.spec.Files[found] != "":
		return nil
	case at.onDisk:
		return l.add(ctx, l.atHome(name), filepath.Join(at.dir, name), path.Join(at.as, name), by.name)
	}
	if err := l.take(ctx, l.root, found, by.name); err != nil {
		return err
	}
	if at.conf && !slices.Contains(l.system, at.dir) {
		l.link(l.atHome(name), found)
	}
	return nil
}

// atHome puts the links into the image that lead to home, a directory the
// loader searches by itself: for libraries it would not find elsewhere.
func (l *loader) atHome(name string) string {
	for _, d := range l.system {
		if _, links, err := l.root.resolve(d); err == nil {
			for _, k := range links {
				l.link(k.path, k.target)
			}
			break
		}
	}
	return path.Join(l.home, name)
}

func (l *loader) setSystem(dirs []string) {
	l.system, l.home = dirs, dirs[0]
	for _, d := range dirs {
		if real, _, err := l.root.resolve(d); err == nil {
			l.home = real
			return
		}
	}
}

// find looks for a library. looked are the directories that do not have it.
func (l *loader) find(by *object, name string) (o *object, at place, looked []string) {
	if strings.Contains(name, "/") {
		if path.IsAbs(name) {
			if o := l.open(by, place{dir: path.Dir(name)}, path.Base(name)); o != nil {
				return o, place{dir: path.Dir(name)}, nil
			}
		}
		return nil, place{}, []string{name}
	}
	for _, at := range l.places(by) {
		if o := l.open(by, at, name); o != nil {
			return o, at, nil
		}
		if !slices.Contains(looked, at.dir) {
			looked = append(looked, at.dir)
		}
	}
	return nil, place{}, looked
}

func (l *loader) open(by *object, at place, name string) *object {
	p := path.Join(at.dir, name)
	host, real := filepath.Join(at.dir, name), path.Join(l.home, name)
	if !at.onDisk {
		if host = l.spec.Files[p]; host != "" {
			real = p
		} else {
			var err error
			if real, _, err = l.root.resolve(p); err != nil {
				return nil
			}
			host = l.root.host(real)
		}
	}
	f := l.library(host, l.main.file)
	if f == nil {
		return nil
	}
	return &object{name: p, file: f, real: real, dir: at.dir, onDisk: at.onDisk, parent: by}
}

// places are the directories for what by needs, in the loader's order.
func (l *loader) places(by *object) []place {
	var out []place
	if l.musl {
		// musl makes no difference between the two, and asks all ancestors.
		for o := by; o != nil; o = o.parent {
			if len(o.file.RunPath) > 0 {
				out = append(out, l.expand(o, o.file.RunPath)...)
			} else {
				out = append(out, l.expand(o, o.file.RPath)...)
			}
		}
	} else {
		for o := by; o != nil && len(by.file.RunPath) == 0; o = o.parent {
			if len(o.file.RunPath) == 0 {
				out = append(out, l.expand(o, o.file.RPath)...)
			}
		}
		out = append(out, l.expand(by, by.file.RunPath)...)
	}
	if by.file.NoDefaultLib {
		return out
	}
	for _, d := range l.conf {
		out = append(out, place{dir: d, conf: true})
	}
	for _, d := range l.system {
		out = append(out, place{dir: d})
	}
	return out
}

// expand puts in what $ORIGIN and $LIB stand for (ld.so(8), Dynamic string
// tokens). $PLATFORM depends on the machine the image will run on, so a path
// with it is left out, as is a relative one, which depends on the working
// directory.
func (l *loader) expand(o *object, list []string) []place {
	var out []place
	for _, raw := range list {
		p := strings.NewReplacer("${ORIGIN}", "$ORIGIN", "${LIB}", "$LIB", "${PLATFORM}", "$PLATFORM").Replace(raw)
		if strings.Contains(p, "$PLATFORM") {
			continue
		}
		libs := []string{""}
		if strings.Contains(p, "$LIB") {
			libs = []string{path.Join("lib", triplets[o.file.Arch]), "lib64", "lib"}
		}
		for _, lib := range libs {
			p := strings.ReplaceAll(p, "$LIB", lib)
			at := place{as: raw}
			if strings.Contains(p, "$ORIGIN") {
				if o == l.main && l.spec.BinDir != "" {
					out = append(out, place{dir: path.Clean(strings.ReplaceAll(p, "$ORIGIN", l.spec.BinDir)), as: raw})
				}
				at.onDisk = o.onDisk
				p = strings.ReplaceAll(p, "$ORIGIN", o.dir)
			}
			if path.IsAbs(p) {
				at.dir = path.Clean(p)
				out = append(out, at)
			}
		}
	}
	return out
}

// checkC holds what every object asks of glibc against the one that was
// found, and adds the modules an old one loads by itself.
func (l *loader) checkC(ctx context.Context) error {
	libc := l.loaded["libc.so.6"]
	if libc == nil || libc.file.GlibcOffered == "" {
		return nil
	}
	for _, o := range l.order {
		if binary.CompareVersions(o.file.GlibcNeeded, libc.file.GlibcOffered) > 0 {
			return tooOld(o, libc.file.GlibcOffered, l.root.dir)
		}
	}
	if !l.spec.NSS || binary.CompareVersions(libc.file.GlibcOffered, "2.34") >= 0 {
		return nil
	}
	from := len(l.order)
	for _, name := range []string{"libnss_files.so.2", "libnss_dns.so.2"} {
		if err := l.need(ctx, libc, name, true); err != nil {
			return err
		}
	}
	for i := from; i < len(l.order); i++ {
		for _, name := range l.order[i].file.Needed {
			if err := l.need(ctx, l.order[i], name, false); err != nil {
				return err
			}
		}
	}
	if len(l.absences) > 0 {
		return missing(l.root.dir, l.absences)
	}
	return nil
}
