package image

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// RootKind is what a root file system is made of.
type RootKind string

// The kinds.
const (
	RootAssembled RootKind = "assembled" // what `slipway ship` puts below a program at most
	RootScratch   RootKind = "scratch"   // nothing
	RootNamed     RootKind = "named"     // kept by `slipway rootfs add`
	RootDirectory RootKind = "directory"
	RootTar       RootKind = "tar"
	RootImage     RootKind = "image"
)

// Root is a root file system to look into, and to run programs in.
type Root struct {
	Name string // as it was named
	Kind RootKind
	Tree *rootfs.Tree
	// Dir is where it lies on this disk as it is; empty if it would have to be
	// unpacked first.
	Dir string
	// Image is the image it comes from; nil for other kinds.
	Image *InspectedImage

	image *Inspected
}

// Close frees what the root file system holds.
func (r *Root) Close() error {
	err := r.Tree.Close()
	if r.image != nil {
		err = errors.Join(err, r.image.Close())
	}
	return err
}

// RootOptions say how a root file system is found.
type RootOptions struct {
	InspectOptions
	Platform plan.Platform // of an image, and of the assembled one
	Shelf    rootfs.Shelf  // of named root file systems
	// Zoneinfo is the path of the toolchain's lib/time/zoneinfo.zip, of which
	// the assembled one has its time zones; empty: it has none.
	Zoneinfo string
	Limits   rootfs.Limits
}

// OpenRoot opens the root file system that a user names: assembled, scratch, a
// name that `slipway rootfs add` gave, a directory, a tar (also compressed), or
// an image as Inspect takes it. The caller closes it.
func OpenRoot(ctx context.Context, name string, o RootOptions) (*Root, error) {
	switch name {
	case string(RootAssembled):
		return assembledRoot(ctx, o)
	case string(RootScratch):
		tree, err := rootfs.Merge(ctx, nil, o.Limits)
		if err != nil {
			return nil, err
		}
		return &Root{Name: name, Kind: RootScratch, Tree: tree}, nil
	case "":
		return nil, noRoot(name, o)
	}
	if kept, err := o.Shelf.Get(name); o.Shelf.Dir != "" && err == nil {
		return dirRoot(name, kept.Path, RootNamed)
	}
	path := (reference{Dir: name}).below(o.Dir).Dir
	fi, err := os.Stat(path)
	switch {
	case err == nil && fi.IsDir() && !IsImage(path):
		return dirRoot(name, path, RootDirectory)
	case err == nil && fi.Mode().IsRegular() && !IsImage(path):
		return tarRoot(ctx, name, path, o)
	case err == nil, isReference(name):
		return imageRoot(ctx, name, o)
	}
	return nil, noRoot(name, o)
}

// isReference reports whether a name that is no file's can be that of an image.
func isReference(name string) bool {
	for _, p := range []string{layoutPrefix, dockerPrefix, ociArchivePrefix, dockerArchivePrefix} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	host, _, ok := strings.Cut(name, "/")
	return ok && host != "" && host != "." && host != ".." && (strings.ContainsAny(host, ".:") || host == "localhost")
}

// noRoot says that there is none of that name, and how to get one.
func noRoot(name string, o RootOptions) error {
	e := fault.UsageError(i18n.M("image_inspect.root.none", name), i18n.M("image_inspect.root.none.hint"))
	if !rootfs.ValidName(name) {
		e.Hint = i18n.M("image_inspect.root.kinds.hint")
	}
	if kept, err := o.Shelf.List(); o.Shelf.Dir != "" && err == nil && len(kept) > 0 {
		e.Detail = "$ slipway rootfs list\n" // says in any language what the names are
		for _, k := range kept {
			e.Detail += k.Name + "\n"
		}
	}
	return e
}

func dirRoot(name, dir string, kind RootKind) (*Root, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	tree, err := rootfs.OpenDir(abs)
	if err != nil {
		return nil, fault.UsageError(i18n.M("image_inspect.root.open", name), i18n.M("image_inspect.root.kinds.hint"))
	}
	return &Root{Name: name, Kind: kind, Tree: tree, Dir: abs}, nil
}

// tarRoot reads a tar as `docker export` and others write it. Nothing vouches
// for its content.
func tarRoot(ctx context.Context, name, path string, o RootOptions) (*Root, error) {
	l := rootfs.Layer{Name: name, Open: func(ctx context.Context) (io.ReadCloser, error) {
		f, err := openRegular(path)
		if err != nil {
			return nil, err
		}
		in := &hashed{ctx: ctx, r: f, h: noHash{}}
		r, stop, err := decompress(in)
		if err != nil {
			_ = f.Close()
			return nil, notArchive(name, err)
		}
		return &unpacked{bounded(name, r, in), func() error { stop(); return f.Close() }}, nil
	}}
	tree, err := rootfs.OpenTar(ctx, l, o.Limits)
	if err != nil {
		return nil, err
	}
	return &Root{Name: name, Kind: RootTar, Tree: tree}, nil
}

// imageRoot opens an image for the platform.
func imageRoot(ctx context.Context, name string, o RootOptions) (*Root, error) {
	x, err := Inspect(ctx, name, o.InspectOptions)
	if err != nil {
		return nil, err
	}
	img, ok := x.For(o.Platform)
	if !ok {
		_ = x.Close()
		var have []string
		for _, p := range x.Platforms() {
			have = append(have, p.String())
		}
		return nil, fault.UsageError(i18n.M("image_inspect.root.platform", name, o.Platform, strings.Join(have, ", ")), i18n.M("image_inspect.root.platform.hint"))
	}
	tree, err := img.Tree(ctx, o.Limits)
	if err != nil {
		_ = x.Close()
		return nil, err
	}
	return &Root{Name: name, Kind: RootImage, Tree: tree, Image: img, image: x}, nil
}

// assembledRoot makes the base of our own images, with all that it can hold.
func assembledRoot(ctx context.Context, o RootOptions) (*Root, error) {
	base := plan.Base{Kind: plan.Assembled, Roots: true, Users: true, Temp: true, Home: true, Zones: o.Zoneinfo != ""}
	c, err := assembled(ctx, Job{Target: plan.Target{Platform: o.Platform, Image: &plan.Image{Base: base}}, Zoneinfo: o.Zoneinfo})
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, it := range c.items {
		entries = append(entries, it.Entry)
	}
	if entries, err = arrange(entries); err != nil {
		return nil, err
	}
	l := rootfs.Layer{Name: string(RootAssembled), Open: func(ctx context.Context) (io.ReadCloser, error) {
		pr, pw := io.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = pw.CloseWithError(writeTar(ctx, pw, entries, time.Unix(0, 0))) // never fails
		}()
		return &unpacked{pr, func() error {
			err := pr.Close() // ends the goroutine
			<-done
			return err
		}}, nil
	}}
	tree, err := rootfs.Merge(ctx, []rootfs.Layer{l}, o.Limits)
	if err != nil {
		return nil, err
	}
	return &Root{Name: string(RootAssembled), Kind: RootAssembled, Tree: tree}, nil
}
