package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// TestHostileArchives opens archives of `docker save` and OCI archives that
// nobody writes in good faith: each is refused in words, or its image is.
func TestHostileArchives(t *testing.T) {
	t.Parallel()
	empty := digestBytes(make([]byte, 1024))
	config := `{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["` + empty + `"]}}`
	type file struct{ name, body, link string }
	saved := func(config string, more ...file) []file {
		return append([]file{{name: "c.json", body: config}, {name: "l/layer.tar", body: string(make([]byte, 1024))}}, more...)
	}
	list := func(s string) file { return file{name: "manifest.json", body: s} }
	var many []file
	for i := range maxArchiveFiles + 1 {
		many = append(many, file{name: fmt.Sprint(i)})
	}
	for name, c := range map[string]struct {
		files []file
		says  string // empty: taken
	}{
		"good":                     {saved(config, list(`[{"Config":"c.json","Layers":["l/layer.tar"]}]`)), ""},
		"config out":               {saved(config, list(`[{"Config":"../../../../etc/passwd","Layers":["l/layer.tar"]}]`)), "is missing"},
		"config from the root":     {saved(config, list(`[{"Config":"/etc/passwd","Layers":["l/layer.tar"]}]`)), "is missing"},
		"layer out":                {saved(config, list(`[{"Config":"c.json","Layers":["../../../../etc/passwd"]}]`)), "is missing"},
		"layer a link out":         {saved(config, file{name: "k", link: "../../../../../../etc/passwd"}, list(`[{"Config":"c.json","Layers":["k"]}]`)), "is missing"},
		"layer a link to itself":   {saved(config, file{name: "k", link: "k"}, list(`[{"Config":"c.json","Layers":["k"]}]`)), "is missing"},
		"layer with other content": {saved(config, file{name: "k", body: string(make([]byte, 2048))}, list(`[{"Config":"c.json","Layers":["k"]}]`)), "is not sha256:"},
		"more layers":              {saved(config, list(`[{"Config":"c.json","Layers":["l/layer.tar","l/layer.tar"]}]`)), "layers"},
		"key twice":                {saved(config, list(`[{"Config":"x.json","Config":"c.json","Layers":["l/layer.tar"]}]`)), "twice"},
		"list twice":               {saved(config, list(`[]`), list(`[{"Config":"c.json","Layers":["l/layer.tar"]}]`)), "holds the file manifest.json twice"},
		"empty list":               {saved(config, list(`[]`)), "holds no image"},
		"null":                     {saved(config, list(`null`)), "holds no image"},
		"no list":                  {saved(config), "no archive of images"},
		"list of objects":          {saved(config, list(`{"Config":1}`)), "cannot be read"},
		"large list":               {saved(config, list(strings.Repeat(" ", maxManifest+1))), "more than 4 MiB"},
		"many images":              {saved(config, list("["+strings.TrimSuffix(strings.Repeat(`{"Config":"c.json","Layers":["l/layer.tar"]},`, maxDocuments+1), ",")+"]")), "more than 512"},
		"many layers":              {saved(config, list(`[{"Config":"c.json","Layers":["`+strings.Repeat(`l/layer.tar","`, 1000)+`l/layer.tar"]}]`)), "1001 layers"},
		"config of another digest": {append(saved(config, list(`[{"Config":"`+strings.Repeat("a", 64)+`.json","Layers":["l/layer.tar"]}]`)), file{name: strings.Repeat("a", 64) + ".json", body: config}), "other bytes than"},
		"large config":             {saved(config+strings.Repeat(" ", maxManifest), list(`[{"Config":"c.json","Layers":["l/layer.tar"]}]`)), "more than 4 MiB"},
		"many files":               {many, "more than 65536 files"},
		"index without blobs":      {[]file{{name: "oci-layout", body: layoutContent}, {name: indexFile, body: `{"schemaVersion":2,"manifests":[{"mediaType":"` + MediaTypeManifest + `","digest":"` + empty + `","size":5}]}`}}, "is missing"},
		"index twice":              {[]file{{name: indexFile, body: `{"manifests":[]}`}, {name: "./" + indexFile, body: `{"manifests":[]}`}}, "twice"},
		"nothing":                  {nil, "no archive of images"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			w := tar.NewWriter(&out)
			for _, f := range c.files {
				h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.body))}
				if f.link != "" {
					h.Typeflag, h.Linkname = tar.TypeSymlink, f.link
				}
				if err := w.WriteHeader(h); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write([]byte(f.body)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			at := filepath.Join(t.TempDir(), "a.tar")
			if err := os.WriteFile(at, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			x, err := Inspect(t.Context(), at, InspectOptions{})
			if err == nil {
				defer x.Close()
				var tree *rootfs.Tree
				if tree, err = x.Images[0].Tree(t.Context(), rootfs.Limits{}); err == nil {
					tree.Close()
				}
			}
			if c.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != fault.Usage || f.Hint.IsZero() || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 1000 {
				t.Errorf("%.1000v, want %q", err, c.says)
			}
		})
	}
}

// TestLayoutsOfOddFiles opens layouts in which something else stands where a
// file should be, such as a pipe, which to open would wait for ever.
func TestLayoutsOfOddFiles(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"directory", "device", "sparse"} {
		for _, which := range []string{layoutFile, indexFile, "manifest", "config", "layer"} {
			if kind == "device" && runtime.GOOS == "windows" || kind == "sparse" && (which == layoutFile || which == "layer") {
				continue
			}
			t.Run(kind+" "+which, func(t *testing.T) {
				t.Parallel()
				dir, made, _ := twoImages(t)
				blob := func(digest string) string {
					return filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
				}
				at := map[string]string{
					"manifest": blob(made[0].Manifest.Digest), "config": blob(made[0].Config.Digest), "layer": blob(made[0].Layers[1].Digest),
				}[which]
				if at == "" {
					at = filepath.Join(dir, which)
				}
				err := os.Remove(at)
				switch kind {
				case "directory":
					err = errors.Join(err, os.Mkdir(at, 0o755))
				case "device":
					err = errors.Join(err, os.Symlink("/dev/zero", at))
				case "sparse":
					err = errors.Join(err, os.WriteFile(at, nil, 0o644), os.Truncate(at, 8<<30))
				}
				if err != nil {
					t.Fatal(err)
				}
				x, err := Inspect(t.Context(), "oci:"+dir, InspectOptions{})
				if err == nil {
					defer x.Close()
					img, _ := x.For(amd64)
					_, err = img.Tree(t.Context(), rootfs.Limits{})
				}
				if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Usage || f.Hint.IsZero() {
					t.Errorf("%v (%T)", err, err)
				}
			})
		}
	}
}
