package testkit

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// ImageFile is a file of an image under test. A path that ends in a slash is a
// directory, one with a Link a symbolic link.
type ImageFile struct {
	Path, Text string
	Mode       int64
	UID        int // and GID
	Link       string
}

// Layout writes an OCI layout with one image of one layer, and gives its
// directory. The configuration is that of the container; architecture and
// variant in it are taken out and stand for the image's own.
func Layout(t testing.TB, config map[string]any, files ...ImageFile) string {
	t.Helper()
	m := newImage(t, t.TempDir())
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	for _, f := range files {
		h := &tar.Header{Name: strings.TrimPrefix(f.Path, "/"), Mode: f.Mode, Uid: f.UID, Gid: f.UID, Size: int64(len(f.Text)), Typeflag: tar.TypeReg}
		switch {
		case f.Link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		case strings.HasSuffix(f.Path, "/"):
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.Text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l := m.blob("application/vnd.oci.image.layer.v1.tar", layer.Bytes())
	m.layers, m.diffIDs = append(m.layers, l), append(m.diffIDs, l.Digest)
	image := map[string]any{"architecture": runtime.GOARCH, "os": "linux"}
	inner := map[string]any{}
	for k, v := range config {
		if k == "architecture" || k == "variant" {
			image[k] = v
		} else {
			inner[k] = v
		}
	}
	image["config"], image["rootfs"] = inner, map[string]any{"type": "layers", "diff_ids": m.diffIDs}
	b, err := json.Marshal(image)
	if err != nil {
		t.Fatal(err)
	}
	m.config = string(b)
	m.finish()
	return m.dir
}

// TarOf packs a directory the way `tar -C dir .` does.
func TarOf(t testing.TB, dir string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image.tar")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}
