package image

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// layoutSource reads a foreign image from an OCI layout on this disk.
type layoutSource struct{ ref reference }

func (l layoutSource) close() {}

// root implements source. Without a digest the layout must hold one image; it
// may have several names.
func (l layoutSource) root(ctx context.Context) (string, document, error) {
	digest := l.ref.Digest
	if digest == "" {
		raw, err := l.read(indexFile)
		if err != nil {
			return "", document{}, err
		}
		top, err := readDocument(raw, filepath.Join(l.ref.Dir, indexFile))
		if err != nil {
			return "", document{}, err
		}
		for _, m := range top.Manifests {
			if digest != "" && digest != m.Digest {
				return "", document{}, fault.UsageError(
					i18n.M("image_remote.layout.several", l.ref.Dir), i18n.M("image_remote.layout.several.hint", l.ref.pinned(digest)))
			}
			digest = m.Digest
		}
		if digest == "" {
			return "", document{}, fault.UsageError(i18n.M("image_remote.layout.empty", l.ref.Dir), i18n.M("image_remote.layout.hint"))
		}
	}
	raw, err := l.manifest(ctx, digest)
	if err != nil {
		return "", document{}, err
	}
	doc, err := readDocument(raw, l.ref.pinned(digest).String())
	return digest, doc, err
}

// manifest implements source.
func (l layoutSource) manifest(_ context.Context, digest string) ([]byte, error) {
	h, err := hexOf(digest)
	if err != nil {
		return nil, err
	}
	raw, err := l.read(filepath.Join("blobs", "sha256", h))
	if err != nil {
		return nil, err
	}
	if digestBytes(raw) != digest {
		return nil, otherBytes(l.ref, digest)
	}
	return raw, nil
}

// blob implements source.
func (l layoutSource) blob(_ context.Context, d Descriptor) (io.ReadCloser, error) {
	h, err := hexOf(d.Digest)
	if err != nil {
		return nil, err
	}
	return l.open(filepath.Join("blobs", "sha256", h))
}

// read reads a small file of the layout.
func (l layoutSource) read(name string) ([]byte, error) {
	f, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, l.fault(err)
	}
	return raw, nil
}

func (l layoutSource) open(name string) (*os.File, error) {
	f, err := os.Open(filepath.Join(l.ref.Dir, name))
	if err != nil {
		return nil, l.fault(err)
	}
	return f, nil
}

// fault tells a directory that is no layout from one that lacks a part.
func (l layoutSource) fault(err error) error {
	var marker struct {
		Version string `json:"imageLayoutVersion"`
	}
	raw, markerErr := os.ReadFile(filepath.Join(l.ref.Dir, layoutFile))
	if errors.Is(markerErr, fs.ErrNotExist) || markerErr == nil && json.Unmarshal(raw, &marker) != nil {
		return fault.UsageError(i18n.M("image_remote.layout.none", l.ref.Dir), i18n.M("image_remote.layout.hint"))
	}
	return fault.New(err, i18n.M("image_remote.layout.read", l.ref.Dir), i18n.M("image_remote.layout.hint"))
}
