package i18n

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// sameInBoth are the messages that have no words.
var sameInBoth = map[string]bool{
	"compare.column.bar": true,
	"compare.column.p50": true,
	"compare.column.p90": true,
	"compare.column.p99": true,
	"compare.reason":     true,
	"config.origin.file": true,
	"report.failure":     true,
	"report.stage.other": true,
}

var braces = regexp.MustCompile(`\{[0-9]+\}`)

// placeholders gives the number of arguments that t takes, and false if one
// of them is left out.
func placeholders(t string) (int, bool) {
	seen := map[string]bool{}
	for _, p := range braces.FindAllString(t, -1) {
		seen[p] = true
	}
	for i := range len(seen) {
		if !seen["{"+strconv.Itoa(i)+"}"] {
			return len(seen), false
		}
	}
	return len(seen), true
}

// hasHan says whether s is written in Chinese: its characters, or at least its
// punctuation, which is as wide as they are.
func hasHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.Is(unicode.Han, r) || r >= 0x3001 && r <= 0x3011 || r >= 0xff01 && r <= 0xff60
	})
}

func TestCataloguesAgree(t *testing.T) {
	en, zh := catalogue(English), catalogue(Chinese)
	for _, id := range slices.Sorted(maps.Keys(en)) {
		c, ok := zh[id]
		if !ok {
			t.Errorf("%s has no Chinese form", id)
			continue
		}
		n, ok := placeholders(en[id])
		m, okZH := placeholders(c)
		if !ok || !okZH || n != m {
			t.Errorf("%s: the arguments differ or are not {0}, {1}, …:\n%q\n%q", id, en[id], c)
		}
		switch {
		case en[id] == "" || strings.TrimSpace(en[id]) != en[id] || strings.TrimSpace(c) != c:
			t.Errorf("%s is empty or has spaces around it", id)
		case hasHan(en[id]):
			t.Errorf("%s: Chinese in the English form: %q", id, en[id])
		case !hasHan(c) && !sameInBoth[id]:
			t.Errorf("%s: no Chinese in the Chinese form: %q", id, c)
		case sameInBoth[id] && c != en[id]:
			t.Errorf("%s is listed as the same in both languages and is not", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(zh)) {
		if _, ok := en[id]; !ok {
			t.Errorf("%s has no English form", id)
		}
	}
	for id := range sameInBoth {
		if _, ok := en[id]; !ok {
			t.Errorf("sameInBoth lists %s, which is gone", id)
		}
	}
}

// TestEveryCallNamesAMessage reads the source of the whole project.
func TestEveryCallNamesAMessage(t *testing.T) {
	const root = "../.."
	en := catalogue(English)
	used := map[string]bool{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); n == "testdata" || n == "examples" || n == "node_modules" || path != root && strings.HasPrefix(n, ".") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					used[s] = true
				}
			}
			if call, ok := n.(*ast.CallExpr); ok && isM(call, file.Name.Name) {
				checkCall(t, fset, call, en)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(used) == 0 {
		t.Fatalf("no source below %s", root)
	}
	for _, id := range slices.Sorted(maps.Keys(en)) {
		// The IDs of the configuration's keys are derived from its struct, and
		// checked against it in package config.
		if !used[id] && !strings.HasPrefix(id, "config.key.") {
			t.Errorf("%s is used nowhere", id)
		}
	}
}

// isM reports whether call is i18n.M(…), or M(…) in this package.
func isM(call *ast.CallExpr, pkg string) bool {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && x.Name == "i18n" && f.Sel.Name == "M"
	case *ast.Ident:
		return pkg == "i18n" && f.Name == "M"
	}
	return false
}

func checkCall(t *testing.T, fset *token.FileSet, call *ast.CallExpr, en map[string]string) {
	t.Helper()
	at := fset.Position(call.Pos())
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		t.Errorf("%s: the ID is not a string literal", at)
		return
	}
	id, err := strconv.Unquote(lit.Value)
	if err != nil {
		t.Errorf("%s: %v", at, err)
		return
	}
	text, ok := en[id]
	if !ok {
		t.Errorf("%s: %s is in no catalogue", at, id)
		return
	}
	if call.Ellipsis.IsValid() {
		t.Errorf("%s: %s: the arguments must be counted, not spread", at, id)
		return
	}
	if n, _ := placeholders(text); n != len(call.Args)-1 {
		t.Errorf("%s: %s takes %d arguments and gets %d", at, id, n, len(call.Args)-1)
	}
}
