package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/rootfs"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// cellRoots are the directories that cells are started in.
type cellRoots struct {
	a    *app
	dir  string            // temporary; all of it goes at the end
	made map[string]string // unpacked images, by the digest of the manifest
}

func (a *app) cellRoots() (*cellRoots, error) {
	dir, err := os.MkdirTemp("", "slipway-compare-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for root file systems: %w", err)
	}
	return &cellRoots{a: a, dir: dir, made: map[string]string{}}, nil
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

// dirOf gives the directory that a base stands for; empty if it is something
// else.
func (r *cellRoots) dirOf(base string) string {
	if base == "" || !strings.ContainsAny(base, `/\`) && base != "." {
		return ""
	}
	dir := base
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(r.a.dir, dir)
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return ""
	}
	return dir
}

// boxed says how a cell is started in a sandbox: in its own image, or in the
// root file system that was named, with the program put into it.
func (cs *cells) boxed(ctx context.Context, b *built, s compare.Start, args, env []string) (compare.Start, error) {
	s.Spec = sandbox.Spec{Args: append([]string{inBox(b)}, args...), Env: env, Tmpfs: []string{"/tmp"}, UID: 65532, GID: 65532}
	bind := []sandbox.Bind{{Source: b.path, Target: inBox(b)}}
	var err error
	switch dir := cs.roots.dirOf(b.spec.base); {
	case dir != "":
		s.Spec.Root, s.Spec.Binds = dir, bind
	case b.made != nil && b.spec.base != baseScratch:
		s.Spec.Root, s.File, err = cs.roots.image(ctx, b)
	case b.static:
		s.Spec.Root, err = cs.roots.empty("scratch")
		s.Spec.Binds = bind
		s.Spec.Tmpfs = nil
	default:
		err = fault.UsageError(i18n.M("compare.reason.scratch"), i18n.Message{})
	}
	return s, err
}

// image unpacks the image of a cell, once for all cells that have the same,
// and gives where its program lies on this disk.
func (r *cellRoots) image(ctx context.Context, b *built) (root, program string, err error) {
	digest := b.made.Manifest.Digest
	root, ok := r.made[digest]
	if !ok {
		var layers []rootfs.Layer
		for _, l := range b.made.Layers {
			layers = append(layers, rootfs.Layer{Name: l.Digest, Open: l.Tar})
		}
		if root, err = r.unpack(ctx, layers, len(r.made)); err != nil {
			return "", "", err
		}
		r.made[digest] = root
	}
	return root, filepath.Join(root, filepath.FromSlash(inBox(b))), nil
}

func (r *cellRoots) unpack(ctx context.Context, layers []rootfs.Layer, n int) (string, error) {
	tree, err := rootfs.Merge(ctx, layers, rootfs.Limits{TempDir: r.dir})
	if err != nil {
		return "", err
	}
	defer tree.Close()
	root := filepath.Join(r.dir, fmt.Sprintf("image-%d", n))
	if err := tree.Unpack(ctx, root, rootfs.UnpackOptions{Owners: rootfs.CanKeepOwners()}); err != nil {
		return "", err
	}
	return root, nil
}
