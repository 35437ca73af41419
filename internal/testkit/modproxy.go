package testkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	modzip "golang.org/x/mod/zip"
)

// commitTime is the time every version was "committed" at.
var commitTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// ModProxy is a module proxy (https://go.dev/ref/mod#goproxy-protocol) and the
// checksum database that vouches for what it serves. Its methods may be called
// at any time, also while a go command is being served.
type ModProxy struct {
	URL   string
	SumDB *SumDB

	stop chan struct{} // closed when the test ends, so that no hanging reply outlives it

	mu       sync.Mutex
	versions map[module.Version]*modVersion
	faults   []fault
	requests []string
}

type modVersion struct {
	mod, zip []byte
	time     time.Time
}

// fault is how requests whose path contains part are answered: with status,
// or not at all while status is 0.
type fault struct {
	part   string
	status int
	left   int // how many more times; negative: always
}

// NewModProxy starts a module proxy that knows no module yet.
func NewModProxy(t testing.TB) *ModProxy {
	t.Helper()
	p := &ModProxy{versions: map[module.Version]*modVersion{}, stop: make(chan struct{})}
	p.SumDB = newSumDB(t)
	srv := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(func() { close(p.stop); srv.Close() })
	p.URL = srv.URL
	return p
}

// Env gives the settings of a go command, with fresh caches, that fetches from
// p and believes p's checksum database only.
func (p *ModProxy) Env(t testing.TB) []string {
	t.Helper()
	return append(GoDirs(t),
		"GOPROXY="+p.URL, "GOSUMDB="+p.SumDB.Setting(),
		"GOPRIVATE=", "GONOPROXY=", "GONOSUMDB=", "GOINSECURE=", "GOVCS=*:off",
		"GOENV=off", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local",
	)
}

// Add publishes a version and has the checksum database vouch for it. files
// are by name relative to the module's root; a go.mod is added if there is none.
func (p *ModProxy) Add(t testing.TB, mod, version string, files map[string]string) {
	t.Helper()
	gomod, zip := MakeZip(t, mod, version, files)
	p.SumDB.sign(t, module.Version{Path: mod, Version: version}, gomod, zip)
	p.AddRaw(mod, version, gomod, zip)
}

// AddRaw publishes bytes as they are; the checksum database learns nothing.
// Called for a version that Add published, it is an attacker at the proxy.
func (p *ModProxy) AddRaw(mod, version string, gomod, zip []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.versions[module.Version{Path: mod, Version: version}] = &modVersion{gomod, zip, commitTime}
}

// AddHostile publishes a zip that must be refused. The checksum database
// vouches for it if its bytes can be hashed at all, so that it is the zip
// itself that has to be refused.
func (p *ModProxy) AddHostile(t testing.TB, h HostileZip) {
	t.Helper()
	p.SumDB.sign(t, module.Version{Path: h.Module, Version: h.Version}, []byte(h.GoMod()), h.Zip)
	p.AddRaw(h.Module, h.Version, []byte(h.GoMod()), h.Zip)
}

// Fail answers the next n requests whose path contains part with status;
// n < 0 means all of them. Status 0 gives no answer until the client leaves.
func (p *ModProxy) Fail(part string, status, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, fault{part, status, n})
}

// Requests gives the paths asked for so far, in order.
func (p *ModProxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// MakeZip makes the go.mod and the zip of a well-formed module version.
func MakeZip(t testing.TB, mod, version string, files map[string]string) (gomod, zip []byte) {
	t.Helper()
	all := []modzip.File{}
	for name, content := range files {
		all = append(all, memFile{name, []byte(content)})
		if name == "go.mod" {
			gomod = []byte(content)
		}
	}
	if gomod == nil {
		gomod = []byte("module " + mod + "\n\ngo 1.26\n")
		all = append(all, memFile{"go.mod", gomod})
	}
	slices.SortFunc(all, func(a, b modzip.File) int { return strings.Compare(a.Path(), b.Path()) })
	var buf bytes.Buffer
	if err := modzip.Create(&buf, module.Version{Path: mod, Version: version}, all); err != nil {
		t.Fatalf("zip %s@%s: %v", mod, version, err)
	}
	return gomod, buf.Bytes()
}

func (p *ModProxy) serve(w http.ResponseWriter, r *http.Request) {
	if status, hit := p.note(r.URL.Path); hit {
		if status == 0 {
			select {
			case <-r.Context().Done():
			case <-p.stop:
			}
			return
		}
		http.Error(w, http.StatusText(status), status)
		return
	}
	body, err := p.answer(strings.TrimPrefix(r.URL.Path, "/"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		http.Error(w, "not found: "+err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		_, _ = w.Write(body) // a client that left is its own business
	}
}

// note records a request and gives the fault that applies to it.
func (p *ModProxy) note(path string) (status int, hit bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, path)
	for i := range p.faults {
		f := &p.faults[i]
		if f.left != 0 && strings.Contains(path, f.part) {
			f.left--
			return f.status, true
		}
	}
	return 0, false
}

func (p *ModProxy) answer(name string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if escaped, ok := strings.CutSuffix(name, "/@latest"); ok {
		mod, err := module.UnescapePath(escaped)
		if err != nil {
			return nil, err
		}
		vs := p.list(mod)
		if len(vs) == 0 {
			return nil, fmt.Errorf("%s: %w", mod, os.ErrNotExist)
		}
		return p.info(module.Version{Path: mod, Version: vs[len(vs)-1]})
	}
	escaped, file, ok := strings.Cut(name, "/@v/")
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, os.ErrNotExist)
	}
	mod, err := module.UnescapePath(escaped)
	if err != nil {
		return nil, err
	}
	if file == "list" {
		vs := p.list(mod)
		if len(vs) == 0 {
			return nil, fmt.Errorf("%s: %w", mod, os.ErrNotExist)
		}
		return []byte(strings.Join(vs, "\n") + "\n"), nil
	}
	ext := path.Ext(file)
	version, err := module.UnescapeVersion(strings.TrimSuffix(file, ext))
	if err != nil {
		return nil, err
	}
	mv := module.Version{Path: mod, Version: version}
	v := p.versions[mv]
	if v == nil {
		return nil, fmt.Errorf("%s: %w", mv, os.ErrNotExist)
	}
	switch ext {
	case ".info":
		return p.info(mv)
	case ".mod":
		return v.mod, nil
	case ".zip":
		return v.zip, nil
	}
	return nil, fmt.Errorf("%s: %w", name, os.ErrNotExist)
}

// list gives the versions of a module, oldest first.
func (p *ModProxy) list(mod string) []string {
	var vs []string
	for mv := range p.versions {
		if mv.Path == mod {
			vs = append(vs, mv.Version)
		}
	}
	semver.Sort(vs)
	return vs
}

func (p *ModProxy) info(mv module.Version) ([]byte, error) {
	return json.Marshal(struct {
		Version string
		Time    time.Time
	}{mv.Version, p.versions[mv].time})
}

// memFile is a file of a module that lies in memory.
type memFile struct {
	name string
	data []byte
}

func (f memFile) Path() string                 { return f.name }
func (f memFile) Lstat() (os.FileInfo, error)  { return memInfo{f}, nil }
func (f memFile) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.data)), nil }

type memInfo struct{ f memFile }

func (i memInfo) Name() string       { return path.Base(i.f.name) }
func (i memInfo) Size() int64        { return int64(len(i.f.data)) }
func (i memInfo) Mode() os.FileMode  { return 0o644 }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return false }
func (i memInfo) Sys() any           { return nil }
