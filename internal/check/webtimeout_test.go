package check

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-build/slipway/internal/facts"
)

// TestServersOfDeliveredPrograms: a server without time limits counts where
// users get it, and is advice in a program that only its developers run.
func TestServersOfDeliveredPrograms(t *testing.T) {
	const server = "package main\n\nimport \"net/http\"\n\nfunc main() { http.ListenAndServe(\":8080\", nil) }\n"
	for name, c := range map[string]struct {
		file, content string
		counts        bool
	}{
		"nowhere":       {"Makefile", "run:\n\tgo run ./cmd/app\n", false},
		"image":         {"Dockerfile", "FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN go build -o /app ./cmd/app\nENTRYPOINT [\"/app\"]\n", true},
		"other image":   {"Dockerfile", "FROM golang:1.26\nWORKDIR /src\nCOPY . .\nRUN go build -o /app ./cmd/other\nENTRYPOINT [\"/app\"]\n", false},
		"release":       {".goreleaser.yaml", "builds:\n  - main: ./cmd/app\n", true},
		"documentation": {"README.md", "    go install example.com/org/app/cmd/app@latest\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, content := range map[string]string{"go.mod": "module example.com/org/app\n\ngo 1.26\n", "cmd/app/main.go": server, "cmd/other/main.go": "package main\n\nfunc main() {}\n", c.file: c.content} {
				file = filepath.Join(dir, filepath.FromSlash(file))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			repo, err := facts.ReadRepo(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			res, err := Run(&repo, []string{"WEB003"})
			if err != nil || len(res.Findings) != 1 {
				t.Fatalf("%v, %v", res.Findings, err)
			}
			if res.Findings[0].Advisory == c.counts {
				t.Errorf("advisory: %t", res.Findings[0].Advisory)
			}
		})
	}
}
