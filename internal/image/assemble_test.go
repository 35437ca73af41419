package image

import (
	"archive/tar"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/plan"
)

func fullImage() *plan.Image {
	return &plan.Image{
		Base: plan.Base{Kind: plan.Assembled, Roots: true, Zones: true, Users: true, Temp: true, Home: true},
		User: "65532:65532", Entrypoint: []string{"/usr/bin/orders"}, Cmd: []string{"serve"}, Env: []string{"A=1"},
		Workdir: "/", Ports: []string{"8080/tcp"}, Labels: map[string]string{"l": "<&>"},
		Annotations: map[string]string{"org.opencontainers.image.title": "orders"}, StopSignal: "SIGINT",
		Healthcheck: &plan.Healthcheck{Cmd: []string{"/usr/bin/orders", "health"}, Interval: 5e9, Retries: 2},
		Files:       []plan.File{{From: "seed.db", To: "/tmp/seed.db"}, {From: "seed.db", To: "/home/nonroot/.seed"}},
		BinDir:      "/usr/bin", Compression: "gzip", Created: when.Unix(),
	}
}

// aJob makes a job with two small programs. They need not run here.
func aJob(t testing.TB, cache *Cache, arch string, img *plan.Image) Job {
	t.Helper()
	dir := project(t, map[string]string{"seed.db": "seed", "bin/orders": "\x7fELF orders " + arch, "bin/tool": "\x7fELF tool " + arch})
	job := Job{
		Target:     plan.Target{Platform: plan.Platform{OS: "linux", Arch: arch}, Image: img},
		ProjectDir: dir, Zoneinfo: zoneinfo, Cache: cache,
	}
	for _, name := range []string{"orders", "tool"} {
		path := filepath.Join(dir, "bin", name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bin := plan.Binary{Name: name}
		job.Target.Binaries = append(job.Target.Binaries, bin)
		job.Programs = append(job.Programs, Program{Binary: bin, Path: path, Digest: digestBytes(b), Size: int64(len(b))})
	}
	return job
}

func assembledImage(t testing.TB, job Job) Made {
	t.Helper()
	made, err := Assemble(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func entriesIn(t testing.TB, l Layer) map[string]*tar.Header {
	t.Helper()
	r, err := unpack(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := map[string]*tar.Header{}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out["/"+h.Name] = h
	}
}

func TestAssemble(t *testing.T) {
	job := aJob(t, openTestCache(t), "amd64", fullImage())
	var stages []int64
	job.Progress = func(stage string, n int64) {
		if stage != "layer" || len(stages) > 0 && n < stages[len(stages)-1] {
			t.Errorf("stage %s: %d after %v", stage, n, stages)
		}
		stages = append(stages, n)
	}
	made := assembledImage(t, job)

	var titles []string
	var raw, size int64
	for _, l := range made.Layers {
		titles = append(titles, l.Title)
		raw += l.RawSize
		size += l.Size
	}
	if !slices.Equal(titles, []string{"base", "programs", "files"}) || made.Size != size+made.Config.Size || stages[len(stages)-1] != raw {
		t.Errorf("layers %v, size %d, progress ended at %d of %d", titles, made.Size, stages[len(stages)-1], raw)
	}
	base, progs, files := entriesIn(t, made.Layers[0]), entriesIn(t, made.Layers[1]), entriesIn(t, made.Layers[2])
	for _, want := range []struct {
		in   map[string]*tar.Header
		path string
		mode int64
		id   int
	}{
		{base, "/etc/ssl/certs/ca-certificates.crt", 0o644, 0},
		{base, "/usr/share/zoneinfo/Asia/Shanghai", 0o644, 0},
		{base, "/etc/passwd", 0o644, 0}, {base, "/etc/group", 0o644, 0},
		{base, "/tmp/", 0o1777, 0}, {base, "/home/", 0o755, 0}, {base, "/home/nonroot/", 0o700, 65532},
		{progs, "/usr/bin/orders", 0o755, 0}, {progs, "/usr/bin/tool", 0o755, 0}, {progs, "/usr/bin/", 0o755, 0},
		// What lies below a directory of the base leaves it as it is.
		{files, "/tmp/", 0o1777, 0}, {files, "/home/nonroot/", 0o700, 65532},
		{files, "/tmp/seed.db", 0o644, 0}, {files, "/home/nonroot/.seed", 0o644, 0},
	} {
		h := want.in[want.path]
		if h == nil || h.Mode != want.mode || h.Uid != want.id || h.Gid != want.id {
			t.Errorf("%s: %+v, want %o %d", want.path, h, want.mode, want.id)
		}
	}
	if base["/etc/nsswitch.conf"] != nil || len(progs) != 4 {
		t.Errorf("more than asked for: %v", slices.Sorted(maps.Keys(progs)))
	}

	const config = `{"architecture":"amd64","config":{"Cmd":["serve"],"Entrypoint":["/usr/bin/orders"],"Env":["A=1"],` +
		`"ExposedPorts":{"8080/tcp":{}},"Healthcheck":{"Interval":5000000000,"Retries":2,"Test":["CMD","/usr/bin/orders","health"]},` +
		`"Labels":{"l":"<&>"},"StopSignal":"SIGINT","User":"65532:65532","WorkingDir":"/"},"created":"2023-11-14T22:13:20Z",` +
		`"history":[{"created":"2023-11-14T22:13:20Z","created_by":"slipway base"},{"created":"2023-11-14T22:13:20Z","created_by":"slipway programs"},` +
		`{"created":"2023-11-14T22:13:20Z","created_by":"slipway files"}],"os":"linux","rootfs":{"diff_ids":["D0","D1","D2"],"type":"layers"}}`
	want := config
	for i, l := range made.Layers {
		want = strings.Replace(want, "D"+string(rune('0'+i)), l.DiffID, 1)
	}
	if got := string(made.Raw[made.Config.Digest]); got != want {
		t.Errorf("configuration:\n%s\nwant:\n%s", got, want)
	}
	var m manifest
	if err := json.Unmarshal(made.Raw[made.Manifest.Digest], &m); err != nil {
		t.Fatal(err)
	}
	if m.MediaType != MediaTypeManifest || m.SchemaVersion != 2 || !reflect.DeepEqual(m.Config, made.Config) || len(m.Layers) != 3 ||
		!reflect.DeepEqual(m.Layers[1], made.Layers[1].Descriptor) || m.Annotations["org.opencontainers.image.title"] != "orders" {
		t.Errorf("manifest %s", made.Raw[made.Manifest.Digest])
	}
}

// Neither the directory, the umask, the cache nor the number of processors
// changes an image.
func TestAssembleIsReproducible(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want Made
	for i, compression := range []string{"gzip", "gzip", "zstd", "zstd"} {
		runtime.GOMAXPROCS(i%2 + 1)
		img := fullImage()
		img.Compression = compression
		cache := openTestCache(t)
		made := assembledImage(t, aJob(t, cache, "arm64", img))
		if i%2 == 1 && made.Manifest.Digest != want.Manifest.Digest {
			t.Errorf("%s: %s, then %s", compression, want.Manifest.Digest, made.Manifest.Digest)
		}
		want = made
		again := assembledImage(t, aJob(t, cache, "arm64", img))
		if again.Manifest.Digest != made.Manifest.Digest || slices.ContainsFunc(again.Layers, func(l Layer) bool { return !l.Reused }) {
			t.Errorf("%s from the cache: %s, want %s; reused %v", compression, again.Manifest.Digest, made.Manifest.Digest, again.Layers)
		}
	}
}

func TestAssembleOnlyWhatIsAskedFor(t *testing.T) {
	img := fullImage()
	img.Base, img.Files = plan.Base{Kind: plan.Assembled}, nil
	made := assembledImage(t, aJob(t, openTestCache(t), "amd64", img))
	if len(made.Layers) != 1 || made.Layers[0].Title != "programs" {
		t.Errorf("layers %+v", made.Layers)
	}
}

func TestAssembleRefuses(t *testing.T) {
	cache := openTestCache(t)
	job := aJob(t, cache, "amd64", fullImage())
	job.Target.Platform.OS = "windows"
	_, err := Assemble(t.Context(), job)
	wantFault(t, err, "image.os", fault.Usage)

	job = aJob(t, cache, "amd64", fullImage())
	job.Target.Image.Base.Kind = "magic"
	_, err = Assemble(t.Context(), job)
	wantFault(t, err, "image.base.kind", fault.Usage)

	job = aJob(t, cache, "amd64", fullImage())
	if err := os.WriteFile(job.Programs[0].Path, []byte("\x7fELF ordexs amd64"), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = Assemble(t.Context(), job)
	wantFault(t, err, "image.bytes", fault.Failed)

	job.Programs = job.Programs[:1]
	if _, err := Assemble(t.Context(), job); err == nil {
		t.Error("one program for two binaries")
	}
}

// baseLayout makes a layout to be used as a reference base: one whose /bin is
// a link, and whose /tmp has its own permissions.
func baseLayout(t *testing.T, compression string) string {
	t.Helper()
	cache := openTestCache(t)
	p := plan.Platform{OS: "linux", Arch: "amd64"}
	var layers []Layer
	for i, entries := range [][]Entry{
		{{Path: "/usr/bin", Mode: 0o755, Dir: true}, {Path: "/bin", Mode: 0o777, Link: "usr/bin"}, {Path: "/tmp", Mode: 0o1777, Dir: true}},
		{memFile("/etc/os-release", []byte("ID=test\n"))},
	} {
		l := madeLayer(t, cache, LayerSpec{Title: "base", Entries: entries, Created: when}, compression)
		l.Title = []string{"rootfs", "release"}[i]
		layers = append(layers, l)
	}
	config := configure(configFile{Author: "someone", Config: containerConfig{
		Env: []string{"PATH=/usr/bin", "A=0"}, Cmd: []string{"sh"}, Labels: map[string]string{"base": "yes"}, User: "7:7",
		Volumes: map[string]struct{}{"/data": {}}, WorkingDir: "/base", Shell: []string{"/bin/sh", "-c"},
	}}, 0, &plan.Image{Created: 1}, p, layers)
	config.History = config.History[:1] // shorter than the layers, as some builders leave it
	made, err := finish(p, config, layers, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "base")
	if _, err := WriteLayout(t.Context(), dir, []Made{made}, IndexMeta{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAssembleOverAReference(t *testing.T) {
	for _, compression := range []string{"gzip", "zstd"} {
		dir := baseLayout(t, compression)
		img := fullImage()
		img.Base = plan.Base{Kind: plan.Reference, Ref: "oci:" + dir}
		img.BinDir, img.User, img.Workdir = "/bin", "", ""
		cache := openTestCache(t)
		made := assembledImage(t, aJob(t, cache, "amd64", img))
		if len(made.Layers) != 4 || made.BaseDigest == "" {
			t.Fatalf("layers %+v over %s", made.Layers, made.BaseDigest)
		}
		if progs := entriesIn(t, made.Layers[2]); progs["/usr/bin/orders"] == nil || progs["/bin/"] != nil {
			t.Errorf("the link /bin of the base is hidden: %v", slices.Sorted(maps.Keys(progs)))
		}
		if files := entriesIn(t, made.Layers[3]); files["/tmp/"] == nil || files["/tmp/"].Mode != 0o1777 {
			t.Errorf("/tmp of the base has changed: %+v", files["/tmp/"])
		}
		var c configFile
		if err := json.Unmarshal(made.Raw[made.Config.Digest], &c); err != nil {
			t.Fatal(err)
		}
		r := c.Config
		if !slices.Equal(r.Env, []string{"PATH=/usr/bin", "A=1"}) || !slices.Equal(r.Cmd, []string{"serve"}) || r.User != "7:7" ||
			r.Labels["base"] != "yes" || r.Labels["l"] == "" || r.WorkingDir != "/base" || len(r.Volumes) != 1 || len(r.Shell) != 2 {
			t.Errorf("configuration %+v", r)
		}
		if len(c.RootFS.DiffIDs) != 4 || len(c.History) != 4 || c.History[0].CreatedBy != "slipway rootfs" || c.History[3].CreatedBy != "slipway files" {
			t.Errorf("diffIDs %v, history %+v", c.RootFS.DiffIDs, c.History)
		}
		var m manifest
		if err := json.Unmarshal(made.Raw[made.Manifest.Digest], &m); err != nil {
			t.Fatal(err)
		}
		if m.Annotations[annotationBaseDigest] != made.BaseDigest || m.Annotations[annotationBaseName] != "" || img.Annotations[annotationBaseDigest] != "" {
			t.Errorf("annotations %v; those of the plan %v", m.Annotations, img.Annotations)
		}
		again := assembledImage(t, aJob(t, cache, "amd64", img))
		if again.Manifest.Digest != made.Manifest.Digest {
			t.Error("another digest the second time")
		}
	}
}
