package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/testkit"
)

// untar reads a whole archive, and checks that its headers say nothing of
// this machine.
func untar(t testing.TB, r io.Reader) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(time.Unix(0, 0)) || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%+v", h)
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if out[h.Name] != nil {
			t.Errorf("%s is in it twice", h.Name)
		}
		if h.Typeflag == tar.TypeReg {
			out[h.Name] = &fstest.MapFile{Data: b}
		}
	}
}

func TestOCIArchive(t *testing.T) {
	made := twoPlatforms(t, openTestCache(t), "gzip")
	meta := IndexMeta{RefNames: []string{"orders:v1"}}
	var bytesOf [][]byte
	for range 2 {
		path := filepath.Join(t.TempDir(), "orders.tar")
		if err := WriteOCIArchive(t.Context(), path, made, meta); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bytesOf = append(bytesOf, b)
	}
	if !bytes.Equal(bytesOf[0], bytesOf[1]) {
		t.Error("two archives of the same images differ")
	}
	files := walkLayout(t, untar(t, bytes.NewReader(bytesOf[0])))

	dir := t.TempDir()
	if _, err := WriteLayout(t.Context(), dir, made, meta); err != nil {
		t.Fatal(err)
	}
	if layout := walkLayout(t, os.DirFS(dir)); !maps.EqualFunc(files, layout, bytes.Equal) {
		t.Errorf("the archive holds %v, the layout %v", slices.Sorted(maps.Keys(files)), slices.Sorted(maps.Keys(layout)))
	}
}

