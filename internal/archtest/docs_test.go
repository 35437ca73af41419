package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
// the same headings, commands, tables, lists, flags and rules, in the same
// order.
func TestTwins(t *testing.T) {
	pages := []string{"README.md"}
	for _, name := range []string{"check", "verify", "verify-run", "rebuild", "probe", "compare", "rootfs", "sandbox"} {
		pages = append(pages, "docs/"+name+".md")
	}
	for _, page := range pages {
		twin := strings.TrimSuffix(page, ".md") + ".zh-CN.md"
		en, zh := shape(read(t, page)), shape(read(t, twin))
		for i := range min(len(en), len(zh)) {
			if en[i] != zh[i] {
				t.Errorf("%s and %s part at their %d. element: %q and %q", page, twin, i+1, en[i], zh[i])
				break
			}
		}
		if len(en) != len(zh) {
			t.Errorf("%s has %d elements, %s %d", page, len(en), twin, len(zh))
		}
		enNames, zhNames := names(read(t, page)), names(read(t, twin))
		for _, n := range enNames {
			if !slices.Contains(zhNames, n) {
				t.Errorf("%s names %s, %s does not", page, n, twin)
			}
		}
		for _, n := range zhNames {
			if !slices.Contains(enNames, n) {
				t.Errorf("%s names %s, %s does not", twin, n, page)
			}
		}
		other := "(" + filepath.Base(twin) + ")"
		if !strings.Contains(read(t, page), other) {
			t.Errorf("%s does not link to its Chinese twin %s", page, twin)
		}
		if !strings.Contains(read(t, twin), "("+filepath.Base(page)+")") {
			t.Errorf("%s does not link to its English twin %s", twin, page)
		}
	}
	if n := strings.Count(read(t, "README.md"), "\n"); n > 150 {
		t.Errorf("README.md has %d lines; a reader has time for 150", n)
	}
}

// shape is what a page and its translation share: headings, rows of tables,
// items of lists, the commands of a console, and code of a named language
// without its comments.
func shape(text string) []string {
	var out []string
	code, lang := false, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		command, _, _ := strings.Cut(line, " #")
		command = strings.TrimSpace(command)
		switch {
		case strings.HasPrefix(line, "```"):
			code, lang = !code, strings.TrimPrefix(line, "```")
			out = append(out, line)
		case code && (strings.HasPrefix(line, "$") || strings.HasPrefix(line, "slipway")):
			out = append(out, command)
		case code && lang != "" && !strings.HasPrefix(line, "#"):
			out = append(out, command)
		case code:
		case strings.HasPrefix(line, "#"):
			out = append(out, strings.Repeat("#", len(line)-len(strings.TrimLeft(line, "#"))))
		case strings.HasPrefix(line, "|"):
			out = append(out, "row of "+strconv.Itoa(strings.Count(line, "|")-1))
		case item.MatchString(line):
			out = append(out, "item")
		}
	}
	return out
}

var (
	item = regexp.MustCompile(`^(-|\d+\.) `)
	// What no translation changes: flags, rules, variables and signals.
	name = regexp.MustCompile(`--[a-z][a-z-]*[a-z]|\b[A-Z]{2,}\d{3}\b|\b[A-Z][A-Z0-9]+_[A-Z0-9_]+\b|\bSIG[A-Z0-9]+\b`)
)

func names(text string) []string {
	out := name.FindAllString(text, -1)
	slices.Sort(out)
	return slices.Compact(out)
}
