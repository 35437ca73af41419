package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/facts"
)

// TestCheckGraph reads a repository whose way to production has every kind of
// station: a stage, a job, a makefile, ko, and what they are joined with.
func TestCheckGraph(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/graph.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	repo, err := facts.ReadRepo(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	g := checkGraph(&repo)
	var got []string
	for _, e := range g.Edges {
		from, to := g.Nodes[e.From], g.Nodes[e.To]
		if from.Column >= to.Column {
			t.Errorf("%s leads back to %s", from.Title, to.Title)
		}
		got = append(got, from.Title+" → "+to.Title)
	}
	slices.Sort(got)
	want := []string{
		"Dockerfile → example.test/base:1",
		"Dockerfile → scratch",
		"cmd/agent → ko",
		"cmd/orders → Dockerfile",
		"cmd/orders → make build",
		"cmd/worker → Dockerfile",
		"example.com/shop → binaries", // four packages: the module stands for them
		"example.test/ko-base → DaemonSet agent",
		"image → example.test/base:1",
		"ko → example.test/ko-base",
		"make image → scratch",
		"scratch → Deployment orders",
	}
	if !slices.Equal(got, want) {
		t.Errorf("edges %q, want %q", got, want)
	}
	for _, n := range g.Nodes {
		if n.Title == "make image" && (n.Spans[0].First != 2 || n.Spans[0].Last != 2) {
			t.Errorf("make image stands for %+v", n.Spans)
		}
		if n.Title == "scratch" && (n.Spans[0].First != 7 || n.Spans[0].Last != 10) {
			t.Errorf("the stage stands for %+v", n.Spans)
		}
	}
}
