package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/facts"
)

// TestManifestsOfLibraries: what a repository without any program has of
// manifests is no deployment.
func TestManifestsOfLibraries(t *testing.T) {
	a, err := txtar.ParseFile(filepath.Join("testdata", "K8S001.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name, content string) {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range a.Files {
		if name, ok := strings.CutPrefix(f.Name, "bad/"); ok && name != "want" {
			put(name, string(f.Data))
		}
	}
	found := func() int {
		repo, err := facts.ReadRepo(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Run(&repo, []string{"K8S001"})
		if err != nil {
			t.Fatal(err)
		}
		return len(res.Findings)
	}
	put("app.go", "package app\n")
	if n := found(); n != 0 {
		t.Errorf("%d findings in a library", n)
	}
	put("cmd/app/main.go", "package main\n\nfunc main() {}\n")
	if n := found(); n == 0 {
		t.Error("no finding beside a program")
	}
}
