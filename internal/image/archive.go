package image

import (
	"archive/tar"
	"context"
	"io"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// WriteOCIArchive writes the layout of the images as one tar to path, as
// podman, skopeo (oci-archive:) and Docker 25 read it. Equal images give equal
// bytes. The file appears under its name when it is complete.
func WriteOCIArchive(ctx context.Context, path string, made []Made, meta IndexMeta) error {
	ix, rawIndex, err := IndexOf(made, meta)
	if err != nil {
		return err
	}
	top, err := layoutIndex(ix, meta)
	if err != nil {
		return err
	}
	if err := ensureAll(ctx, made); err != nil {
		return err
	}
	fail := func(err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fault.New(err, i18n.M("image.archive", path), i18n.M("image.archive.hint"))
	}
	t, err := newTempOf(path)
	if err != nil {
		return fail(err)
	}
	defer t.discard()
	a := newArchive(t)
	a.raw(layoutFile, []byte(layoutContent))
	a.raw(indexFile, top)
	a.dir("blobs/")
	a.dir("blobs/sha256/")
	for _, p := range parts(made, ix, rawIndex) {
		h, err := hexOf(p.digest)
		if err != nil {
			return err
		}
		if p.raw != nil {
			a.raw("blobs/sha256/"+h, p.raw)
		} else {
			a.file("blobs/sha256/"+h, p.size, func(w io.Writer) error { return p.layer.copyTo(ctx, w) })
		}
	}
	if err := a.close(); err != nil {
		return fail(err)
	}
	if err := t.commit(path); err != nil {
		return fail(err)
	}
	return nil
}

// archive writes a tar whose headers hold nothing but names and sizes. The
// first error stays and stops everything after it.
type archive struct {
	tw  *tar.Writer
	err error
}

func newArchive(w io.Writer) *archive { return &archive{tw: tar.NewWriter(w)} }

func (a *archive) header(name string, kind byte, mode, size int64) {
	if a.err == nil {
		a.err = a.tw.WriteHeader(&tar.Header{Typeflag: kind, Name: name, Mode: mode, Size: size, ModTime: time.Unix(0, 0)})
	}
}

func (a *archive) dir(name string) { a.header(name, tar.TypeDir, 0o755, 0) }

func (a *archive) raw(name string, content []byte) {
	a.file(name, int64(len(content)), func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// file adds what write writes, which must be size bytes.
func (a *archive) file(name string, size int64, write func(io.Writer) error) {
	a.header(name, tar.TypeReg, 0o644, size)
	if a.err == nil {
		a.err = write(a.tw)
	}
}

func (a *archive) close() error {
	if a.err == nil {
		a.err = a.tw.Close()
	}
	return a.err
}
