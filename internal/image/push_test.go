package image

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
)

func TestPushSendsNothingTwice(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	c := openTestCache(t)
	made := []Made{makeImage(t, c, amd64, 5000), makeImage(t, c, arm64, 5000)}
	ix, raw, err := IndexOf(made, IndexMeta{})
	if err != nil {
		t.Fatal(err)
	}
	blobs := map[string]int64{}
	var total int64
	for _, m := range made {
		blobs[m.Config.Digest] = m.Config.Size
		for _, l := range m.Layers {
			blobs[l.Digest] = l.Size
		}
	}
	for _, n := range blobs {
		total += n
	}
	seen := map[string]int64{}
	res, err := quick().Push(t.Context(), reg.host+"/app:v1", made, ix, raw, func(d string, n int64) { seen[d] = n }, "latest", "v1", "v1.2")
	if err != nil {
		t.Fatal(err)
	}
	if want := reg.host + "/app@" + ix.Digest; res.Reference != want {
		t.Errorf("reference %s, want %s", res.Reference, want)
	}
	if want := []string{reg.host + "/app:v1", reg.host + "/app:latest", reg.host + "/app:v1.2"}; !slices.Equal(res.Tags, want) {
		t.Errorf("tags %v, want %v", res.Tags, want)
	}
	if res.Sent != total || res.Present != 0 {
		t.Errorf("sent %d, present %d of %d", res.Sent, res.Present, total)
	}
	if !maps.Equal(seen, blobs) {
		t.Errorf("progress ended at %v, want %v", seen, blobs)
	}
	for _, tag := range []string{"v1", "latest", "v1.2"} {
		if d, _, err := ResolveReference(t.Context(), quick(), reg.host+"/app:"+tag); err != nil || d != ix.Digest {
			t.Errorf("%s is %s, %v", tag, d, err)
		}
	}

	reg.forget()
	again, err := quick().Push(t.Context(), reg.host+"/app", made, ix, raw, nil)
	if err != nil || again.Sent != 0 || again.Present != total || again.Reference != res.Reference || again.Tags != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
	if n := reg.requests("POST", "/blobs/uploads"); n != 0 {
		t.Errorf("%d uploads of what was there", n)
	}
}

// TestTagComesLast holds that no tag ever names an image that is not there.
func TestTagComesLast(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	pushTwo(t, quick(), reg, "app", 2000)
	var puts []string
	for _, l := range reg.log {
		if p, ok := strings.CutPrefix(l, "PUT /v2/app/"); ok {
			puts = append(puts, p[:strings.IndexByte(p, '/')])
		}
	}
	if !slices.IsSorted(puts) { // blobs before manifests
		t.Errorf("order %v", puts)
	}
	if last := reg.log[len(reg.log)-1]; last != "PUT /v2/app/manifests/v1" {
		t.Errorf("last: %s", last)
	}
}

func TestPushFaultsThatPass(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*testRegistry){
		"HEAD":         func(r *testRegistry) { r.fault("HEAD", "/blobs/", 2, status(502)) },
		"POST":         func(r *testRegistry) { r.fault("POST", "/blobs/", 2, status(503)) },
		"POST limited": func(r *testRegistry) { r.fault("POST", "/blobs/", 1, status(429)) },
		"PUT of a blob": func(r *testRegistry) {
			r.fault("PUT", "/blobs/", 2, func(w http.ResponseWriter, req *http.Request, next http.Handler) {
				_, _ = io.CopyN(io.Discard, req.Body, 10)
				status(500)(w, req, next)
			})
		},
		"PUT broken off": func(r *testRegistry) {
			r.fault("PUT", "/blobs/", 2, func(_ http.ResponseWriter, req *http.Request, _ http.Handler) {
				_, _ = io.CopyN(io.Discard, req.Body, 10)
				panic(http.ErrAbortHandler)
			})
		},
		"manifest": func(r *testRegistry) { r.fault("PUT", "/manifests/", 2, status(500)) },
		"lie about a size": func(r *testRegistry) {
			r.fault("HEAD", "/blobs/", 1, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
				w.Header().Set("Content-Length", "1")
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := newTestRegistry(t)
			spoil(reg)
			p := pushTwo(t, quick(), reg, "app", 100<<10)
			reg.forget()
			p.pull(t, quick(), p.ref, 0, openTestCache(t))
		})
	}
}

