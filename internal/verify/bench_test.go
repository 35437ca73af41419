package verify

import (
	"os"
	"testing"
)

// BenchmarkShip opens and judges what `slipway ship` wrote, of which
// SLIPWAY_BENCH_SHIP names the directory; without it, an image of one program.
func BenchmarkShip(b *testing.B) {
	dir := os.Getenv("SLIPWAY_BENCH_SHIP")
	subject := ""
	if dir == "" {
		subject = layout(b, map[string]any{"User": "1", "Entrypoint": []string{"/app"}},
			entry{path: "/app", text: goProgram(b, hello, nil, "-trimpath"), mode: 0o755})
	}
	b.ReportAllocs()
	for b.Loop() {
		var o *Opened
		var err error
		if dir != "" {
			o, err = OpenShip(b.Context(), dir, ImageOptions{})
		} else {
			o, err = OpenImage(b.Context(), subject, ImageOptions{})
		}
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Judge(b.Context(), []*Opened{o}, Options{}); err != nil {
			b.Fatal(err)
		}
		if err := o.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
