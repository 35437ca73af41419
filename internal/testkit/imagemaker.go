package testkit

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// imageMaker writes an OCI layout without the care that package image takes.
type imageMaker struct {
	t       testing.TB
	dir     string
	layers  []*descriptor
	diffIDs []string
	config  string // empty: an honest one
}

func newImage(t testing.TB, dir string) *imageMaker {
	t.Helper()
	m := &imageMaker{t: t, dir: dir, layers: []*descriptor{}}
	m.put("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return m
}

func (m *imageMaker) put(name string, b []byte) {
	m.t.Helper()
	name = filepath.Join(m.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *imageMaker) blob(mediaType string, b []byte) *descriptor {
	m.t.Helper()
	d := &descriptor{mediaType, digest(b), int64(len(b))}
	m.put("blobs/sha256/"+d.Digest[len("sha256:"):], b)
	return d
}

// layer adds a layer with what put puts into it.
func (m *imageMaker) layer(put func(w *layerMaker)) {
	m.t.Helper()
	w := newLayer(m.t)
	put(w)
	raw := w.bytes()
	m.diffIDs = append(m.diffIDs, digest(raw))
	m.layers = append(m.layers, m.blob("application/vnd.oci.image.layer.v1.tar+gzip", zipped(m.t, raw)))
}

func (m *imageMaker) configText() string {
	if m.config != "" {
		return m.config
	}
	return fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{"User":"65532:65532","Entrypoint":["/bin/app"]},"rootfs":{"type":"layers","diff_ids":["%s"]}}`,
		strings.Join(m.diffIDs, `","`))
}

func (m *imageMaker) manifest() []byte {
	m.t.Helper()
	config := m.blob("application/vnd.oci.image.config.v1+json", []byte(m.configText()))
	return mustJSON(m.t, map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": m.layers,
	})
}

// index makes d what the layout holds.
func (m *imageMaker) index(d *descriptor) {
	m.t.Helper()
	m.put("index.json", mustJSON(m.t, map[string]any{"schemaVersion": 2, "manifests": []any{d}}))
}

// finish makes the image what the layout holds.
func (m *imageMaker) finish() {
	m.t.Helper()
	m.index(m.blob("application/vnd.oci.image.manifest.v1+json", m.manifest()))
}

// layerMaker writes a tar that need not be a good one.
type layerMaker struct {
	t   testing.TB
	buf bytes.Buffer
	w   *tar.Writer
	cut bool // it ends where it is
}

func newLayer(t testing.TB) *layerMaker {
	w := &layerMaker{t: t}
	w.w = tar.NewWriter(&w.buf)
	return w
}

func (w *layerMaker) bytes() []byte {
	w.t.Helper()
	if !w.cut {
		w.buf.Write(make([]byte, 1024)) // as tar.Writer.Close does, without its checks
	}
	return w.buf.Bytes()
}

func (w *layerMaker) header(h *tar.Header) {
	w.t.Helper()
	if err := w.w.WriteHeader(h); err != nil {
		w.t.Fatalf("make hostile layer: %v", err)
	}
}

func (w *layerMaker) file(name, content string) {
	w.t.Helper()
	w.header(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))})
	if _, err := w.w.Write([]byte(content)); err != nil {
		w.t.Fatalf("make hostile layer: %v", err)
	}
	if err := w.w.Flush(); err != nil {
		w.t.Fatalf("make hostile layer: %v", err)
	}
}

func (w *layerMaker) link(name, to string) {
	w.header(&tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to, Mode: 0o777})
}

func (w *layerMaker) hard(name, to string) {
	w.header(&tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: to, Mode: 0o644})
}

// raw writes bytes that are no entry of the tar package's making.
func (w *layerMaker) raw(b []byte) { w.buf.Write(b) }
