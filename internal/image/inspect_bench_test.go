package image

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// BenchmarkOpenImage opens an image with the go command itself as its program,
// and reads all of its layers.
func BenchmarkOpenImage(b *testing.B) {
	name, err := exec.LookPath("go")
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	for _, compression := range []string{"gzip", "zstd"} {
		b.Run(compression, func(b *testing.B) {
			c := openTestCache(b)
			l, err := c.Layer(b.Context(), LayerSpec{Title: "programs", Created: time.Unix(1, 0), Entries: []Entry{{Path: "/go", Mode: 0o755, Size: int64(len(program)), Open: func() (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(program)), nil
			}}}}, compression)
			if err != nil {
				b.Fatal(err)
			}
			made, err := finish(amd64, configure(configFile{}, 0, &plan.Image{Entrypoint: []string{"/go"}}, amd64, []Layer{l}), []Layer{l}, nil)
			if err != nil {
				b.Fatal(err)
			}
			dir := filepath.Join(b.TempDir(), "oci")
			if _, err := WriteLayout(b.Context(), dir, []Made{made}, IndexMeta{}); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(program)))
			b.ReportAllocs()
			for b.Loop() {
				x, err := Inspect(b.Context(), dir, InspectOptions{})
				if err != nil {
					b.Fatal(err)
				}
				tree, err := x.Images[0].Tree(b.Context(), rootfs.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				if n, err := tree.Resolve("/go"); err != nil || n.Size != int64(len(program)) {
					b.Fatal(err)
				}
				tree.Close()
				x.Close()
			}
		})
	}
}
