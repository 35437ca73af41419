package facts

import (
	"fmt"
	"testing"
)

// FuzzQuickGoHead holds the quick reader of heads against go/parser: where it
// answers, both say the same.
func FuzzQuickGoHead(f *testing.F) {
	for _, s := range []string{
		"package p\n", "// Copyright\n\n//go:build x\n\npackage p // import \"x\"\n\nimport \"fmt\"\n",
		"/* a\n*/ package p\r\nimport (\r\n\t\"fmt\"\r\n\t. \"os\" // c\r\n\r\n\t_ \"embed\"\r\n)\r\nvar x int",
		"package p\nimport()\nimport x \"a/b.c-d/v2\"\nimport\n\"y\"", "package p\nimport (\n\t/* c\n */ \"b\"\n)\nfunc f() {}",
		"package p\nimport \"a\"; import \"b\"", "package p\nimportant", "package _\n", "// \xff\npackage p\n", "package p\n\x00", "package p\nimport (\"a\"", "package p\nimport type \"a\"\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		quick, ok := quickGoHead("x.go", src)
		if !ok {
			return
		}
		slow, err := parseGoHead("x.go", src)
		if err != nil {
			t.Fatal(err)
		}
		if quick.name != slow.name || quick.clause != slow.clause || fmt.Sprint(quick.imports) != fmt.Sprint(slow.imports) {
			t.Errorf("%q:\n%s %d %v\n%s %d %v", src, quick.name, quick.clause, quick.imports, slow.name, slow.clause, slow.imports)
		}
	})
}
