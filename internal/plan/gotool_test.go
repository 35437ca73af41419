package plan

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
)

// goCommand runs the real go command and gives its standard output.
func goCommand(t *testing.T, dir string, env map[string]string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOENV=off")
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

func TestPortsAreThoseOfTheGoCommand(t *testing.T) {
	if got := strings.Fields(goCommand(t, "", nil, "tool", "dist", "list")); !slices.Equal(got, ports) {
		t.Errorf("ports are out of date:\n%q\nwant\n%q", ports, got)
	}
}

// thisGo is the version of the go command that runs the tests.
func thisGo(t *testing.T) string {
	t.Helper()
	v := strings.Fields(runtime.Version())[0]
	if !strings.HasPrefix(v, "go1.") {
		t.Skipf("%s is no release", v)
	}
	return v
}

// TestHeldBackIsWhatTheGoCommandHoldsBack builds nothing: go list says which
// settings a go line keeps old.
func TestHeldBackIsWhatTheGoCommandHoldsBack(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "main.go", "package main\n\nimport _ \"net/http\"\n\nfunc main() {}\n")
	for _, line := range []string{"1.21", "1.22", "1.23.0", "1.24.0", "1.25.0", "1.26.0"} {
		write(t, dir, "go.mod", "module example.com/t\n\ngo "+line+"\n")
		held := strings.Split(strings.TrimSpace(goCommand(t, dir, map[string]string{"GOTOOLCHAIN": "local", "GOFLAGS": ""}, "list", "-f", "{{.DefaultGODEBUG}}", ".")), ",")
		f := facts.Facts{Module: facts.Module{Path: "example.com/t", Go: facts.Line{Value: line, Pos: at("go.mod", 3)}}}
		var said []string
		for _, x := range heldBack(f, thisGo(t)) {
			said = strings.Split(x.Text.Args[1], ", ")
		}
		for _, g := range guarded {
			s := g.name + "=" + g.old
			if slices.Contains(held, s) != slices.Contains(said, s) {
				t.Errorf("go %s: %s is held back: %v; the plan says %v", line, s, slices.Contains(held, s), slices.Contains(said, s))
			}
		}
	}
	own := facts.Facts{Module: facts.Module{Go: facts.Line{Value: "1.22"}, Godebug: []facts.Line{{Value: "default=go1.26"}}}}
	if got := heldBack(own, "go1.26.8"); got != nil {
		t.Errorf("a godebug default line is passed over: %v", got)
	}
	own.Module.Godebug = []facts.Line{{Value: "tlsmlkem=1"}}
	if got := heldBack(own, "go1.26.8"); len(got) != 1 || strings.Contains(got[0].Text.Args[1], "tlsmlkem") {
		t.Errorf("a setting of the program's own is said to be held back: %v", got)
	}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPlanBuildsWithTheGoCommand carries a plan out: stamps with spaces and
// quotes arrive whole, and build info says what the plan expects.
func TestPlanBuildsWithTheGoCommand(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "go.mod", "module example.com/t/v2\n\ngo 1.25.0\n")
	write(t, dir, "main.go", `package main

var version, motto, plain = "", "", ""

func main() { print(version, "|", motto, "|", plain, "|", debug) }
`)
	write(t, dir, "on.go", "//go:build debug\n\npackage main\n\nconst debug = true\n")
	write(t, dir, "off.go", "//go:build !debug\n\npackage main\n\nconst debug = false\n")
	host := runtime.GOOS + "/" + runtime.GOARCH
	f := facts.Facts{
		Module: facts.Module{Path: "example.com/t/v2", Go: facts.Line{Value: "1.25.0"}},
		GoEnv:  facts.GoEnv{Version: thisGo(t), HostOS: runtime.GOOS, HostArch: runtime.GOARCH, GOTOOLCHAIN: "local"},
		Programs: []facts.Program{{
			Package: "example.com/t/v2", Dir: ".", Target: host,
		}},
	}
	for name, fips := range map[string]string{"plain": "off", "FIPS, frozen": "v1.0.0", "FIPS, certified": "certified"} {
		t.Run(name, func(t *testing.T) {
			if fips != "off" && os.Getenv("SLIPWAY_E2E") != "1" {
				t.Skip("compiles the standard library again; set SLIPWAY_E2E=1")
			}
			p := mustMake(t, f, config.Config{
				Version: "v2.0.0 beta", Targets: []string{host},
				Build: config.Build{
					Tags: []string{"debug"}, FIPS: fips, Ldflags: []string{"-X 'main.plain=a b'"}, Gcflags: []string{"-l"},
					Stamp: map[string]string{"example.com/t/v2.version": "{version}", "main.motto": "it's {version}"},
				},
			})
			b := p.Targets[0].Binaries[0]
			out := filepath.Join(dir, b.Name)
			goCommand(t, dir, b.Env, slices.Concat([]string{"build"}, b.Args, []string{"-o", out, "."})...)
			said, err := exec.CommandContext(t.Context(), out).CombinedOutput()
			if want := "v2.0.0 beta|it's v2.0.0 beta|a b|true"; err != nil || string(said) != want {
				t.Errorf("the program says %q (%v), want %q", said, err, want)
			}
			info, err := buildinfo.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, s := range info.Settings {
				got[s.Key] = s.Value
			}
			for _, e := range b.Expect {
				if got[e.Key] != e.Value {
					t.Errorf("build info says %s=%q, the plan expects %q", e.Key, got[e.Key], e.Value)
				}
			}
			if info.GoVersion != p.Toolchain || len(b.Expect) < 6 {
				t.Errorf("built with %s, planned %s; expects %v", info.GoVersion, p.Toolchain, b.Expect)
			}
		})
	}
}

// FuzzQuoting: what is joined is split into the same words.
func FuzzQuoting(f *testing.F) {
	f.Add("-X", "main.v=it's")
	f.Add("", `a "b"`)
	f.Fuzz(func(t *testing.T, a, b string) {
		s, ok := joinQuoted([]string{a, b})
		if !ok {
			return
		}
		if words, ok := splitQuoted(s); !ok || !slices.Equal(words, []string{a, b}) {
			t.Errorf("%q becomes %s becomes %q", []string{a, b}, s, words)
		}
	})
}
