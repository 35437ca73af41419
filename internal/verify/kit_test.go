package verify

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/testkit"
)

// entry is a file of an image under test. A path that ends in a slash is a
// directory.
type entry struct {
	path, text string
	mode       int64
	uid        int
	link       string
}

// layout writes an OCI layout with one image and gives its reference.
func layout(t testing.TB, config map[string]any, entries ...entry) string {
	t.Helper()
	var files []testkit.ImageFile
	for _, e := range entries {
		files = append(files, testkit.ImageFile{Path: e.path, Text: e.text, Mode: e.mode, UID: e.uid, Link: e.link})
	}
	return "oci:" + testkit.Layout(t, config, files...)
}

func judgeImage(t testing.TB, subject string) *Report {
	t.Helper()
	o, err := OpenImage(t.Context(), subject, ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	r, err := Judge(t.Context(), []*Opened{o}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ids gives the rules that found something; those of advice in brackets.
func ids(r *Report) []string {
	var out []string
	for _, f := range r.Findings {
		id := f.ID
		if f.Advisory {
			id = "(" + id + ")"
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func says(list []finding.Finding, id string) string {
	for _, f := range list {
		if f.ID == id {
			return f.Message.String()
		}
	}
	return ""
}

// built are programs by what they were built of, so that each is built once.
var built struct {
	sync.Mutex
	by map[string]string
}

// goProgram builds a Go program with settings such as CGO_ENABLED=0 and flags.
func goProgram(t testing.TB, text string, env []string, flags ...string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	key := fmt.Sprint(text, env, flags)
	if b, ok := built.by[key]; ok {
		return b
	}
	dir := t.TempDir()
	for name, s := range map[string]string{"go.mod": "module example.com/p\n\ngo 1.26\n", "main.go": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-o", "p"}, flags...), ".")...)
	c.Dir, c.Env = dir, append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=", "GOWORK=off"), env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "p"))
	if err != nil {
		t.Fatal(err)
	}
	if built.by == nil {
		built.by = map[string]string{}
	}
	built.by[key] = string(b)
	return string(b)
}

const hello = "package main\n\nfunc main() { println(1) }\n"

// cProgram compiles a C program or library.
func cProgram(t testing.TB, cc, text string, args ...string) string {
	t.Helper()
	testkit.NeedE2E(t, cc)
	dir := t.TempDir()
	src, out := filepath.Join(dir, "p.c"), filepath.Join(dir, "p")
	if err := os.WriteFile(src, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.CommandContext(t.Context(), cc, append([]string{"-o", out, src}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cc, err, b)
	}
	return readText(t, out)
}

func readText(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
