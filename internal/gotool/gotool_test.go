package gotool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
)

func find(t *testing.T, environ []string, memo string) *Go {
	t.Helper()
	g, err := Find(t.Context(), environ, memo)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestSettingsAreTheGoCommandsOwn(t *testing.T) {
	g := find(t, os.Environ(), "")
	for key, got := range map[string]string{"GOROOT": g.Settings.GOROOT, "GOMODCACHE": g.Settings.Env["GOMODCACHE"], "GOHOSTARCH": g.Settings.HostArch} {
		cmd := exec.Command("go", "env", key)
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local")
		want, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got != strings.TrimSpace(string(want)) {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// TestNothingLeaks runs the real go command with a hostile environment and
// GOENV file: none of it may reach a build.
func TestNothingLeaks(t *testing.T) {
	dir := t.TempDir()
	goenv := filepath.Join(dir, "env")
	if err := os.WriteFile(goenv, []byte("GOFLAGS=-tags=evil\nGOARCH=386\nGOPROXY=http://user:secret@127.0.0.1:1/\nGOAMD64=v3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "GOENV="+goenv, "GOPROXY=", "GOFLAGS=-race", "GOEXPERIMENT=nosuch", "CGO_CFLAGS=-DEVIL", "GODEBUG=evil=1", "CC=evil-cc")
	g := find(t, environ, "")
	out, err := g.Run(t.Context(), dir, g.Environ(map[string]string{"GOOS": "linux", "GOTOOLCHAIN": "local"}), "env", "GOFLAGS", "GOARCH", "GOEXPERIMENT", "CGO_CFLAGS", "GODEBUG", "CC", "GOAMD64", "GOOS", "GOPROXY")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	for i, line := range got {
		if strings.Contains(line, "evil") || strings.Contains(line, "EVIL") || strings.Contains(line, "race") || line == "386" || line == "v3" || line == "nosuch" {
			t.Errorf("line %d leaked: %q", i, line)
		}
	}
	if got[7] != "linux" {
		t.Errorf("the recipe does not count: GOOS is %q", got[7])
	}
	// Where modules come from is this machine's affair and must get through.
	if got[8] != "http://user:secret@127.0.0.1:1/" {
		t.Errorf("GOPROXY is %q", got[8])
	}
	if c := g.Settings.Changed["GOPROXY"]; c != "http://***@127.0.0.1:1/" {
		t.Errorf("the fact about GOPROXY is %q", c)
	}
	if c := g.Settings.Changed["GOFLAGS"]; c != "-race" {
		t.Errorf("the fact about GOFLAGS is %q", c)
	}
}

func TestOfflineUsesTheModuleCacheOnly(t *testing.T) {
	g := find(t, append(os.Environ(), "GOPROXY=http://127.0.0.1:1/"), "")
	g.Offline = true
	env := g.Environ(nil)
	i := slices.IndexFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "GOPROXY=") })
	if i < 0 || !strings.HasPrefix(env[i], "GOPROXY=file://") || !strings.HasSuffix(env[i], ",off") {
		t.Errorf("%v", env)
	}
}

func TestMemoFollowsGOENV(t *testing.T) {
	memo, goenv := t.TempDir(), filepath.Join(t.TempDir(), "env")
	environ := append(os.Environ(), "GOENV="+goenv, "GOPRIVATE=")
	first := find(t, environ, memo)
	if first.Settings.Env["GOPRIVATE"] != "" {
		t.Fatalf("GOPRIVATE is %q without a GOENV file", first.Settings.Env["GOPRIVATE"])
	}
	if err := os.WriteFile(goenv, []byte("GOPRIVATE=corp.test\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := find(t, environ, memo).Settings.Env["GOPRIVATE"]; got != "corp.test" {
		t.Errorf("GOPRIVATE is %q after GOENV changed", got)
	}
	files, _ := filepath.Glob(filepath.Join(memo, "*"))
	for _, f := range files {
		if err := os.WriteFile(f, []byte("{garbage"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := find(t, environ, memo).Settings.Env["GOPRIVATE"]; got != "corp.test" {
		t.Errorf("GOPRIVATE is %q with a damaged memo", got)
	}
}

func TestNoGoCommand(t *testing.T) {
	_, err := Find(t.Context(), []string{"PATH=" + t.TempDir()}, "")
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Msg.ID != "gotool.notfound" || f.Hint.IsZero() {
		t.Errorf("got %v", err)
	}
}

func TestFailureCarriesTheMessage(t *testing.T) {
	g := find(t, os.Environ(), "")
	_, err := g.Run(t.Context(), t.TempDir(), g.Environ(map[string]string{"GOTOOLCHAIN": "local"}), "build", ".")
	e, ok := errors.AsType[*Error](err)
	if !ok || e.ExitCode != 1 || !strings.Contains(e.Stderr, "go.mod") {
		t.Errorf("got %v", err)
	}
}

// TestCancelTakesTheChildrenAlong cancels a go command whose child waits for
// ever, as a compiler might: neither may be left running.
func TestCancelTakesTheChildrenAlong(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("process groups are a Unix notion")
	}
	dir := t.TempDir()
	pidFile := filepath.Join(dir, "pid")
	files := map[string]string{
		"go.mod":  "module x\n\ngo 1.24\n",
		"main.go": fmt.Sprintf("package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc main() {\n\tos.WriteFile(%q+\".new\", []byte(fmt.Sprint(os.Getpid())), 0o644)\n\tos.Rename(%q+\".new\", %q)\n\tr, _, _ := os.Pipe()\n\tr.Read(make([]byte, 1))\n}\n", pidFile, pidFile, pidFile),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g := find(t, os.Environ(), "")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := g.Run(ctx, dir, g.Environ(map[string]string{"GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}), "run", ".")
		done <- err
	}()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var pid []byte
	for pid == nil {
		select {
		case <-tick.C:
			pid, _ = os.ReadFile(pidFile)
		case err := <-done:
			t.Fatalf("go run ended: %v", err)
		case <-deadline:
			t.Fatal("the child never started")
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for {
		if err := exec.Command("kill", "-0", string(pid)).Run(); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the child %s is still running", pid)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("https://user:pass@host/x,direct|http://a@b")
	f.Add("://@")
	f.Fuzz(func(t *testing.T, s string) {
		out := redact("https://user:hunter2@host/" + s)
		if strings.Contains(strings.TrimSuffix(out, s), "hunter2") {
			t.Errorf("%q", out)
		}
	})
}
