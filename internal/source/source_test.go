package source

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
)

// userEnv is the environment of a user with an empty home directory.
func userEnv(t testing.TB, more ...string) []string {
	t.Helper()
	home := t.TempDir()
	// The go command's telemetry writes in the background, also while the
	// test's directories are removed.
	write(t, filepath.Join(home, ".config/go/telemetry/mode"), "off")
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GOENV=off", "GOTOOLCHAIN=local"}, more...)
}

func options(t testing.TB, dir string, env []string) Options {
	t.Helper()
	g, err := gotool.Find(context.Background(), env, "")
	if err != nil {
		t.Fatal(err)
	}
	return Options{Dir: dir, Go: g, Env: env}
}

func mustOpen(t testing.TB, o Options, args ...string) *Tree {
	t.Helper()
	tree, err := Open(t.Context(), o, args)
	if err != nil {
		t.Fatalf("Open(%q): %v", args, err)
	}
	return tree
}

// wantFault checks that err is for the user, with this exit code and message.
func wantFault(t testing.TB, err error, code int, id string) *fault.Error {
	t.Helper()
	e, ok := errors.AsType[*fault.Error](err)
	if !ok {
		t.Fatalf("error is %v, want the fault %s", err, id)
	}
	if e.Code != code || e.Msg.ID != id {
		t.Fatalf("fault %s (exit code %d): %v\n%s\nwant %s (%d)", e.Msg.ID, e.Code, e, e.Detail, id, code)
	}
	if e.Hint.IsZero() && e.Detail == "" && e.Cause == nil {
		t.Errorf("fault %s says nothing about what to do", id)
	}
	return e
}

func write(t testing.TB, name, body string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

// realTemp is a temporary directory named without symbolic links.
func realTemp(t testing.TB) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// gitIn runs the real git, as an author with a fixed clock.
func gitIn(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com",
		"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05+02:00",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

const commitTime = 1767315845 // 2026-01-02T03:04:05+02:00
