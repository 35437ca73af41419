package osv

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
)

// upstream is a real server of the layout of the Go vulnerability database.
type upstream struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
	asked []string // "path status"
}

func newUpstream(t *testing.T, files map[string]string) *upstream {
	u := &upstream{files: files}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		defer u.mu.Unlock()
		name := strings.TrimPrefix(r.URL.Path, "/db/")
		text, ok := u.files[name]
		status := "200"
		switch tag := `"` + text[:min(len(text), 1)] + `-` + string(rune('a'+len(text)%26)) + `"`; {
		case !ok:
			status = "404"
			w.WriteHeader(http.StatusNotFound)
		case r.Header.Get("If-None-Match") == tag:
			status = "304"
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("ETag", tag)
			w.Write([]byte(text))
		}
		u.asked = append(u.asked, name+" "+status)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) log() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := strings.Join(u.asked, ", ")
	u.asked = nil
	return s
}

func TestServerAndCache(t *testing.T) {
	u := newUpstream(t, map[string]string{"index/modules.json": oneModule, "ID/GO-1.json": document("GO-1", "example.com/a", "m1")})
	o := Options{Cache: t.TempDir()}
	mods := []string{"example.com/a"}
	want := []facts.Advisory{wantAdvisory("GO-1", "example.com/a")}
	read := func(what, asked string) {
		t.Helper()
		got, err := Read(t.Context(), u.URL+"/db/", mods, o)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %+v, %v", what, got, err)
		}
		if log := u.log(); log != asked {
			t.Errorf("%s: asked %q, want %q", what, log, asked)
		}
	}
	read("the first time", "index/modules.json 200, ID/GO-1.json 200")
	read("unchanged", "index/modules.json 304")
	u.files["index/modules.json"] = strings.Replace(oneModule, "m1", "m10", 1)
	u.files["ID/GO-1.json"] = document("GO-1", "example.com/a", "m10")
	read("changed", "index/modules.json 200, ID/GO-1.json 200")

	// What was kept is broken: it is asked for again.
	kept, err := filepath.Glob(filepath.Join(o.Cache, "*", "*"))
	if err != nil || len(kept) != 2 {
		t.Fatalf("kept: %v, %v", kept, err)
	}
	for _, f := range kept {
		if err := os.WriteFile(f, []byte("\"x\"\n{half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read("a broken cache", "index/modules.json 200, ID/GO-1.json 200")

	o.Offline = true
	read("offline", "")
	u.Close()
	read("offline without a server", "")
	o.Offline = false
	if got, err := Read(t.Context(), u.URL+"/db", mods, o); err == nil || got != nil || fault.ExitCode(err) != fault.Failed {
		t.Errorf("an outage: %v, %v", got, err)
	}
	if _, err := Read(t.Context(), u.URL+"/db", mods, Options{Offline: true}); !errors.Is(err, ErrOffline) {
		t.Errorf("offline, nothing kept: %v", err)
	}
}

// TestOutageIsNeverNothingKnown: whatever a server does instead of answering,
// it is an error.
func TestOutageIsNeverNothingKnown(t *testing.T) {
	doc := document("GO-1", "example.com/a", "m1")
	for name, h := range map[string]http.HandlerFunc{
		"500":       func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"404":       http.NotFound,
		"login":     func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<html>Please log in")) },
		"empty":     func(w http.ResponseWriter, r *http.Request) {},
		"null":      func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("null")) },
		"no module": func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("[]")) },
		"cut short": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte(oneModule))
		},
		"a loop":      func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"unasked 304": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotModified) },
		"an entry is gone": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "modules.json") {
				w.Write([]byte(oneModule))
				return
			}
			http.NotFound(w, r)
		},
		"an entry is broken": func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "modules.json") {
				w.Write([]byte(oneModule))
				return
			}
			w.Write([]byte(doc[:100]))
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(h)
			defer srv.Close()
			got, err := Read(t.Context(), srv.URL, []string{"example.com/a"}, Options{Cache: t.TempDir()})
			if err == nil || got != nil || fault.ExitCode(err) != fault.Failed {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestSlowServer(t *testing.T) {
	stop := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(stop)
	s := newServer(srv.URL, Options{})
	s.client.Timeout = 50 * time.Millisecond
	_, err := s.read(t.Context(), []string{"example.com/a"})
	if err == nil || !strings.Contains(err.Error(), "does not answer in time") {
		t.Errorf("got %v", err)
	}
}

func TestPasswordIsNotShown(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	u := strings.Replace(srv.URL, "http://", "http://bob:geheim@", 1)
	_, err := Read(t.Context(), u, nil, Options{})
	srv.Close()
	_, err2 := Read(t.Context(), u, nil, Options{})
	for _, e := range []error{err, err2} {
		if e == nil || strings.Contains(e.Error(), "geheim") {
			t.Errorf("got %v", e)
		}
	}
}

// TestNoWayDownFromHTTPS: who listens on the way could say that nothing is
// known.
func TestNoWayDownFromHTTPS(t *testing.T) {
	plain := newUpstream(t, map[string]string{"index/modules.json": oneModule, "ID/GO-1.json": document("GO-1", "example.com/a", "m1")})
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+"/db"+r.URL.Path, http.StatusFound)
	}))
	defer srv.Close()
	s := newServer(srv.URL, Options{})
	s.client.Transport = srv.Client().Transport
	if _, err := s.read(t.Context(), []string{"example.com/a"}); err == nil || !strings.Contains(err.Error(), "redirected from https to http") {
		t.Errorf("got %v", err)
	}
}
