package image

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip" // a fifth faster than the standard library's
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow bounds the memory a frame may ask for, in bytes. It is the
// window of the strongest level of the zstd command (--ultra -22).
const maxZstdWindow = 128 << 20

// unpack opens the tar of a layer. What the compression is says the blob
// itself, for registries are known to mix up media types.
func unpack(ctx context.Context, l Layer) (io.ReadCloser, error) {
	f, err := os.Open(l.Path)
	if err != nil {
		return nil, err
	}
	r, stop, err := decompress(ctxReader{ctx, f})
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("unpack layer %s: %w", l.Digest, err)
	}
	return &unpacked{r, func() error { stop(); return f.Close() }}, nil
}

func decompress(in io.Reader) (r io.Reader, stop func(), err error) {
	b := bufio.NewReaderSize(in, 64<<10)
	magic, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b: // RFC 1952
		z, err := gzip.NewReader(b)
		return z, func() {}, err
	case string(magic) == "\x28\xb5\x2f\xfd": // RFC 8878
		z, err := zstd.NewReader(b,
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return b, func() {}, nil
}

type unpacked struct {
	io.Reader
	close func() error
}

func (u *unpacked) Close() error { return u.close() }

// copyTar writes the tar of a layer to w, holds it against the diffID and
// gives its size in bytes.
func copyTar(ctx context.Context, w io.Writer, l Layer) (int64, error) {
	r, err := unpack(ctx, l)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(w, h), ctxReader{ctx, r}, make([]byte, copyChunk))
	if err != nil {
		return n, fmt.Errorf("unpack layer %s: %w", l.Digest, err)
	}
	if digestOf(h.Sum(nil)) != l.DiffID {
		return n, fmt.Errorf("unpack layer %s: %w", l.Digest, errCorrupt)
	}
	return n, nil
}
