package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/mod/modfile"

	"github.com/slipway-build/slipway/internal/fault"
)

var when = time.Unix(1_700_000_000, 0).UTC()

// prose gives n bytes that compress about as well as a program does, the same
// on every run.
func prose(n int) []byte { return allProse()[:n:n] }

var allProse = sync.OnceValue(func() []byte {
	const n = 2 << 20
	r := rand.New(rand.NewPCG(1, 2))
	words := make([][]byte, 3000)
	for i := range words {
		words[i] = fmt.Appendf(nil, "%x ", r.Uint32()>>(r.IntN(24)))
	}
	var b bytes.Buffer
	for b.Len() < n {
		b.Write(words[r.IntN(len(words))])
	}
	return b.Bytes()[:n]
})

func memFile(path string, b []byte) Entry {
	return Entry{Path: path, Mode: 0o644, Size: int64(len(b)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	}}
}

func someLayer(key string) LayerSpec {
	return LayerSpec{Title: "programs", Key: key, Created: when, Entries: []Entry{
		memFile("/usr/bin/orders", prose(1<<20+70_001)),
		{Path: "/etc/link", Mode: 0o777, Link: "../usr/bin/orders"},
		{Path: "/tmp", Mode: 0o1777, Dir: true},
	}}
}

func openTestCache(t testing.TB) *Cache {
	t.Helper()
	c, err := OpenCache(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func madeLayer(t testing.TB, c *Cache, spec LayerSpec, compression string) Layer {
	t.Helper()
	l, err := c.Layer(t.Context(), spec, compression)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The digests are written down so that a change of a compressor, of the Go
// release's tar, or of our settings cannot go unnoticed: it changes every
// user's digests. Raise tarFormat when it was not the compressor.
func TestLayerBytesNeverChange(t *testing.T) {
	want := map[string]string{
		"gzip": "sha256:c00d3a4c94bf06bbc4234a31d9381a22822ffba7a2cf35abc39bbc6f230b89c2",
		"zstd": "sha256:67de6ba28c3cae912dd05570ed118bd4c552d34a3b649c392130e045fa887890",
	}
	for _, name := range []string{"gzip", "zstd"} {
		l := madeLayer(t, openTestCache(t), someLayer("k"), name)
		if l.Digest != want[name] {
			t.Errorf("%s: digest %s, was %s (compressor %s)", name, l.Digest, want[name], l.Compress)
		}
		if raw := "sha256:7cb717cda2c8c3ee18774131dbd49fb01a4c9cd1d80758fe482fbbd63f4675e7"; l.DiffID != raw {
			t.Errorf("%s: diffID %s, was %s", name, l.DiffID, raw)
		}
	}
}

func TestLayerIsIndependentOfTheMachine(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, name := range []string{"gzip", "zstd"} {
		var first Layer
		for _, procs := range []int{1, 2, 7} {
			runtime.GOMAXPROCS(procs)
			spec := someLayer("")
			slices.Reverse(spec.Entries)
			// Reads of other sizes, as another disk would give them.
			open := spec.Entries[2].Open
			spec.Entries[2].Open = func() (io.ReadCloser, error) {
				r, err := open()
				if procs == 7 {
					return io.NopCloser(iotest.HalfReader(r)), err
				}
				return r, err
			}
			l := madeLayer(t, openTestCache(t), spec, name)
			if first.Digest == "" {
				first = l
			}
			if l.Digest != first.Digest || l.DiffID != first.DiffID || l.Size != first.Size {
				t.Errorf("%s with %d processors: %+v, want %+v", name, procs, l.Descriptor, first.Descriptor)
			}
		}
	}
}

func TestLayerHoldsNothingOfTheMachine(t *testing.T) {
	c := openTestCache(t)
	foreign := "/opt/größe" // does not fit into USTAR
	spec := someLayer("")
	spec.Created = when.Add(123 * time.Millisecond)
	spec.Entries = append(spec.Entries, memFile(foreign, []byte("x")), Entry{Path: "/usr/bin", Mode: 0o750, UID: 7, GID: 8, Dir: true})
	l := madeLayer(t, c, spec, "gzip")

	blob, err := os.ReadFile(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(blob[:9], []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("gzip header %x holds a time, a name or flags", blob[:10])
	}
	if digestBytes(blob) != l.Digest || int64(len(blob)) != l.Size {
		t.Errorf("the blob is %s, %d bytes; the layer says %s, %d", digestBytes(blob), len(blob), l.Digest, l.Size)
	}
	z, err := gzip.NewReader(bytes.NewReader(blob))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if digestBytes(raw) != l.DiffID || int64(len(raw)) != l.RawSize {
		t.Errorf("the tar is %s, %d bytes; the layer says %s, %d", digestBytes(raw), len(raw), l.DiffID, l.RawSize)
	}
	var names []string
	tr := tar.NewReader(bytes.NewReader(raw))
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if !h.ModTime.Equal(when) || h.Uname != "" || h.Gname != "" || !h.AccessTime.IsZero() || !h.ChangeTime.IsZero() {
			t.Errorf("%s: %+v", h.Name, h)
		}
		if pax := len(h.PAXRecords) > 0; pax != ("/"+h.Name == foreign) {
			t.Errorf("%s: PAX records %v", h.Name, h.PAXRecords)
		}
		want := map[string][3]int64{
			"tmp/":           {0o1777, 0, 0},
			"usr/":           {0o755, 0, 0},
			"usr/bin/":       {0o750, 7, 8},
			"usr/bin/orders": {0o644, 0, 0},
		}
		if w, ok := want[h.Name]; ok && w != [3]int64{h.Mode, int64(h.Uid), int64(h.Gid)} {
			t.Errorf("%s is %o %d:%d, want %v", h.Name, h.Mode, h.Uid, h.Gid, w)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("not sorted, or twice: %q", names)
	}
	if names[0] != "etc/" || !slices.Contains(names, "usr/") {
		t.Errorf("parents are missing: %q", names[:3])
	}
}

func TestLayerRefusesEntries(t *testing.T) {
	for name, entries := range map[string][]Entry{
		"image.path":          {memFile("etc/passwd", nil)},
		"image.path ..":       {memFile("/etc/../passwd", nil)},
		"image.path root":     {{Path: "/", Dir: true}},
		"image.path NUL":      {memFile("/a\x00b", nil)},
		"image.path.whiteout": {memFile("/etc/.wh.passwd", nil)},
		"image.path.twice":    {memFile("/a", nil), memFile("/a", nil)},
		"image.path.below":    {memFile("/a", nil), memFile("/a/b", nil)},
	} {
		_, err := openTestCache(t).Layer(t.Context(), LayerSpec{Entries: entries}, "gzip")
		id, _, _ := strings.Cut(name, " ")
		wantFault(t, err, id, fault.Usage)
	}
	_, err := openTestCache(t).Layer(t.Context(), someLayer("k"), "lzma")
	wantFault(t, err, "image.compression", fault.Usage)
}

func wantFault(t *testing.T, err error, id string, code int) *fault.Error {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Msg.ID != id || f.Code != code {
		t.Fatalf("got error %v, want %s with exit code %d", err, id, code)
	}
	if s := f.In("zh"); strings.Contains(s, id) || f.Hint.IsZero() {
		t.Errorf("%s has no Chinese form or no hint: %s", id, s)
	}
	return f
}

// A file that grows or shrinks while it is read must not become a layer, and
// no compressor may be left running.
func TestLayerOfAChangingFile(t *testing.T) {
	for _, name := range []string{"gzip", "zstd"} {
		for _, size := range []int64{0, 10, 1 << 19, 2 << 20} {
			c := openTestCache(t)
			e := memFile("/a", prose(1<<20))
			e.Size = size
			before := runtime.NumGoroutine()
			_, err := c.Layer(t.Context(), LayerSpec{Entries: []Entry{e}}, name)
			if err == nil || !strings.Contains(err.Error(), "it changed") {
				t.Errorf("%s, %d bytes stated of 1 MB: %v", name, size, err)
			}
			if after := settledGoroutines(before); after > before {
				t.Errorf("%s: %d goroutines before, %d after", name, before, after)
			}
			noLitter(t, c)
		}
	}
}

// A cache compresses with the buffers of the layer before, even of one that
// failed. That must show in no byte.
func TestBuffersLeaveNoTrace(t *testing.T) {
	spec := func(seed byte, n int) LayerSpec {
		return LayerSpec{Created: when, Entries: []Entry{memFile("/"+string(seed), prose(n)), memFile("/noise", noise(string(seed), n))}}
	}
	for _, name := range []string{"gzip", "zstd"} {
		used := openTestCache(t)
		for i, n := range []int{3 << 20, 10, 700 << 10} {
			changing := spec('x', n)
			changing.Entries[1].Size++
			if _, err := used.Layer(t.Context(), changing, name); err == nil {
				t.Error("a layer of a changing file was made")
			}
			s := spec('a'+byte(i), n)
			if got, want := madeLayer(t, used, s, name), madeLayer(t, openTestCache(t), s, name); got.Digest != want.Digest {
				t.Errorf("%s: layer %d is %s, and %s with new buffers", name, i, got.Digest, want.Digest)
			}
		}
	}
}

// settledGoroutines gives goroutines that have ended but not yet left the
// chance to leave.
func settledGoroutines(want int) (n int) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); runtime.Gosched() {
		if n = runtime.NumGoroutine(); n <= want {
			break
		}
	}
	return n
}

func noLitter(t *testing.T, c *Cache) {
	t.Helper()
	for _, sub := range []string{blobDir, recordDir} {
		for _, f := range readDir(filepath.Join(c.dir, sub)) {
			t.Errorf("left behind: %s/%s", sub, f.Name())
		}
	}
}

func TestCancelledLayerLeavesNothing(t *testing.T) {
	for _, name := range []string{"gzip", "zstd"} {
		c := openTestCache(t)
		ctx, cancel := context.WithCancel(t.Context())
		spec := someLayer("k")
		content := prose(1<<20 + 70_001)
		spec.Entries[0].Open = func() (io.ReadCloser, error) {
			half := len(content) / 2
			return io.NopCloser(io.MultiReader(
				bytes.NewReader(content[:half]),
				readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF }),
				bytes.NewReader(content[half:]))), nil
		}
		if _, err := c.Layer(ctx, spec, name); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		noLitter(t, c)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestCompressorVersionsAreThoseOfGoMod(t *testing.T) {
	b, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		t.Fatal(err)
	}
	constants := map[string]string{pgzipModule: pgzipVersion, compressModule: compressVersion}
	for _, r := range m.Require {
		if want, ok := constants[r.Mod.Path]; ok {
			if r.Mod.Version != want {
				t.Errorf("the constant for %s is %s, go.mod says %s", r.Mod.Path, want, r.Mod.Version)
			}
			if v := moduleVersion(r.Mod.Path, "none"); v != "none" && v != r.Mod.Version {
				t.Errorf("this binary has %s %s, go.mod says %s", r.Mod.Path, v, r.Mod.Version)
			}
			delete(constants, r.Mod.Path)
		}
	}
	if len(constants) > 0 {
		t.Errorf("go.mod does not name %v", constants)
	}
}

var benchProgram = flag.String("program", filepath.Join(goroot, "bin", "go"), "program the layer benchmarks compress")

func BenchmarkLayerGzip(b *testing.B) { benchmarkLayer(b, "gzip") }
func BenchmarkLayerZstd(b *testing.B) { benchmarkLayer(b, "zstd") }

func benchmarkLayer(b *testing.B, compression string) {
	fi, err := os.Stat(*benchProgram)
	if err != nil {
		b.Fatal(err)
	}
	spec := LayerSpec{Title: "programs", Created: when, Entries: []Entry{{
		Path: "/usr/bin/program", Mode: 0o755, Size: fi.Size(),
		Open: func() (io.ReadCloser, error) { return os.Open(*benchProgram) },
	}}}
	c := openTestCache(b)
	b.SetBytes(fi.Size())
	b.ReportAllocs()
	var l Layer
	for b.Loop() {
		if l, err = c.Layer(b.Context(), spec, compression); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(l.Size), "layer-bytes")
}
