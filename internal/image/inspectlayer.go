package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Bounds of decompression: a layer may grow to any size below the one, and
// beyond it by no more than the other. Layers of programs grow threefold, of
// logs fiftyfold; gzip can do a thousandfold, zstd more.
const (
	maxUnpacked = 256 << 20 // bytes
	maxRatio    = 200
)

func bomb(name string, in, out int64) error {
	return fault.UsageError(i18n.M("image_inspect.bomb", name, in, out>>20), i18n.M("image_inspect.bomb.hint"))
}

func undecompressed(name string, err error) error {
	return fault.UsageError(i18n.M("image_inspect.broken", name, oneLine(err.Error(), 200)), i18n.M("image_inspect.content.hint"))
}

// bounded ends what grows without bound when it is decompressed from in.
func bounded(name string, r io.Reader, in *hashed) io.Reader {
	var n int64
	return readFunc(func(p []byte) (int, error) {
		m, err := r.Read(p)
		if n += int64(m); n > maxUnpacked && n/maxRatio > in.n {
			err = bomb(name, in.n, n)
		} else if err != nil && err != io.EOF && in.err == nil && in.ctx.Err() == nil {
			err = undecompressed(name, err)
		}
		return m, err
	})
}

// openLayer gives the tar of a layer. The bytes it gives are not to be trusted
// before it has ended without an error.
func (x *Inspected) openLayer(ctx context.Context, l InspectedLayer) (io.ReadCloser, error) {
	rc, err := x.store.layer(ctx, l)
	if errors.Is(err, fs.ErrNotExist) {
		if l.Foreign {
			return nil, fault.UsageError(i18n.M("image_inspect.foreign", l.name(), x.Name), i18n.M("image_inspect.foreign.hint"))
		}
		return nil, fault.UsageError(i18n.M("image_inspect.absent", x.Name, l.name()), i18n.M("image_inspect.absent.hint"))
	}
	if err != nil {
		return nil, err
	}
	t := &layerTar{x: x, l: l, rc: rc, in: hashed{ctx: ctx, h: sha256.New()}, sum: sha256.New()}
	t.in.r = rc
	if l.Size > 0 && l.Digest != "" {
		t.in.r = io.LimitReader(rc, l.Size+1)
	}
	r, stop, err := decompress(&t.in)
	if err != nil {
		t.stop = func() {}
		err = t.explain(err)
		_ = rc.Close()
		return nil, err
	}
	t.tar, t.stop = readFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if t.out += int64(n); t.out > maxUnpacked && t.out/maxRatio > t.in.n {
			err = bomb(t.l.name(), t.in.n, t.out)
		}
		return n, err
	}), stop
	if l.Size > aheadChunk {
		ahead := newReadAhead(t.tar)
		t.tar, t.stop = ahead, func() { _ = ahead.Close(); stop() }
	}
	return t, nil
}

// hashed counts and hashes what is read through it.
type hashed struct {
	ctx context.Context
	r   io.Reader
	h   hash.Hash
	n   int64
	err error // of r, other than its end
}

func (c *hashed) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.h.Write(p[:n])
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// layerTar is the tar of a layer on its way.
type layerTar struct {
	x    *Inspected
	l    InspectedLayer
	rc   io.Closer
	in   hashed // the blob
	tar  io.Reader
	stop func()
	sum  hash.Hash // of the tar
	out  int64     // bytes of the tar that were decompressed
	done error
}

func (t *layerTar) Read(p []byte) (int, error) {
	if t.done != nil {
		return 0, t.done
	}
	n, err := t.tar.Read(p)
	t.sum.Write(p[:n])
	if err == io.EOF {
		if err = t.check(); err == nil {
			err = io.EOF
		}
	} else if err != nil {
		err = t.explain(err)
	}
	t.done = err
	return n, err
}

// check holds the blob against its digest, and the tar against its own.
func (t *layerTar) check() error {
	if err := t.blob(); err != nil {
		return err
	}
	if digestOf(t.sum.Sum(nil)) != t.l.DiffID {
		return fault.UsageError(i18n.M("image_inspect.diffid", t.l.name(), t.l.DiffID), i18n.M("image_inspect.content.hint"))
	}
	return nil
}

// blob reads what is left of the blob, and holds it against its digest.
func (t *layerTar) blob() error {
	if _, err := io.Copy(io.Discard, readFunc(t.in.Read)); err != nil {
		return err
	}
	if t.l.Digest == "" {
		return nil
	}
	if t.in.n != t.l.Size || digestOf(t.in.h.Sum(nil)) != t.l.Digest {
		return fault.UsageError(i18n.M("image_remote.content", t.x.Name, t.l.Digest), i18n.M("image_inspect.content.hint"))
	}
	return nil
}

// explain tells why the layer could not be unpacked: it could not be read, it
// is not the blob it should be, or that blob is broken.
func (t *layerTar) explain(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if t.in.err != nil {
		return t.in.err
	}
	if cerr := t.in.ctx.Err(); cerr != nil {
		return cerr
	}
	if berr := t.blob(); berr != nil {
		return berr
	}
	return undecompressed(t.l.name(), err)
}

func (t *layerTar) Close() error {
	t.stop()
	return t.rc.Close()
}

// readVerified reads a document that must be the bytes of a descriptor, whose
// size may be unknown (below 0).
func readVerified(name string, d Descriptor, r io.Reader) ([]byte, error) {
	limit := int64(maxManifest)
	if d.Size >= 0 {
		limit = min(d.Size, limit)
	}
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.Digest, err)
	}
	if int64(len(raw)) > maxManifest {
		return nil, refuseDocument(i18n.M("image_remote.manifest.large", name))
	}
	if d.Size >= 0 && int64(len(raw)) != d.Size || digestBytes(raw) != d.Digest {
		return nil, fault.UsageError(i18n.M("image_remote.content", name, d.Digest), i18n.M("image_inspect.content.hint"))
	}
	return raw, nil
}
