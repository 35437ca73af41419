package testkit

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// HostileImage is an OCI layout that breaks one rule.
type HostileImage struct {
	Name  string // of the trick
	Write func(t testing.TB, dir string)
	// Says is a part of what is said when the image is refused. Empty: it is
	// harmless after all, and taken.
	Says string
}

// HostileImages gives one image for every trick. Where a trick would write
// outside of the directory that an image is unpacked into, it writes to
// victim, an absolute path.
func HostileImages(victim string) []HostileImage {
	up := strings.Repeat("../", 40) + strings.TrimPrefix(filepath.ToSlash(victim), "/")
	var out []HostileImage
	layer := func(name, says string, put func(w *layerMaker)) {
		out = append(out, HostileImage{name, func(t testing.TB, dir string) {
			m := newImage(t, dir)
			m.layer(put)
			m.finish()
		}, says})
	}
	document := func(name, says string, make func(m *imageMaker)) {
		out = append(out, HostileImage{name, func(t testing.TB, dir string) { make(newImage(t, dir)) }, says})
	}
	hostileLayers(layer, victim, up)
	hostileBlobs(document)
	hostileDocuments(document)
	return out
}

func hostileLayers(layer func(name, says string, put func(w *layerMaker)), victim, up string) {
	layer("escape", "leads out of the image with ..", func(w *layerMaker) { w.file(up, "x") })
	layer("escape from the root", "leads out of the image with ..", func(w *layerMaker) { w.file("/"+up, "x") })
	layer("escape by a link", "through a symbolic link that leads out", func(w *layerMaker) {
		w.link("out", filepath.ToSlash(filepath.Dir(up)))
		w.file("out/"+filepath.Base(victim), "x")
	})
	// Inside a chroot the link leads into the image, and so it does here.
	layer("absolute link", "", func(w *layerMaker) {
		w.link("out", filepath.ToSlash(filepath.Dir(victim)))
		w.file("out/"+filepath.Base(victim), "x")
	})
	layer("link to a link out", "", func(w *layerMaker) {
		w.link("a", "b")
		w.link("b", filepath.ToSlash(filepath.Dir(victim)))
		w.file("a/"+filepath.Base(victim), "x")
	})
	layer("links in a circle", "too many symbolic links", func(w *layerMaker) {
		w.link("a", "b")
		w.link("b", "a")
		w.file("a/x", "x")
	})
	layer("hard link out", "leads out of the image with ..", func(w *layerMaker) { w.hard("p", strings.Repeat("../", 40)+"etc/passwd") })
	layer("hard link to this machine", "is a hard link to", func(w *layerMaker) { w.hard("p", "/etc/passwd") })
	layer("hard link by a link", "leads out", func(w *layerMaker) {
		w.link("e", strings.Repeat("../", 40)+"etc")
		w.hard("p", "e/passwd")
	})
	layer("device nodes", "", func(w *layerMaker) {
		w.header(&tar.Header{Name: "dev/sda", Typeflag: tar.TypeBlock, Devmajor: 8, Mode: 0o666})
		w.header(&tar.Header{Name: "dev/mem", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 1, Mode: 0o666})
		w.header(&tar.Header{Name: "pipe", Typeflag: tar.TypeFifo, Mode: 0o666})
	})
	layer("whiteout of ..", "deletes no name", func(w *layerMaker) { w.file("a/.wh...", "") })
	layer("opaque root", "", func(w *layerMaker) { w.file(".wh..wh..opq", "") })
	layer("twice", "twice, and the two differ", func(w *layerMaker) {
		w.file("bin/app", "good")
		w.file("./bin//app", "evil")
	})
	layer("file and directory", "twice", func(w *layerMaker) {
		w.file("a/b", "x")
		w.file("a", "x")
	})
	layer("below a file", "no directory in the same layer", func(w *layerMaker) {
		w.file("a", "x")
		w.file("a/b", "x")
	})
	layer("long name", "no file can have", func(w *layerMaker) { w.file(strings.Repeat("n", 300), "x") })
	layer("long path", "no file can have", func(w *layerMaker) { w.file(strings.Repeat("nnnnnnn/", 600)+"x", "x") })
	layer("deep", "directories deep", func(w *layerMaker) { w.file(strings.Repeat("d/", 900)+"x", "x") })
	layer("many directories", "more than 524288 files", func(w *layerMaker) {
		for i := range 2300 {
			w.file(fmt.Sprintf("%d/%sx", i, strings.Repeat("d/", 240)), "")
		}
	})
	layer("claimed size", "claims to be", func(w *layerMaker) { w.header(&tar.Header{Name: "big", Size: 1 << 50, Mode: 0o644}) })
	layer("half a file", "not a tar archive", func(w *layerMaker) {
		w.header(&tar.Header{Name: "half", Size: 5000, Mode: 0o644})
		w.cut = true
	})
	layer("hole", "sparse file", func(w *layerMaker) { w.raw(sparseHeader(8 << 30)) })
	layer("owner", "which no system has", func(w *layerMaker) { w.header(&tar.Header{Name: "a", Uid: 1 << 40, Mode: 0o644}) })
	layer("odd names", "", func(w *layerMaker) {
		for _, n := range []string{"a\nb", "\x1b[31mred", "-rf", " ", "c:d", `..\..\x`, "\u202egpj", "*", "$(x)", "\xff\xfe"} {
			w.file("odd/"+n, "x")
		}
	})
}

