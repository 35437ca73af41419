package image

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/ldso"
)

// load follows one program and puts what it loads into the image.
func (c *collector) load(ctx context.Context, root *withFiles, p Program, f *binary.File) error {
	abs, err := filepath.Abs(p.Path)
	if err != nil {
		return err
	}
	l, err := ldso.New(ctx, root, ldso.Program{
		Name: p.Binary.Name, File: f, Dir: filepath.ToSlash(filepath.Dir(abs)), Outside: openDisk, BinDir: c.spec.BinDir,
	}, &c.files)
	if err != nil {
		return noInterp(p, f, root.dir, err)
	}
	if err := l.Load(ctx); err != nil {
		return err
	}
	if len(l.Absent()) > 0 {
		return missing(root.dir, l.Absent())
	}
	if err := c.checkC(ctx, l, root); err != nil {
		return err
	}
	if i := l.Interp(); i != nil {
		if err := c.take(ctx, root, i.Name, "interpreter"); err != nil {
			return err
		}
		if conf := l.MuslConf(); conf != "" {
			if err := c.take(ctx, root, conf, path.Base(i.Name)); err != nil {
				return err
			}
		}
	}
	for _, o := range l.Objects()[1:] {
		if err := c.bring(ctx, l, root, o); err != nil {
			return err
		}
	}
	return nil
}

// bring puts a library that was found into the image, at a place where the
// loader will look there.
func (c *collector) bring(ctx context.Context, l *ldso.Loader, root *withFiles, o *ldso.Object) error {
	name, at := path.Base(o.Asked), o.At
	switch {
	case c.spec.Files[o.Name] != "":
		return nil
	case at.Outside:
		return c.add(ctx, c.atHome(l, root, name), filepath.FromSlash(path.Join(at.Dir, name)), path.Join(at.As, name), o.By.Name)
	}
	if err := c.take(ctx, root, o.Name, o.By.Name); err != nil {
		return err
	}
	if dirs, _ := l.System(); at.Conf && !slices.Contains(dirs, at.Dir) {
		c.link(c.atHome(l, root, name), o.Name) // the image has no cache of ld.so.conf
	}
	return nil
}

// atHome puts the links into the image that lead to home, a directory the
// loader searches by itself: for libraries it would not find elsewhere.
func (c *collector) atHome(l *ldso.Loader, root *withFiles, name string) string {
	dirs, home := l.System()
	for _, d := range dirs {
		if _, links, err := root.resolve(d); err == nil {
			for _, k := range links {
				c.link(k.Path, k.Target)
			}
			break
		}
	}
	return path.Join(home, name)
}

// checkC holds what every object asks of glibc against the one that was
// found, and adds the modules an old one loads by itself.
func (c *collector) checkC(ctx context.Context, l *ldso.Loader, root *withFiles) error {
	libc := l.Libc()
	if libc == nil {
		return nil
	}
	for _, o := range l.Objects() {
		if binary.CompareVersions(o.File.GlibcNeeded, libc.File.GlibcOffered) > 0 {
			return tooOld(o, libc.File.GlibcOffered, root.dir)
		}
	}
	if !c.spec.NSS || binary.CompareVersions(libc.File.GlibcOffered, "2.34") >= 0 {
		return nil
	}
	if err := l.Open(ctx, libc, "libnss_files.so.2", "libnss_dns.so.2"); err != nil {
		return err
	}
	if len(l.Absent()) > 0 {
		return missing(root.dir, l.Absent())
	}
	return nil
}

// withFiles is a sysroot with the files that other layers bring.
type withFiles struct {
	*sysroot
	files map[string]string // path in the image to path on this disk
}

// Resolve implements ldso.FS.
func (w *withFiles) Resolve(p string) (string, []ldso.Link, error) {
	if w.files[p] != "" {
		return p, nil, nil
	}
	return w.resolve(p)
}

// Open implements ldso.FS.
func (w *withFiles) Open(real string) (ldso.File, error) {
	if host := w.files[real]; host != "" {
		return openDisk(filepath.ToSlash(host))
	}
	return openDisk(filepath.ToSlash(w.host(real)))
}

// Names implements ldso.FS.
func (w *withFiles) Names(real string) ([]string, error) {
	list, err := os.ReadDir(w.host(real))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out, nil
}

// diskFile is a file of this disk.
type diskFile struct {
	*os.File
	size int64
}

// Size implements ldso.File.
func (f diskFile) Size() int64 { return f.size }

// openDisk opens a regular file of this disk, by its path with slashes.
func openDisk(name string) (ldso.File, error) {
	f, err := os.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() {
		f.Close()
		return nil, &os.PathError{Op: "read", Path: name, Err: os.ErrInvalid}
	}
	return diskFile{f, fi.Size()}, nil
}

var _ ldso.FS = (*withFiles)(nil)
