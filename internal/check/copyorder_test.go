package check

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-build/slipway/internal/facts"
)

// TestVendoringScript sees that a repository whose scripts vendor its modules
// is taken to have them, though its vendor directory was left out.
func TestVendoringScript(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":     "module example.com/a\n\ngo 1.25\n\nrequire example.com/b v1.0.0\n",
		"main.go":    "package main\n\nfunc main() {}\n",
		"Dockerfile": "FROM golang:1.25\nCOPY . .\nRUN go build -o /a .\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{1, 0} {
		repo, err := facts.ReadRepo(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := copyOrder.find(&repo); len(got) != want {
			t.Errorf("%d findings, want %d: %+v", len(got), want, got)
		}
		if err := os.WriteFile(filepath.Join(dir, "Makefile"), []byte("modules:\n\tgo mod tidy\n\tgo mod vendor\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
