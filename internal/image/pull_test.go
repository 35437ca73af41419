package image

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/testkit"
)

// baseOf fetches the base that ref names.
func baseOf(ctx context.Context, r Remote, ref string, p plan.Platform, c *Cache) (baseImage, error) {
	name, err := parseReference(ref)
	if err != nil {
		return baseImage{}, err
	}
	return (&puller{remote: r, name: name, cache: c}).base(ctx, p)
}

// pull fetches a base and checks that what came is what was pushed.
func (p pushed) pull(t *testing.T, r Remote, ref string, i int, c *Cache) baseImage {
	t.Helper()
	b, err := baseOf(t.Context(), r, ref, p.made[i].Platform, c)
	if err != nil {
		t.Fatalf("pull %s: %v", ref, err)
	}
	p.same(t, b, i, c)
	return b
}

func (p pushed) same(t *testing.T, b baseImage, i int, c *Cache) {
	t.Helper()
	want := p.made[i]
	if b.Digest != want.Manifest.Digest {
		t.Errorf("manifest %s, want %s", b.Digest, want.Manifest.Digest)
	}
	if b.Config.Architecture != want.Platform.Arch || len(b.Layers) != len(want.Layers) {
		t.Fatalf("got %+v", b)
	}
	for j, l := range b.Layers {
		w := want.Layers[j]
		if l.Digest != w.Digest || l.DiffID != w.DiffID || l.Size != w.Size || l.MediaType != w.MediaType {
			t.Errorf("layer %d: got %+v, want %+v", j, l, w)
		}
		if err := verifyFile(t.Context(), l.Path, w.Digest, w.Size); err != nil {
			t.Errorf("layer %d in the cache: %v", j, err)
		}
	}
	noTemps(t, c)
}

func TestPushedImageIsPulledUnchanged(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "team/app", 300<<10)
	c := openTestCache(t)
	for i := range p.made {
		b := p.pull(t, quick(), p.ref, i, c)
		if b.Layers[1].Reused || b.Layers[0].Reused != (i == 1) {
			t.Errorf("platform %d: reused %v, %v", i, b.Layers[0].Reused, b.Layers[1].Reused)
		}
	}
	// The shared layer was fetched once, and from now on nothing is.
	if n := reg.requests("GET", "/blobs/"+p.made[0].Layers[0].Digest); n != 1 {
		t.Errorf("the shared layer was fetched %d times", n)
	}
	reg.Close()
	offline := Remote{Offline: true}
	for i := range p.made {
		if b := p.pull(t, offline, p.ref, i, c); !b.Layers[0].Reused || !b.Layers[1].Reused {
			t.Error("not from the cache")
		}
		p.pull(t, offline, strings.Replace(p.ref, "@", ":v1@", 1), i, c) // a tag beside a digest says nothing
	}
	_, err := baseOf(t.Context(), offline, p.ref, amd64, openTestCache(t))
	wantWords(t, err, fault.Failed, "offline", reg.host)
	_, err = baseOf(t.Context(), offline, reg.host+"/team/app:v1", amd64, c)
	wantWords(t, err, fault.Usage, "not pinned")
}

func TestDamagedCacheIsHealed(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "app", 100)
	c := openTestCache(t)
	b := p.pull(t, quick(), p.ref, 0, c)
	spoil := func(digest string) {
		t.Helper()
		path, err := c.blobPath(digest)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)/2] ^= 1
		if err := os.WriteFile(path, raw, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	spoil(p.index.Digest)
	spoil(p.made[0].Manifest.Digest)
	spoil(p.made[0].Config.Digest)
	spoil(p.made[0].Layers[1].Digest)
	b, err := baseOf(t.Context(), quick(), p.ref, amd64, c)
	if err != nil {
		t.Fatal(err)
	}
	// Layers are checked when they are read, not each time they are named.
	if err := b.Layers[1].ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.same(t, b, 0, c)
}

