package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/plan"
)

type quiet struct {
	mu   sync.Mutex
	ends []string
}

func (q *quiet) Begin(string, string) {}
func (q *quiet) End(task, stage string, _ time.Duration, _ int64, _ string, reused bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if reused {
		stage += " reused"
	}
	q.ends = append(q.ends, task+" "+stage)
}

// options plans a small program by hand for the given platforms.
func options(t testing.TB, platforms ...plan.Platform) Options {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":  "module example.com/p\n\ngo 1.24\n",
		"main.go": "package main\n\nfunc main() { println(\"one\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g, err := gotool.Find(t.Context(), os.Environ(), "")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Go: g, Root: root, CacheDir: t.TempDir(), Observer: &quiet{}, Inputs: map[string]string{}}
	o.Plan = plan.Plan{SchemaVersion: plan.SchemaVersion, Module: "example.com/p", Toolchain: g.Settings.Version}
	for _, p := range platforms {
		o.Plan.Targets = append(o.Plan.Targets, plan.Target{Platform: p, Binaries: []plan.Binary{{
			Package: "example.com/p", Dir: ".", Name: "p", Linkage: plan.Static, Strip: true,
			Args: []string{"-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags=-s -w"},
			Env:  map[string]string{"GOOS": p.OS, "GOARCH": p.Arch, "CGO_ENABLED": "0", "GOTOOLCHAIN": g.Settings.Version, "GOWORK": "off"},
		}}})
		o.Inputs[p.String()] = "first"
	}
	return o
}

var amd64 = plan.Platform{OS: "linux", Arch: "amd64"}

func run(t testing.TB, o Options) []Binary {
	t.Helper()
	bins, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return bins
}

func TestRunReusesWhatIsUnchanged(t *testing.T) {
	o := options(t, amd64, plan.Platform{OS: "linux", Arch: "arm64"})
	first := run(t, o)
	if len(first) != 2 || first[0].Reused || first[0].Digest == first[1].Digest || len(first[0].Findings) > 0 {
		t.Fatalf("%+v", first)
	}
	// The go command is not even asked: a source that no longer compiles is
	// not noticed as long as the caller vouches for the inputs.
	main := filepath.Join(o.Root, "main.go")
	if err := os.WriteFile(main, []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	if again := run(t, o); !again[0].Reused || again[0].Digest != first[0].Digest {
		t.Errorf("%+v", again[0])
	}
	if err := os.WriteFile(main, []byte("package main\n\nfunc main() { println(\"two\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Inputs["linux/amd64"] = "second"
	changed := run(t, o)
	if changed[0].Reused || changed[0].Digest == first[0].Digest || !changed[1].Reused {
		t.Errorf("%+v", changed)
	}
	// Unknown inputs: the go command decides.
	o.Inputs = nil
	if b := run(t, o)[0]; !b.Reused || b.Digest != changed[0].Digest {
		t.Errorf("%+v", b)
	}
}

// TestRunHealsItsCache damages a cached binary in ways that leave its build ID
// readable, which is all the go command looks at.
func TestRunHealsItsCache(t *testing.T) {
	for name, damage := range map[string]func(string) error{
		"truncated": func(f string) error { return os.Truncate(f, 100<<10) },
		"edited": func(f string) error {
			b, err := os.ReadFile(f)
			if err != nil {
				return err
			}
			return os.WriteFile(f, []byte(strings.Replace(string(b), "one", "EVL", 1)), 0o755)
		},
		"removed": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, amd64)
			first := run(t, o)[0]
			if err := damage(first.Cached); err != nil {
				t.Fatal(err)
			}
			again := run(t, o)[0]
			if again.Digest != first.Digest || again.Reused {
				t.Errorf("%+v", again)
			}
			if d, _, err := fileDigest(again.Cached); err != nil || d != first.Digest {
				t.Errorf("the cache holds %s, %v", d, err)
			}
		})
	}
}

func TestCompileErrorOnce(t *testing.T) {
	o := options(t, amd64, plan.Platform{OS: "linux", Arch: "arm64"})
	if err := os.WriteFile(filepath.Join(o.Root, "main.go"), []byte("package main\n\nfunc main() { nothing() }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Run(t.Context(), o)
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || strings.Count(f.Detail, "main.go:3:15: undefined: nothing") != 1 {
		t.Errorf("got %v", err)
	}
}

func TestStage(t *testing.T) {
	o := options(t, amd64)
	out := filepath.Join(t.TempDir(), "dist", "bin")
	bins := run(t, o)

	s, err := Stage(t.Context(), out, bins)
	if err != nil {
		t.Fatal(err)
	}
	final := filepath.Join(out, "linux_amd64", "p")
	if _, err := os.Stat(final); err == nil {
		t.Error("a staged binary is already in place")
	}
	s.Discard()
	if es, _ := os.ReadDir(filepath.Dir(out)); len(es) > 0 {
		t.Errorf("%v is left after Discard", es)
	}

	commit := func() []Binary {
		t.Helper()
		s, err := Stage(t.Context(), out, bins)
		if err != nil {
			t.Fatal(err)
		}
		bins, err := s.Commit()
		if err != nil {
			t.Fatal(err)
		}
		return bins
	}
	placed := commit()
	if d, _, err := fileDigest(placed[0].Path); err != nil || d != bins[0].Digest || placed[0].Path != final {
		t.Errorf("%s %v", d, err)
	}
	fi, _ := os.Stat(final)
	if fi.Mode().Perm() != 0o755 {
		t.Errorf("mode %v", fi.Mode())
	}
	commit()
	if again, _ := os.Stat(final); !os.SameFile(fi, again) {
		t.Error("an unchanged binary was copied again")
	}
	if err := os.WriteFile(final, []byte("somebody wrote here"), 0o755); err != nil {
		t.Fatal(err)
	}
	commit()
	if d, _, _ := fileDigest(final); d != bins[0].Digest {
		t.Error("a changed binary was taken for ours")
	}
	leftover := filepath.Join(filepath.Dir(final), tempPrefix+"123")
	if err := os.WriteFile(leftover, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	commit()
	if _, err := os.Stat(leftover); err == nil {
		t.Error("what a killed run left is still there")
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	other := filepath.Join(t.TempDir(), "other")
	if _, err := Stage(ctx, other, bins); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if es, _ := os.ReadDir(other); len(es) > 0 {
		t.Errorf("%v is left after a cancelled Stage", es)
	}
}

func TestReadyFailureEndsTheRun(t *testing.T) {
	o := options(t, amd64)
	want := errors.New("no room for the image")
	o.Ready = func(context.Context, int, []Binary) error { return want }
	if _, err := Run(t.Context(), o); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}

func TestDebugTwin(t *testing.T) {
	o := options(t, amd64)
	b := &o.Plan.Targets[0].Binaries[0]
	b.Debug, b.Args = true, []string{"-trimpath", "-buildvcs=false"}
	bins := run(t, o)
	s, err := Stage(t.Context(), t.TempDir(), bins)
	if err != nil {
		t.Fatal(err)
	}
	bins, err = s.Commit()
	if err != nil {
		t.Fatal(err)
	}
	full, thin := sections(t, bins[0].Debug), sections(t, bins[0].Path)
	if _, ok := full[".debug_info"]; !ok {
		if _, ok := full[".zdebug_info"]; !ok {
			t.Error("the twin has no DWARF")
		}
	}
	if _, ok := thin[".symtab"]; ok || len(bins[0].Findings) > 0 {
		t.Errorf("the program is not stripped: %+v", bins[0].Findings)
	}
}
