package facts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSites(t *testing.T) {
	src := `package p

import (
	"crypto/tls"
	h "net/http"
)

const min = tls.VersionTLS12

type server struct{ cfg *tls.Config }

func (s *server) run(tls2 struct{ Config int }) {
	s.cfg = &tls.Config{MinVersion: min, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}}
	s.cfg.InsecureSkipVerify = true
	var c tls.Config
	_, _ = c, tls2.Config
}

func shadow(tls struct{ Config func() }) { tls.Config() }

var _ = h.NoBody
`
	g, err := readGoFile("p.go", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	type seen struct{ Kind, What, Func, Recv string }
	var got []seen
	readCode(&g, []byte(src))
	sites := g.Sites
	for _, s := range sites {
		got = append(got, seen{string(s.Kind), s.What, s.Func, s.Recv})
	}
	want := []seen{
		{"ref", "crypto/tls.Config", "", ""},
		{"literal", "crypto/tls.Config", "(*server).run", ""},
		{"assign", ".InsecureSkipVerify", "(*server).run", "s.cfg"},
		{"ref", "crypto/tls.Config", "(*server).run", ""},
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Fatalf("sites\n%s, want\n%s", a, b)
	}
	lit := sites[1]
	if got := lit.Fields["MinVersion"].Text; got != "crypto/tls.VersionTLS12" {
		t.Errorf("MinVersion is %q", got)
	}
	if es := lit.Fields["CurvePreferences"].Elems; len(es) != 2 || es[1].Text != "crypto/tls.CurveP256" || es[1].Pos.Line != 13 {
		t.Errorf("CurvePreferences has %+v", es)
	}
	if sites[2].Args[0].Text != "true" {
		t.Errorf("InsecureSkipVerify is %+v", sites[2].Args)
	}
}

func TestSiteGuards(t *testing.T) {
	src := `package p

import "crypto/tls"

func dial(insecure bool, mode string, resp struct{ OCSPResponse []byte }) *tls.Config {
	cfg := &tls.Config{}
	if cfg.ServerName == "" {
		println("no name")
	}
	switch mode {
	case dev:
		if insecure {
			cfg.InsecureSkipVerify = true
		}
	}
	resp.OCSPResponse = nil
	_ = resp.OCSPResponse
	cfg.MinVersion = tls.VersionTLS10
	return cfg
}
`
	g, err := readGoFile("p.go", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	readCode(&g, []byte(src))
	for _, s := range g.Sites {
		if s.Kind != SiteRef && s.Kind != SiteLiteral {
			got = append(got, string(s.Kind)+" "+s.What+" "+strings.Join(s.Guards, ","))
		}
	}
	want := []string{"assign .InsecureSkipVerify mode,dev,insecure", "read .OCSPResponse ", "assign .MinVersion "}
	if !slices.Equal(got, want) {
		t.Errorf("sites %q, want %q", got, want)
	}
}

func TestClosureForWasm(t *testing.T) {
	files := map[string]string{
		"go.mod":        "module example.com/app\n\ngo 1.26\n",
		"main.go":       "//go:debug tls3des=1\npackage main\n\nimport _ \"example.com/app/net\"\n",
		"net/a.go":      "//go:build unix\n\npackage net\n\nimport _ \"os/exec\"\n",
		"net/b_js.go":   "package net\n\nimport _ \"syscall/js\"\n",
		"net/c.go":      "//go:build wasip1\n\npackage net\n\nimport _ \"os\"\n",
		"net/d_wasm.go": "package net\n\nimport _ \"unsafe\"\n",
	}
	root := t.TempDir()
	for name, text := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := ReadRepo(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ goos, goarch, want string }{
		{"linux", "amd64", "os/exec"}, {"js", "wasm", "syscall/js unsafe"}, {"wasip1", "wasm", "os unsafe"},
	} {
		var got []string
		for p := range r.ClosureFor(Platform{tc.goos, tc.goarch}, &r.Modules[0], []string{"."}, nil) {
			if p != "example.com/app/net" {
				got = append(got, p)
			}
		}
		slices.Sort(got)
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%s/%s reaches %q, want %q", tc.goos, tc.goarch, s, tc.want)
		}
	}
	for _, g := range r.GoFiles {
		if g.Path == "main.go" && (len(g.Debugs) != 1 || g.Debugs[0].Value != "tls3des=1") {
			t.Errorf("main.go has //go:debug %v", g.Debugs)
		}
	}
}

// TestConstantsInCircles holds that constants which refer to each other, or
// double each other, neither hang nor fill the memory.
func TestConstantsInCircles(t *testing.T) {
	var b strings.Builder
	b.WriteString("package p\n\nimport \"net/http\"\n\nconst (\n\ta = b + \"x\"\n\tb = a + \"y\"\n\tc0 = \"abcdefgh\"\n")
	for i := 1; i < 200; i++ {
		fmt.Fprintf(&b, "\tc%d = c%d + c%d\n", i, i-1, i-1)
	}
	b.WriteString("\tname = other\n\tother = \"/x\"\n)\n\nfunc f() {\n\thttp.HandleFunc(a, nil)\n\thttp.HandleFunc(c199, nil)\n\thttp.HandleFunc(name, nil)\n}\n")
	g, err := readGoFile("p.go", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	readCode(&g, []byte(b.String()))
	if len(g.Sites) != 3 || Literal(g.Sites[0].Args[0].Text) || Literal(g.Sites[1].Args[0].Text) || g.Sites[2].Args[0].Text != "/x" {
		t.Errorf("sites %+v", g.Sites)
	}
}