func hostileBlobs(document func(name, says string, make func(m *imageMaker))) {
	blob := func(name, says string, change func(m *imageMaker, raw []byte) []byte) {
		document(name, says, func(m *imageMaker) {
			w := newLayer(m.t)
			w.file("bin/app", strings.Repeat("program", 1000))
			raw := w.bytes()
			m.diffIDs = append(m.diffIDs, digest(raw))
			m.layers = append(m.layers, m.blob("application/vnd.oci.image.layer.v1.tar+gzip", change(m, zipped(m.t, raw))))
			m.finish()
		})
	}
	blob("cut", "cannot be decompressed", func(_ *imageMaker, raw []byte) []byte { return raw[:len(raw)/2] })
	blob("no gzip", "not a tar archive", func(*imageMaker, []byte) []byte { return []byte(strings.Repeat("<html>502 Bad Gateway</html>", 40)) })
	blob("behind the end", "cannot be decompressed", func(_ *imageMaker, raw []byte) []byte { return append(raw, "more"...) })
	blob("two streams", "is not sha256:", func(m *imageMaker, raw []byte) []byte { return append(raw, zipped(m.t, []byte("more"))...) })
	blob("gzip bomb", "when it is decompressed", func(m *imageMaker, _ []byte) []byte { return gzipBomb(m.t, 1<<30) })
	blob("zstd bomb", "when it is decompressed", func(m *imageMaker, _ []byte) []byte { return zstdBomb(8 << 30) })
	blob("zstd window", "cannot be decompressed", func(*imageMaker, []byte) []byte {
		return []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0xff, 1, 0, 0} // a window of 3.75 TiB
	})
	document("other bytes", "other bytes than", func(m *imageMaker) {
		m.layer(func(w *layerMaker) { w.file("bin/app", "good") })
		m.finish()
		m.put("blobs/sha256/"+m.layers[0].Digest[7:], zipped(m.t, []byte("evil")))
	})
	document("longer than said", "other bytes than", func(m *imageMaker) {
		m.layer(func(w *layerMaker) { w.file("bin/app", "good") })
		m.layers[0].Size--
		m.finish()
	})
	document("no layer", "is missing", func(m *imageMaker) {
		m.layer(func(w *layerMaker) { w.file("bin/app", "good") })
		m.finish()
		if err := os.Remove(filepath.Join(m.dir, "blobs/sha256", m.layers[0].Digest[7:])); err != nil {
			m.t.Fatal(err)
		}
	})
	document("foreign layer", "may not be passed on", func(m *imageMaker) {
		m.diffIDs = append(m.diffIDs, digest([]byte("x")))
		m.layers = append(m.layers, &descriptor{MediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Digest: digest([]byte("y")), Size: 1})
		m.finish()
	})
}

