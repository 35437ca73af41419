package faultlab

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/testkit"
)

var update = flag.Bool("update", false, "write docs/faults.md anew")

// shown are the faults that this run has seen to happen.
var shown = struct {
	sync.Mutex
	rules map[string]bool
}{rules: map[string]bool{}}

// TestMain holds, after a run of all tests, that each fault of the table was
// seen: docs/faults.md claims nothing that nobody runs any more.
func TestMain(m *testing.M) {
	code := m.Run()
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" && flag.Lookup("test.list").Value.String() == ""
	if code == 0 && all && runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		for _, f := range faults {
			if !shown.rules[f.rule] && (!f.e2e || testkit.E2E()) {
				fmt.Fprintf(os.Stderr, "%s is in the table of faults, and no test has seen its fault\n", f.rule)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// observed is called once a test has seen the fault happen with the files in
// bad and not with those in good: it holds that the rule tells the two apart.
func observed(t *testing.T, rule, bad, good string) {
	t.Helper()
	if got := finds(t, bad, rule); len(got) == 0 {
		t.Errorf("%s does not find the fault that was seen", rule)
	}
	if got := finds(t, good, rule); len(got) > 0 {
		t.Errorf("%s finds %v where nothing fails", rule, got)
	}
	seen(t, rule)
}

// seen notes that a test has held all of that by itself.
func seen(t *testing.T, rule string) {
	t.Helper()
	if !slices.ContainsFunc(faults, func(f fault) bool { return f.rule == rule }) {
		t.Errorf("%s is not in the table of faults", rule)
	}
	if !t.Failed() {
		shown.Lock()
		defer shown.Unlock()
		shown.rules[rule] = true
	}
}

// observedRule is observed for the repositories of a rule's own testdata.
func observedRule(t *testing.T, rule string) {
	t.Helper()
	bad, good := t.TempDir(), t.TempDir()
	layRule(t, bad, rule, "bad")
	layRule(t, good, rule, "good")
	observed(t, rule, bad, good)
}

// lay writes the files of a txtar archive below dir.
func lay(t *testing.T, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		write(t, dir, f.Name, f.Data, 0o644)
	}
}

// tree writes the files of a txtar archive into a directory of their own.
func tree(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	lay(t, dir, archive)
	return dir
}

// layRule writes bad/ or good/ of a rule's testdata below dir.
func layRule(t *testing.T, dir, id, which string) {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("..", "testdata", id+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, which+"/"); ok && name != "want" {
			n++
			write(t, dir, name, f.Data, 0o644)
		}
	}
	if n == 0 {
		t.Fatalf("%s has no %s/", id, which)
	}
}

func write(t *testing.T, root, name string, content []byte, mode os.FileMode) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, mode); err != nil {
		t.Fatal(err)
	}
}

// finds gives the places where a rule finds something.
func finds(t *testing.T, dir, rule string) []string {
	t.Helper()
	repo, err := facts.ReadRepo(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := facts.ReadDeps(t.Context(), &repo, dir, filepath.Join(dir, "modcache")); err != nil {
		t.Fatal(err)
	}
	repo.WorkTree = true
	res, err := check.Run(&repo, []string{rule})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range res.Findings {
		out = append(out, fmt.Sprintf("%s:%d", f.Pos.File, f.Pos.Line))
	}
	slices.Sort(out)
	return out
}

// goRun runs the go command in dir; what the machine's user has set is left
// out of it.
func goRun(t *testing.T, dir string, env []string, args ...string) (string, error) {
	t.Helper()
	return command(t, dir, append([]string{"GOWORK=off", "GOOS=linux", "GOARCH=amd64"}, env...), append([]string{"go"}, args...)...)
}

// command runs a program in dir, with env over what a go command needs.
func command(t *testing.T, dir string, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOENV=off", "GOWORK=", "GOTOOLCHAIN=local", "GOPROXY=off", "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// fails holds that a command fails and says text.
func fails(t *testing.T, dir string, env []string, text string, args ...string) {
	t.Helper()
	if out, err := command(t, dir, env, args...); err == nil || !strings.Contains(out, text) {
		t.Errorf("%s: %v, should fail with %q:\n%s", strings.Join(args, " "), err, text, out)
	}
}

// works runs a command that must not fail and gives its output.
func works(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	out, err := command(t, dir, env, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// build compiles a program for linux/amd64 and gives its path.
func build(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "out")
	if out, err := goRun(t, dir, env, append([]string{"build", "-o", binary}, args...)...); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// buildCache gives the setting of this machine's build cache, which has the
// standard library already.
func buildCache(t *testing.T) string {
	t.Helper()
	return "GOCACHE=" + works(t, t.TempDir(), nil, "go", "env", "GOCACHE")
}

// linuxOnly skips on systems that do not have the fault at all.
func linuxOnly(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		if testkit.E2E() {
			t.Fatal("SLIPWAY_E2E=1, but this is not linux/amd64")
		}
		t.Skip("the faults are those of linux/amd64")
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
