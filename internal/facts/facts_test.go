package facts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
)

// project writes a txtar archive to a directory.
func project(t testing.TB, archive string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		write(t, filepath.Join(dir, f.Name), string(f.Data))
	}
	return dir
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func goCommand(t testing.TB, environ []string) *gotool.Go {
	t.Helper()
	g, err := gotool.Find(t.Context(), environ, "")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func options(g *gotool.Go, dir, memo string, cgo bool, patterns ...string) GraphOptions {
	c := "0"
	if cgo {
		c = "1"
	}
	return GraphOptions{
		Go: g, Root: dir, Patterns: patterns, MemoDir: memo, Std: g.Settings.Version,
		Targets: []TargetOptions{{Platform: "linux/amd64", CgoOn: cgo, Recipe: map[string]string{
			"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": c, "GOTOOLCHAIN": "local", "GOWORK": "off",
		}}},
	}
}

func one(t testing.TB, o GraphOptions) (Program, string) {
	t.Helper()
	g, err := ReadGraph(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Programs) != 1 {
		t.Fatalf("%d programs, want 1", len(g.Programs))
	}
	return g.Programs[0], g.Inputs["linux/amd64"]
}

func needOf(p Program, k NeedKind) *Need {
	i := slices.IndexFunc(p.Needs, func(n Need) bool { return n.Kind == k })
	if i < 0 {
		return nil
	}
	return &p.Needs[i]
}

const service = `
-- go.mod --
module example.com/shop/v2

go 1.24

toolchain go1.25.1

godebug tlsmlkem=1

require example.com/dep v1.0.0

replace example.com/dep => ./dep
-- main.go --
package main

import (
	"embed"
	"flag"
	"net/http"
	stdtime "time"

	"example.com/dep"
	"example.com/shop/v2/internal/version"
)

//go:embed assets
var assets embed.FS

var commit string

func main() {
	addr := flag.String("addr", ":8080", "where to listen")
	admin := flag.NewFlagSet("admin", flag.ExitOnError)
	admin.String("admin", ":9090", "where to listen, too")
	flag.Parse()
	loc, _ := stdtime.LoadLocation("Asia/Shanghai")
	_, _ = loc, assets
	dep.Do()
	println(version.Version, commit)
	http.ListenAndServe(*addr, nil)
}
-- extra.go --
//go:build enterprise && !community

package main

func init() {}
-- internal/version/version.go --
package version

var Version = "dev"

var released = "2.0.0"
-- assets/index.html --
<p>hello
-- dep/go.mod --
module example.com/dep

go 1.24
-- dep/dep.go --
package dep

import (
	"net/http"
	"os"
	"os/exec"
)

type time struct{}

func (time) LoadLocation(string) {}

func Do() {
	var time time
	time.LoadLocation("not the package")
	os.CreateTemp("", "x")
	exec.Command("sh", "-c", "true").Run()
	http.Get("https://example.com")
}
`

func TestProgramFacts(t *testing.T) {
	dir := project(t, service)
	p, _ := one(t, options(goCommand(t, os.Environ()), dir, "", false, "."))

	if p.Package != "example.com/shop/v2" || p.Name != "shop" || p.Dir != "." || p.Pos != (at("main.go", 1, 1)) {
		t.Errorf("program is %s %s %s at %v", p.Package, p.Name, p.Dir, p.Pos)
	}
	for _, want := range []struct {
		kind NeedKind
		how  Certainty
		what string
		pos  string
		via  string
	}{
		{NeedZones, Uses, "time.LoadLocation", "main.go:23:12", ""},
		{NeedTemp, May, "os.CreateTemp", "dep/dep.go:16:2", "main.go:9:2"},
		{NeedExec, May, "os/exec.Command", "dep/dep.go:17:2", "main.go:9:2"},
		{NeedShell, May, `os/exec.Command("sh")`, "dep/dep.go:17:2", "main.go:9:2"},
		{NeedRoots, May, "net/http.Get", "dep/dep.go:18:2", "main.go:9:2"},
	} {
		n := needOf(p, want.kind)
		if n == nil {
			t.Errorf("no need %s", want.kind)
			continue
		}
		via := ""
		if len(n.Chain) > 0 {
			via = n.Chain[len(n.Chain)-1].Pos.String()
		}
		if n.Certainty != want.how || n.What != want.what || n.Pos.String() != want.pos || via != want.via {
			t.Errorf("%s: %s %s at %s via %q, want %+v", n.Kind, n.Certainty, n.What, n.Pos, via, want)
		}
	}
	for _, k := range []NeedKind{NeedUser, NeedHome, NeedPlugin, NeedSystemd, NeedZonesIn, NeedRootsIn} {
		if n := needOf(p, k); n != nil {
			t.Errorf("need %s at %s, which the program does not have", k, n.Pos)
		}
	}
	if n := needOf(p, NeedZones); n != nil && n.More != 0 {
		t.Errorf("a local variable called time counts as the package: %+v", n)
	}
	wantStamps := []Stamp{
		{"example.com/shop/v2/internal/version.Version", "version", at("internal/version/version.go", 3, 5)},
		{"main.commit", "commit", at("main.go", 16, 5)},
	}
	if !slices.Equal(p.Stamps, wantStamps) {
		t.Errorf("stamps %+v, want %+v", p.Stamps, wantStamps)
	}
	if want := []Port{{8080, at("main.go", 19, 30)}, {9090, at("main.go", 21, 24)}}; !slices.Equal(p.Ports, want) {
		t.Errorf("ports %+v, want %+v", p.Ports, want)
	}
	if len(p.Embeds) != 1 || p.Embeds[0].Pattern != "assets" || p.Embeds[0].Files != 1 {
		t.Errorf("embeds %+v", p.Embeds)
	}
	if len(p.Excluded) == 0 || p.Excluded[0].Constraint != "enterprise && !community" || p.Excluded[0].Pos.String() != "extra.go:1:1" {
		t.Errorf("excluded %+v", p.Excluded)
	}
	if len(p.Tags) != 2 || p.Tags[0].Name != "community" {
		t.Errorf("tags %+v", p.Tags)
	}
	if len(p.Modules) != 1 || p.Modules[0].Path != "example.com/dep" || p.Modules[0].Replace != "./dep" {
		t.Errorf("modules %+v", p.Modules)
	}
}

func TestReadModule(t *testing.T) {
	dir := project(t, service)
	f, err := Read(ReadOptions{Go: goCommand(t, os.Environ()), Root: dir})
	if err != nil {
		t.Fatal(err)
	}
	m := f.Module
	got := fmt.Sprintln(m.Path, m.Pos, m.Go, m.Toolchain, m.Godebug, m.Replaces)
	want := "example.com/shop/v2 go.mod:1:1 {1.24 go.mod:3:1} {go1.25.1 go.mod:5:1} [{tlsmlkem=1 go.mod:7:1}] [{example.com/dep ./dep true go.mod:11:1}]\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestReadModuleSaysWhere(t *testing.T) {
	for name, c := range map[string]struct{ mod, want string }{
		"unknown directive": {"module x\n\ngo 1.24\n\nrequires y v1.0.0\n", "go.mod:5:1: syntax error: unknown directive: requires"},
		"no module":         {"go 1.24\n", "go.mod:1: there is no module line"},
		"binary garbage":    {"\x00\x01\x02", "go.mod:1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "go.mod"), c.mod)
			_, err := Read(ReadOptions{Go: goCommand(t, os.Environ()), Root: dir})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %s…", err, c.want)
			}
		})
	}
}