func hostileDocuments(document func(name, says string, make func(m *imageMaker))) {
	// text changes the manifest as it is written.
	text := func(name, says string, change func(m *imageMaker, manifest string) string) {
		document(name, says, func(m *imageMaker) {
			m.layer(func(w *layerMaker) { w.file("bin/app", "good") })
			m.index(m.blob("application/vnd.oci.image.manifest.v1+json", []byte(change(m, string(m.manifest())))))
		})
	}
	swap := func(name, says, old, new string) {
		text(name, says, func(m *imageMaker, s string) string {
			if !strings.Contains(s, old) {
				m.t.Fatalf("%s is not in %s", old, s)
			}
			return strings.Replace(s, old, new, 1)
		})
	}
	swap("key twice", "twice", `"layers":`, `"layers":[],"layers":`)
	swap("key in two cases", "twice", `"layers":`, `"Layers":[],"layers":`)
	swap("escaped key", "twice", `"layers":`, `"\u006cayers":[],"layers":`)
	swap("manifest and index", "neither an image nor an index", `"layers":`, `"manifests":[],"layers":`)
	swap("other type", "not what its media type", `"application/vnd.oci.image.manifest.v1+json"`, `"application/vnd.oci.image.index.v1+json"`)
	swap("unknown layer", "none of an image", "tar+gzip", "tar+rar")
	swap("no digest", "digest or size that is not valid", `"digest":"sha256:`, `"digest":"md5:`)
	swap("digest that is a path", "digest or size that is not valid", `"digest":"sha256:`, `"digest":"sha256:../../../../etc/`)
	swap("negative size", "digest or size that is not valid", `"size":`, `"size":-`)
	swap("size that is none", "cannot be read", `"size":`, `"size":1e30,"was":`)
	text("deep JSON", "cannot be read", func(_ *imageMaker, s string) string {
		return strings.Replace(s, `"layers":`, `"x":`+strings.Repeat("[", 1<<20)+strings.Repeat("]", 1<<20)+`,"layers":`, 1)
	})
	text("huge", "digest or size that is not valid", func(_ *imageMaker, s string) string { return s + strings.Repeat(" ", 5<<20) })
	text("junk behind", "cannot be read", func(_ *imageMaker, s string) string { return s + s })
	text("layers that are not there", "layers", func(m *imageMaker, s string) string {
		return strings.Replace(s, `"layers":[`, `"layers":[`+strings.Repeat(string(mustJSON(m.t, m.layers[0]))+",", 5000), 1)
	})
	text("a layer more", "layers", func(m *imageMaker, s string) string {
		return strings.Replace(s, `"layers":[`, `"layers":[`+string(mustJSON(m.t, m.layers[0]))+",", 1)
	})
	document("key of the configuration twice", "twice", func(m *imageMaker) {
		m.layer(func(w *layerMaker) { w.file("bin/app", "good") })
		m.config = strings.Replace(m.configText(), `"config":`, `"config":{"User":"0"},"config":`, 1)
		m.finish()
	})
	document("configuration that is none", "configuration", func(m *imageMaker) {
		m.config = `{"architecture":7}`
		m.finish()
	})
	document("nested indexes", "deeper than", func(m *imageMaker) {
		d := m.blob("application/vnd.oci.image.manifest.v1+json", m.manifest())
		for range 20 {
			d = m.blob("application/vnd.oci.image.index.v1+json", mustJSON(m.t, map[string]any{"schemaVersion": 2, "manifests": []any{d}}))
		}
		m.index(d)
	})
	document("index of many", "manifests and configurations", func(m *imageMaker) {
		var list []any
		for i := range 3000 {
			m.config = fmt.Sprintf(`{"architecture":"amd64","os":"linux","author":"%d","rootfs":{"type":"layers","diff_ids":[]}}`, i)
			list = append(list, m.blob("application/vnd.oci.image.manifest.v1+json", m.manifest()))
		}
		m.index(m.blob("application/vnd.oci.image.index.v1+json", mustJSON(m.t, map[string]any{"schemaVersion": 2, "manifests": list})))
	})
	document("index that is empty", "holds no image", func(m *imageMaker) { m.put("index.json", []byte(`{"schemaVersion":2,"manifests":[]}`)) })
	document("index that is junk", "cannot be read", func(m *imageMaker) { m.put("index.json", []byte("\x00\xff{")) })
	document("index of what is not there", "is missing", func(m *imageMaker) {
		m.index(&descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest([]byte("x")), Size: 10})
	})
	document("index that is a directory", "not complete", func(m *imageMaker) {
		if err := os.Mkdir(filepath.Join(m.dir, "index.json"), 0o755); err != nil {
			m.t.Fatal(err)
		}
	})
}

func digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func zipped(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gzipBomb is a tar with a file of n zeros, as small as gzip makes it.
func gzipBomb(t testing.TB, n int64) []byte {
	t.Helper()
	w := newLayer(t)
	w.header(&tar.Header{Name: "zeros", Size: n, Mode: 0o644})
	var b bytes.Buffer
	b.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255})
	piece := func(raw []byte) []byte {
		var p bytes.Buffer
		z, err := flate.NewWriter(&p, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := z.Write(raw); err != nil {
			t.Fatal(err)
		}
		if err := z.Flush(); err != nil { // ends on a byte boundary, so that it can be repeated
			t.Fatal(err)
		}
		return p.Bytes()
	}
	b.Write(piece(w.buf.Bytes()))
	zeros := piece(make([]byte, 1<<20))
	for range n >> 20 {
		b.Write(zeros)
	}
	return b.Bytes()
}

// zstdBomb is the same of zstd: blocks of 128 KiB that are one byte each
// (RFC 8878, section 3.1.1.2.2, RLE_Block).
func zstdBomb(n int64) []byte {
	w := &layerMaker{}
	w.w = tar.NewWriter(&w.buf)
	_ = w.w.WriteHeader(&tar.Header{Name: "zeros", Size: n, Mode: 0o644})
	header := w.buf.Bytes()
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0x58}
	block := func(kind, size uint32) []byte { return binary.LittleEndian.AppendUint32(nil, kind<<1|size<<3)[:3] }
	b = append(append(b, block(0, uint32(len(header)))...), header...)
	for range n >> 17 {
		b = append(append(b, block(1, 1<<17)...), 0)
	}
	return b
}

// sparseHeader is the header of an old GNU sparse file that is one hole.
func sparseHeader(size int64) []byte {
	h := make([]byte, 512)
	copy(h, "hole")
	for at, v := range map[int]int64{100: 0o644, 108: 0, 116: 0} {
		copy(h[at:], fmt.Sprintf("%07o\x00", v))
	}
	for at, v := range map[int]int64{124: 0, 136: 0, 386: size, 398: 0, 483: size} {
		copy(h[at:], fmt.Sprintf("%011o\x00", v))
	}
	h[156] = tar.TypeGNUSparse
	copy(h[257:], "ustar  \x00")
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}
