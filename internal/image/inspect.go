package image

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// Inspected is what a reference names: an image, or several, opened to be
// looked at. Every byte that is read of it is held against its digest first,
// or, for the content of a layer, before the reader ends.
type Inspected struct {
	Subject string // as it was named
	// Name is the subject with the digest that its tag stood for; the subject
	// itself if it has no tag.
	Name   string
	Digest string // of the index or manifest that is named; empty if several are, and for an archive of `docker save` without manifests
	Images []InspectedImage
	// Others are entries of an index that are no images, such as attestations.
	Others []Descriptor
	// Missing are manifests that an index names and that are not there, such as
	// platforms that were not pulled before `docker save`.
	Missing []Descriptor

	store store
}

// Close frees what the images are read from.
func (x *Inspected) Close() error { return x.store.close() }

// InspectedImage is the image of one platform.
type InspectedImage struct {
	Platform    plan.Platform // as the configuration says
	Manifest    Descriptor    // as the index says; without a digest in an archive of `docker save` without manifests
	ImageID     string        // digest of the configuration
	Config      Config
	Layers      []InspectedLayer // the lowest first
	Annotations map[string]string
	Names       []string // tags that its archive or layout gives it
	Size        int64    // bytes of configuration and layers as they are stored

	from *Inspected
}

// InspectedLayer is a layer of such an image.
type InspectedLayer struct {
	Descriptor        // without a digest in an archive of `docker save` without manifests
	DiffID     string // sha256 of the uncompressed tar
	// Foreign is set when the layer may not be passed on ("nondistributable"),
	// and so can be missing; URLs then say where it is to be had.
	Foreign bool
	URLs    []string

	file string // name in an archive of `docker save`
}

// InspectOptions say how an image is opened.
type InspectOptions struct {
	Dir        string // relative paths begin here; empty: the working directory
	Remote     Remote // how registries are reached
	Cache      *Cache // of blobs of registries; needed for those alone
	DockerHost string // the value of DOCKER_HOST
	TempDir    string // of what an engine sends and of compressed archives; empty: the system's
	// MaxTemp bounds such a temporary file; bytes, 0: 16 GiB.
	MaxTemp int64
	// Progress gets the bytes that were fetched so far; may be nil.
	Progress func(int64)
}

// The prefixes of a subject that say what it is. layoutPrefix is one more.
const (
	dockerPrefix        = "docker:"
	ociArchivePrefix    = "oci-archive:"
	dockerArchivePrefix = "docker-archive:"
)

// store is where the parts of an inspected image are.
type store interface {
	// tops gives what the subject names. A size below 0 is not known.
	tops(ctx context.Context) ([]Descriptor, error)
	// manifest gives the bytes of an index, a manifest or a configuration, held
	// against digest and size. The error is fs.ErrNotExist if it is not there.
	manifest(ctx context.Context, d Descriptor) ([]byte, error)
	// layer streams the blob of a layer. Its bytes are not checked. The error is
	// fs.ErrNotExist if it is not there.
	layer(ctx context.Context, l InspectedLayer) (io.ReadCloser, error)
	close() error
}

// savedStore is a store of images without manifests.
type savedStore interface {
	images(ctx context.Context) ([]InspectedImage, error)
}

// IsImage reports whether the file or directory at path is one that Inspect
// opens: an OCI layout, a directory of `slipway ship` with one in it, or a tar
// that is an archive of images.
func IsImage(path string) bool {
	fi, err := os.Stat(path)
	if err != nil {
		return false
	}
	if fi.IsDir() {
		_, ok := layoutDir(path)
		return ok
	}
	return fi.Mode().IsRegular() && isArchive(path)
}

// MayName reports whether a word that is no path on this disk can name an
// image: it has a prefix that says so, or begins with the host of a registry.
func MayName(subject string) bool { return isReference(subject) }

// Inspect opens what subject names:
//
//	oci:DIR[@sha256:…]       an OCI layout, or a directory that `slipway ship` wrote
//	DIR, FILE.tar            the same; an OCI archive or one of `docker save`, also compressed
//	docker:NAME              an image of a Docker engine
//	registry/repo:tag|@…     an image in a registry
//
// Errors about what was named and what is wrong with it are *fault.Error. The
// caller closes what it gets.
func Inspect(ctx context.Context, subject string, o InspectOptions) (*Inspected, error) {
	x := &Inspected{Subject: subject, Name: subject}
	if err := x.open(ctx, o); err != nil {
		return nil, err
	}
	if err := x.read(ctx); err != nil {
		_ = x.store.close()
		return nil, err
	}
	return x, nil
}

