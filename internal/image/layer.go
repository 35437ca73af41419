package image

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// pressed is what came out of compressing a layer.
type pressed struct {
	Digest  string `json:"digest"`
	Size    int64  `json:"size"`
	DiffID  string `json:"diffID"`
	RawSize int64  `json:"rawSize"`
}

// press makes a layer in one pass: tar, diffID, compression, digest. It reads
// each file once and holds no more than a few blocks. progress may be nil; it
// is called with the bytes of the tar so far.
func press(ctx context.Context, w io.Writer, spec LayerSpec, comp compressor, progress func(int64)) (p pressed, err error) {
	entries, err := arrange(spec.Entries)
	if err != nil {
		return pressed{}, err
	}
	out := &counter{w: w, h: sha256.New()}
	z, err := comp.open(out)
	if err != nil {
		return pressed{}, err
	}
	raw := newTee(z, progress)
	// The compressor's goroutines write to out until they are stopped.
	defer func() {
		raw.stop()
		if err != nil {
			z.Reset(io.Discard)
		}
	}()
	if err := writeTar(ctx, raw, entries, spec.Created); err != nil {
		return pressed{}, err
	}
	if err := z.Close(); err != nil {
		return pressed{}, fmt.Errorf("compress: %w", err)
	}
	diff, n := raw.stop()
	return pressed{Digest: digestOf(out.h.Sum(nil)), Size: out.n, DiffID: digestOf(diff), RawSize: n}, nil
}

// counter counts and hashes what passes.
type counter struct {
	w io.Writer
	h hash.Hash
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.h.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// tee hands each write to w and, at the same time, to a sha256 in a goroutine
// of its own. Nothing is copied: Write returns when both are done with p.
type tee struct {
	w        io.Writer
	n        int64
	progress func(int64)
	work     chan []byte
	done     chan struct{}
	sum      chan []byte
	result   []byte
}

func newTee(w io.Writer, progress func(int64)) *tee {
	t := &tee{w: w, progress: progress, work: make(chan []byte), done: make(chan struct{}), sum: make(chan []byte, 1)}
	go func() {
		h := sha256.New()
		for p := range t.work {
			h.Write(p)
			t.done <- struct{}{}
		}
		t.sum <- h.Sum(nil)
	}()
	return t
}

func (t *tee) Write(p []byte) (int, error) {
	t.work <- p
	n, err := t.w.Write(p)
	<-t.done
	t.n += int64(n)
	if t.progress != nil {
		t.progress(t.n)
	}
	return n, err
}

// stop ends the goroutine and gives the sum and the bytes it is of.
func (t *tee) stop() ([]byte, int64) {
	if t.result == nil {
		close(t.work)
		t.result = <-t.sum
	}
	return t.result, t.n
}
