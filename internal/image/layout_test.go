package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/testkit"
)

// twoPlatforms makes the images of two platforms.
func twoPlatforms(t testing.TB, cache *Cache, compression string) []Made {
	t.Helper()
	var made []Made
	for _, arch := range []string{"amd64", "arm64"} {
		img := fullImage()
		img.Base.Zones = false // saves time
		img.Compression = compression
		made = append(made, assembledImage(t, aJob(t, cache, arch, img)))
	}
	return made
}

// walkLayout follows every descriptor from index.json down and holds each blob
// against it. It gives the names and bytes of all files, which must be those it
// came by and no others.
func walkLayout(t testing.TB, layout fs.FS) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(layout, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[p], err = fs.ReadFile(layout, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{layoutFile: true, indexFile: true}
	if string(files[layoutFile]) != layoutContent {
		t.Errorf("%s holds %q", layoutFile, files[layoutFile])
	}
	blob := func(d Descriptor) []byte {
		p := "blobs/sha256/" + strings.TrimPrefix(d.Digest, "sha256:")
		b, ok := files[p]
		if !ok || int64(len(b)) != d.Size || digestBytes(b) != d.Digest {
			t.Fatalf("%s: there %t, %d bytes, digest %s", d.Digest, ok, len(b), digestBytes(b))
		}
		seen[p] = true
		return b
	}
	decode := func(b []byte, v any) {
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
		if again, err := canonicalJSON(v); err != nil || !bytes.Equal(again, b) {
			t.Errorf("not in canonical form: %s", b)
		}
	}
	var walkIndex func(raw []byte)
	walkIndex = func(raw []byte) {
		var ix index
		decode(raw, &ix)
		for _, d := range ix.Manifests {
			if d.MediaType == MediaTypeIndex {
				walkIndex(blob(d))
				continue
			}
			var m manifest
			decode(blob(d), &m)
			var c configFile
			decode(blob(m.Config), &c)
			if d.Platform == nil || d.Platform.Architecture != c.Architecture || d.Platform.OS != c.OS || len(m.Layers) != len(c.RootFS.DiffIDs) {
				t.Errorf("platform %+v, configuration %+v", d.Platform, c)
			}
			for _, l := range m.Layers {
				blob(l)
			}
		}
	}
	walkIndex(files[indexFile])
	for p := range files {
		if !seen[p] {
			t.Errorf("nothing refers to %s", p)
		}
	}
	return files
}

func TestWriteLayout(t *testing.T) {
	made := twoPlatforms(t, openTestCache(t), "gzip")
	dir := filepath.Join(t.TempDir(), "dist", "image")
	meta := IndexMeta{Annotations: map[string]string{"a": "b"}, RefNames: []string{"orders:v1", "orders:latest", "orders:v1"}}
	ix, err := WriteLayout(t.Context(), dir, made, meta)
	if err != nil {
		t.Fatal(err)
	}
	walkLayout(t, os.DirFS(dir))
	var top index
	b, err := os.ReadFile(filepath.Join(dir, indexFile))
	if err == nil {
		err = json.Unmarshal(b, &top)
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range top.Manifests {
		names = append(names, d.Annotations[annotationRefName])
		if d.Digest != ix.Digest || d.Size != ix.Size || d.MediaType != MediaTypeIndex {
			t.Errorf("entry %+v, index %+v", d, ix)
		}
	}
	if !slices.Equal(names, []string{"orders:latest", "orders:v1"}) {
		t.Errorf("names %v", names)
	}
	want, raw, err := IndexOf(made, meta)
	if err != nil || !reflect.DeepEqual(want, ix) || digestBytes(raw) != ix.Digest {
		t.Errorf("IndexOf gives %+v, the layout has %+v (%v)", want, ix, err)
	}
}

func TestLayoutIsUpdated(t *testing.T) {
	cache := openTestCache(t)
	made := twoPlatforms(t, cache, "gzip")
	dir := t.TempDir()
	write := func(made ...Made) map[string][]byte {
		t.Helper()
		if _, err := WriteLayout(t.Context(), dir, made, IndexMeta{}); err != nil {
			t.Fatal(err)
		}
		return walkLayout(t, os.DirFS(dir))
	}
	infos := func(files map[string][]byte) map[string]os.FileInfo {
		out := map[string]os.FileInfo{}
		for f := range files {
			fi, err := os.Stat(filepath.Join(dir, f))
			if err != nil {
				t.Fatal(err)
			}
			out[f] = fi
		}
		return out
	}
	first := write(made...)
	before := infos(first)
	second := write(made...)
	for f, fi := range infos(second) {
		if !os.SameFile(fi, before[f]) {
			t.Errorf("%s was written again", f)
		}
	}

	// A damaged blob and one that is cut short are replaced, the rest stays.
	damaged := filepath.Join(dir, "blobs/sha256", strings.TrimPrefix(made[0].Layers[0].Digest, "sha256:"))
	cut := filepath.Join(dir, "blobs/sha256", strings.TrimPrefix(made[0].Manifest.Digest, "sha256:"))
	b := bytes.Clone(first["blobs/sha256/"+filepath.Base(damaged)])
	b[len(b)/2] ^= 1
	if err := errors.Join(os.WriteFile(damaged, b, 0o666), os.Truncate(cut, 3)); err != nil {
		t.Fatal(err)
	}
	// So is the blob in the cache, which is made again for it.
	if err := os.WriteFile(made[0].Layers[0].Path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	if third := write(made...); !maps.EqualFunc(first, third, bytes.Equal) {
		t.Error("the healed layout differs")
	}

	// What is no longer referred to goes, and so does what a killed run left.
	if err := os.WriteFile(filepath.Join(dir, "blobs/sha256", tempPrefix+"x"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if one := write(made[0]); len(one) >= len(first) {
		t.Errorf("%d files for two platforms, %d for one", len(first), len(one))
	}
}

func allFiles(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		all = append(all, p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLayoutThatFailsLeavesNothing(t *testing.T) {
	made := twoPlatforms(t, openTestCache(t), "gzip")
	parent := t.TempDir()
	dir := filepath.Join(parent, "dist", "image")

	broken := slices.Clone(made)
	broken[1].Layers = slices.Clone(made[1].Layers)
	programs := &broken[1].Layers[1] // not shared with the other platform
	programs.Path += ".gone"
	programs.remake = nil
	_, err := WriteLayout(t.Context(), dir, broken, IndexMeta{})
	wantFault(t, err, "image.blob", fault.Failed)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := WriteLayout(ctx, dir, made, IndexMeta{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if all := allFiles(t, parent); len(all) != 1 {
		t.Errorf("left behind: %v", all)
	}

	// A layout that was whole stays whole.
	if _, err := WriteLayout(t.Context(), dir, made[:1], IndexMeta{}); err != nil {
		t.Fatal(err)
	}
	before := allFiles(t, dir)
	if _, err := WriteLayout(t.Context(), dir, broken, IndexMeta{}); err == nil {
		t.Error("no error")
	}
	walkLayout(t, os.DirFS(dir))
	if after := allFiles(t, dir); !slices.Equal(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
}

func TestLayoutRefusesOtherDirectories(t *testing.T) {
	made := twoPlatforms(t, openTestCache(t), "gzip")
	dir := project(t, map[string]string{"blobs/sha256/" + strings.Repeat("a", 64): "precious"})
	_, err := WriteLayout(t.Context(), dir, made, IndexMeta{})
	wantFault(t, err, "image.layout.other", fault.Usage)

	file := project(t, map[string]string{"file": ""}) + "/file"
	_, err = WriteLayout(t.Context(), file, made, IndexMeta{})
	wantFault(t, err, "image.layout", fault.Failed)
	_, err = WriteLayout(t.Context(), file+"/below", made, IndexMeta{})
	wantFault(t, err, "image.layout", fault.Failed)
}

func TestSkopeoReadsOurImages(t *testing.T) {
	testkit.NeedE2E(t, "skopeo")
	for _, compression := range []string{"gzip", "zstd"} {
		made := twoPlatforms(t, openTestCache(t), compression)
		dir, file := filepath.Join(t.TempDir(), "layout"), filepath.Join(t.TempDir(), "orders.tar")
		if _, err := WriteLayout(t.Context(), dir, made, IndexMeta{}); err != nil {
			t.Fatal(err)
		}
		if err := WriteOCIArchive(t.Context(), file, made, IndexMeta{}); err != nil {
			t.Fatal(err)
		}
		for i, arch := range []string{"amd64", "arm64"} {
			for _, ref := range []string{"oci:" + dir, "oci-archive:" + file} {
				out, err := exec.Command("skopeo", "--override-os", "linux", "--override-arch", arch, "inspect", ref).CombinedOutput()
				if err != nil || !bytes.Contains(out, []byte(made[i].Layers[1].Digest)) || !bytes.Contains(out, []byte(`"Architecture": "`+arch+`"`)) {
					t.Errorf("%s %s: %v\n%s", ref, arch, err, out)
				}
				// What others make of our compression.
				to := t.TempDir()
				out, err = exec.Command("skopeo", "--insecure-policy", "--override-os", "linux", "--override-arch", arch, "copy", "--dest-decompress", ref, "dir:"+to).CombinedOutput()
				if err != nil {
					t.Fatalf("copy %s: %v\n%s", ref, err, out)
				}
				for _, l := range made[i].Layers {
					if err := verifyFile(t.Context(), filepath.Join(to, strings.TrimPrefix(l.DiffID, "sha256:")), l.DiffID, l.RawSize); err != nil {
						t.Errorf("%s of %s: %v", l.Title, ref, err)
					}
				}
			}
		}
	}
}
