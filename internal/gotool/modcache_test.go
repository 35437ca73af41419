package gotool

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestModCache holds that the answer is the go command's own.
func TestModCache(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "envfile")
	if err := os.WriteFile(file, []byte("GOMODCACHE="+filepath.Join(dir, "from-file")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	paths := filepath.Join(dir, "paths")
	if err := os.WriteFile(paths, []byte("# a comment\nGOPATH="+filepath.Join(dir, "gp")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config")
	if err := os.MkdirAll(filepath.Join(config, "go"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(config, "go", "env"), []byte("GOMODCACHE="+filepath.Join(dir, "from-config")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string][]string{
		"plain":           nil,
		"set":             {"GOMODCACHE=" + filepath.Join(dir, "m"), "GOENV=" + file},
		"file":            {"GOENV=" + file},
		"file off":        {"GOENV=off"},
		"gopath of file":  {"GOENV=" + paths},
		"gopath list":     {"GOPATH=" + filepath.Join(dir, "a") + string(filepath.ListSeparator) + filepath.Join(dir, "b")},
		"environment won": {"GOENV=" + paths, "GOPATH=" + filepath.Join(dir, "a")},
		"configuration":   {"XDG_CONFIG_HOME=" + config},
	} {
		t.Run(name, func(t *testing.T) {
			environ := append([]string{"HOME=" + dir, "USERPROFILE=" + dir, "AppData=" + filepath.Join(dir, "roaming"), "PATH=" + os.Getenv("PATH"), "GOTOOLCHAIN=local"}, env...)
			c := exec.CommandContext(context.Background(), "go", "env", "GOMODCACHE")
			c.Env, c.Dir = environ, dir
			out, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := ModCache(environ), strings.TrimSpace(string(out)); got != want {
				t.Errorf("got %s, go env says %s", got, want)
			}
		})
	}
}
