package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// twoImages writes an image of two platforms as a layout.
func twoImages(t testing.TB) (string, []Made, Descriptor) {
	t.Helper()
	c := openTestCache(t)
	made := []Made{makeImage(t, c, amd64, 300<<10), makeImage(t, c, arm64, 300<<10)}
	dir := filepath.Join(t.TempDir(), "oci")
	meta := IndexMeta{RefNames: []string{"v1", "latest"}}
	if _, err := WriteLayout(t.Context(), dir, made, meta); err != nil {
		t.Fatal(err)
	}
	ix, _, err := IndexOf(made, meta)
	if err != nil {
		t.Fatal(err)
	}
	return dir, made, ix
}

// sameImages holds what was opened against what was made, to the last byte of
// every file.
func sameImages(t *testing.T, x *Inspected, made []Made) {
	t.Helper()
	if len(x.Images) != len(made) {
		t.Fatalf("%d images", len(x.Images))
	}
	for _, m := range made {
		i, ok := x.For(m.Platform)
		if !ok {
			t.Fatalf("no image for %v among %v", m.Platform, x.Platforms())
		}
		if i.ImageID != m.Config.Digest || i.Config.User != "65532:65532" || !slices.Equal(i.Config.Args(), []string{"/program"}) || i.Config.Workdir != "/" {
			t.Errorf("%+v", i)
		}
		if i.Manifest.Digest != "" && (i.Manifest.Digest != m.Manifest.Digest || i.Size != m.Size) {
			t.Errorf("manifest %s of %d bytes, want %s of %d", i.Manifest.Digest, i.Size, m.Manifest.Digest, m.Size)
		}
		if len(i.Layers) != 2 || i.Layers[1].DiffID != m.Layers[1].DiffID || len(i.Config.History) != 2 {
			t.Errorf("layers %+v, history %+v", i.Layers, i.Config.History)
		}
		tree, err := i.Tree(t.Context(), rootfs.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := tree.ReadFile("/program", 1<<20); err != nil || !bytes.Equal(b, noise(m.Platform.String(), 300<<10)) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		if n, ok := tree.Lookup("/etc"); !ok || n.Layer != 0 {
			t.Errorf("%+v", n)
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestInspectOpensWhatIsWritten(t *testing.T) {
	t.Parallel()
	dir, made, ix := twoImages(t)
	base := t.TempDir()
	oci, docker, packed := filepath.Join(base, "oci.tar"), filepath.Join(base, "docker.tar"), filepath.Join(base, "docker.tar.gz")
	if err := WriteOCIArchive(t.Context(), oci, made, IndexMeta{RefNames: []string{"v1"}}); err != nil {
		t.Fatal(err)
	}
	var raw, small bytes.Buffer
	if err := WriteDockerArchive(t.Context(), &raw, made, []string{"shop:v1"}); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&small)
	if _, err := z.Write(raw.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{docker: raw.Bytes(), packed: small.Bytes()} {
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	temp := t.TempDir()
	for subject, digest := range map[string]string{
		"oci:" + dir: ix.Digest, dir: ix.Digest, filepath.Dir(dir): ix.Digest, "oci:" + filepath.Dir(dir): ix.Digest,
		"oci:" + dir + "@" + ix.Digest: ix.Digest, "oci": ix.Digest, oci: "", "oci:" + oci: "", ociArchivePrefix + oci: "",
		docker: "", packed: "", dockerArchivePrefix + docker: "",
	} {
		x, err := Inspect(t.Context(), subject, InspectOptions{Dir: filepath.Dir(dir), TempDir: temp})
		if err != nil {
			t.Errorf("%s: %v", subject, err)
			continue
		}
		if digest != "" && x.Digest != digest {
			t.Errorf("%s: digest %s, want %s", subject, x.Digest, digest)
		}
		sameImages(t, x, made)
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, p := range []string{dir, filepath.Dir(dir), oci, docker, packed} {
		if !IsImage(p) {
			t.Errorf("%s is not taken for an image", p)
		}
	}
	for _, p := range []string{base, "inspect_test.go", filepath.Join(base, "none")} {
		if IsImage(p) {
			t.Errorf("%s is taken for an image", p)
		}
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("%s stays behind", left[0].Name())
	}
	one, err := Inspect(t.Context(), "oci:"+dir+"@"+made[1].Manifest.Digest, InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if sameImages(t, one, made[1:]); one.Digest != made[1].Manifest.Digest {
		t.Errorf("digest %s", one.Digest)
	}
}

func TestInspectARegistry(t *testing.T) {
	t.Parallel()
	reg := newTestRegistry(t)
	p := pushTwo(t, quick(), reg, "team/app", 300<<10)
	c := openTestCache(t)
	for _, ref := range []string{reg.host + "/team/app:v1", p.ref} {
		x, err := Inspect(t.Context(), ref, InspectOptions{Remote: quick(), Cache: c})
		if err != nil {
			t.Fatal(err)
		}
		if x.Digest != p.index.Digest || x.Name != p.ref {
			t.Errorf("%s: digest %s, name %s", ref, x.Digest, x.Name)
		}
		sameImages(t, x, p.made)
		x.Close()
	}
	reg.Close()
	// A digest needs no network once it was seen; what is damaged in the cache
	// does.
	x, err := Inspect(t.Context(), p.ref, InspectOptions{Remote: Remote{Offline: true}, Cache: c})
	if err != nil {
		t.Fatal(err)
	}
	sameImages(t, x, p.made)
	blob, _ := c.blobPath(p.made[0].Layers[1].Digest)
	b, err := os.ReadFile(blob)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(blob, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Images[0].Tree(t.Context(), rootfs.Limits{}); err == nil || !strings.Contains(err.Error(), "offline") {
		t.Errorf("a damaged blob: %v", err)
	}
	if _, err := Inspect(t.Context(), reg.host+"/team/app:v1", InspectOptions{Remote: Remote{Offline: true}, Cache: c}); err == nil {
		t.Error("a tag was resolved offline")
	}
}

// TestSavedByOldDocker opens what Docker before 25 writes: layers in
// directories of their own, some of them links to others.
func TestSavedByOldDocker(t *testing.T) {
	t.Parallel()
	c := openTestCache(t)
	m := makeImage(t, c, amd64, 300<<10)
	var layers [2]bytes.Buffer
	for i, l := range m.Layers {
		if _, err := copyTar(t.Context(), &layers[i], l); err != nil {
			t.Fatal(err)
		}
	}
	h, _ := hexOf(m.Config.Digest)
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(name string, body []byte) {
		t.Helper()
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	add("aaa/VERSION", []byte("1.0"))
	add("aaa/layer.tar", layers[0].Bytes())
	add("ccc/layer.tar", layers[1].Bytes())
	if err := w.WriteHeader(&tar.Header{Name: "bbb/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../ccc/layer.tar"}); err != nil {
		t.Fatal(err)
	}
	add(h+".json", m.Raw[m.Config.Digest])
	add("manifest.json", []byte(`[{"Config":"`+h+`.json","RepoTags":["shop:1"],"Layers":["aaa/layer.tar","bbb/layer.tar"]}]`))
	add("repositories", []byte(`{}`))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "old.tar")
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	x, err := Inspect(t.Context(), name, InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	sameImages(t, x, []Made{m})
	if !slices.Equal(x.Images[0].Names, []string{"shop:1"}) {
		t.Errorf("%v", x.Images[0].Names)
	}
}

func TestInspectOfNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte("hello, this is no archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	for subject, says := range map[string]string{
		"./none": "no image at", "oci:none": "OCI layout", "text": "no archive of images", ".": "OCI layout", "docker:": "names no image",
		"oci:": "", "name": "", "oci-archive:none.tar": "no image at", "docker-archive:.": "no image at", "localhost:1/x@sha256:1": "",
	} {
		_, err := Inspect(t.Context(), subject, InspectOptions{Dir: dir})
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Usage || f.Hint.IsZero() || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", subject, err, says)
		}
	}
}

func TestLayerIsHeldAgainstBothDigests(t *testing.T) {
	t.Parallel()
	dir, made, _ := twoImages(t)
	blob := func(digest string) string {
		h, err := hexOf(digest)
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, "blobs", "sha256", h)
	}
	layer := blob(made[0].Layers[1].Digest)
	good, err := os.ReadFile(layer)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"bit":    func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut":    func(b []byte) []byte { return b[:len(b)/2] },
		"longer": func(b []byte) []byte { return append(b, 0) },
		"empty":  func([]byte) []byte { return nil },
		"other":  func([]byte) []byte { return []byte("hello") },
	} {
		if err := os.WriteFile(layer, spoil(bytes.Clone(good)), 0o644); err != nil {
			t.Fatal(err)
		}
		x, err := Inspect(t.Context(), dir, InspectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		i, _ := x.For(amd64)
		_, err = i.Tree(t.Context(), rootfs.Limits{})
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Usage || !strings.Contains(err.Error(), "other bytes than "+made[0].Layers[1].Digest) {
			t.Errorf("%s: %v", name, err)
		}
		r, err := i.OpenLayer(t.Context(), 1)
		if err == nil {
			if _, err = io.Copy(io.Discard, r); err == nil {
				t.Errorf("%s: read to the end", name)
			}
			r.Close()
		}
	}
}