func TestPushRefuses(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	c := openTestCache(t)
	made := []Made{makeImage(t, c, amd64, 1<<20)}
	ix, raw, err := IndexOf(made, IndexMeta{})
	if err != nil {
		t.Fatal(err)
	}
	push := func(r Remote, ref string, tags ...string) error {
		_, err := r.Push(t.Context(), ref, made, ix, raw, nil, tags...)
		return err
	}
	wantWords(t, push(quick(), reg.host+"/app@"+someDigest), fault.Usage, "cannot be pushed")
	wantWords(t, push(quick(), "oci:dir"), fault.Usage, "cannot be pushed")
	wantWords(t, push(quick(), "app:v1"), fault.Usage, "names no registry")
	wantWords(t, push(quick(), reg.host+"/app", "v1", "no/tag"), fault.Usage, "no/tag is not a tag")
	wantWords(t, push(quick(), reg.host+"/app", "a:b"), fault.Usage, "a:b is not a tag")
	wantWords(t, push(Remote{Offline: true}, reg.host+"/app"), fault.Failed, "offline", "nothing is pushed")
	if len(reg.log) != 0 {
		t.Errorf("asked: %v", reg.log)
	}

	reg.fault("POST", "/blobs/", 1<<30, status(403))
	wantWords(t, push(quick(), reg.host+"/app:v1"), fault.Failed, "does not allow", reg.host+"/app:v1")
	reg.forget()

	// A registry that takes the bytes and never confirms them. It has answered
	// before, so it is asked again; Stall bounds each wait.
	slow := quick()
	slow.Attempts, slow.Stall, slow.FirstByte = 1, 20*time.Millisecond, 20*time.Millisecond
	reg.fault("PUT", "/blobs/", 1<<30, hang)
	wantWords(t, push(slow, reg.host+"/app:v1"), fault.Failed, "does not answer", "80ms")
	reg.forget()
	// One that does not even take them: the server sees no disconnection while
	// a body is unread, so it is let go by hand.
	gone := make(chan struct{})
	reg.fault("PUT", "/blobs/", 1<<30, func(http.ResponseWriter, *http.Request, http.Handler) { <-gone })
	wantWords(t, push(slow, reg.host+"/app:v1"), fault.Failed, "does not answer")
	close(gone)
	reg.forget()

	ctx, cancel := context.WithCancel(t.Context())
	reg.fault("PUT", "/blobs/", 1, func(w http.ResponseWriter, r *http.Request, next http.Handler) { cancel(); hang(w, r, next) })
	if _, err := quick().Push(ctx, reg.host+"/app:v1", made, ix, raw, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPushHealsADamagedLayer(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	c := openTestCache(t)
	made := []Made{makeImage(t, c, amd64, 3000)}
	ix, raw, err := IndexOf(made, IndexMeta{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(made[0].Layers[1].Path, 7); err != nil {
		t.Fatal(err)
	}
	res, err := quick().Push(t.Context(), reg.host+"/app", made, ix, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	pushed{made: made}.pull(t, quick(), res.Reference, 0, openTestCache(t))
}

func BenchmarkPush(b *testing.B) { benchmarkRemote(b, true) }
func BenchmarkPull(b *testing.B) { benchmarkRemote(b, false) }

// benchmarkRemote moves one image of 16 MiB. The registry runs in the same
// process, so its memory is counted, too.
func benchmarkRemote(b *testing.B, push bool) {
	c := openTestCache(b)
	made := []Made{makeImage(b, c, amd64, 16<<20)}
	ix, raw, err := IndexOf(made, IndexMeta{})
	if err != nil {
		b.Fatal(err)
	}
	reg := newTestRegistry(b)
	b.SetBytes(made[0].Size)
	for i := 0; b.Loop(); i++ {
		res := PushResult{Reference: reg.host + "/app@" + made[0].Manifest.Digest}
		if push || i == 0 {
			if push {
				reg.Close()
				reg = newTestRegistry(b) // blobs are shared between its repositories
			}
			if res, err = quick().Push(b.Context(), reg.host+"/app", made, ix, raw, nil); err != nil {
				b.Fatal(err)
			}
		}
		if !push {
			if _, err := baseOf(b.Context(), quick(), res.Reference, amd64, openTestCache(b)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
