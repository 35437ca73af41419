package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/rootfs"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// cellRoots are the directories that cells are started in.
type cellRoots struct {
	a     *app
	shelf rootfs.Shelf
	dir   string // temporary; all of it goes at the end
	// copies are the programs of images that were written anew.
	copies map[string]bool
	made   map[string]string // what was unpacked, by digest of the manifest or by directory
}

func (a *app) cellRoots() (*cellRoots, error) {
	shelf, err := a.shelf()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "slipway-compare-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for root file systems: %w", err)
	}
	return &cellRoots{a: a, shelf: shelf, dir: dir, made: map[string]string{}, copies: map[string]bool{}}, nil
}

// remove takes everything away. What cannot be is left to the system's own
// tidying of temporary files.
func (r *cellRoots) remove() { _ = rootfs.RemoveAll(r.dir) }

// empty gives an empty directory.
func (r *cellRoots) empty(name string) (string, error) {
	dir := filepath.Join(r.dir, "root-"+name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make root file system: %w", err)
	}
	return dir, nil
}

// dirOf gives the directory that a base stands for: one of this machine, or a
// root file system that is kept under a name; empty if it is something else.
func (r *cellRoots) dirOf(base string) (string, error) {
	if base == "" || slices.Contains(plannedBases, base) {
		return "", nil
	}
	if !strings.ContainsAny(base, `/\`) && base != "." {
		kept, err := r.shelf.Get(base)
		switch {
		case err == nil:
			return kept.Path, nil
		case !errors.Is(err, rootfs.ErrNotKept):
			return "", err
		case rootfs.ValidName(base):
			return "", fault.UsageError(i18n.M("compare.base.none", base), i18n.M("compare.base.none.hint", base))
		}
		return "", nil
	}
	if fi, err := os.Stat(r.a.below(base)); err != nil || !fi.IsDir() || image.IsImage(r.a.below(base)) {
		return "", nil // a reference
	}
	dir, err := filepath.Abs(r.a.below(base))
	if err != nil {
		return "", fmt.Errorf("name root file system: %w", err)
	}
	return dir, nil
}

// plannedBases are the bases that are made, not found.
var plannedBases = []string{"auto", "assembled", "closure", baseScratch}

// boxed says how a cell is started in a sandbox: in its own image, or in the
// root file system that was named, with the program put into it.
func (cs *cells) boxed(ctx context.Context, b *built, s compare.Start, args, env []string) (compare.Start, error) {
	if b.config != nil {
		command := b.args
		if len(args) > 0 {
			command = append(command[:1:1], args...)
		}
		s.Spec = sandbox.Spec{Root: b.root, Args: command, Env: env, Dir: b.config.Workdir, UID: b.user.UID, GID: b.user.GID, Groups: b.user.Groups, Tmpfs: []string{"/tmp"}}
		return s, nil
	}
	// Every program is put into its root file system in the same way: not under
	// a mount of its own, and written by the same copy. How a file got where it
	// is decides how much of it the kernel maps at once, and so shows in times
	// and memory that are none of the base's.
	s.Spec = sandbox.Spec{Env: env, Tmpfs: []string{"/tmp"}, UID: nonroot, GID: nonroot}
	dir, err := cs.roots.dirOf(b.spec.base)
	switch {
	case err != nil:
	case dir != "":
		s.Spec.Root, err = cs.roots.copied(ctx, dir)
	case b.made != nil && b.spec.base != baseScratch:
		s.Spec.Root, err = cs.roots.image(ctx, b)
	case b.static:
		s.Spec.Root, err = cs.roots.empty("scratch")
		s.Spec.Tmpfs = nil
	default:
		err = fault.UsageError(i18n.M("compare.reason.scratch"), i18n.M("compare.reason.scratch.hint"))
	}
	if err != nil {
		return s, err
	}
	program := inBox(b) + "-" + strconv.Itoa(b.index) // beside those of other cells
	s.File, err = placeFile(s.Spec.Root, program, b.path)
	s.Spec.Args = append([]string{program}, args...)
	return s, err
}

// copied unpacks a directory of the user, which is never written to, once.
func (r *cellRoots) copied(ctx context.Context, dir string) (string, error) {
	tree, err := rootfs.OpenDir(dir)
	if err != nil {
		return "", err
	}
	root, err := r.keep(ctx, dir, tree)
	if cerr := tree.Close(); err == nil {
		err = cerr
	}
	return root, err
}

// placeFile copies a program into a root file system.
func placeFile(root, inside, program string) (outside string, err error) {
	top, err := os.OpenRoot(root) // links in it lead nowhere else
	if err != nil {
		return "", fmt.Errorf("open root file system: %w", err)
	}
	defer top.Close()
	name := strings.TrimPrefix(inside, "/")
	if err := top.MkdirAll(path.Dir(name), 0o755); err != nil {
		return "", fmt.Errorf("put program into root file system: %w", err)
	}
	from, err := os.Open(program)
	if err != nil {
		return "", fmt.Errorf("put program into root file system: %w", err)
	}
	defer from.Close()
	to, err := top.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return "", fmt.Errorf("put program into root file system: %w", err)
	}
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Chmod(0o755)
	}
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", fmt.Errorf("put program into root file system: %w", err)
	}
	return filepath.Join(root, filepath.FromSlash(name)), nil
}

// again writes the program of an unpacked image anew, by the copy that puts
// all others where they are.
func (r *cellRoots) again(root, inside string) error {
	name := filepath.Join(root, filepath.FromSlash(inside))
	if r.copies[name] {
		return nil
	}
	fi, err := os.Lstat(name)
	if err != nil || !fi.Mode().IsRegular() {
		return err
	}
	copied, err := placeFile(root, inside+".slipway", name)
	if err != nil {
		return err
	}
	err = os.Chmod(copied, fi.Mode())
	if err == nil {
		err = os.Rename(copied, name)
	}
	if err != nil {
		return fmt.Errorf("put program into root file system: %w", err)
	}
	r.copies[name] = true
	return nil
}

// nonroot is the user of images that name none (plan, "user").
const nonroot = 65532

// image unpacks the image of a cell, once for all cells that have the same.
func (r *cellRoots) image(ctx context.Context, b *built) (string, error) {
	var layers []rootfs.Layer
	for _, l := range b.made.Layers {
		layers = append(layers, rootfs.Layer{Name: l.Digest, Open: l.Tar})
	}
	tree, err := rootfs.Merge(ctx, layers, rootfs.Limits{TempDir: r.dir})
	if err != nil {
		return "", err
	}
	root, err := r.keep(ctx, b.made.Manifest.Digest, tree)
	if cerr := tree.Close(); err == nil {
		err = cerr
	}
	return root, err
}

// keep unpacks a tree, once under one key.
func (r *cellRoots) keep(ctx context.Context, key string, tree *rootfs.Tree) (string, error) {
	if root, ok := r.made[key]; ok {
		return root, nil
	}
	root := filepath.Join(r.dir, fmt.Sprintf("image-%d", len(r.made)))
	if err := tree.Unpack(ctx, root, rootfs.UnpackOptions{Owners: rootfs.CanKeepOwners()}); err != nil {
		return "", err
	}
	r.made[key] = root
	return root, nil
}
