package image

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// silentError says that the other side neither sent nor took a byte for too
// long.
type silentError struct {
	host string
	wait time.Duration
}

func (e *silentError) Error() string {
	return fmt.Sprintf("%s was silent for %s", e.host, e.wait)
}

// watch is a transport that ends an exchange which makes no progress. There is
// no limit on the whole: a large layer over a slow line may take hours, as
// long as bytes move.
type watch struct {
	base     http.RoundTripper
	first    time.Duration // for the connection and the beginning of the answer
	stall    time.Duration // between two bytes, either way
	commit   time.Duration // for the answer to an upload, which the other side must store first
	answered *atomic.Bool  // set once the other side has answered anything
}

// RoundTrip implements http.RoundTripper.
func (w *watch) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	d := &dog{}
	d.wait.Store(int64(w.first))
	d.timer = time.AfterFunc(w.first, func() {
		cancel(&silentError{req.URL.Host, time.Duration(d.wait.Load())})
	})
	out := req.WithContext(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		out.Body = &watchedUpload{ReadCloser: req.Body, dog: d, stall: w.stall, commit: w.commit}
	}
	resp, err := w.base.RoundTrip(out)
	d.release()
	if err != nil {
		err = silence(ctx, err)
		cancel(nil)
		return nil, err
	}
	if w.answered != nil {
		w.answered.Store(true)
	}
	resp.Body = &watchedDownload{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, dog: d, stall: w.stall}
	return resp, nil
}

// silence gives the silentError behind err, if that is what ended ctx.
func silence(ctx context.Context, err error) error {
	if s, ok := context.Cause(ctx).(*silentError); ok {
		return s
	}
	return err
}

// dog is a timer that bites unless it is fed.
type dog struct {
	mu       sync.Mutex
	timer    *time.Timer
	wait     atomic.Int64 // what it was last set to, a time.Duration
	released bool         // the answer has begun
}

// feed starts the wait anew.
func (d *dog) feed(wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wait.Store(int64(wait))
	d.timer.Reset(wait)
}

// rest stops the dog.
func (d *dog) rest() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.timer.Stop()
}

// release stops the dog when the answer begins. From then on whoever reads
// the answer looks after it.
func (d *dog) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.released = true
	d.timer.Stop()
}

// feedUpload is feed for the side that sends. Once the answer has begun it
// only prolongs a wait, and never begins one.
func (d *dog) feedUpload(wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer.Stop() || !d.released {
		d.wait.Store(int64(wait))
		d.timer.Reset(wait)
	}
}

// restUpload is rest for the side that sends.
func (d *dog) restUpload() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.released {
		d.timer.Stop()
	}
}

// watchedUpload feeds the dog each time the connection asks for more. While
// our own disk is read, the other side owes nothing.
type watchedUpload struct {
	io.ReadCloser
	dog           *dog
	stall, commit time.Duration
}

func (u *watchedUpload) Read(p []byte) (int, error) {
	u.dog.restUpload()
	n, err := u.ReadCloser.Read(p)
	if err != nil {
		u.dog.feedUpload(u.commit)
	} else {
		u.dog.feedUpload(u.stall)
	}
	return n, err
}

// watchedDownload lets the dog run only while a read waits: how slowly the
// reader works is not the other side's fault.
type watchedDownload struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	dog    *dog
	stall  time.Duration
}

func (b *watchedDownload) Read(p []byte) (int, error) {
	b.dog.feed(b.stall)
	n, err := b.ReadCloser.Read(p)
	b.dog.rest()
	if err != nil && err != io.EOF {
		err = silence(b.ctx, err)
	}
	return n, err
}

func (b *watchedDownload) Close() error {
	b.dog.rest()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