func (x *Inspected) open(ctx context.Context, o InspectOptions) (err error) {
	if name, ok := strings.CutPrefix(x.Subject, dockerPrefix); ok {
		x.store, err = openEngine(ctx, name, o)
		return err
	}
	for _, prefix := range []string{ociArchivePrefix, dockerArchivePrefix} {
		if file, ok := strings.CutPrefix(x.Subject, prefix); ok {
			x.store, err = openArchive(ctx, (reference{Dir: file}).below(o.Dir).Dir, o)
			return err
		}
	}
	if !strings.HasPrefix(x.Subject, layoutPrefix) {
		path := (reference{Dir: x.Subject}).below(o.Dir).Dir
		switch fi, err := os.Stat(path); {
		case err == nil && fi.IsDir():
			dir, ok := layoutDir(path)
			if !ok {
				return fault.UsageError(i18n.M("image_remote.layout.none", path), i18n.M("image_remote.layout.hint"))
			}
			x.store, err = openLayout(reference{Dir: dir})
			return err
		case err == nil:
			x.store, err = openArchive(ctx, path, o)
			return err
		case strings.HasPrefix(x.Subject, ".") || filepath.IsAbs(x.Subject):
			return fault.UsageError(i18n.M("image_inspect.missing", path), i18n.M("image_inspect.missing.hint"))
		}
	}
	ref, err := parseReference(x.Subject)
	if err != nil {
		return err
	}
	if ref.Dir == "" {
		x.store, x.Name, err = openRegistry(ctx, ref, o)
		return err
	}
	ref = ref.below(o.Dir)
	if fi, err := os.Stat(ref.Dir); err == nil && fi.Mode().IsRegular() {
		x.store, err = openArchive(ctx, ref.Dir, o)
		return err
	}
	if dir, ok := layoutDir(ref.Dir); ok {
		ref.Dir = dir
	}
	x.store, err = openLayout(ref)
	return err
}

// layoutDir gives the directory of the OCI layout that dir is, or that
// `slipway ship` wrote into it.
func layoutDir(dir string) (string, bool) {
	for _, d := range []string{dir, filepath.Join(dir, "oci")} {
		if fi, err := os.Stat(filepath.Join(d, layoutFile)); err == nil && fi.Mode().IsRegular() {
			return d, true
		}
	}
	return "", false
}

// Platforms lists the platforms of the images.
func (x *Inspected) Platforms() []plan.Platform {
	var out []plan.Platform
	for _, i := range x.Images {
		if !slices.Contains(out, i.Platform) {
			out = append(out, i.Platform)
		}
	}
	return out
}

// For gives the image that fits a platform best; an image of a lower variant
// does, as with container engines.
func (x *Inspected) For(p plan.Platform) (*InspectedImage, bool) {
	var best *InspectedImage
	level := -1
	for i := range x.Images {
		if l, ok := fits(x.Images[i].Platform, p); ok && l > level {
			best, level = &x.Images[i], l
		}
	}
	return best, best != nil
}

// Tree lays the layers of the image over one another. What is wrong with them
// is a *fault.Error. The caller closes the tree, before the Inspected.
func (i *InspectedImage) Tree(ctx context.Context, limits rootfs.Limits) (*rootfs.Tree, error) {
	layers := make([]rootfs.Layer, len(i.Layers))
	for n, l := range i.Layers {
		layers[n] = rootfs.Layer{Name: l.name(), Open: func(ctx context.Context) (io.ReadCloser, error) {
			return i.from.openLayer(ctx, l)
		}}
	}
	return rootfs.Merge(ctx, layers, limits)
}

// name is what errors call the layer.
func (l InspectedLayer) name() string {
	if l.Digest != "" {
		return l.Digest
	}
	return l.DiffID
}

// OpenLayer gives the uncompressed tar of a layer, n counted from the lowest.
// Its reader ends with an error if the blob is not that of its digest, or the
// tar not that of its diffID.
func (i *InspectedImage) OpenLayer(ctx context.Context, n int) (io.ReadCloser, error) {
	if n < 0 || n >= len(i.Layers) {
		return nil, errors.New("no such layer")
	}
	return i.from.openLayer(ctx, i.Layers[n])
}
