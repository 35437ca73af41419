package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Cache remembers finished layers, and the blobs of reference bases, on this
// machine:
//
//	blobs/<hex>    a blob under its sha256
//	layers/<hex>   which blob a layer is, under the hash of all that makes it
//	trees/<hex>    the directories of a reference base, under its diffIDs
//
// Several slipway processes may use one cache at once without a lock: every
// file appears by rename, complete, and one name always means the same bytes.
// Nothing in it is trusted: a blob is held against its digest when it is used,
// a record against its own checksum; what is damaged is made again.
type Cache struct {
	dir string
	// turn lets one layer be compressed at a time. Compression uses all
	// processors by itself; two at once would only double the memory.
	turn chan struct{}
	// streams are what compressed the last layer, by compressor: their buffers
	// serve the next one. Whoever has the turn may use them.
	streams map[string]stream
}

// OpenCache gives the cache in dir, which is created when something is put
// into it.
func OpenCache(dir string) (*Cache, error) {
	if dir == "" {
		return nil, errors.New("open layer cache: no directory given")
	}
	fi, err := os.Stat(dir)
	switch {
	case err == nil && !fi.IsDir():
		return nil, cacheError(dir, &fs.PathError{Op: "open", Path: dir, Err: errors.New("not a directory")})
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, cacheError(dir, err)
	}
	return &Cache{dir: dir, turn: make(chan struct{}, 1), streams: map[string]stream{}}, nil
}

// Layer gives the layer of spec: from the cache when it was made before with
// the same compressor, else made now. compression is gzip or zstd.
func (c *Cache) Layer(ctx context.Context, spec LayerSpec, compression string) (Layer, error) {
	return c.layer(ctx, spec, compression, nil)
}

// layer is Layer with progress, which may be nil and gets the bytes of the tar
// written so far.
func (c *Cache) layer(ctx context.Context, spec LayerSpec, compression string, progress func(int64)) (Layer, error) {
	comp, err := compressorFor(compression)
	if err != nil {
		return Layer{}, err
	}
	key := recordKey(spec, comp)
	if l, ok := c.lookup(spec, comp, key); ok {
		return l, nil
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return Layer{}, ctx.Err()
	}
	defer func() { <-c.turn }()
	// Another target may have made the same layer in the meantime.
	if l, ok := c.lookup(spec, comp, key); ok {
		return l, nil
	}
	c.trim(time.Now())
	return c.make(ctx, spec, comp, key, progress)
}

