package sizes

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// A program with C in it, at a fixed address and at any: the C linker lays it
// out, and what it has to relocate lies apart.
func TestCgo(t *testing.T) {
	testkit.NeedE2E(t, "gcc")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/lab\n\ngo 1.26\n",
		"main.go": `package main

// static int table[5000] = {1, 2, 3};
// int add(int a, int b) { return a + table[b % 5000]; }
import "C"
import "fmt"

func main() { fmt.Println(C.add(1, 2)) }
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var truth *Report
	for _, c := range []struct{ mode, flags string }{{"exe", ""}, {"exe", "-s -w"}, {"pie", ""}, {"pie", "-s -w"}} {
		out := filepath.Join(dir, "program")
		cmd := exec.Command("go", "build", "-trimpath", "-buildmode="+c.mode, "-ldflags="+c.flags, "-o", out, ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS=", "GOWORK=off")
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		r := read(t, out)
		check(t, r)
		if c.flags == "" {
			truth = r
			if got := r.module(Foreign, "").Size; got < 20_000 || got > 100_000 {
				t.Errorf("%s: %d bytes are C's", c.mode, got)
			}
		}
		for _, name := range []string{"fmt", "runtime"} {
			p, q := truth.module(Std, "std").pkg(name), r.module(Std, "std").pkg(name)
			if p.Code != q.Code || p.Tables != q.Tables || p.Types == 0 || p.Types != q.Types {
				t.Errorf("%s %q: %+v, with symbols %+v", c.mode, c.flags, q, p)
			}
		}
		if got, want := r.module(Strings, "").Size, truth.module(Strings, "").Size; got < want || got > want+want/10 {
			t.Errorf("%s %q: %d bytes of strings, with symbols %d", c.mode, c.flags, got, want)
		}
	}
}
