package rootfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Tree is a tree of files. It can be used by several goroutines at once.
type Tree struct{ src source }

// source is what a tree is made of. Paths are absolute and clean, and no
// symbolic link stands in the way to their last part.
type source interface {
	lstat(p string) (item, error)
	readDir(p string) ([]item, error) // sorted by path
	open(p string) (File, error)
	close() error
}

// item is a node with what only Unpack needs.
type item struct {
	Node
	mtime int64 // seconds since 1970
	id    any   // the same for all hard links to one file; nil if there is one name
}

// Errors of looking things up, beside those of package fs.
var (
	ErrLinks   = errors.New("too many symbolic links")
	errNotDir  = errors.New("not a directory")
	errNotFile = errors.New("not a regular file")
)

// Close frees what the tree holds. Files that are open can't be read after it.
func (t *Tree) Close() error { return t.src.close() }

// Lookup gives what is at a path. Links in the directories of the path are
// followed, inside the tree; one at its end is not, it is the result. The
// result's path is without links, save at its end.
func (t *Tree) Lookup(p string) (Node, bool) {
	it, err := t.walk(p, false, nil)
	return it.Node, err == nil
}

// Resolve gives what a path leads to when all links are followed as in a
// chroot (path_resolution(7)): absolute ones begin at the root of the tree,
// and .. never leaves it. The error is a *fs.PathError; errors.Is tells
// fs.ErrNotExist and ErrLinks.
func (t *Tree) Resolve(p string) (Node, error) {
	it, err := t.walk(p, true, nil)
	return it.Node, err
}

// ReadDir gives what is in the directory that a path leads to, sorted by name.
func (t *Tree) ReadDir(p string) ([]Node, error) {
	dir, err := t.Resolve(p)
	if err != nil {
		return nil, err
	}
	list, err := t.src.readDir(dir.Path)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: p, Err: err}
	}
	out := make([]Node, len(list))
	for i, it := range list {
		out[i] = it.Node
	}
	return out, nil
}

// Open opens the regular file that a path leads to. The caller closes it.
func (t *Tree) Open(p string) (File, error) {
	n, err := t.Resolve(p)
	if err != nil {
		return nil, err
	}
	f, err := t.src.open(n.Path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: p, Err: err}
	}
	return f, nil
}

// ReadFile reads the regular file that a path leads to, of at most limit
// bytes; a larger one is an error.
func (t *Tree) ReadFile(p string, limit int64) ([]byte, error) {
	f, err := t.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Size() > limit {
		return nil, &fs.PathError{Op: "read", Path: p, Err: fmt.Errorf("%d bytes are more than %d", f.Size(), limit)}
	}
	b := make([]byte, f.Size())
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, &fs.PathError{Op: "read", Path: p, Err: err}
	}
	return b, nil
}

// Walk calls f for everything in the tree, directories before what is in them,
// sorted by name. fs.SkipDir and fs.SkipAll mean what they mean in
// fs.WalkDir; any other error ends the walk and is returned.
func (t *Tree) Walk(ctx context.Context, f func(Node) error) error {
	top, err := t.src.lstat("/")
	if err == nil {
		err = t.each(ctx, top, f)
	}
	if errors.Is(err, fs.SkipAll) || errors.Is(err, fs.SkipDir) {
		return nil
	}
	return err
}

func (t *Tree) each(ctx context.Context, it item, f func(Node) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f(it.Node); err != nil || it.Kind != Dir {
		return err
	}
	list, err := t.src.readDir(it.Path)
	if err != nil {
		return &fs.PathError{Op: "readdir", Path: it.Path, Err: err}
	}
	for _, next := range list {
		if err := t.each(ctx, next, f); errors.Is(err, fs.SkipDir) {
			if next.Kind != Dir {
				return nil // the rest of this directory
			}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// walk follows a path. through is called with every directory that is searched
// on the way, those of links included; its error ends the walk.
func (t *Tree) walk(p string, last bool, through func(Node) error) (item, error) {
	fail := func(err error) (item, error) {
		return item{}, &fs.PathError{Op: "lookup", Path: p, Err: err}
	}
	if strings.IndexByte(p, 0) >= 0 || len(p) > 16*maxPath {
		return fail(fs.ErrInvalid)
	}
	here, err := t.src.lstat("/")
	if err != nil {
		return fail(err)
	}
	links := 0
	for rest := p; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		if part == "" || part == "." {
			if part == "." && here.Kind != Dir {
				return fail(errNotDir)
			}
			continue
		}
		if here.Kind != Dir {
			return fail(errNotDir)
		}
		if through != nil {
			if err := through(here.Node); err != nil {
				return fail(err)
			}
		}
		if part == ".." {
			if here, err = t.src.lstat(path.Dir(here.Path)); err != nil {
				return fail(err)
			}
			continue
		}
		next, err := t.src.lstat(join(here.Path, part))
		if err != nil {
			return fail(err)
		}
		if next.Kind != Symlink || !last && strings.Trim(rest, "/") == "" {
			here = next
			continue
		}
		if links++; links > maxLinks {
			return fail(ErrLinks)
		}
		if len(next.Link)+len(rest) > 16*maxPath {
			return fail(ErrLinks)
		}
		if strings.HasPrefix(next.Link, "/") {
			if here, err = t.src.lstat("/"); err != nil {
				return fail(err)
			}
		}
		rest = next.Link + "/" + rest
	}
	return here, nil
}

func join(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}
