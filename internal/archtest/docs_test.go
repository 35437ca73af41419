package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// walk calls f for every file a contributor writes.
func walk(t *testing.T, f func(name string)) {
	t.Helper()
	skip := []string{".git", "dist", "node_modules", "testdata"}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(skip, d.Name()) {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() {
			rel, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			f(filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNoPublicHosts keeps the project from deciding whom a user's machine
// talks to: the go command and the user's settings know that.
func TestNoPublicHosts(t *testing.T) {
	var hosts []string
	for _, h := range [][2]string{
		{"proxy", "golang.org"}, {"goproxy", "io"}, {"goproxy", "cn"}, {"registry", "npmjs.org"},
		{"registry-1", "docker.io"}, {"index", "docker.io"}, {"deb", "debian.org"}, {"pypi", "org"},
	} {
		hosts = append(hosts, h[0]+"."+h[1]) // in two parts, or this file would be found
	}
	walk(t, func(name string) {
		switch filepath.Ext(name) {
		case ".go", ".md", ".json", ".yaml", ".yml", ".sh", ".mod", ".html", ".svg", ".txt", "":
		default:
			return
		}
		if fi, err := os.Stat(filepath.Join(root, name)); err != nil || fi.Size() > 1<<20 {
			return // a binary somebody built
		}
		text := read(t, name)
		for _, h := range hosts {
			if strings.Contains(text, h) {
				t.Errorf("%s names the public host %s", name, h)
			}
		}
	})
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	walk(t, func(name string) {
		if filepath.Ext(name) != ".md" {
			return
		}
		for _, m := range link.FindAllStringSubmatch(read(t, name), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), target)); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
			}
		}
	})
}

func TestLicenseIsThere(t *testing.T) {
	if !strings.Contains(read(t, "LICENSE"), "Apache License") {
		t.Error("LICENSE is not the Apache License")
	}
}

// TestTwins keeps the Chinese documents from falling behind the English ones:
// the same headings, commands, tables and links, in the same order.
func TestTwins(t *testing.T) {
	shape := func(name string) []string {
		var out []string
		code := false
		for line := range strings.Lines(read(t, name)) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "```"):
				code = !code
				out = append(out, "code")
			case code && (strings.HasPrefix(line, "$") || strings.HasPrefix(line, "slipway")):
				command, _, _ := strings.Cut(line, " #")
				out = append(out, strings.TrimSpace(command))
			case code:
			case strings.HasPrefix(line, "#"):
				out = append(out, strings.Repeat("#", len(line)-len(strings.TrimLeft(line, "#"))))
			case strings.HasPrefix(line, "|"):
				out = append(out, "row")
			}
		}
		return out
	}
	en, zh := shape("README.md"), shape("README.zh-CN.md")
	for i := range min(len(en), len(zh)) {
		if en[i] != zh[i] {
			t.Fatalf("README.md and README.zh-CN.md part at their %d. element: %q and %q", i+1, en[i], zh[i])
		}
	}
	if len(en) != len(zh) {
		t.Fatalf("README.md has %d elements, README.zh-CN.md %d", len(en), len(zh))
	}
	if n := strings.Count(read(t, "README.md"), "\n"); n > 150 {
		t.Errorf("README.md has %d lines; a reader has time for 150", n)
	}
}
