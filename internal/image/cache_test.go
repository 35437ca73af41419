package image

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
)

func smallLayer(key string) LayerSpec {
	return LayerSpec{Title: "programs", Key: key, Created: when, Entries: []Entry{memFile("/usr/bin/orders", prose(100_000))}}
}

func TestCacheRemembers(t *testing.T) {
	c := openTestCache(t)
	first := madeLayer(t, c, smallLayer("k"), "gzip")
	if first.Reused {
		t.Error("the first layer cannot have been reused")
	}
	again, err := OpenCache(c.dir) // as the next process would
	if err != nil {
		t.Fatal(err)
	}
	second := madeLayer(t, again, smallLayer("k"), "gzip")
	if !second.Reused || second.Digest != first.Digest || second.DiffID != first.DiffID || second.RawSize != first.RawSize ||
		second.Path != first.Path || second.Compress != first.Compress || second.MediaType != first.MediaType {
		t.Errorf("from the cache: %+v, made: %+v", second, first)
	}

	other := smallLayer("k")
	other.Created = when.Add(time.Second)
	if l := madeLayer(t, c, other, "gzip"); l.Reused || l.DiffID == first.DiffID {
		t.Error("a layer of another time was taken for this one")
	}
	if l := madeLayer(t, c, smallLayer("k"), "zstd"); l.Reused || l.DiffID != first.DiffID || l.MediaType != MediaTypeLayerZstd {
		t.Errorf("gzip was taken for zstd: %+v", l)
	}
	for range 2 {
		if l := madeLayer(t, c, smallLayer(""), "gzip"); l.Reused || l.Digest != first.Digest {
			t.Error("a layer without a key was remembered")
		}
	}
}

func TestCacheKeyNamesTheCompressor(t *testing.T) {
	comp, err := compressorFor("gzip")
	if err != nil {
		t.Fatal(err)
	}
	newer := comp
	newer.id = strings.Replace(comp.id, pgzipVersion, "v9.9.9", 1)
	if newer.id == comp.id || recordKey(smallLayer("k"), comp) == recordKey(smallLayer("k"), newer) {
		t.Errorf("another version of the compressor has the same key: %s", comp.id)
	}
}

