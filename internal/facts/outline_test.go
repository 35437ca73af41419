package facts

import (
	"bytes"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

const outlined = `package p

import "net/http"

type t struct {
	A int
}

func dropped(x int) int {
	return x + 1
}

func (s *t) wrapped(
	a int,
	b string,
) error {
	if a > 0 {
		return nil
	}
	return nil
}

func short() int { return 1 }

var v = struct {
	F *http.Client
}{}

func kept() *http.Client {
	return &http.Client{}
}

func text() string {
	return ` + "`" + `
func in() {
	x
}
` + "`" + `
}

func last() { for {
} }
`

// TestOutline holds that what is left of a file parses, loses no declaration
// and tells of each byte where it stands in the file.
func TestOutline(t *testing.T) {
	for name, src := range map[string]string{"plain": strings.Replace(outlined, "return `\nfunc in() {\n\tx\n}\n`", "return ``", 1), "raw string": outlined, "windows": strings.ReplaceAll(outlined, "\n", "\r\n")} {
		o := outlineOf([]byte(src), func(body []byte) bool { return bytes.Contains(body, []byte("http.Client")) })
		for _, want := range []string{"A int", "http.Client{}", "F *http.Client", "func short() int { return 1 }"} {
			if !bytes.Contains(o.text, []byte(want)) {
				t.Errorf("%s: %q is gone:\n%s", name, want, o.text)
			}
		}
		full, err := parser.ParseFile(token.NewFileSet(), "", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := parser.ParseFile(token.NewFileSet(), "", o.text, 0); name == "plain" && (err != nil || len(f.Decls) != len(full.Decls) || len(o.text) >= len(src)) {
			t.Errorf("%s: %v\n%s", name, err, o.text)
		}
		fset := token.NewFileSet()
		file := fset.AddFile("", -1, len(src))
		file.SetLinesForContent([]byte(src))
		for at := range o.text {
			line, column := o.position(at)
			p := file.Position(file.Pos(lineStart(src, line) + column - 1))
			if p.Line != line || p.Column != column || src[p.Offset] != o.text[at] {
				t.Fatalf("%s: byte %d of the outline is said to be at %d:%d", name, at, line, column)
			}
		}
	}
}

func lineStart(src string, line int) int {
	at := 0
	for range line - 1 {
		at += strings.IndexByte(src[at:], '\n') + 1
	}
	return at
}

// FuzzOutline holds that no file of any form makes the reader of sites panic,
// and that every place it gives lies in the file.
func FuzzOutline(f *testing.F) {
	f.Add([]byte(outlined))
	f.Add([]byte("package p\nimport \"os\"\nfunc f() {\n\tos.CreateTemp()\n}\nfunc g(\n\n}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		g := GoFile{Path: "x.go", Imports: []Import{{Path: "net/http"}, {Path: "os"}}}
		readCode(&g, src)
		for _, s := range g.Sites {
			if s.Pos.Line < 1 || s.Pos.Line > 1+bytes.Count(src, []byte("\n")) || s.Pos.Column < 1 {
				t.Errorf("%v", s)
			}
		}
	})
}
