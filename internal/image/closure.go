package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/ldso"
)

// closureSpec says which programs must start in an image that holds nothing
// but what the closure puts there.
type closureSpec struct {
	// Sysroot is the directory whose files are seen as the root directory of
	// the image. When it is empty, this machine's root is taken, or Debian's
	// cross sysroot /usr/<triplet> if only that has the loader.
	Sysroot  string
	Programs []Program
	// BinDir is where the programs lie in the image. When it is empty, what
	// they seek next to themselves is sought next to Program.Path only.
	BinDir string
	// NSS adds the name service modules of a glibc before 2.34, which loads
	// them at run time; later ones have them built in.
	NSS bool
	// Files are libraries that other layers bring: path in the image to path
	// on this disk. They are searched, and not added again.
	Files map[string]string
}

// entries gives the files that dynamically linked programs need to start: the
// interpreter at the path PT_INTERP names, and every library that DT_NEEDED
// asks for, directly or not, at a place where that interpreter will look for
// it. Directories are left to the layer. The result depends on the content of
// sysroot, programs and files alone.
//
// The programs are followed one after the other: each is a process of its own,
// in which a name stands for one library.
func (s closureSpec) entries(ctx context.Context) ([]Entry, []Library, error) {
	c := &collector{spec: s, entries: map[string]Entry{}, libraries: map[string]Library{}, roots: map[string]*withFiles{}}
	for _, p := range s.Programs {
		if err := c.program(ctx, p); err != nil {
			return nil, nil, err
		}
	}
	entries := make([]Entry, 0, len(c.entries))
	for _, e := range c.entries {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	libraries := make([]Library, 0, len(c.libraries))
	for _, l := range c.libraries {
		libraries = append(libraries, l)
	}
	slices.SortFunc(libraries, func(a, b Library) int { return strings.Compare(a.Path, b.Path) })
	return entries, libraries, nil
}

// collector gathers what all programs need.
type collector struct {
	spec      closureSpec
	entries   map[string]Entry
	libraries map[string]Library
	roots     map[string]*withFiles
	files     ldso.Cache
}

func (c *collector) program(ctx context.Context, p Program) error {
	f, err := binary.Open(p.Path)
	if err != nil {
		return err
	}
	if f.Format != binary.ELF {
		return fault.UsageError(i18n.M("closure.format", p.Binary.Name, f.Format), i18n.M("closure.format.hint"))
	}
	if f.Interp == "" && len(f.Needed) == 0 {
		return nil // static: nothing is loaded
	}
	root, err := c.root(f)
	if err != nil {
		return err
	}
	return c.load(ctx, root, p, f)
}

// root opens the sysroot the program's loader lies in.
func (c *collector) root(f *binary.File) (*withFiles, error) {
	dir := c.spec.Sysroot
	if dir == "" {
		dir = "/"
		if _, _, err := newSysroot(dir).resolve(f.Interp); err != nil {
			if cross := filepath.Join("/usr", ldso.Triplet(f.Arch)); ldso.Triplet(f.Arch) != "" && isDir(cross) {
				dir = cross
			}
		}
	}
	if !isDir(dir) {
		return nil, fault.UsageError(i18n.M("closure.sysroot", dir), i18n.M("closure.sysroot.hint"))
	}
	if c.roots[dir] == nil {
		c.roots[dir] = &withFiles{newSysroot(dir), c.spec.Files}
	}
	return c.roots[dir], nil
}

func isDir(p string) bool {
	fi, err := os.Stat(p)
	return err == nil && fi.IsDir()
}

// take puts a file of the sysroot into the image, with the links that lead to
// it, and gives its path without links.
func (c *collector) take(ctx context.Context, root *withFiles, at, why string) error {
	real, links, err := root.resolve(at)
	if err != nil {
		return fmt.Errorf("find %s in %s: %w", at, root.dir, err)
	}
	for _, l := range links {
		c.link(l.Path, l.Target)
	}
	return c.add(ctx, real, root.host(real), real, why)
}

func (c *collector) link(at, target string) {
	if _, ok := c.entries[at]; !ok {
		c.entries[at] = Entry{Path: at, Mode: 0o777, Link: target}
	}
}

// add puts the file host into the image. The first reason given stays.
func (c *collector) add(ctx context.Context, at, host, from, why string) error {
	if _, ok := c.entries[at]; ok {
		return nil
	}
	fi, err := os.Stat(host)
	if err != nil {
		return fmt.Errorf("read library: %w", err)
	}
	open := func() (*os.File, error) { return os.Open(host) }
	size, digest, err := hashFile(ctx, open)
	if err != nil {
		return fmt.Errorf("read library %s: %w", host, err)
	}
	mode := int64(0o644)
	if fi.Mode()&0o100 != 0 {
		mode = 0o755
	}
	c.entries[at] = Entry{Path: at, Mode: mode, Size: size, Open: openVerified(host, digest, open)}
	c.libraries[at] = Library{Path: at, From: from, Digest: digest, Why: why}
	return nil
}

// missing names the first in the message and all in the detail, so that they
// can be mended at once.
func missing(root string, list []ldso.Absent) error {
	first := list[0]
	e := fault.UsageError(i18n.M("closure.missing", first.By, first.Name, root), i18n.M("closure.missing.hint"))
	var b strings.Builder
	for _, a := range list {
		fmt.Fprintf(&b, "%s (%s): %s\n", a.Name, a.By, strings.Join(a.Looked, ", "))
	}
	e.Detail = b.String()
	return e
}

// tooOld says that an object asks for a newer C library than the image has.
func tooOld(o *ldso.Object, offered, root string) error {
	return fault.UsageError(
		i18n.M("closure.glibc", o.Name, o.File.GlibcNeeded, o.File.GlibcSymbol, offered, root),
		i18n.M("closure.glibc.hint"))
}

func noInterp(p Program, f *binary.File, root string, err error) error {
	if !errors.Is(err, ldso.ErrInterp) {
		return fmt.Errorf("find %s in %s: %w", f.Interp, root, err)
	}
	return fault.UsageError(i18n.M("closure.interp", p.Binary.Name, f.Interp, root), i18n.M("closure.interp.hint"))
}
