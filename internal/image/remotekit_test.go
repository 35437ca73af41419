package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/plan"
)

var (
	amd64 = plan.Platform{OS: "linux", Arch: "amd64"}
	arm64 = plan.Platform{OS: "linux", Arch: "arm64"}
)

// testRegistry is a real registry with a switchboard for faults in front.
type testRegistry struct {
	*httptest.Server
	host string

	mu    sync.Mutex
	rules []*rule
	log   []string // method and path of each request
}

// rule replaces or spoils the answers to the requests it matches.
type rule struct {
	method, path string // path: a part of it
	times        int    // how often it is applied
	do           func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

func newTestRegistry(t testing.TB) *testRegistry {
	t.Helper()
	r := &testRegistry{}
	next := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if do := r.take(req); do != nil {
			do(w, req, next)
			return
		}
		next.ServeHTTP(w, req)
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.host = strings.TrimPrefix(r.URL, "http://")
	t.Cleanup(r.Close)
	return r
}

func (r *testRegistry) take(req *http.Request) func(http.ResponseWriter, *http.Request, http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, req.Method+" "+req.URL.Path)
	for _, f := range r.rules {
		if f.times > 0 && (f.method == "" || f.method == req.Method) && strings.Contains(req.URL.Path, f.path) {
			f.times--
			return f.do
		}
	}
	return nil
}

// fault applies do to the next requests of that method and path.
func (r *testRegistry) fault(method, path string, times int, do func(http.ResponseWriter, *http.Request, http.Handler)) *rule {
	f := &rule{method, path, times, do}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rules = append(r.rules, f)
	return f
}

// requests counts what was asked since the last call.
func (r *testRegistry) requests(method, path string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.log {
		if strings.HasPrefix(l, method) && strings.Contains(l, path) {
			n++
		}
	}
	return n
}

func (r *testRegistry) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log, r.rules = nil, nil
}

// status answers with a status and an error object.
func status(code int, header ...string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"errors":[{"code":"TEST","message":"status %d"}]}`, code)
	}
}

// rewrite answers with what spoil makes of the real answer.
func rewrite(spoil func(h http.Header, body []byte) []byte) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		h := rec.Header()
		body := spoil(h, rec.Body.Bytes())
		for k, v := range h {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body)
	}
}

// cut breaks the connection after n bytes of the body.
func cut(n int) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes()[:min(n, rec.Body.Len())])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// hang says nothing until the client gives up.
func hang(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// quick is a Remote that waits for nothing longer than a test may.
func quick() Remote {
	return Remote{Backoff: time.Millisecond, FirstByte: 5 * time.Second, Stall: 5 * time.Second}
}

// makeImage makes an image of two layers without any base.
func makeImage(t testing.TB, c *Cache, p plan.Platform, size int) Made {
	t.Helper()
	created := time.Unix(1_700_000_000, 0).UTC()
	content := func(name string, body []byte) Layer {
		spec := LayerSpec{
			Title: name, Created: created, Key: digestBytes(body),
			Entries: []Entry{{Path: "/" + name, Mode: 0o644, Size: int64(len(body)), Open: func() (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(body)), nil
			}}},
		}
		l, err := c.Layer(t.Context(), spec, "gzip")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	layers := []Layer{content("etc", []byte("shared")), content("program", noise(p.String(), size))}
	img := &plan.Image{User: "65532:65532", Entrypoint: []string{"/program"}, Workdir: "/", Created: created.Unix()}
	made, err := finish(p, configure(configFile{}, 0, img, p, layers), layers, nil)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// noise gives n bytes that do not compress, always the same for a seed.
func noise(seed string, n int) []byte {
	out := make([]byte, 0, n+32)
	for i := 0; len(out) < n; i++ {
		out = append(out, digestBytes(fmt.Append(nil, seed, i))...)
	}
	return out[:n]
}

// pushed is an image of two platforms that lies in a registry.
type pushed struct {
	made  []Made
	index Descriptor
	raw   []byte
	ref   string // with the digest
	res   PushResult
}

// pushTwo pushes an image for two platforms to repo:v1.
func pushTwo(t testing.TB, r Remote, reg *testRegistry, repo string, size int) pushed {
	t.Helper()
	c := openTestCache(t)
	p := pushed{made: []Made{makeImage(t, c, amd64, size), makeImage(t, c, arm64, size)}}
	var err error
	if p.index, p.raw, err = IndexOf(p.made, IndexMeta{}); err != nil {
		t.Fatal(err)
	}
	if p.res, err = r.Push(t.Context(), reg.host+"/"+repo+":v1", p.made, p.index, p.raw, nil); err != nil {
		t.Fatalf("push: %v", err)
	}
	p.ref = p.res.Reference
	return p
}

// put uploads a document as it is, to make images nobody would make.
func (r *testRegistry) put(t testing.TB, repo, tag, mediaType string, doc any) string {
	t.Helper()
	raw, ok := doc.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(doc); err != nil {
			t.Fatal(err)
		}
	}
	if mediaType == "" { // a blob
		r.send(t, http.MethodPost, "/v2/"+repo+"/blobs/uploads/?digest="+digestBytes(raw), "application/octet-stream", raw)
	} else {
		r.send(t, http.MethodPut, "/v2/"+repo+"/manifests/"+tag, mediaType, raw)
	}
	return digestBytes(raw)
}

func (r *testRegistry) send(t testing.TB, method, path, mediaType string, raw []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s %s: %s: %s", method, path, resp.Status, body)
	}
}

// wantWords checks that err is something a person can act on.
func wantWords(t testing.TB, err error, code int, parts ...string) *fault.Error {
	t.Helper()
	f, ok := err.(*fault.Error)
	if !ok {
		t.Fatalf("got %v (%T), want a *fault.Error", err, err)
	}
	text := f.Error() + " | " + f.Hint.String()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q does not say %q", text, p)
		}
	}
	if f.Code != code {
		t.Errorf("exit code %d, want %d: %s", f.Code, code, text)
	}
	if f.Hint.IsZero() {
		t.Errorf("no hint: %s", text)
	}
	return f
}

// noTemps checks that nothing half-written is in the cache.
func noTemps(t testing.TB, c *Cache) {
	t.Helper()
	for _, f := range readDir(filepath.Join(c.dir, blobDir)) {
		if strings.HasPrefix(f.Name(), tempPrefix) {
			t.Errorf("%s stays behind", f.Name())
		}
	}
}