// Whatever happened to the files of the cache, what leaves it is right.
func TestCacheHeals(t *testing.T) {
	flip := func(at float64) func([]byte) []byte {
		return func(b []byte) []byte {
			b = bytes.Clone(b)
			b[int(at*float64(len(b)-1))] ^= 0x10
			return b
		}
	}
	damages := map[string]func([]byte) []byte{
		"first byte flipped":  flip(0),
		"middle byte flipped": flip(0.5),
		"last byte flipped":   flip(1),
		"cut in half":         func(b []byte) []byte { return b[:len(b)/2] },
		"empty":               func([]byte) []byte { return nil },
		"longer":              func(b []byte) []byte { return append(bytes.Clone(b), 0) },
		"gone":                nil,
	}
	for what, damage := range damages {
		for _, sub := range []string{blobDir, recordDir} {
			t.Run(sub+" "+what, func(t *testing.T) {
				c := openTestCache(t)
				spec := smallLayer("k")
				want := madeLayer(t, c, spec, "gzip")
				for _, f := range readDir(filepath.Join(c.dir, sub)) {
					path := filepath.Join(c.dir, sub, f.Name())
					b, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					if damage == nil {
						err = os.Remove(path)
					} else {
						err = os.WriteFile(path, damage(b), 0o666)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				got := madeLayer(t, c, spec, "gzip")
				if got.Digest != want.Digest || got.DiffID != want.DiffID || got.Size != want.Size {
					t.Errorf("got %+v, want %+v", got, want)
				}
				if err := got.ensure(t.Context()); err != nil {
					t.Fatal(err)
				}
				var out bytes.Buffer
				if err := got.copyTo(t.Context(), &out); err != nil || digestBytes(out.Bytes()) != want.Digest {
					t.Errorf("after healing: %v", err)
				}
				if l := madeLayer(t, c, spec, "gzip"); !l.Reused {
					t.Error("the healed layer is not remembered")
				}
			})
		}
	}
}

// A damaged blob is noticed by whoever only copies it.
func TestDamagedBlobIsNotCopied(t *testing.T) {
	c := openTestCache(t)
	l := madeLayer(t, c, smallLayer("k"), "gzip")
	b, err := os.ReadFile(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(l.Path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := l.copyTo(t.Context(), &bytes.Buffer{}); !errors.Is(err, errCorrupt) {
		t.Errorf("copied with %v", err)
	}
	l.remake = nil // as for a base nobody can fetch again
	wantFault(t, l.ensure(t.Context()), "image.blob", fault.Failed)
}

// Layers made at once, by several processes as far as the files can tell.
func TestCacheIsShared(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	digests := make([]string, 8)
	for i := range digests {
		wg.Go(func() {
			c, err := OpenCache(dir)
			if err != nil {
				t.Error(err)
				return
			}
			l, err := c.Layer(t.Context(), smallLayer("k"), "gzip")
			if err == nil {
				err = l.ensure(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
			digests[i] = l.Digest
		})
	}
	wg.Wait()
	for _, d := range digests {
		if d != digests[0] {
			t.Errorf("different digests: %v", digests)
		}
	}
	for _, sub := range []string{blobDir, recordDir} {
		if n := len(readDir(filepath.Join(dir, sub))); n != 1 {
			t.Errorf("%d files in %s, want 1", n, sub)
		}
	}
}

// Targets that need the same layer at once make it once.
func TestLayerIsMadeOnce(t *testing.T) {
	c := openTestCache(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 6 {
		wg.Go(func() {
			l, err := c.Layer(t.Context(), smallLayer("k"), "gzip")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !l.Reused {
				made++
			}
		})
	}
	wg.Wait()
	if made != 1 {
		t.Errorf("made %d times", made)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := OpenCache(file)
	wantFault(t, err, "image.cache", fault.Failed)

	// Below a file nothing can be created, not even by root.
	c := &Cache{dir: filepath.Join(file, "cache"), turn: make(chan struct{}, 1)}
	_, err = c.Layer(t.Context(), smallLayer("k"), "gzip")
	wantFault(t, err, "image.cache", fault.Failed)
}

func TestCacheIsTrimmed(t *testing.T) {
	c := openTestCache(t)
	old := madeLayer(t, c, smallLayer("old"), "gzip")
	fresh := smallLayer("fresh")
	fresh.Entries[0].Mode = 0o755
	kept := madeLayer(t, c, fresh, "gzip")
	base, err := c.putBlob(t.Context(), strings.NewReader("base"), digestBytes([]byte("base")), 4)
	if err != nil {
		t.Fatal(err)
	}
	comp, err := compressorFor("gzip")
	if err != nil {
		t.Fatal(err)
	}
	oldRecord := c.recordPath(recordKey(smallLayer("old"), comp))
	leftover := filepath.Join(c.dir, blobDir, tempPrefix+"killed")
	inUse := filepath.Join(c.dir, blobDir, tempPrefix+"running")
	for _, f := range []string{leftover, inUse} {
		if err := os.WriteFile(f, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-keepLayers - time.Hour)
	for _, f := range []string{oldRecord, old.Path, leftover, base, filepath.Join(c.dir, "trimmed")} {
		if err := os.Chtimes(f, long, long); err != nil {
			t.Fatal(err)
		}
	}
	c.trim(time.Now())
	for path, want := range map[string]bool{oldRecord: false, old.Path: false, leftover: false, inUse: true, base: true, kept.Path: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", path, err == nil, want)
		}
	}
	// A layer that is used again stays young.
	if l := madeLayer(t, c, fresh, "gzip"); !l.Reused {
		t.Error("trimmed too much")
	}
}

func TestPutBlobRefuses(t *testing.T) {
	c := openTestCache(t)
	digest := digestBytes([]byte("right"))
	for _, body := range []string{"wrong", "righ", "right and more", ""} {
		if _, err := c.putBlob(t.Context(), strings.NewReader(body), digest, 5); !errors.Is(err, errCorrupt) {
			t.Errorf("%q: %v", body, err)
		}
	}
	noLitter(t, c)
	for _, d := range []string{"", "sha256:", "sha256:../../etc/passwd", "md5:" + digest[7:], strings.ToUpper(digest), digest + "0"} {
		if _, err := c.putBlob(t.Context(), strings.NewReader("right"), d, 5); err == nil {
			t.Errorf("%q was taken for a digest", d)
		}
	}
	if _, err := c.putBlob(t.Context(), strings.NewReader("right"), digest, 5); err != nil || !c.hasBlob(digest, 5) || c.hasBlob(digest, 6) {
		t.Errorf("%v, has %t", err, c.hasBlob(digest, 5))
	}
}

func FuzzUnseal(f *testing.F) {
	f.Add([]byte(digestBytes([]byte("{}")) + "\n{}"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if body, ok := unseal(b); ok && !bytes.HasPrefix(b, []byte(digestBytes(body)+"\n")) {
			t.Errorf("%q passed for sealed", b)
		}
	})
}
