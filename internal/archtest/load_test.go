package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	module = "github.com/slipway-build/slipway"
	root   = "../.."
)

// pkg is a package of the module, as go list sees it on this machine.
type pkg struct {
	ImportPath, Dir, Name, Doc string
	GoFiles, IgnoredGoFiles    []string
	Imports                    []string
	TestImports, XTestImports  []string
}

// rel gives the path of a package below the module, such as internal/plan.
func (p pkg) rel() string { return own(p.ImportPath) }

// own gives the path of an import below the module, or "" for one that is not
// the project's own.
func own(importPath string) string {
	rel, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	return rel
}

// testOnly reports whether the package is linked into tests alone.
func (p pkg) testOnly() bool {
	return p.rel() == "internal/testkit" || p.rel() == "internal/archtest"
}

var goList = sync.OnceValues(func() ([]pkg, error) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,GoFiles,IgnoredGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, &stderr)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read output of go list: %w", err)
		}
		all = append(all, p)
	}
})

func packages(t *testing.T) []pkg {
	t.Helper()
	all, err := goList()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("go list found %d packages only", len(all))
	}
	return all
}

// file is a parsed source file that is no test.
type file struct {
	pkg  pkg
	path string // relative to the module's root
	fset *token.FileSet
	ast  *ast.File
	size int // lines
}

func (f file) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.fset.Position(n.Pos()).Line)
}

// sources parses every file of the module that is no test, also those for
// other systems.
func sources(t *testing.T) []file {
	t.Helper()
	var all []file
	for _, p := range packages(t) {
		for _, name := range slices.Concat(p.GoFiles, p.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			parsed, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, file{p, p.rel() + "/" + name, fset, parsed, fset.File(parsed.Pos()).LineCount()})
		}
	}
	return all
}

// read gives a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// table gives the cells of the table under a heading of a Markdown document,
// without its header.
func table(t *testing.T, doc, heading string) [][]string {
	t.Helper()
	_, text, ok := strings.Cut(read(t, doc), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no heading %q", doc, heading)
	}
	var rows [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			break
		}
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	if len(rows) < 3 {
		t.Fatalf("%s has no table under %q", doc, heading)
	}
	return rows[2:]
}

// quoted gives what stands between backquotes.
func quoted(cell string) []string {
	var out []string
	parts := strings.Split(cell, "`")
	for i := 1; i < len(parts); i += 2 {
		out = append(out, parts[i])
	}
	return out
}
