//go:build linux

package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/testkit"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "victim" {
		victim(os.Args[2:])
		return
	}
	code := m.Run()
	if guestDir != "" {
		if err := os.RemoveAll(guestDir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

var guestDir string

// guest is the program that runs inside, built once.
var guest = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "slipway-guest-")
	if err != nil {
		return "", err
	}
	guestDir = dir
	if err := os.Chmod(dir, 0o755); err != nil { // another user's tests run it too
		return "", err
	}
	name := filepath.Join(dir, "guest")
	cmd := exec.Command("go", "build", "-o", name, "./testdata/guest")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return name, nil
})

// newRoot makes a root file system with little more than the guest.
func newRoot(t testing.TB) string {
	t.Helper()
	name := os.Getenv("SANDBOX_TEST_GUEST")
	if name == "" {
		var err error
		if name, err = guest(); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.MkdirTemp("", "slipway-root-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	for _, dir := range []string{"", "bin", "etc", "srv"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(name, filepath.Join(root, "bin", "guest")); err != nil {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, root, "bin/guest", string(b), 0o755)
	}
	write(t, root, "etc/hosts", "the image's own\n", 0o644)
	write(t, root, "srv/data", "data\n", 0o644)
	return root
}

func write(t testing.TB, root, name, content string, mode fs.FileMode) {
	t.Helper()
	name = filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// hash is a digest of a whole tree: names, modes, owners, times and contents.
func hash(t testing.TB, root string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(h, p, fi.Mode(), fi.ModTime().UnixNano(), fi.Size())
		if fi.Mode().IsRegular() {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			h.Write(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// contender is a runner with what it cannot do.
type contender struct {
	Runner
	name     string
	rootless bool
	without  bool // Spec.Without is kept
	limits   bool
	groups   bool
	docker   bool
}

// times is how often a test repeats something: an engine takes seconds for
// what takes the others milliseconds.
func (c contender) times(n int) int {
	if c.docker {
		return min(n, 2)
	}
	return n
}

// contenders are the runners of this machine. Outside an end-to-end run those
// are left out that need more than the kernel.
func contenders(t testing.TB) []contender {
	t.Helper()
	if os.Getenv("SANDBOX_TEST_GUEST") != "" {
		ids, err := newIDMap(Spec{})
		return []contender{{Runner: Namespaces{}, name: "user", rootless: true, without: true, groups: err == nil && !ids.single}}
	}
	root := os.Geteuid() == 0
	var out []contender
	if root {
		out = append(out, contender{Runner: Namespaces{}, name: "namespaces", without: true, limits: true, groups: true})
	}
	if root && testkit.E2E() {
		out = append(out, contender{Runner: Docker{Host: testkit.Docker(t)}, name: "docker", limits: true, groups: true, docker: true})
		runc := lookPath(os.Environ(), "runc")
		out = append(out, contender{Runner: Runc{Program: runc}, name: "runc", limits: true, groups: true})
	}
	if userNamespaces() {
		out = append(out, contender{Runner: Namespaces{Rootless: true}, name: "rootless", rootless: true, without: true, limits: root})
	}
	if len(out) == 0 || testkit.E2E() && !userNamespaces() {
		t.Fatalf("uid %d can make no namespaces here", os.Geteuid())
	}
	return out
}

var userNamespaces = sync.OnceValue(func() bool {
	return Namespaces{Rootless: true}.Check(context.Background()) == nil
})

// each runs f for every runner.
func each(t *testing.T, f func(t *testing.T, c contender)) {
	t.Helper()
	for _, c := range contenders(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f(t, c)
		})
	}
}

// buffer takes the output of a program while a test reads it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// lines are the complete lines so far.
func (b *buffer) lines() []string {
	s := b.String()
	return strings.Split(s[:strings.LastIndexByte(s, '\n')+1], "\n")
}

func (b *buffer) await(t testing.TB, line string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !slices.Contains(b.lines(), line); {
		if time.Now().After(end) {
			t.Fatalf("no line %s in %q", line, b.String())
		}
		time.Sleep(time.Millisecond)
	}
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// prepare makes a sandbox that is closed with the test.
func prepare(t testing.TB, c Runner, spec Spec) Box {
	t.Helper()
	b, err := c.Prepare(within(t), spec)
	if err != nil {
		t.Fatalf("prepare: %v", err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// launch runs the guest with these arguments and gives its output while it
// runs.
func launch(t testing.TB, c Runner, spec Spec, args ...string) (Box, *buffer) {
	t.Helper()
	var out buffer
	spec.Args = append([]string{"/bin/guest"}, args...)
	spec.Stdout, spec.Stderr = &out, &out
	b := prepare(t, c, spec)
	if _, err := b.Start(within(t)); err != nil {
		t.Fatalf("start: %v", err)
	}
	return b, &out
}

// run runs the guest to its end, and gives what it said: a value per command.
func run(t testing.TB, c Runner, spec Spec, args ...string) ([]any, Exit) {
	t.Helper()
	b, out := launch(t, c, spec, args...)
	exit, err := b.Wait(within(t))
	if err != nil {
		t.Fatalf("wait: %v; output %q", err, out.String())
	}
	var values []any
	for line := range strings.Lines(out.String()) {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("output %q: %v", out.String(), err)
		}
		values = append(values, v)
	}
	return values, exit
}

// says checks what the guest said.
func says(t testing.TB, got []any, want ...any) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if !bytes.Equal(g, w) {
		t.Errorf("the program said\n%s, expected\n%s", g, w)
	}
}