func TestResolveReference(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "app", 10)
	digest, platforms, err := ResolveReference(t.Context(), quick(), reg.host+"/app:v1")
	if err != nil || digest != p.index.Digest || !slices.Equal(platforms, []plan.Platform{amd64, arm64}) {
		t.Errorf("got %s %v %v", digest, platforms, err)
	}
	one := p.made[1].Manifest.Digest
	digest, platforms, err = ResolveReference(t.Context(), quick(), reg.host+"/app@"+one)
	if err != nil || digest != one || !slices.Equal(platforms, []plan.Platform{arm64}) {
		t.Errorf("got %s %v %v", digest, platforms, err)
	}
	_, _, err = ResolveReference(t.Context(), quick(), reg.host+"/app") // latest
	wantWords(t, err, fault.Failed, "has no", reg.host+"/app")

	_, err = baseOf(t.Context(), quick(), reg.host+"/app:v1", amd64, openTestCache(t))
	wantWords(t, err, fault.Usage, reg.host+"/app:v1", "is not pinned", reg.host+"/app@"+p.index.Digest)
}

func TestBaseFromLayout(t *testing.T) {
	t.Parallel()
	p := pushed{}
	from := openTestCache(t)
	p.made = []Made{makeImage(t, from, amd64, 1000), makeImage(t, from, arm64, 1000)}
	dir := filepath.Join(t.TempDir(), "layout@home")
	ix, err := WriteLayout(t.Context(), dir, p.made, IndexMeta{RefNames: []string{"v1", "v2"}})
	if err != nil {
		t.Fatal(err)
	}
	offline := Remote{Offline: true}
	c := openTestCache(t)
	for i := range p.made {
		p.pull(t, offline, "oci:"+dir, i, c)
		p.pull(t, offline, "oci:"+dir+"@"+ix.Digest, i, openTestCache(t))
		p.pull(t, offline, "oci:"+dir+"@"+p.made[i].Manifest.Digest, i, openTestCache(t))
	}
	digest, platforms, err := ResolveReference(t.Context(), offline, "oci:"+dir)
	if err != nil || digest != ix.Digest || len(platforms) != 2 {
		t.Errorf("got %s %v %v", digest, platforms, err)
	}

	_, err = baseOf(t.Context(), offline, "oci:"+t.TempDir(), amd64, c)
	wantWords(t, err, fault.Usage, "is not an OCI layout")
	_, err = baseOf(t.Context(), offline, "oci:"+dir+"@"+someDigest, amd64, c)
	wantWords(t, err, fault.Failed, "not complete", "no such file")

	layer := filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(p.made[0].Layers[1].Digest, "sha256:"))
	if err := os.WriteFile(layer, noise("other", 1234), 0o666); err != nil {
		t.Fatal(err)
	}
	fresh := openTestCache(t)
	_, err = baseOf(t.Context(), offline, "oci:"+dir, amd64, fresh)
	wantWords(t, err, fault.Failed, "other bytes")
	noTemps(t, fresh)

	two := fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"digest":%q,"size":1},{"digest":%q,"size":1}]}`, ix.Digest, p.made[0].Manifest.Digest)
	if err := os.WriteFile(filepath.Join(dir, indexFile), []byte(two), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = baseOf(t.Context(), offline, "oci:"+dir, amd64, c)
	wantWords(t, err, fault.Usage, "several images", "oci:"+dir+"@"+ix.Digest)
}

// A layout is named relative to the project, wherever slipway was started.
func TestBaseFromLayoutOfTheProject(t *testing.T) {
	from := openTestCache(t)
	below := makeImage(t, from, amd64, 1000)
	job := aJob(t, openTestCache(t), "amd64", fullImage())
	ix, err := WriteLayout(t.Context(), filepath.Join(job.ProjectDir, "third_party", "base"), []Made{below}, IndexMeta{})
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, ref := range []string{"oci:third_party/base@" + ix.Digest, "oci:./third_party/../third_party/base"} {
		job.Target.Image.Base = plan.Base{Kind: plan.Reference, Ref: ref}
		made := assembledImage(t, job)
		if made.BaseDigest != below.Manifest.Digest || made.Layers[0].Digest != below.Layers[0].Digest {
			t.Errorf("%s: base %s, layers %+v", ref, made.BaseDigest, made.Layers)
		}
	}
}

// What is fetched is told while it is fetched, as one number that grows; what
// is in the cache already takes no time and is not told.
func TestProgressOfBase(t *testing.T) {
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "app", 3<<20)
	job := aJob(t, openTestCache(t), "amd64", fullImage())
	job.Target.Image.Base = plan.Base{Kind: plan.Reference, Ref: p.ref}
	job.Remote = quick()
	var told []int64
	job.Progress = func(stage string, n int64) {
		if stage == "base" {
			told = append(told, n)
		}
	}
	var want int64
	for _, l := range p.made[0].Layers {
		want += l.Size
	}
	assembledImage(t, job)
	if len(told) < 5 || !slices.IsSorted(told) || told[0] == want || told[len(told)-1] != want {
		t.Errorf("told %v of %d bytes", told, want)
	}
	told = nil
	assembledImage(t, job)
	if told != nil {
		t.Errorf("told %v of a cached base", told)
	}
}

func TestDockerMediaTypes(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "app", 5000)
	m := p.made[0]
	dockerize := func(d Descriptor, mediaType string) Descriptor {
		d.MediaType = mediaType
		return d
	}
	man := map[string]any{
		"schemaVersion": 2, "mediaType": dockerManifest,
		"config": dockerize(m.Config, "application/vnd.docker.container.image.v1+json"),
		"layers": []any{
			dockerize(m.Layers[0].Descriptor, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
			dockerize(m.Layers[1].Descriptor, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
		},
	}
	digest := reg.put(t, "app", "single", dockerManifest, man)
	raw, _ := json.Marshal(man)
	list := reg.put(t, "app", "list", dockerList, map[string]any{
		"schemaVersion": 2, "mediaType": dockerList,
		"manifests": []any{map[string]any{
			"mediaType": dockerManifest, "digest": digest, "size": len(raw),
			"platform": map[string]any{"os": "linux", "architecture": "amd64", "features": []string{"sse4"}},
		}},
	})
	p.made[0].Manifest.Digest = digest
	p.pull(t, quick(), reg.host+"/app@"+digest, 0, openTestCache(t))
	p.pull(t, quick(), reg.host+"/app@"+list, 0, openTestCache(t))

	_, err := baseOf(t.Context(), quick(), reg.host+"/app@"+digest, arm64, openTestCache(t))
	wantWords(t, err, fault.Usage, "not made for linux/arm64", "made for linux/amd64")
	_, err = baseOf(t.Context(), quick(), p.ref, plan.Platform{OS: "linux", Arch: "s390x"}, openTestCache(t))
	wantWords(t, err, fault.Usage, "not made for linux/s390x", "linux/amd64, linux/arm64")
}

// TestFaultsThatPass holds that what a registry or the network gets wrong for
// a moment does not fail a build.
func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	ranges := rewrite(func(h http.Header, b []byte) []byte { h.Set("Accept-Ranges", "bytes"); return b })
	for name, spoil := range map[string]func(*testRegistry, pushed){
		"500 twice on a manifest":      func(r *testRegistry, p pushed) { r.fault("GET", "/manifests/", 2, status(500)) },
		"503 twice on a blob":          func(r *testRegistry, p pushed) { r.fault("GET", "/blobs/", 2, status(503)) },
		"429 that is over":             func(r *testRegistry, p pushed) { r.fault("GET", "/manifests/", 3, status(429, "Retry-After", "0")) },
		"body cut":                     func(r *testRegistry, p pushed) { r.fault("GET", "/blobs/"+p.made[0].Layers[1].Digest, 2, cut(70000)) },
		"body cut before anything":     func(r *testRegistry, p pushed) { r.fault("GET", "/blobs/", 3, cut(0)) },
		"manifest cut":                 func(r *testRegistry, p pushed) { r.fault("GET", "/manifests/", 2, cut(20)) },
		"cut again far from the start": func(r *testRegistry, p pushed) { r.fault("GET", p.made[0].Layers[1].Digest, 3, cut(100)) },
		"cut with ranges": func(r *testRegistry, p pushed) {
			// Without a range it never gets beyond the same byte.
			r.fault("GET", p.made[0].Layers[1].Digest, 99, func(w http.ResponseWriter, req *http.Request, next http.Handler) {
				w.Header().Set("Accept-Ranges", "bytes")
				if req.Header.Get("Range") == "" {
					cut(50000)(w, req, next)
				}
				ranges(w, req, next)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := newTestRegistry(t)
			p := pushTwo(t, quick(), reg, "app", 200<<10)
			spoil(reg, p)
			p.pull(t, quick(), p.ref, 0, openTestCache(t))
		})
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "app", 10)
	reg.fault("GET", "/manifests/", 1, status(429, "Retry-After", "1"))
	start := time.Now()
	p.pull(t, quick(), p.ref, 0, openTestCache(t))
	if d := time.Since(start); d < time.Second {
		t.Errorf("came back after %s", d)
	}
	// Nobody waits for an hour.
	reg.fault("GET", "/manifests/", 1, status(429, "Retry-After", "3600"))
	_, err := baseOf(t.Context(), quick(), p.ref, amd64, openTestCache(t))
	wantWords(t, err, fault.Failed, "does not take more requests", "wait 1h0m0s")

	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"7": 7 * time.Second, "": 0, "-1": 0, "x": 0, "Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:05 GMT": 0,
	} {
		if got := retryAfter(v, now); got != want {
			t.Errorf("Retry-After %q: %s, want %s", v, got, want)
		}
	}
}

// TestFaultsThatStay holds that an answer that is wrong is refused with words,
// and that nothing of it is kept.
func TestFaultsThatStay(t *testing.T) {
	t.Parallel()
	flip := rewrite(func(_ http.Header, b []byte) []byte { b[len(b)/2] ^= 1; return b })
	html := func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<html>please log in</html>")
	}
	chunked := func(more string) func(http.ResponseWriter, *http.Request, http.Handler) {
		return rewrite(func(h http.Header, b []byte) []byte {
			h.Del("Content-Length")
			return append(b, strings.Repeat(more, 1<<20)...)
		})
	}
	for name, tc := range map[string]struct {
		method, path string
		do           func(http.ResponseWriter, *http.Request, http.Handler)
		want         []string
	}{
		"500 for good":            {"GET", "/manifests/", status(500), []string{"fault of its own", "500"}},
		"401":                     {"GET", "/manifests/", status(401), []string{"wants a login", "docker login HOST"}},
		"403":                     {"GET", "/manifests/", status(403), []string{"does not allow", "TEST: status 403"}},
		"404":                     {"GET", "/manifests/", status(404), []string{"has no HOST/app@sha256:"}},
		"404 blob":                {"GET", "/blobs/", status(404), []string{"has no HOST/app@sha256:"}},
		"429 for good":            {"GET", "/manifests/", status(429), []string{"does not take more requests"}},
		"418":                     {"GET", "/manifests/", status(418), []string{"refuses", "418"}},
		"page for a manifest":     {"GET", "/manifests/", html, []string{"web page"}},
		"page for a blob":         {"GET", "/blobs/", html, []string{"web page"}},
		"flipped manifest":        {"GET", "/manifests/", flip, []string{"other bytes"}},
		"flipped blob":            {"GET", "/blobs/", flip, []string{"other bytes"}},
		"too long, not announced": {"GET", "/blobs/", chunked("x"), []string{"other bytes"}},
		"too long, announced":     {"GET", "/blobs/", rewrite(func(h http.Header, b []byte) []byte { h.Del("Content-Length"); return append(b, 'x') }), []string{"makes no sense", "Content-Length"}},
		"short, not announced": {"GET", "/blobs/", rewrite(func(h http.Header, b []byte) []byte {
			h.Del("Content-Length")
			h.Set("Transfer-Encoding", "identity")
			return b[:1]
		}), []string{"HOST"}},
		"cut for good": {"GET", "/blobs/", cut(1), []string{"breaks off"}},
		"huge manifest": {"GET", "/manifests/", rewrite(func(h http.Header, b []byte) []byte {
			h.Del("Content-Length")
			return append(b, strings.Repeat(" ", 5<<20)...)
		}), []string{"HOST"}},
		"huge manifest, announced": {"GET", "/manifests/", rewrite(func(h http.Header, b []byte) []byte {
			h.Set("Content-Length", fmt.Sprint(len(b)+5<<20))
			return append(b, strings.Repeat(" ", 5<<20)...)
		}), []string{"more than 4 MiB"}},
		"wrong digest header": {"GET", "/manifests/", rewrite(func(h http.Header, b []byte) []byte { h.Set("Docker-Content-Digest", someDigest); return b }), []string{"makes no sense", "digest mismatch"}},
		"connection closed":   {"GET", "/manifests/", func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }, []string{"breaks off"}},
		"secret in the answer": {"GET", "/manifests/", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.WriteHeader(403)
			fmt.Fprint(w, `{"errors":[{"code":"DENIED","message":"see https://u:hunter2@x.example/?token=hunter2\n"}]}`)
		}, []string{"https://x.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := newTestRegistry(t)
			p := pushTwo(t, quick(), reg, "app", 20000)
			reg.forget()
			reg.fault(tc.method, tc.path, 1<<30, tc.do)
			c := openTestCache(t)
			_, err := baseOf(t.Context(), quick(), p.ref, amd64, c)
			for i := range tc.want {
				tc.want[i] = strings.ReplaceAll(tc.want[i], "HOST", reg.host)
			}
			f := wantWords(t, err, fault.Failed, tc.want...)
			if strings.Contains(f.Error(), "hunter2") {
				t.Errorf("a secret: %s", f.Error())
			}
			noTemps(t, c)
			// The same cache with a healthy registry.
			reg.forget()
			p.pull(t, quick(), p.ref, 0, c)
		})
	}
}

func TestUnusableImages(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "app", 10)
	m := p.made[0]
	conf := reg.put(t, "app", "", "", map[string]any{
		"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"type": "layers", "diff_ids": []string{someDigest}},
	})
	size := len(reg.blob(t, "app", conf))
	manifest := func(config Descriptor, layers ...Descriptor) map[string]any {
		return map[string]any{"schemaVersion": 2, "mediaType": MediaTypeManifest, "config": config, "layers": layers}
	}
	other := Descriptor{MediaType: MediaTypeConfig, Digest: conf, Size: int64(size)}
	for name, tc := range map[string]struct {
		mediaType string
		doc       any
		want      string
	}{
		"count":    {MediaTypeManifest, manifest(other, m.Layers[0].Descriptor, m.Layers[1].Descriptor), "has 2 layers, but its configuration names 1"},
		"foreign":  {MediaTypeManifest, manifest(m.Config, m.Layers[0].Descriptor, Descriptor{MediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Digest: m.Layers[1].Digest, Size: m.Layers[1].Size}), "rootfs.foreign"},
		"schema1":  {"application/vnd.docker.distribution.manifest.v1+json", map[string]any{"schemaVersion": 1, "fsLayers": []any{}}, "neither an image nor"},
		"no json":  {MediaTypeManifest, []byte("hello"), "cannot be read"},
		"artefact": {MediaTypeManifest, manifest(Descriptor{MediaType: "application/vnd.other+json", Digest: digestBytes([]byte("{}")), Size: 2}), "without a platform"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "artefact" {
				reg.put(t, "app", "", "", []byte("{}"))
			}
			raw, ok := tc.doc.([]byte)
			if !ok {
				raw, _ = json.Marshal(tc.doc)
			}
			digest := digestBytes(raw)
			// Straight past the registry, which would refuse some of them.
			reg.fault("GET", "/manifests/"+digest, 1, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
				w.Header().Set("Content-Type", tc.mediaType)
				_, _ = w.Write(raw)
			})
			c := openTestCache(t)
			_, err := baseOf(t.Context(), quick(), reg.host+"/app@"+digest, amd64, c)
			wantWords(t, err, fault.Failed, tc.want)
			noTemps(t, c)
		})
	}
}

func (r *testRegistry) blob(t testing.TB, repo, digest string) []byte {
	t.Helper()
	src, err := quick().source(reference{Host: r.host, Repo: repo})
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodHead, r.URL+"/v2/"+repo+"/blobs/"+digest, nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	raw, err := readSmall(t.Context(), src, reference{Host: r.host, Repo: repo}, Descriptor{Digest: digest, Size: resp.ContentLength})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	pull := func(r Remote, host string) error {
		_, err := baseOf(t.Context(), r, host+"/app@"+someDigest, amd64, openTestCache(t))
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := ln.Addr().String()
	_ = ln.Close()
	wantWords(t, pull(quick(), closed), fault.Failed, closed, "refused")

	// What the resolver says, without asking a real one.
	s := &session{ref: reference{Host: "registry.example", Repo: "app"}}
	unknown := &requestError{"GET", "https://registry.example/v2/", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "registry.example", IsNotFound: true}}}
	wantWords(t, s.explain(t.Context(), unknown), fault.Failed, "registry.example cannot be found", "no such host")
	if s.temporary(unknown) {
		t.Error("a name that does not exist is asked for again")
	}

	// A socket that takes connections and says nothing; a host that was never
	// heard of is not asked again.
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	short := quick()
	short.FirstByte = 50 * time.Millisecond
	wantWords(t, pull(short, mute.Addr().String()), fault.Failed, "does not answer", "50ms")

	tls := testkit.NewTLSServer(t, http.NotFoundHandler())
	host := strings.TrimPrefix(tls.URL, "https://")
	secure := quick()
	secure.PlainHTTP = func(string) bool { return false }
	wantWords(t, pull(secure, host), fault.Failed, "cannot be trusted", "authority")
	secure.Roots = tls.Roots
	wantWords(t, pull(secure, host), fault.Failed, "has no")

	reg := newTestRegistry(t)
	wantWords(t, pull(secure, reg.host), fault.Failed, "does not speak https")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := baseOf(ctx, quick(), reg.host+"/app@"+someDigest, amd64, openTestCache(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestStall(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "app", 200<<10)
	r := quick()
	r.FirstByte, r.Stall = 100*time.Millisecond, 100*time.Millisecond
	half := func(w http.ResponseWriter, req *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, req)
		w.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
		_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		<-req.Context().Done()
	}
	// The registry has answered before: a pause is one, and it is asked again.
	reg.fault("GET", "/blobs/"+p.made[0].Layers[1].Digest, 1, half)
	reg.fault("GET", "/blobs/", 1, hang)
	p.pull(t, r, p.ref, 0, openTestCache(t))

	r.Attempts = 2
	reg.fault("GET", "/blobs/"+p.made[0].Layers[1].Digest, 1<<30, half)
	_, err := baseOf(t.Context(), r, p.ref, amd64, openTestCache(t))
	wantWords(t, err, fault.Failed, "does not answer", "100ms")
}

// dockerConfig writes a config.json and gives its directory.
func dockerConfig(t testing.TB, config any) string {
	t.Helper()
	raw, ok := config.([]byte)
	if !ok {
		raw, _ = json.Marshal(config)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func login(host, user, password string) map[string]any {
	return map[string]any{"auths": map[string]any{host: map[string]any{
		"auth": base64.StdEncoding.EncodeToString([]byte(user + ":" + password)),
	}}}
}

const password = "hunter2-correct-horse"

func TestBasicLogin(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	guard := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if user, pw, ok := r.BasicAuth(); ok && user == "ann" && pw == password {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		// A server that repeats what it was told.
		_, pw, _ := r.BasicAuth()
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{
			"code": "UNAUTHORIZED", "message": "not " + pw + " " + r.Header.Get("Authorization"),
		}}})
	}
	reg.fault("", "/v2/", 1<<30, guard)
	r := quick()
	r.DockerConfig = dockerConfig(t, login(reg.host, "ann", password))
	p := pushTwo(t, r, reg, "private/app", 1000)
	p.pull(t, r, p.ref, 1, openTestCache(t))

	_, err := baseOf(t.Context(), quick(), p.ref, amd64, openTestCache(t))
	wantWords(t, err, fault.Failed, "wants a login", "docker login "+reg.host)
	r.DockerConfig = dockerConfig(t, login(reg.host, "ann", "wrong-"+password))
	_, err = baseOf(t.Context(), r, p.ref, amd64, openTestCache(t))
	f := wantWords(t, err, fault.Failed, "does not accept the login")
	if strings.Contains(f.Error(), password) || strings.Contains(f.Error(), base64.StdEncoding.EncodeToString([]byte("ann:wrong-"+password))) {
		t.Errorf("a secret: %s", f.Error())
	}

	r.DockerConfig = t.TempDir() // without a config.json
	_, err = baseOf(t.Context(), r, p.ref, amd64, openTestCache(t))
	wantWords(t, err, fault.Failed, "wants a login")
	r.DockerConfig = dockerConfig(t, []byte(`{"auths": 5`))
	_, err = baseOf(t.Context(), r, p.ref, amd64, openTestCache(t))
	if f := wantWords(t, err, fault.Usage, "cannot be read"); f.Pos.File == "" {
		t.Error("no file named")
	}
	r.DockerConfig = dockerConfig(t, map[string]any{"credHelpers": map[string]any{reg.host: "slipway-has-no-such-helper"}})
	_, err = baseOf(t.Context(), r, p.ref, amd64, openTestCache(t))
	wantWords(t, err, fault.Failed, "credentials", "docker-credential-slipway-has-no-such-helper")
}

func TestTokenLogin(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, pw, ok := r.BasicAuth()
		if ok && (user != "ann" || pw != password) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"errors":[{"code":"UNAUTHORIZED","message":"bad %s"}]}`, "credentials")
			return
		}
		// The token says what it is good for.
		scope := strings.Join(r.URL.Query()["scope"], " ")
		if !ok {
			scope = "anonymous"
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"token": base64.RawURLEncoding.EncodeToString([]byte("slipway " + scope)), "expires_in": 60})
	}))
	t.Cleanup(tokens.Close)
	reg.fault("", "/v2/", 1<<30, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		action := "pull"
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			action = "push"
		}
		raw, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if s := string(raw); strings.HasPrefix(s, "slipway ") && strings.Contains(s, "repository:app:") && strings.Contains(s, action) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test",scope="repository:app:%s"`, tokens.URL, action))
		status(http.StatusUnauthorized)(w, r, next)
	})
	r := quick()
	r.DockerConfig = dockerConfig(t, login(reg.host, "ann", password))
	p := pushTwo(t, r, reg, "app", 50000)
	p.pull(t, r, p.ref, 0, openTestCache(t))

	_, err := baseOf(t.Context(), quick(), p.ref, amd64, openTestCache(t))
	wantWords(t, err, fault.Failed, "wants a login")
	r.DockerConfig = dockerConfig(t, login(reg.host, "ann", "wrong"))
	_, err = baseOf(t.Context(), r, p.ref, amd64, openTestCache(t))
	wantWords(t, err, fault.Failed, "does not accept the login")
}
