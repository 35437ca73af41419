package cli

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestMain lets the scripts run this very test binary as slipway.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"slipway": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			os.Exit(Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScript runs the scripts in testdata/script: one user's session each. The
// first word of a script's name is the command it is about.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			for k, v := range map[string]string{
				"HOME":          testkit.Home(t),
				"SLIPWAY_CACHE": filepath.Join(e.WorkDir, ".cache"),
				"GOCACHE":       goEnv(t, "GOCACHE"),
				"GOMODCACHE":    goEnv(t, "GOMODCACHE"),
				"GOPROXY":       "off",
				"LANG":          "C",
				"TERM":          "dumb",
			} {
				e.Setenv(k, v)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"count":   countInFile,
			"litter":  noLitter,
			"nowrite": readOnly,
		},
	})
}

func goEnv(t testing.TB, key string) string {
	t.Helper()
	out, err := exec.Command("go", "env", key).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// countInFile is `count N text file`: text stands exactly N times in file,
// which may be stdout or stderr.
func countInFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: count N text file")
	}
	got := strings.Count(ts.ReadFile(args[2]), args[1])
	if want := args[0]; want != strconv.Itoa(got) {
		ts.Fatalf("%q stands %d times in %s, want %s:\n%s", args[1], got, args[2], want, ts.ReadFile(args[2]))
	}
}

// noLitter is `litter dir`: nothing below dir looks half-written.
func noLitter(ts *testscript.TestScript, neg bool, args []string) {
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.Contains(e.Name(), "tmp-") || strings.HasSuffix(e.Name(), ".tmp") {
			ts.Fatalf("left behind: %s", path)
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		ts.Fatalf("%v", err)
	}
}

// readOnly is `nowrite dir`: nobody, not even root, can write below dir.
func readOnly(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	if os.Getuid() != 0 {
		ts.Check(os.Chmod(dir, 0o555))
		ts.Defer(func() { _ = os.Chmod(dir, 0o755) })
		return
	}
	// Rights do not bind root; a read-only mount does.
	ts.Check(exec.Command("mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", dir).Run())
	ts.Defer(func() { _ = exec.Command("umount", dir).Run() })
}
