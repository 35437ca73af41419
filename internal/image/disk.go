package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// errCorrupt marks a blob whose bytes are not those its digest names.
var errCorrupt = errors.New("content does not match its digest")

// copyChunk is the size of one read: large enough that a hash in another
// goroutine is worth its handover.
const copyChunk = 256 << 10

// tempFile is a file that nobody sees until it is complete. It is not synced
// to disk: every blob is held against its digest before it is used, so that a
// file cut short by a power failure is made again like any damaged one.
type tempFile struct {
	*os.File
	done bool
}

// tempPrefix is how the name of a tempFile begins.
const tempPrefix = ".tmp-"

// newTemp creates a file of an unused name in dir. Unlike os.CreateTemp it
// leaves the permissions to the umask, for the file is meant for others, too.
func newTemp(dir string) (*tempFile, error) { return newTempNamed(filepath.Join(dir, tempPrefix)) }

// newTempOf creates a file that is to become path, in a directory of the user.
// What a killed run left there of the same is removed: nobody else knows what
// it was.
func newTempOf(path string) (*tempFile, error) {
	dir, prefix := filepath.Dir(path), tempPrefix+filepath.Base(path)+"-"
	for _, f := range readDir(dir) {
		if rest, ok := strings.CutPrefix(f.Name(), prefix); ok && strings.Trim(rest, "0123456789abcdef") == "" {
			_ = os.Remove(filepath.Join(dir, f.Name()))
		}
	}
	return newTempNamed(filepath.Join(dir, prefix))
}

func newTempNamed(prefix string) (*tempFile, error) {
	for {
		name := fmt.Sprintf("%s%016x", prefix, rand.Uint64())
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return &tempFile{File: f}, nil
	}
}

// commit gives the file its name. It replaces what was there.
func (t *tempFile) commit(path string) error {
	if err := t.Close(); err != nil {
		return err
	}
	if err := os.Rename(t.Name(), path); err != nil {
		return err
	}
	t.done = true
	return nil
}

// discard removes the file unless it was committed. To be deferred.
func (t *tempFile) discard() {
	if t.done {
		return
	}
	_ = t.Close() // it may be closed already
	_ = os.Remove(t.Name())
}

// writeFile replaces path by content in one step.
func writeFile(path string, content []byte) error {
	t, err := newTemp(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer t.discard()
	if _, err := t.Write(content); err != nil {
		return err
	}
	return t.commit(path)
}

// ctxReader ends with the context. It also hides the methods of the reader
// behind it, so that io.Copy reads in chunks of the given buffer.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// copyVerified copies the file at path to w. The error is errCorrupt when its
// bytes are not those of digest and size; w has then seen wrong bytes.
func copyVerified(ctx context.Context, w io.Writer, path, digest string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return copyHashed(ctx, w, f, digest, size)
}

// copyHashed copies r to w and holds it against digest and size. It reads at
// most one byte more than size.
func copyHashed(ctx context.Context, w io.Writer, r io.Reader, digest string, size int64) error {
	h := sha256.New()
	buf := make([]byte, min(copyChunk, size+1))
	n, err := io.CopyBuffer(io.MultiWriter(h, w), ctxReader{ctx, io.LimitReader(r, size+1)}, buf)
	if err != nil {
		return err
	}
	if n != size || digestOf(h.Sum(nil)) != digest {
		return errCorrupt
	}
	return nil
}

// verifyFile reports whether path holds the bytes of digest and size: nil,
// errCorrupt, or the error of reading.
func verifyFile(ctx context.Context, path, digest string, size int64) error {
	if fi, err := os.Stat(path); err != nil {
		return err
	} else if fi.Size() != size {
		return errCorrupt
	}
	return copyVerified(ctx, io.Discard, path, digest, size)
}

func digestOf(sum []byte) string { return "sha256:" + hex.EncodeToString(sum) }

func digestBytes(b []byte) string {
	sum := sha256.Sum256(b)
	return digestOf(sum[:])
}

// hexOf gives the hex digits of a sha256 digest. Anything else is an error, so
// that a digest of foreign origin never becomes a path.
func hexOf(digest string) (string, error) {
	h, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || len(h) != 2*sha256.Size || strings.Trim(h, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is not a sha256 digest", digest)
	}
	return h, nil
}