// TestMemo counts the subprocesses of a real go command: what has not changed
// the package graph must not cost one, and whatever has must.
func TestMemo(t *testing.T) {
	dir := project(t, service)
	bin, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	real := goCommand(t, os.Environ())
	script := "#!/bin/sh\necho \"$1\" >>'" + log + "'\nexec '" + real.Path + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	g := goCommand(t, append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH")))
	o := options(g, dir, t.TempDir(), false, ".")
	lists := func() int {
		b, _ := os.ReadFile(log)
		return strings.Count(string(b), "list\n")
	}
	p0, in0 := one(t, o)
	if lists() != 1 {
		t.Fatalf("%d go list, want 1", lists())
	}
	step := func(what string, wantList, wantInput bool, change func()) Program {
		t.Helper()
		before := lists()
		change()
		p, in := one(t, o)
		if got := lists() > before; got != wantList {
			t.Errorf("%s: go list ran: %t, want %t", what, got, wantList)
		}
		if got := in != in0; got != wantInput {
			t.Errorf("%s: input digest changed: %t, want %t", what, got, wantInput)
		}
		in0 = in
		return p
	}
	main := filepath.Join(dir, "main.go")
	src, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	step("nothing", false, false, func() {})
	step("touch", false, false, func() { write(t, main, string(src)) })
	p := step("body", false, true, func() {
		write(t, main, strings.Replace(string(src), "func main() {\n", "func main() {\n\n", 1))
	})
	if n, old := needOf(p, NeedZones), needOf(p0, NeedZones); n.Pos.Line != old.Pos.Line+1 {
		t.Errorf("position %v did not follow the edit from %v", n.Pos, old.Pos)
	}
	step("test file", false, false, func() { write(t, filepath.Join(dir, "main_test.go"), "package main\n") })
	step("embedded bytes", false, true, func() { write(t, filepath.Join(dir, "assets/index.html"), "<p>bye") })
	p = step("embedded file added", true, true, func() { write(t, filepath.Join(dir, "assets/new/logo.svg"), "<svg/>") })
	if p.Embeds[0].Files != 2 {
		t.Errorf("embeds %+v", p.Embeds)
	}
	p = step("import added", true, true, func() {
		write(t, main, strings.Replace(string(src), "\"net/http\"", "\"net/http\"\n\t_ \"time/tzdata\"", 1))
	})
	if needOf(p, NeedZonesIn) == nil {
		t.Error("time/tzdata was not noticed")
	}
	step("file added", true, true, func() { write(t, filepath.Join(dir, "other.go"), "package main\n\nfunc other() {}\n") })
	step("file of a replaced module", false, true, func() {
		write(t, filepath.Join(dir, "dep/dep.go"), "package dep\n\nimport (\n\t\"net/http\"\n\t\"os\"\n\t\"os/exec\"\n)\n\nvar _, _, _ = http.Get, os.Args, exec.Command\n\nfunc Do() {}\n")
	})
	step("go.mod", true, true, func() {
		b, _ := os.ReadFile(filepath.Join(dir, "go.mod"))
		write(t, filepath.Join(dir, "go.mod"), string(b)+"\n// changed\n")
	})
	step("damaged memo", true, false, func() {
		files, _ := filepath.Glob(filepath.Join(o.MemoDir, "facts-*"))
		for _, f := range files {
			if err := os.Truncate(f, 40); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestCgo(t *testing.T) {
	dir := project(t, `
-- go.mod --
module example.com/c

go 1.24

require (
	example.com/stub v1.0.0
	example.com/fallback v1.0.0
	example.com/only v1.0.0
)

replace example.com/stub => ./stub

replace example.com/fallback => ./fallback

replace example.com/only => ./only
-- main.go --
package main

import (
	_ "example.com/fallback"
	_ "example.com/only"
	_ "example.com/stub"
)

func main() {}
-- stub/go.mod --
module example.com/stub
-- stub/cgo.go --
package stub

// #cgo LDFLAGS: -lm -ldl
import "C"
-- stub/nocgo.go --
//go:build !cgo

package stub

import "errors"

var Err = errors.New("this is a stub, it requires cgo to work")
-- fallback/go.mod --
module example.com/fallback
-- fallback/cgo.go --
package fallback

import "C"
-- fallback/nocgo.go --
//go:build !cgo

package fallback

func Work() {}
-- only/go.mod --
module example.com/only
-- only/cgo.go --
package only

import "C"
-- only/cgo_windows.go --
package only

import "C"
`)
	g := goCommand(t, os.Environ())
	for _, on := range []bool{false, true} {
		p, _ := one(t, options(g, dir, "", on, "."))
		got := map[string]Cgo{}
		for _, c := range p.Cgo {
			got[c.Package] = c
		}
		if len(got) != 3 {
			t.Fatalf("cgo on %t: %+v", on, p.Cgo)
		}
		if c := got["example.com/only"]; !c.Required || c.Pos.String() != "only/cgo.go:3:8" || len(c.Chain) != 2 || c.Chain[1].Pos.String() != "main.go:5:2" {
			t.Errorf("cgo on %t: only: %+v", on, c)
		}
		if on {
			if c := got["example.com/stub"]; !slices.Equal(c.Libs, []string{"dl", "m"}) {
				t.Errorf("libs %v", c.Libs)
			}
			continue
		}
		if c := got["example.com/stub"]; !c.Required || c.Stub == nil || c.Stub.Pos.String() != "stub/nocgo.go:7:22" {
			t.Errorf("stub: %+v", c)
		}
		if c := got["example.com/fallback"]; c.Required || c.Stub != nil {
			t.Errorf("fallback: %+v", c)
		}
	}
}

func TestBrokenPackages(t *testing.T) {
	for name, c := range map[string]struct{ archive, want string }{
		"missing module": {"-- go.mod --\nmodule x\n\ngo 1.24\n-- main.go --\npackage main\n\nimport _ \"example.com/none\"\n\nfunc main() {}\n", "main.go:3:8"},
		"missing std":    {"-- go.mod --\nmodule x\n\ngo 1.24\n-- main.go --\npackage main\n\nimport _ \"nosuch/pkg\"\n\nfunc main() {}\n", "main.go:3:8"},
		"syntax error":   {"-- go.mod --\nmodule x\n\ngo 1.24\n-- main.go --\npackage main\n\nimport \"os\n\nfunc main() {}\n", "main.go:3:8"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(goCommand(t, append(os.Environ(), "GOPROXY=off")), project(t, c.archive), "", false, ".")
			_, err := ReadGraph(t.Context(), o)
			detail := fmt.Sprintf("%+v", err)
			if f, ok := asFault(err); ok {
				detail = f.Detail
			}
			if err == nil || !strings.Contains(detail, c.want) {
				t.Errorf("got %v / %s, want %s", err, detail, c.want)
			}
		})
	}
}

func TestFindMains(t *testing.T) {
	dir := project(t, `
-- go.mod --
module x
-- lib.go --
package x
-- gen.go --
//go:build ignore

package main
-- cmd/a/main.go --
package main
-- cmd/b/main_test.go --
package main
-- cmd/c/doc.go --
package main
-- vendor/v/main.go --
package main
-- testdata/t/main.go --
package main
-- nested/go.mod --
module n
-- nested/main.go --
package main
`)
	got, err := FindMains(dir)
	if err != nil || !slices.Equal(got, []string{"./cmd/a", "./cmd/c"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestProgramName(t *testing.T) {
	for _, c := range [][3]string{
		{"github.com/nats-io/nats-server/v2", "github.com/nats-io/nats-server/v2", "nats-server"},
		{"github.com/caddyserver/caddy/v2/cmd/caddy", "github.com/caddyserver/caddy/v2", "caddy"},
		{"gopkg.in/tool.v1", "gopkg.in/tool.v1", "tool"},
		{"example.com/tool/cmd/v2", "example.com/tool", "cmd"},
		{"example.com/v2ray", "example.com/v2ray", "v2ray"},
		{"orders", "orders", "orders"},
	} {
		if got := ProgramName(c[0], c[1]); got != c[2] {
			t.Errorf("%s: %s, want %s", c[0], got, c[2])
		}
	}
}

// FuzzReadFile holds the readers of Go files to giving an answer on any bytes.
func FuzzReadFile(f *testing.F) {
	f.Add([]byte("//go:build a && !b\n\npackage main\n\nimport t \"time\"\n\nfunc f() { t.LoadLocation(``) }\n"))
	f.Add([]byte("package main\nvar version, commit = \"dev\", \"\"\n//go:embed x\n"))
	f.Add([]byte("\xef\xbb\xbfpackage p\x00"))
	f.Fuzz(func(t *testing.T, src []byte) {
		readFile(src, true)
		readFile(src, false)
		stubMessage(src)
		constraintAt(src)
		excludesCgo(src)
		if headerSum(src) != headerSum(slices.Clone(src)) {
			t.Error("equal files have different headers")
		}
	})
}

func BenchmarkReadGraphUnchanged(b *testing.B) {
	dir := project(b, service)
	o := options(goCommand(b, os.Environ()), dir, b.TempDir(), false, ".")
	one(b, o)
	for b.Loop() {
		one(b, o)
	}
}

func at(file string, line, column int) Pos { return Pos{File: file, Line: line, Column: column} }

func asFault(err error) (*fault.Error, bool) { return errors.AsType[*fault.Error](err) }
