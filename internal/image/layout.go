package image

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The files of an OCI layout (OCI image specification, image-layout.md).
const (
	layoutFile    = "oci-layout"
	layoutContent = `{"imageLayoutVersion":"1.0.0"}`
	indexFile     = "index.json"
)

// part is one blob of a layout: small ones in memory, layers in the cache.
type part struct {
	digest string
	size   int64
	raw    []byte // nil: layer
	layer  Layer
}

// parts gives every blob of the images and their index once, by digest.
func parts(made []Made, ix Descriptor, rawIndex []byte) []part {
	all := map[string]part{ix.Digest: {digest: ix.Digest, size: ix.Size, raw: rawIndex}}
	for _, m := range made {
		for digest, raw := range m.Raw {
			all[digest] = part{digest: digest, size: int64(len(raw)), raw: raw}
		}
		for _, l := range m.Layers {
			all[l.Digest] = part{digest: l.Digest, size: l.Size, layer: l}
		}
	}
	out := make([]part, 0, len(all))
	for _, p := range all {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b part) int { return strings.Compare(a.digest, b.digest) })
	return out
}

// WriteLayout makes dir an OCI layout that holds one index over the images,
// and gives the descriptor of the index. A blob that is there with the right
// bytes stays as it is; index.json is replaced last and in one step, so that
// the layout is whole at any time; then the blobs nobody refers to any more
// are removed. After an error nothing new stays behind.
func WriteLayout(ctx context.Context, dir string, made []Made, meta IndexMeta) (Descriptor, error) {
	ix, rawIndex, err := IndexOf(made, meta)
	if err != nil {
		return Descriptor{}, err
	}
	top, err := layoutIndex(ix, meta)
	if err != nil {
		return Descriptor{}, err
	}
	if err := claimLayout(dir); err != nil {
		return Descriptor{}, err
	}
	w := &layoutWriter{dir: dir, blobs: filepath.Join(dir, "blobs", "sha256")}
	if err := w.write(ctx, parts(made, ix, rawIndex), top); err != nil {
		w.undo()
		if _, known := errors.AsType[*fault.Error](err); known || ctx.Err() != nil {
			return Descriptor{}, err
		}
		return Descriptor{}, fault.New(err, i18n.M("image.layout", dir), i18n.M("image.layout.hint"))
	}
	return ix, nil
}

// claimLayout refuses a directory that holds anything but a layout, for blobs
// will be removed from it.
func claimLayout(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0 {
		return nil
	}
	if err != nil {
		return fault.New(err, i18n.M("image.layout", dir), i18n.M("image.layout.hint"))
	}
	if _, err := os.Stat(filepath.Join(dir, layoutFile)); err != nil {
		return fault.UsageError(i18n.M("image.layout.other", dir), i18n.M("image.layout.other.hint"))
	}
	return nil
}

type layoutWriter struct {
	dir, blobs string
	dirs       []string // created here, outermost first

	mu    sync.Mutex
	files []string // created here
}

func (w *layoutWriter) created(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = append(w.files, path)
}

func (w *layoutWriter) write(ctx context.Context, all []part, top []byte) error {
	if err := w.mkdirAll(w.dir); err != nil {
		return err
	}
	// Before anything else, so that a run that is killed leaves a directory
	// that the next one knows for a layout.
	if err := w.put(layoutFile, []byte(layoutContent)); err != nil {
		return err
	}
	if err := w.mkdirAll(w.blobs); err != nil {
		return err
	}
	keep := map[string]bool{}
	// Mostly hashing, so as many at once as there are processors.
	group, blobCtx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, p := range all {
		h, err := hexOf(p.digest)
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		keep[h] = true
		group.Go(func() error { return w.blob(blobCtx, p, filepath.Join(w.blobs, h)) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := w.put(indexFile, top); err != nil {
		return err
	}
	w.sweep(keep)
	return nil
}

// put writes a file unless it holds the content already.
func (w *layoutWriter) put(name string, content []byte) error {
	path := filepath.Join(w.dir, name)
	have, err := os.ReadFile(path)
	if err == nil && bytes.Equal(have, content) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		w.created(path)
	}
	return writeFile(path, content)
}

func (w *layoutWriter) blob(ctx context.Context, p part, path string) error {
	have := verifyFile(ctx, path, p.digest, p.size)
	if have == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if errors.Is(have, fs.ErrNotExist) {
		w.created(path)
	}
	if p.raw != nil {
		return writeFile(path, p.raw)
	}
	err := copyLayer(ctx, p.layer, path)
	if errors.Is(err, errCorrupt) || errors.Is(err, fs.ErrNotExist) {
		if err = p.layer.heal(ctx, err); err == nil {
			err = copyLayer(ctx, p.layer, path)
		}
	}
	return err
}

func copyLayer(ctx context.Context, l Layer, path string) error {
	t, err := newTemp(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer t.discard()
	if err := l.copyTo(ctx, t); err != nil {
		return err
	}
	return t.commit(path)
}

// sweep removes blobs that are not kept, and what a killed run left behind.
// The layout is complete already, so what cannot be removed does no harm.
func (w *layoutWriter) sweep(keep map[string]bool) {
	for _, f := range readDir(w.blobs) {
		name := f.Name()
		_, err := hexOf("sha256:" + name)
		if err == nil && !keep[name] || strings.HasPrefix(name, tempPrefix) {
			_ = os.Remove(filepath.Join(w.blobs, name))
		}
	}
	for _, f := range readDir(w.dir) {
		if strings.HasPrefix(f.Name(), tempPrefix) {
			_ = os.Remove(filepath.Join(w.dir, f.Name()))
		}
	}
}

func (w *layoutWriter) mkdirAll(dir string) error {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		missing = append(missing, d)
	}
	slices.Reverse(missing)
	w.dirs = append(w.dirs, missing...)
	return os.MkdirAll(dir, 0o777)
}

// undo removes what this run created. A blob that replaced a damaged one
// stays: it is right, and the old index may refer to it.
func (w *layoutWriter) undo() {
	for _, f := range w.files {
		_ = os.Remove(f)
	}
	for _, d := range slices.Backward(w.dirs) {
		_ = os.Remove(d) // only if it is empty
	}
}
