package source_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
	modzip "golang.org/x/mod/zip"

	"github.com/slipway-build/slipway/internal/gotool"
)

// proxy is a module proxy and a checksum database on the loopback.
type proxy struct {
	t     *testing.T
	srv   *httptest.Server
	sums  *httptest.Server
	vkey  string
	mu    sync.Mutex
	files map[string][]byte           // by path below the root
	lists map[string][]string         // versions by escaped module path
	hash  map[string]string           // what the checksum database says, by path@version
	fault map[string]http.HandlerFunc // by path prefix; stands in for the answer
	asked []string
}

const commitTime = "2026-03-04T05:06:07Z"

func newProxy(t *testing.T) *proxy {
	p := &proxy{t: t, files: map[string][]byte{}, lists: map[string][]string{}, hash: map[string]string{}, fault: map[string]http.HandlerFunc{}}
	p.srv = httptest.NewServer(p)
	skey, vkey, err := note.GenerateKey(nil, "sums.example")
	if err != nil {
		t.Fatal(err)
	}
	p.vkey = vkey
	p.sums = httptest.NewServer(sumdb.NewServer(sumdb.NewTestServer(skey, p.goSum)))
	t.Cleanup(func() { p.srv.Close(); p.sums.Close() })
	return p
}

func (p *proxy) goSum(path, version string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.hash[path+"@"+version]
	if !ok {
		return nil, os.ErrNotExist
	}
	mod := p.files[esc(path)+"/@v/"+version+".mod"]
	return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, version, h, path, version, hashMod(mod)), nil
}

func hashMod(b []byte) string {
	zb := zipOf(map[string]string{"go.mod": string(b)})
	h, err := hashZipBytes(zb)
	if err != nil {
		panic(err)
	}
	return h
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	p.mu.Lock()
	p.asked = append(p.asked, name)
	var broken http.HandlerFunc
	for prefix, h := range p.fault {
		if strings.HasPrefix(name, prefix) {
			broken = h
		}
	}
	body, ok := p.files[name]
	if path, isList := strings.CutSuffix(name, "/@v/list"); isList && p.lists[path] != nil {
		body, ok = []byte(strings.Join(p.lists[path], "\n")+"\n"), true
	}
	p.mu.Unlock()
	switch {
	case broken != nil:
		broken(w, r)
	case !ok:
		http.Error(w, "not found: "+name, http.StatusNotFound)
	default:
		w.Write(body)
	}
}

func esc(path string) string {
	s, err := module.EscapePath(path)
	if err != nil {
		panic(err)
	}
	return s
}

// add publishes a module version with these files and gives its h1: hash.
func (p *proxy) add(path, version string, files map[string]string) string {
	p.t.Helper()
	dir := p.t.TempDir()
	for name, body := range files {
		write(p.t, filepath.Join(dir, name), body)
	}
	var buf bytes.Buffer
	if err := modzip.CreateFromDir(&buf, module.Version{Path: path, Version: version}, dir); err != nil {
		p.t.Fatal(err)
	}
	return p.addZip(path, version, files["go.mod"], buf.Bytes())
}

// addZip publishes whatever is in zip.
func (p *proxy) addZip(path, version, mod string, zip []byte) string {
	p.t.Helper()
	h, err := hashZipBytes(zip)
	if err != nil {
		h = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	base := esc(path) + "/@v/"
	p.files[base+version+".info"] = fmt.Appendf(nil, `{"Version":%q,"Time":%q,"Origin":{"VCS":"git","URL":"https://tok@%s","Hash":"%040d"}}`, version, commitTime, path, 7)
	p.files[base+version+".mod"] = []byte(mod)
	p.files[base+version+".zip"] = zip
	if !module.IsPseudoVersion(version) {
		p.lists[esc(path)] = append(p.lists[esc(path)], version)
	}
	p.hash[path+"@"+version] = h
	return h
}

func hashZipBytes(b []byte) (string, error) {
	f, err := os.CreateTemp("", "zip")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return "", err
	}
	return dirhash.HashZip(f.Name(), dirhash.Hash1)
}

func zipOf(files map[string]string) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, body := range files {
		f, err := w.Create(name)
		if err != nil {
			panic(err)
		}
		f.Write([]byte(body))
	}
	w.Close()
	return buf.Bytes()
}

// environ is the environment of a user of this proxy, with caches of their own.
func (p *proxy) environ(more ...string) []string {
	home := p.t.TempDir()
	return append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"GOPATH=" + filepath.Join(home, "go"),
		"GOMODCACHE=" + filepath.Join(home, "mod"),
		"GOCACHE=" + filepath.Join(home, "cache"),
		"GOENV=off",
		"GOTOOLCHAIN=local",
		"GOPROXY=" + p.srv.URL,
		"GOSUMDB=" + p.vkey + " " + p.sums.URL,
		"GOFLAGS=-modcacherw",
	}, more...)
}

func findGo(t *testing.T, env []string) *gotool.Go {
	t.Helper()
	g, err := gotool.Find(context.Background(), env, "")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func write(t *testing.T, name, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}
