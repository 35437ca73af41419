// The race detector multiplies what is bounded here.

//go:build unix && !race

package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestHostileImages gives images that break the rules to the commands that
// open images, as processes of their own: each says what is wrong with the exit
// code of bad input, in bounded time and memory, and writes nothing but what it
// was asked to, where it was asked to.
func TestHostileImages(t *testing.T) {
	for _, h := range testkit.HostileImages("") {
		t.Run(h.Name, func(t *testing.T) {
			t.Parallel()
			base := t.TempDir()
			victim := filepath.Join(base, "victim")
			i := slices.IndexFunc(testkit.HostileImages(victim), func(o testkit.HostileImage) bool { return o.Name == h.Name })
			dir := filepath.Join(base, "work")
			testkit.HostileImages(victim)[i].Write(t, filepath.Join(dir, "image"))
			put(t, base, "canary/a/b", "alive")
			put(t, base, "passwd", "alive")
			before := everything(t, base)
			for _, args := range [][]string{{"verify", "oci:image"}, {"rootfs", "add", "x", "oci:image"}} {
				code, out, said := boundedSlipway(t, dir, args...)
				if h.Says == "" {
					// verify may find something in it; here alone it is taken.
					if code != 0 && (code != 3 || args[0] != "verify") {
						t.Errorf("%v: exit code %d: %.1000s", args, code, said)
					}
				} else if code != 2 || !strings.Contains(said, h.Says) || len(said) > 2000 || len(out) > 0 {
					t.Errorf("%v: exit code %d, want %q: %.1000s", args, code, h.Says, said)
				}
				if strings.ContainsAny(said, "\x1b\x00") {
					t.Errorf("%v: says %q", args, said)
				}
			}
			if after := everything(t, base); after != before {
				t.Errorf("written:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

// everything lists a directory with the contents of small files.
func everything(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %v %d", p, fi.Mode(), fi.Size())
		if fi.Mode().IsRegular() && fi.Size() < 100 {
			body, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", body)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
