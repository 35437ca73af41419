package report

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// TestSARIFSchema holds the log against the published schema of SARIF 2.1.0,
// which another project's reader of SARIF carries, and has that reader read it.
func TestSARIFSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(publishedSchema(t))))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	rules := []SARIFRule{{ID: "ENV001", Slug: "sumdb-off", Severity: finding.Security, Title: i18n.M("report.failure", "t"), Why: i18n.M("report.failure", "w"), Fix: i18n.M("report.failure", "f")}}
	for name, list := range map[string][]finding.Finding{"empty": nil, "findings": judged()} {
		var b bytes.Buffer
		if err := (SARIF{Version: "v1.0.0", List: list, Rules: rules}).WriteText(&b, Style{Lang: i18n.Chinese}); err != nil {
			t.Fatal(err)
		}
		inst, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(inst); err != nil {
			t.Errorf("%s: %v\n%s", name, err, b.Bytes())
		}
		read, err := sarif.FromBytes(b.Bytes())
		if err != nil || len(read.Runs) != 1 || len(read.Runs[0].Results) != len(list) {
			t.Errorf("%s: somebody else's reader gives %+v, %v", name, read, err)
		}
	}
	bad, _ := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(`{"version":"2.1.0","runs":[{"results":[]}]}`)))
	if schema.Validate(bad) == nil {
		t.Error("the schema takes a run without a tool")
	}
}

// publishedSchema takes the schema out of the source that holds it.
func publishedSchema(t *testing.T) string {
	t.Helper()
	p, err := build.Import("github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.ValueSpec); ok && s.Names[0].Name == "schema" {
			text, err = strconv.Unquote(s.Values[0].(*ast.BasicLit).Value)
		}
		return text == ""
	})
	if err != nil || text == "" {
		t.Fatalf("no schema in %s: %v", p.Dir, err)
	}
	return text
}