// What a killed run left of this archive goes, and nothing else.
func TestOCIArchiveTidiesUp(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "orders.tar")
	temp, err := newTempOf(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := temp.Close(); err != nil {
		t.Fatal(err)
	}
	others := []string{tempPrefix + "orders.tar-notes", tempPrefix + "x.tar-0123456789abcdef", "orders.tar-1"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteOCIArchive(t.Context(), path, twoPlatforms(t, openTestCache(t), "gzip"), IndexMeta{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(temp.Name()); err == nil {
		t.Error("what was left is still there")
	}
	if n := len(readDir(dir)); n != len(others)+1 {
		t.Errorf("%d files, want %d", n, len(others)+1)
	}
}

func TestOCIArchiveThatFailsLeavesNothing(t *testing.T) {
	made := twoPlatforms(t, openTestCache(t), "gzip")
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WriteOCIArchive(ctx, filepath.Join(dir, "a.tar"), made, IndexMeta{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	wantFault(t, WriteOCIArchive(t.Context(), filepath.Join(dir, "none", "a.tar"), made, IndexMeta{}), "image.archive", fault.Failed)
	if list := readDir(dir); len(list) != 0 {
		t.Errorf("left behind: %v", list)
	}
}

// Blobs damaged in the cache are made again before the first byte is written.
func TestArchivesHealTheCache(t *testing.T) {
	made := twoPlatforms(t, openTestCache(t), "gzip")
	damage := func() {
		for _, l := range made[0].Layers {
			if err := os.Truncate(l.Path, l.Size/2); err != nil {
				t.Fatal(err)
			}
		}
	}
	damage()
	path := filepath.Join(t.TempDir(), "orders.tar")
	if err := WriteOCIArchive(t.Context(), path, made, IndexMeta{}); err != nil {
		t.Fatal(err)
	}
	damage()
	if err := WriteDockerArchive(t.Context(), io.Discard, made, nil); err != nil {
		t.Fatal(err)
	}
}

func TestDockerArchive(t *testing.T) {
	for _, compression := range []string{"gzip", "zstd"} {
		cache := openTestCache(t)
		made := twoPlatforms(t, cache, compression)
		// As a layer of a reference base, whose size nobody has told us.
		made[0].Layers = slices.Clone(made[0].Layers)
		made[0].Layers[0].RawSize = 0
		var out bytes.Buffer
		if err := WriteDockerArchive(t.Context(), &out, made, []string{"orders:v1"}); err != nil {
			t.Fatal(err)
		}
		files := untar(t, &out)
		var entries []dockerEntry
		if err := json.Unmarshal(files["manifest.json"].Data, &entries); err != nil {
			t.Fatal(err)
		}
		used := map[string]bool{"manifest.json": true}
		for i, e := range entries {
			if want := [][]string{{"orders:v1"}, {"orders:v1-linux-arm64"}}[i]; !slices.Equal(e.RepoTags, want) {
				t.Errorf("tags %v, want %v", e.RepoTags, want)
			}
			used[e.Config] = true
			if files[e.Config] == nil || digestBytes(files[e.Config].Data) != made[i].Config.Digest {
				t.Errorf("configuration %s", e.Config)
			}
			for n, name := range e.Layers {
				used[name] = true
				l := made[i].Layers[n]
				if gz := strings.HasSuffix(name, ".tar.gz"); gz != (compression == "gzip") || files[name] == nil {
					t.Fatalf("layer %s", name)
				}
				want := l.Digest
				if compression == "zstd" {
					want = l.DiffID // Docker 20.10 reads no zstd
				}
				if got := digestBytes(files[name].Data); got != want {
					t.Errorf("%s has digest %s, want %s", name, got, want)
				}
			}
		}
		if len(entries) != 2 || len(used) != len(files) {
			t.Errorf("%d images; %d files, of which %d are used", len(entries), len(files), len(used))
		}
	}
}

// The program that looks at its image from inside.
const insider = `package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/user"
	"time"
)

func main() {
	pool, err := x509.SystemCertPool()
	fmt.Println(err, !pool.Equal(x509.NewCertPool()))
	_, err = time.LoadLocation("Asia/Shanghai")
	fmt.Println(err)
	f, err := os.CreateTemp("", "")
	fmt.Println(err, f != nil)
	u, err := user.Current()
	fmt.Println(err, u.Username, u.HomeDir)
	fmt.Println(os.WriteFile(u.HomeDir+"/mine", nil, 0o600))
	b, err := os.ReadFile("/tmp/seed.db")
	fmt.Println(string(b), err)
	fmt.Println(os.Args[1:])
}
`

// A real engine loads the archive, and the image holds what its program needs,
// whether the program is static or brings its libraries.
func TestDockerRunsOurImages(t *testing.T) {
	host := testkit.Docker(t)
	for _, c := range []struct {
		name, compression, cgo string
		base                   plan.BaseKind
		layers                 int
	}{
		{"static", "gzip", "0", plan.Assembled, 3},
		{"zstd", "zstd", "0", plan.Assembled, 3},
		{"closure", "gzip", "1", plan.Closure, 4},
	} {
		dir := project(t, map[string]string{"main.go": insider})
		program := filepath.Join(dir, "orders")
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, filepath.Join(dir, "main.go"))
		build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED="+c.cgo, "GOFLAGS=", "GO111MODULE=off")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		body, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		img := fullImage()
		img.Compression, img.Base.Kind, img.Base.Sysroot = c.compression, c.base, "/"
		job := aJob(t, openTestCache(t), runtime.GOARCH, img)
		for i := range job.Programs {
			p := &job.Programs[i]
			p.Path, p.Size, p.Digest = program, int64(len(body)), digestBytes(body)
		}
		made := []Made{assembledImage(t, job)}
		if len(made[0].Layers) != c.layers || (c.layers == 4) != (len(made[0].Libraries) > 0) {
			t.Fatalf("%s: layers %+v, libraries %+v", c.name, made[0].Layers, made[0].Libraries)
		}
		name := "slipway-test/orders:" + c.name
		archive := filepath.Join(t.TempDir(), "orders.tar")
		f, err := os.Create(archive)
		if err == nil {
			err = errors.Join(WriteDockerArchive(t.Context(), f, made, []string{name}), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		docker := func(args ...string) string {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, "docker", append([]string{"--host", host}, args...)...).CombinedOutput()
			if err != nil {
				t.Fatalf("docker %s: %v\n%s", args[0], err, out)
			}
			return string(out)
		}
		docker("load", "--input", archive)
		if id := docker("image", "inspect", "--format", "{{.Id}}", name); id != made[0].Config.Digest+"\n" {
			t.Errorf("%s: image ID %swant %s", c.name, id, made[0].Config.Digest)
		}
		const want = "<nil> true\n<nil>\n<nil> true\n<nil> nonroot /home/nonroot\n<nil>\nseed <nil>\n[serve]\n"
		if out := docker("run", "--rm", "--network", "host", name); out != want {
			t.Errorf("%s:\n%swant:\n%s", c.name, out, want)
		}
	}
}

// BenchmarkNothingChanged is what the image costs when it was made before.
func BenchmarkNothingChanged(b *testing.B) {
	body, err := os.ReadFile(*benchProgram)
	if err != nil {
		b.Fatal(err)
	}
	job := aJob(b, openTestCache(b), "amd64", fullImage())
	p := &job.Programs[0]
	p.Path, p.Size, p.Digest = *benchProgram, int64(len(body)), digestBytes(body)
	dir := b.TempDir()
	ship := func() {
		made := assembledImage(b, job)
		if _, err := WriteLayout(b.Context(), dir, []Made{made}, IndexMeta{}); err != nil {
			b.Fatal(err)
		}
	}
	ship()
	for b.Loop() {
		ship()
	}
}
