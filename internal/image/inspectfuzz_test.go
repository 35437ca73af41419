package image

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// FuzzDocumentsMeanOneThing reads anything as an index, a manifest, a
// configuration and a manifest.json: what is taken has no key twice, holds only
// digests that can be followed, and reads the same when it is written again.
func FuzzDocumentsMeanOneThing(f *testing.F) {
	d := `{"mediaType":"` + MediaTypeLayerGzip + `","digest":"sha256:` + strings.Repeat("a", 64) + `","size":3}`
	for _, s := range []string{
		`{"schemaVersion":2,"mediaType":"` + MediaTypeIndex + `","manifests":[` + d + `]}`,
		`{"schemaVersion":2,"config":` + d + `,"layers":[` + d + `],"annotations":{"a":"b","A":"c"}}`,
		`{"architecture":"amd64","os":"linux","config":{"Env":["A=b"],"Healthcheck":{"Test":["NONE"]}},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created":"2020-01-01T00:00:00Z"}]}`,
		`[{"Config":"a.json","RepoTags":["a:1"],"Layers":["../../x","b/layer.tar"]}]`,
		`{"a":1,"A":2}`, `{"a":{"b":[{"c":1,"c":2}]}}`, `{"Labels":{"a":"1","A":"2"}}`, `{"layers":null}{}`, strings.Repeat("[", 100),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if uniqueKeys(raw) == nil {
			var v any
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatalf("%v of what has no key twice: %q", err, raw)
			}
		}
		if doc, err := readFound(raw, "x"); err == nil {
			if uniqueKeys(raw) != nil || (doc.Manifests == nil) == (doc.Config == nil && doc.Layers == nil) {
				t.Fatalf("taken: %q", raw)
			}
		} else if fault.ExitCode(err) != fault.Usage {
			t.Fatal(err)
		}
		if doc, err := readDocument(raw, "x"); err == nil {
			for _, l := range append(doc.Layers, doc.Manifests...) {
				if _, err := hexOf(l.Digest); err != nil || l.Size < 0 {
					t.Fatalf("taken: %+v", l)
				}
			}
		}
		for n := range 3 {
			if c, err := readConfig(raw, "x", n); err == nil {
				if out := c.exported(); len(c.RootFS.DiffIDs) != n || len(out.History) != len(c.History) {
					t.Fatalf("taken: %+v", c)
				}
			}
		}
		if entries, err := readSaved(raw, "x"); err == nil {
			for _, e := range entries {
				for _, p := range append(e.Layers, e.Config) {
					if q := archivePath(p); strings.HasPrefix(q, "/") || strings.HasPrefix(q, "../") || q == ".." {
						t.Fatalf("%q becomes %q", p, q)
					}
				}
			}
		}
		if _, err := readTops(bytes.NewReader(raw), "x"); err != nil && fault.ExitCode(err) != fault.Usage {
			t.Fatal(err)
		}
	})
}

// FuzzArchiveIsReadOrRefused opens any file as an archive of images, and reads
// what it takes for one to the end.
func FuzzArchiveIsReadOrRefused(f *testing.F) {
	c := openTestCache(f)
	made := []Made{makeImage(f, c, amd64, 600)}
	dir := f.TempDir()
	oci := filepath.Join(dir, "oci.tar")
	if err := WriteOCIArchive(f.Context(), oci, made, IndexMeta{}); err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(oci)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	var docker bytes.Buffer
	if err := WriteDockerArchive(f.Context(), &docker, made, []string{"a:1"}); err != nil {
		f.Fatal(err)
	}
	f.Add(docker.Bytes())
	f.Add(docker.Bytes()[:3000])
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 1<<20 {
			return
		}
		name := filepath.Join(t.TempDir(), "a.tar")
		if err := os.WriteFile(name, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		temp := t.TempDir()
		_ = IsImage(name)
		x, err := Inspect(t.Context(), name, InspectOptions{TempDir: temp, MaxTemp: 8 << 20})
		if err != nil {
			if _, ok := errors.AsType[*fault.Error](err); !ok || fault.ExitCode(err) != fault.Usage {
				t.Fatalf("%v (%T)", err, err)
			}
		} else {
			for i := range x.Images {
				tree, err := x.Images[i].Tree(t.Context(), rootfs.Limits{Bytes: 4 << 20, Entries: 4096, TempDir: temp})
				if err != nil {
					if fault.ExitCode(err) != fault.Usage {
						t.Fatalf("%v (%T)", err, err)
					}
					continue
				}
				tree.Close()
				for n := range x.Images[i].Layers {
					r, err := x.Images[i].OpenLayer(t.Context(), n)
					if err != nil {
						t.Fatalf("a layer that was merged: %v", err)
					}
					if _, err := io.Copy(io.Discard, r); err != nil {
						t.Fatalf("a layer that was merged: %v", err)
					}
					r.Close()
				}
			}
			x.Close()
		}
		if left, _ := os.ReadDir(temp); len(left) > 0 {
			t.Fatalf("%s stays behind", left[0].Name())
		}
	})
}