// lookup gives the layer when its record and its blob are there. The blob's
// bytes are checked by whoever reads them; see Layer.copyTo.
func (c *Cache) lookup(spec LayerSpec, comp compressor, key string) (Layer, bool) {
	if spec.Key == "" {
		return Layer{}, false
	}
	p, ok := c.readRecord(key)
	if !ok {
		return Layer{}, false
	}
	path, err := c.blobPath(p.Digest)
	if err != nil {
		return Layer{}, false
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Size() != p.Size {
		return Layer{}, false
	}
	c.touch(key)
	l := c.finished(spec, comp, key, p)
	l.Reused = true
	return l, true
}

func (c *Cache) make(ctx context.Context, spec LayerSpec, comp compressor, key string, progress func(int64)) (Layer, error) {
	t, err := c.temp(blobDir)
	if err != nil {
		return Layer{}, err
	}
	defer t.discard()
	p, err := press(ctx, cacheWriter{t}, spec, c.reusing(comp), progress)
	if err != nil {
		if w, ok := errors.AsType[*cacheWriteError](err); ok {
			return Layer{}, cacheError(c.dir, w.err)
		}
		return Layer{}, fmt.Errorf("make layer %s: %w", spec.Title, err)
	}
	path, err := c.blobPath(p.Digest)
	if err != nil {
		return Layer{}, err
	}
	if err := t.commit(path); err != nil {
		return Layer{}, cacheError(c.dir, err)
	}
	if spec.Key == "" {
		// Never looked up, but it lets the blob be trimmed one day.
		key = hashStrings("unkeyed", p.Digest)
	}
	if err := c.writeSealed(recordDir, key, p); err != nil {
		return Layer{}, err
	}
	return c.finished(spec, comp, key, p), nil
}

// reusing gives comp with the buffers of its last use.
func (c *Cache) reusing(comp compressor) compressor {
	open := comp.open
	comp.open = func(w io.Writer) (stream, error) {
		if z := c.streams[comp.id]; z != nil {
			z.Reset(w)
			return z, nil
		}
		z, err := open(w)
		if err == nil {
			c.streams[comp.id] = z
		}
		return z, err
	}
	return comp
}

func (c *Cache) finished(spec LayerSpec, comp compressor, key string, p pressed) Layer {
	path, _ := c.blobPath(p.Digest) // checked by the callers
	return Layer{
		Descriptor: Descriptor{MediaType: comp.mediaType, Digest: p.Digest, Size: p.Size},
		Title:      spec.Title,
		DiffID:     p.DiffID,
		RawSize:    p.RawSize,
		Path:       path,
		Compress:   comp.id,
		remake: func(ctx context.Context) (Layer, error) {
			c.forget(key)
			return c.layer(ctx, spec, comp.name, nil)
		},
	}
}

// recordKey hashes everything that decides the bytes of a layer.
func recordKey(spec LayerSpec, comp compressor) string {
	return hashStrings("layer", tarFormat, comp.id, strconv.FormatInt(spec.Created.Unix(), 10), spec.Key)
}

// hashStrings gives the hex sha256 of the strings, each with its length, so
// that no two lists run together.
func hashStrings(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

const (
	blobDir   = "blobs"
	recordDir = "layers"
	treeDir   = "trees"
)

// blobPath says where the blob of a digest is, or would be.
func (c *Cache) blobPath(digest string) (string, error) {
	h, err := hexOf(digest)
	if err != nil {
		return "", err
	}
	return filepath.Join(c.dir, blobDir, h), nil
}

// hasBlob reports whether a blob of that digest and size is there; its content
// is not read.
func (c *Cache) hasBlob(digest string, size int64) bool {
	path, err := c.blobPath(digest)
	if err != nil {
		return false
	}
	fi, err := os.Stat(path)
	return err == nil && fi.Size() == size
}

// putBlob stores what r holds under its digest. The error is errCorrupt when r
// holds anything else; nothing is stored then.
func (c *Cache) putBlob(ctx context.Context, r io.Reader, digest string, size int64) (string, error) {
	path, err := c.blobPath(digest)
	if err != nil {
		return "", err
	}
	t, err := c.temp(blobDir)
	if err != nil {
		return "", err
	}
	defer t.discard()
	if err := copyHashed(ctx, cacheWriter{t}, r, digest, size); err != nil {
		if w, ok := errors.AsType[*cacheWriteError](err); ok {
			return "", cacheError(c.dir, w.err)
		}
		return "", err
	}
	if err := t.commit(path); err != nil {
		return "", cacheError(c.dir, err)
	}
	return path, nil
}

func (c *Cache) temp(sub string) (*tempFile, error) {
	dir := filepath.Join(c.dir, sub)
	t, err := newTemp(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o777); err == nil {
			t, err = newTemp(dir)
		}
	}
	if err != nil {
		return nil, cacheError(c.dir, err)
	}
	return t, nil
}

// cacheWriter marks the errors of writing to the cache, to tell them from
// those of reading what goes into it.
type cacheWriter struct{ w io.Writer }

type cacheWriteError struct{ err error }

func (e *cacheWriteError) Error() string { return e.err.Error() }
func (e *cacheWriteError) Unwrap() error { return e.err }

func (c cacheWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	if err != nil {
		err = &cacheWriteError{err}
	}
	return n, err
}

func cacheError(dir string, err error) error {
	return fault.New(err, i18n.M("image.cache", dir), i18n.M("image.cache.hint"))
}
