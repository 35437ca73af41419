package rebuild

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
)

// shippedImage is the layout of an image in a state to be tampered with: all
// digests above a changed blob are made right again, as whoever ships a
// changed image would.
type shippedImage struct {
	t                *testing.T
	dir              string
	manifest, config map[string]any
}

func (s *shippedImage) blob(digest string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:")))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// put writes a blob and makes desc its descriptor.
func (s *shippedImage) put(desc map[string]any, b []byte) {
	s.t.Helper()
	sum := sha256.Sum256(b)
	name := hex.EncodeToString(sum[:])
	if err := os.WriteFile(filepath.Join(s.dir, "blobs", "sha256", name), b, 0o644); err != nil {
		s.t.Fatal(err)
	}
	desc["digest"], desc["size"] = "sha256:"+name, len(b)
}

func (s *shippedImage) decode(b []byte) map[string]any {
	s.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *shippedImage) encode(m map[string]any) []byte {
	s.t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *shippedImage) layer(i int) map[string]any {
	return s.manifest["layers"].([]any)[i].(map[string]any)
}

// tar gives what layer i holds.
func (s *shippedImage) tar(i int) []byte {
	s.t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(s.blob(s.layer(i)["digest"].(string))))
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// pack puts a tar in place of layer i, compressed as well as gzip can.
func (s *shippedImage) pack(i int, tar []byte) {
	s.t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := z.Write(tar); err != nil {
		s.t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.put(s.layer(i), b.Bytes())
	sum := sha256.Sum256(tar)
	s.config["rootfs"].(map[string]any)["diff_ids"].([]any)[i] = "sha256:" + hex.EncodeToString(sum[:])
}

// tamper changes the one image of the layout at dir.
func tamper(t *testing.T, dir string, change func(*shippedImage)) {
	t.Helper()
	s := &shippedImage{t: t, dir: dir}
	index := filepath.Join(dir, "index.json")
	b, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	outer := s.decode(b)
	inIndex := outer["manifests"].([]any)[0].(map[string]any)
	inner := s.decode(s.blob(inIndex["digest"].(string)))
	inManifest := inner["manifests"].([]any)[0].(map[string]any)
	s.manifest = s.decode(s.blob(inManifest["digest"].(string)))
	inConfig := s.manifest["config"].(map[string]any)
	s.config = s.decode(s.blob(inConfig["digest"].(string)))
	before := string(s.encode(s.config))
	change(s)
	if after := s.encode(s.config); string(after) != before {
		s.put(inConfig, after)
	}
	s.put(inManifest, s.encode(s.manifest))
	s.put(inIndex, s.encode(inner))
	if err := os.WriteFile(index, s.encode(outer), 0o644); err != nil {
		t.Fatal(err)
	}
}

func imageJob(t *testing.T, compression string) image.Job {
	t.Helper()
	cache, err := image.OpenCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	content := []byte("\x7fELF " + strings.Repeat("a program that goes into an image, ", 1000))
	path := filepath.Join(dir, "svc")
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	b := plan.Binary{Name: "svc"}
	return image.Job{
		Target: plan.Target{Platform: plan.Platform{OS: "linux", Arch: "amd64"}, Binaries: []plan.Binary{b}, Image: &plan.Image{
			Base: plan.Base{Kind: plan.Assembled, Users: true, Temp: true, Home: true}, User: "65532:65532",
			Entrypoint: []string{"/usr/bin/svc"}, Env: []string{"A=1"}, BinDir: "/usr/bin", Compression: compression,
		}},
		Programs:   []image.Program{{Binary: b, Path: path, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(content))}},
		ProjectDir: dir, Cache: cache,
	}
}

func TestImageMadeAgain(t *testing.T) {
	const level9 = "gzip 9 of somebody"
	for _, c := range []struct {
		name    string
		change  func(*shippedImage)
		again   string // compression of the plan
		known   bool   // what compressed is recorded
		others  bool   // the programs differ
		verdict Verdict
		ids     []string // findings
		says    []string
	}{
		{name: "the same", verdict: Identical},
		{name: "gzip -9", change: func(s *shippedImage) { s.pack(1, s.tar(1)) }, verdict: SameCode, ids: []string{"BIN065"}, says: []string{"layer programs has the same files", "otherwise than by gzip"}},
		{name: "gzip -9, recorded", change: func(s *shippedImage) { s.pack(0, s.tar(0)) }, known: true, verdict: SameCode, ids: []string{"BIN065"}, says: []string{"layer base has the same files", level9}},
		{name: "zstd", again: "zstd", verdict: SameCode, ids: []string{"BIN065", "BIN065"}, says: []string{"zstd"}},
		{name: "other files", change: func(s *shippedImage) { s.pack(0, bytes.ReplaceAll(s.tar(0), []byte("nonroot"), []byte("toor..."))) }, verdict: DifferentCode, ids: []string{"BIN066"}, says: []string{"layer base holds other files"}},
		{name: "another program", change: func(s *shippedImage) {
			s.pack(1, bytes.ReplaceAll(s.tar(1), []byte("a program"), []byte("b program")))
		}, verdict: DifferentCode, ids: []string{"BIN066"}, says: []string{"layer programs holds other files"}},
		{name: "environment", change: func(s *shippedImage) {
			c := s.config["config"].(map[string]any)
			c["Env"] = append(c["Env"].([]any), "LD_PRELOAD=/tmp/x.so")
		}, verdict: DifferentCode, ids: []string{"BIN067"}, says: []string{"config.Env", "LD_PRELOAD"}},
		{name: "user", change: func(s *shippedImage) { s.config["config"].(map[string]any)["User"] = "0" }, verdict: DifferentCode, ids: []string{"BIN067"}, says: []string{"config.User", "65532:65532"}},
		{name: "manifest", change: func(s *shippedImage) { s.manifest["annotations"] = map[string]any{"a": "b"} }, verdict: DifferentCode, ids: []string{"BIN067"}, says: []string{"though layers and configuration are the same"}},
		{name: "other programs", others: true, change: func(s *shippedImage) {
			s.pack(1, bytes.ReplaceAll(s.tar(1), []byte("a program"), []byte("b program")))
		}, verdict: Unknown, ids: []string{"BIN064"}, says: []string{"other layers (1) hold the same"}},
		{name: "other programs, other base", others: true, change: func(s *shippedImage) { s.pack(0, bytes.ReplaceAll(s.tar(0), []byte("nonroot"), []byte("toor..."))) }, verdict: DifferentCode, ids: []string{"BIN066"}, says: []string{"layer base"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			job := imageJob(t, "gzip")
			shipped, err := image.Assemble(t.Context(), job)
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(t.TempDir(), "oci")
			if _, err := image.WriteLayout(t.Context(), dir, []image.Made{shipped}, image.IndexMeta{}); err != nil {
				t.Fatal(err)
			}
			if c.change != nil {
				tamper(t, dir, c.change)
			}
			x, err := image.Inspect(t.Context(), "oci:"+dir, image.InspectOptions{TempDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			want := &x.Images[0]
			config := (&shippedImage{t: t, dir: dir}).blob(want.ImageID)

			again := job
			img := *job.Target.Image
			again.Target.Image = &img
			if c.again != "" {
				img.Compression = c.again
			}
			if again.Cache, err = image.OpenCache(t.TempDir()); err != nil {
				t.Fatal(err)
			}
			made, err := image.Assemble(t.Context(), again)
			if err != nil {
				t.Fatal(err)
			}
			known := Shipped{OtherPrograms: c.others}
			if c.known {
				known.Compressors = map[string]string{want.Layers[0].Digest: level9}
			}
			r, err := Image("linux/amd64", want, config, made, known)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != c.verdict {
				t.Errorf("verdict %s, want %s: %+v", r.Verdict, c.verdict, r)
			}
			var ids []string
			text := ""
			for _, f := range r.Findings() {
				ids = append(ids, f.ID)
				text += f.Message.String() + "\n"
				for _, e := range f.Evidence {
					text += e.Text.String() + "\n"
				}
			}
			if strings.Join(ids, " ") != strings.Join(c.ids, " ") {
				t.Errorf("findings %q, want %q\n%s", ids, c.ids, text)
			}
			for _, s := range c.says {
				if !strings.Contains(text, s) {
					t.Errorf("nothing says %q:\n%s", s, text)
				}
			}
		})
	}
}
