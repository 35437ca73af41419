package rootfs

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestUnpackedDebianIsTheSame unpacks a whole distribution that went through a
// tar, and holds it against the original.
func TestUnpackedDebianIsTheSame(t *testing.T) {
	t.Parallel()
	for name, root := range map[string]string{"debian": testkit.DebianRoot(t), "musl": testkit.MuslRoot(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, err := OpenDir(root)
			if err != nil {
				t.Fatal(err)
			}
			defer from.Close()
			to := filepath.Join(t.TempDir(), "root")
			devices := 0
			if err := from.Unpack(t.Context(), to, UnpackOptions{Owners: true, Lost: func(n Node, l Loss) {
				if l != LostDevice || !strings.HasPrefix(n.Path, "/dev/") {
					t.Errorf("%s: %s", n.Path, l)
				}
				devices++
			}}); err != nil {
				t.Fatal(err)
			}
			want := without(listing(t, root), "dev/")
			if got := without(listing(t, to), "dev/"); got != want {
				t.Errorf("differ: %d and %d bytes of listing", len(got), len(want))
			}
			t.Logf("%d lines, %d devices left out", strings.Count(want, "\n"), devices)
		})
	}
}

// without drops the lines that begin so.
func without(list, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(list) {
		if !strings.HasPrefix(line, prefix) {
			b.WriteString(line)
		}
	}
	return b.String()
}
