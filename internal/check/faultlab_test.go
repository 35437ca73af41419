package check

import (
	"bytes"
	"context"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/facts"
)

// TestFaults runs the go commands that rules find in bad/ of their testdata,
// with the real go command, and sees them fail as the rules say; then those of
// good/, which do not.
func TestFaults(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the faults are those of Linux")
	}
	for _, tc := range []struct {
		id    string
		fails func(t *testing.T, built built) bool
	}{
		{"CGO004", func(t *testing.T, b built) bool { return b.interpreter(t) != "" }},
		{"CGO005", func(t *testing.T, b built) bool {
			return strings.Contains(b.output, "requires external (cgo) linking, but cgo is not enabled")
		}},
		{"CGO006", func(t *testing.T, b built) bool {
			out, err := exec.CommandContext(t.Context(), b.binary).CombinedOutput()
			return err != nil && bytes.Contains(out, []byte("plugin: not implemented"))
		}},
	} {
		t.Run(tc.id, func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(filepath.Join("testdata", tc.id+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			for _, dir := range []string{"bad", "good"} {
				root := t.TempDir()
				for _, f := range a.Files {
					name, ok := strings.CutPrefix(f.Name, dir+"/")
					if !ok {
						continue
					}
					file := filepath.Join(root, filepath.FromSlash(name))
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, f.Data, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				repo, err := facts.ReadRepo(t.Context(), root)
				if err != nil {
					t.Fatal(err)
				}
				builds := repo.Builds()
				if len(builds) == 0 {
					t.Fatalf("%s/ builds nothing", dir)
				}
				for _, b := range builds {
					if dir == "good" && b.Cgo == facts.Yes && !hasGCC() {
						continue // the mended build needs a C compiler
					}
					if got := tc.fails(t, run(t.Context(), t, root, b)); got != (dir == "bad") {
						t.Errorf("%s/ %s: go %s fails: %t", dir, b.Go.Pos, strings.Join(b.Go.Words[1:], " "), got)
					}
				}
			}
		})
	}
}

func hasGCC() bool {
	_, err := exec.LookPath("gcc")
	return err == nil
}

// built is what one go build left behind.
type built struct {
	binary string
	output string // of the go command
}

func run(ctx context.Context, t *testing.T, root string, b facts.Build) built {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "out")
	args := []string{"build", "-o", binary}
	for _, flag := range []string{"-buildmode", "-ldflags"} {
		if v, ok := b.Go.Flags[flag]; ok {
			args = append(args, flag+"="+v)
		}
	}
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	cmd.Dir = root // all of them build the module there
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED="+b.Go.Env["CGO_ENABLED"])
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return built{binary, string(out)}
}

// interpreter gives the loader that a binary names, "" if it needs none.
func (b built) interpreter(t *testing.T) string {
	t.Helper()
	f, err := elf.Open(b.binary)
	if err != nil {
		t.Fatalf("%v\n%s", err, b.output)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			data := make([]byte, p.Filesz)
			if _, err := p.ReadAt(data, 0); err != nil {
				t.Fatal(err)
			}
			return string(bytes.TrimRight(data, "\x00"))
		}
	}
	return ""
}
