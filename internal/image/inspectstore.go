package image

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// layoutStore is an OCI layout on this disk.
type layoutStore struct{ ref reference }

func openLayout(ref reference) (store, error) {
	if fi, err := os.Stat(filepath.Join(ref.Dir, layoutFile)); err != nil || !fi.Mode().IsRegular() {
		return nil, fault.UsageError(i18n.M("image_remote.layout.none", ref.Dir), i18n.M("image_remote.layout.hint"))
	}
	return layoutStore{ref}, nil
}

func (l layoutStore) close() error { return nil }

// tops implements store.
func (l layoutStore) tops(context.Context) ([]Descriptor, error) {
	if l.ref.Digest != "" {
		return []Descriptor{{Digest: l.ref.Digest, Size: -1}}, nil
	}
	f, err := openRegular(filepath.Join(l.ref.Dir, indexFile))
	if err != nil {
		return nil, fault.UsageError(i18n.M("image_remote.layout.read", l.ref.Dir), i18n.M("image_remote.layout.hint"))
	}
	defer f.Close()
	return readTops(f, filepath.Join(l.ref.Dir, indexFile))
}

// readTops reads the index.json of a layout.
func readTops(r io.Reader, name string) ([]Descriptor, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, err
	}
	doc, err := readFound(raw, name)
	if err != nil {
		return nil, err
	}
	if doc.Manifests == nil {
		return nil, refuseDocument(i18n.M("image_remote.manifest.neither", name))
	}
	if len(doc.Manifests) > maxDocuments {
		return nil, refuseDocument(i18n.M("image_inspect.documents", name, maxDocuments))
	}
	var out []Descriptor
	for _, m := range doc.Manifests {
		out = append(out, m.Descriptor)
	}
	return out, nil
}

// manifest implements store.
func (l layoutStore) manifest(_ context.Context, d Descriptor) ([]byte, error) {
	f, err := l.open(d.Digest)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readVerified(l.ref.repository(), d, f)
}

// layer implements store.
func (l layoutStore) layer(_ context.Context, d InspectedLayer) (io.ReadCloser, error) {
	return l.open(d.Digest)
}

func (l layoutStore) open(digest string) (*os.File, error) {
	h, err := hexOf(digest)
	if err != nil {
		return nil, err
	}
	f, err := openRegular(filepath.Join(l.ref.Dir, "blobs", "sha256", h))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e := fault.UsageError(i18n.M("image_remote.layout.read", l.ref.Dir), i18n.M("image_remote.layout.hint"))
		e.Cause = err
		return nil, e
	}
	return f, err
}

var errNotRegular = errors.New("not a regular file")

// openRegular opens a file for reading, and no pipe, which would wait for its
// other end.
func openRegular(path string) (*os.File, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	return os.Open(path)
}

// registryStore is an image in a registry, or in the cache of what came from
// there.
type registryStore struct {
	p   *puller
	top Descriptor
}

// openRegistry gives the image, and its name with a digest: a tag is asked for
// now.
func openRegistry(ctx context.Context, ref reference, o InspectOptions) (store, string, error) {
	if o.Cache == nil {
		return nil, "", errors.New("inspect an image of a registry: no cache")
	}
	p := &puller{remote: o.Remote, name: ref, cache: o.Cache, progress: o.Progress}
	if ref.Digest == "" {
		what := ref.Tag
		if what == "" {
			what = "latest" // what docker means by no tag
		}
		src, err := p.source()
		if err != nil {
			return nil, "", err
		}
		raw, err := src.(*session).fetchManifest(ctx, what)
		if err != nil {
			p.close()
			return nil, "", err
		}
		ref = ref.pinned(digestBytes(raw))
		if err := p.keep(ctx, ref.Digest, raw); err != nil {
			p.close()
			return nil, "", err
		}
	}
	return &registryStore{p, Descriptor{Digest: ref.Digest, Size: -1}}, ref.String(), nil
}

func (s *registryStore) close() error {
	s.p.close()
	return nil
}

// tops implements store.
func (s *registryStore) tops(context.Context) ([]Descriptor, error) {
	return []Descriptor{s.top}, nil
}

// manifest implements store.
func (s *registryStore) manifest(ctx context.Context, d Descriptor) ([]byte, error) {
	if raw, ok := s.p.cached(d.Digest); ok && (d.Size < 0 || int64(len(raw)) == d.Size) {
		return raw, nil
	}
	src, err := s.p.source()
	if err != nil {
		return nil, err
	}
	var raw []byte
	if isConfigType(d.MediaType) {
		raw, err = readSmall(ctx, src, s.p.name, d)
	} else {
		raw, err = src.manifest(ctx, d.Digest)
	}
	if err != nil {
		return nil, err
	}
	return raw, s.p.keep(ctx, d.Digest, raw)
}

func isConfigType(mediaType string) bool {
	for _, t := range configTypes {
		if t == mediaType {
			return true
		}
	}
	return false
}

// layer implements store.
func (s *registryStore) layer(ctx context.Context, l InspectedLayer) (io.ReadCloser, error) {
	have, err := s.p.layer(ctx, l.Descriptor, l.DiffID)
	if err != nil {
		return nil, err
	}
	if have.Reused {
		// What was damaged in the cache is fetched again.
		if err := have.ensure(ctx); err != nil {
			return nil, err
		}
	}
	return os.Open(have.Path)
}
