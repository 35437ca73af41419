package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/slipway-build/slipway/internal/i18n"
)

var update = flag.Bool("update", false, "write the generated files of docs/")

// docs is where the generated files are checked in.
const docs = "../../docs"

// same holds a checked-in file against what it must be, or writes it.
func same(t *testing.T, name string, want []byte) {
	t.Helper()
	path := filepath.Join(docs, name)
	if *update {
		if err := os.MkdirAll(docs, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/%s is out of date: run go test ./internal/config -update", name)
	}
}

func TestSchemaIsUpToDate(t *testing.T) {
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	same(t, "slipway.schema.json", b)
}

type docSection struct {
	Title, Text string
	Rows        []docRow
}

type docRow struct{ Key, Text, Values, Default, Env string }

func docSections(l i18n.Lang) []docSection {
	code := func(ss ...string) string {
		for i, s := range ss {
			ss[i] = "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
		}
		return strings.Join(ss, " ")
	}
	kinds := map[i18n.Lang][]string{
		i18n.English: {section: "", text: "text", number: "number", list: "list", table: "table", items: "list of sections"},
		i18n.Chinese: {section: "", text: "文本", number: "整数", list: "列表", table: "表", items: "小节的列表"},
	}[l]
	row := func(k key) docRow {
		r := docRow{Key: k.path, Text: k.description().In(l), Values: kinds[k.kind]}
		if k.rule.enum != nil {
			r.Values = code(slices.Clone(k.rule.enum)...)
			if k.rule.pattern != "" {
				r.Values += " " + kinds[text]
			}
		}
		if k.rule.def != "" {
			r.Default = code(k.rule.def)
		}
		if e := k.env(); e != "" {
			r.Env = code(e)
		}
		return r
	}
	top := docSection{Title: map[i18n.Lang]string{i18n.English: "Project", i18n.Chinese: "项目"}[l]}
	sections := []docSection{top}
	for _, k := range keys() {
		switch {
		case k.kind == section || k.kind == items:
			s := docSection{Title: k.path, Text: k.description().In(l)}
			for _, c := range children(k.path) {
				if c.kind != section && c.kind != items {
					s.Rows = append(s.Rows, row(c))
				}
			}
			sections = append(sections, s)
		case k.parent() == "":
			sections[0].Rows = append(sections[0].Rows, row(k))
		}
	}
	return sections
}

func TestReferenceIsUpToDate(t *testing.T) {
	for name, l := range map[string]i18n.Lang{"config.md": i18n.English, "config.zh-CN.md": i18n.Chinese} {
		tm, err := template.ParseFiles(filepath.Join("testdata", name+".tmpl"))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := tm.Execute(&b, docSections(l)); err != nil {
			t.Fatal(err)
		}
		same(t, name, b.Bytes())
	}
}

// TestKeysRulesAndDescriptions: the struct, the table of rules and the
// catalogues name the same keys.
func TestKeysRulesAndDescriptions(t *testing.T) {
	known := map[string]bool{}
	envs := map[string]string{}
	for _, k := range keys() {
		known[k.path] = true
		if other, twice := envs[k.env()]; twice && k.env() != "" {
			t.Errorf("%s and %s share %s", k.path, other, k.env())
		}
		envs[k.env()] = k.path
		for _, p := range []string{k.rule.pattern, k.rule.names} {
			if _, err := regexp.Compile(p); err != nil {
				t.Errorf("%s: %v", k.path, err)
			}
		}
		if k.rule.pattern != "" && k.rule.form.IsZero() {
			t.Errorf("%s: a pattern without a sentence that says what to write", k.path)
		}
		if k.rule.def != "" && k.checkText(k.path, k.rule.def) != nil {
			t.Errorf("%s: the default %q is not valid", k.path, k.rule.def)
		}
	}
	for path := range rules() {
		if !known[path] {
			t.Errorf("rules.go has %s, which is no key", path)
		}
	}
	for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
		b, err := os.ReadFile(filepath.Join("../i18n/catalog", string(l), "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		var c map[string]string
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		for path := range known {
			if c["config.key."+path] == "" {
				t.Errorf("%s: no description in %s", path, l)
			}
		}
		for id := range c {
			if path, ok := strings.CutPrefix(id, "config.key."); ok && !known[path] {
				t.Errorf("%s describes %s, which is no key", l, path)
			}
		}
	}
}

// TestSchemaAgreesWithLoad holds the schema, read by another's validator,
// against the decoder.
func TestSchemaAgreesWithLoad(t *testing.T) {
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("slipway.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	sch, err := c.Compile("slipway.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for content, ok := range map[string]bool{
		full:                                 true,
		"":                                   true,
		"name:\nbuild:\nimage:\n  ports:\n":  true,
		"name: ''\nbuild: {cgo: ''}\n":       true,
		"go: 1.25\n":                         true,
		"image: {user: root}\n":              true,
		"image: {user: 1000}\n":              true,
		"image: {base: oci:base}\n":          true,
		"image: {base: auto}\n":              true,
		"image: {base: a.example/b:v1}\n":    true,
		"image: {env: {A: 1, B: true}}\n":    true,
		"build: {fips: latest}\n":            true,
		"nmae: x\n":                          false,
		"image: {nope: x}\n":                 false,
		"build: {cgo: yes}\n":                false,
		"build: {fips: on}\n":                false,
		"build: {cc: {arm64: gcc}}\n":        false,
		"build: {cc: {linux/arm64: ''}}\n":   false,
		"targets: linux/amd64\n":             false,
		"targets: ['']\n":                    false,
		"targets: [x]\n":                     false,
		"image: {user: bob}\n":               false,
		"image: {base: scratch}\n":           false,
		"image: {healthcheck: {retries: x}}": false,
		"image: {files: [{from: a}]}\n":      false,
		"image: {files: [{from: a, to: b}]}": false,
		"image: {files: [{}]}\n":             false,
		"- a\n":                              false,

		"check: {rules: v1, severity: waste, disable: {ENV001: no database here}}\n": true,
		"check: {rules: v0}\n":                                       false,
		"check: {severity: high}\n":                                  false,
		"check: {disable: [ENV001]}\n":                               false,
		"check: {disable: {ENV001: ''}}\n":                           false,
		"check: {disable: {ENV001: '-'}}\n":                          false,
		"check: {disable: {env1: not an ID}}\n":                      false,
		"check: {licenses: {allow: [Apache 2]}}\n":                   false,
		"check: {licenses: {exceptions: {example.com/a: bought}}}\n": true,
		"check: {vulnerabilities: {ignore: {GO-2024-1: ''}}}\n":      false,
	} {
		var v any
		if err := yaml.Unmarshal([]byte(content), &v); err != nil {
			t.Fatal(err)
		}
		schemaErr := sch.Validate(v)
		_, loadErr := Load(Input{Dir: write(t, content)})
		if (schemaErr == nil) != ok || (loadErr == nil) != ok {
			t.Errorf("%q: want accepted %v\nschema: %v\nload: %v", content, ok, schemaErr, loadErr)
		}
	}
}
