package archtest

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// maxLines is the length at which a file that is no test does too much.
const maxLines = 500

// forbidden names what no package may use, save those listed, and what to do
// instead. A key is the import path and the name.
var forbidden = map[string]struct {
	instead string
	except  []string // directories
}{
	"os.Args":                {"take the arguments as a parameter", []string{"cmd/slipway"}},
	"os.Stdin":               {"take an io.Reader", []string{"cmd/slipway"}},
	"os.Stdout":              {"take an io.Writer", []string{"cmd/slipway"}},
	"os.Stderr":              {"take an io.Writer", []string{"cmd/slipway"}},
	"os.Exit":                {"return an error", []string{"cmd/slipway"}},
	"os.Environ":             {"take the environment as a value", []string{"cmd/slipway"}},
	"os.Getenv":              {"take the environment as a value", nil},
	"os.LookupEnv":           {"take the environment as a value", nil},
	"os.Setenv":              {"state the environment of the command that is run", nil},
	"os.Chdir":               {"set the directory of the command that is run", nil},
	"os.UserHomeDir":         {"take the environment as a value", nil},
	"os.UserCacheDir":        {"take the environment as a value", nil},
	"os/signal.Notify":       {"take a context", []string{"internal/probe"}},
	"fmt.Print":              {"write to the io.Writer that was passed in", nil},
	"fmt.Printf":             {"write to the io.Writer that was passed in", nil},
	"fmt.Println":            {"write to the io.Writer that was passed in", nil},
	"log.Fatal":              {"return an error", nil},
	"log.Fatalf":             {"return an error", nil},
	"log.Print":              {"return an error or report a message", nil},
	"log.Printf":             {"return an error or report a message", nil},
	"os/exec.Command":        {"use CommandContext, so that it can be cancelled", nil},
	"net/http.Get":           {"use a client with deadlines", nil},
	"net/http.Post":          {"use a client with deadlines", nil},
	"net/http.DefaultClient": {"use a client with deadlines", nil},
}

// clock is what reads the time; a pure stage is given its times.
var clock = []string{"Now", "Since", "Until", "After", "Tick", "NewTimer", "NewTicker", "AfterFunc", "Sleep"}

func TestNoForbiddenNames(t *testing.T) {
	excused := map[string]bool{} // exceptions somebody makes use of
	for _, f := range sources(t) {
		if f.pkg.testOnly() || strings.HasPrefix(f.pkg.rel(), "bench/") { // benchmarks are programs of their own
			continue
		}
		imports := importNames(f.ast)
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok || x.Obj != nil || imports[x.Name] == "" {
				return true
			}
			path := imports[x.Name]
			name := path + "." + sel.Sel.Name
			if rule, ok := forbidden[name]; ok {
				if slices.Contains(rule.except, f.pkg.rel()) {
					excused[name+" in "+f.pkg.rel()] = true
				} else {
					t.Errorf("%s uses %s: %s", f.at(n), name, rule.instead)
				}
			}
			if path == "time" && slices.Contains(clock, sel.Sel.Name) && slices.Contains(pure, f.pkg.rel()) {
				t.Errorf("%s uses time.%s, but %s must decide from documents alone", f.at(n), sel.Sel.Name, f.pkg.rel())
			}
			return true
		})
	}
	for name, rule := range forbidden {
		for _, dir := range rule.except {
			if !excused[name+" in "+dir] {
				t.Errorf("%s no longer uses %s: take away the exception", dir, name)
			}
		}
	}
}

// importNames gives the import paths of a file by the name they are used under.
func importNames(f *ast.File) map[string]string {
	names := map[string]string{}
	for _, imp := range f.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			continue
		}
		name := path[strings.LastIndexByte(path, '/')+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		names[name] = path
	}
	return names
}

func TestNoInitFunctions(t *testing.T) {
	for _, f := range sources(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: an init function; make an explicit list instead", f.at(d))
			}
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, f := range sources(t) {
		if f.size > maxLines {
			t.Errorf("%s has %d lines, more than %d: it does more than one thing", f.path, f.size, maxLines)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, f := range sources(t) {
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil {
					t.Errorf("%s: %s has no comment", f.at(d), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
						t.Errorf("%s: %s has no comment", f.at(ts), ts.Name.Name)
					}
				}
			}
		}
	}
}

// exportedReceiver reports whether d is a function or a method of an exported
// type that no well-known interface explains.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	switch d.Name.Name {
	case "Error", "String", "Unwrap", "Is", "Read", "Write", "Close", "Len", "Less", "Swap":
		return false
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}
