package build

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestTrim(t *testing.T) {
	dir := t.TempDir()
	tmp := filepath.Join(dir, "tmp")
	now := time.Now()
	file := func(name string, age time.Duration) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, filepath.Dir(path)} {
			if err := os.Chtimes(p, now.Add(-age), now.Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
	}
	left := func() (out []string) {
		for _, pattern := range []string{"*/record.json", "*/app", "tmp/*"} {
			m, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range m {
				rel, err := filepath.Rel(dir, p)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, filepath.ToSlash(rel))
			}
		}
		return out
	}
	file("tmp/go-killed/go-build1", 25*time.Hour)
	file("tmp/go-running/go-build2", 23*time.Hour)
	file("tmp/notours/x", 100*time.Hour)
	file("old/app", 15*24*time.Hour)
	file("old/record.json", 15*24*time.Hour)
	file("used/app", 40*24*time.Hour)
	file("used/record.json", 13*24*time.Hour)
	file("linking/app", time.Hour)
	file("killed/app", 15*24*time.Hour)
	file("again/record.json", 40*24*time.Hour)
	touch(filepath.Join(dir, "again"), now)

	trim(dir, tmp, now)
	want := []string{"again/record.json", "used/record.json", "linking/app", "used/app", "tmp/go-running", "tmp/notours"}
	if got := left(); !slices.Equal(got, want) {
		t.Errorf("left %v, want %v", got, want)
	}

	// Binaries are looked at once a day, work directories each time.
	file("old/record.json", 15*24*time.Hour)
	file("tmp/go-killed/go-build1", 25*time.Hour)
	trim(dir, tmp, now.Add(time.Hour))
	if got := left(); !slices.Contains(got, "old/record.json") || slices.Contains(got, "tmp/go-killed") {
		t.Errorf("left after an hour: %v", got)
	}
	trim(dir, tmp, now.Add(25*time.Hour))
	if got := left(); slices.Contains(got, "old/record.json") {
		t.Errorf("left after a day: %v", got)
	}
}
