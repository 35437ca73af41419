package sizes

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-build/slipway/internal/binary"
)

// variants are the programs the tests read, all from the same source.
var variants = map[string]struct {
	goos, goarch string
	args         []string
}{
	"elf":          {"linux", "amd64", nil},
	"elf-stripped": {"linux", "amd64", []string{"-ldflags=-s -w"}},
	"elf-nodwarf":  {"linux", "amd64", []string{"-ldflags=-w"}},
	"elf-pie":      {"linux", "amd64", []string{"-buildmode=pie", "-ldflags=-s -w"}},
	"elf-be":       {"linux", "s390x", []string{"-ldflags=-s -w"}},
	"elf-32":       {"linux", "386", []string{"-ldflags=-s -w"}},
	"pe":           {"windows", "amd64", nil},
	"pe-stripped":  {"windows", "amd64", []string{"-ldflags=-s -w"}},
	"macho":        {"darwin", "arm64", nil},
	"macho-strip":  {"darwin", "arm64", []string{"-ldflags=-s -w"}},
}

var source = map[string]string{
	"go.mod": "module example.com/lab\n\ngo 1.26\n\nrequire gopkg.in/dep.v2 v2.1.0\n\nreplace gopkg.in/dep.v2 => ./dep\n",
	"main.go": `package main

import (
	"embed"
	"fmt"

	"example.com/lab/inner"
	dep "gopkg.in/dep.v2"
)

//go:embed files
var files embed.FS

func main() {
	b, _ := files.ReadFile("files/big.txt")
	fmt.Println(len(b), inner.Sum([]int{1, 2}), dep.Table[b[0]], dep.Map(dep.Point{X: 1}))
}
`,
	"files/big.txt":   strings.Repeat("The file that is embedded. ", 400),
	"files/small.txt": "small",
	"inner/inner.go": `package inner

type Number interface{ ~int | ~float64 }

//go:noinline
func Sum[T Number](list []T) (sum T) {
	for _, n := range list {
		sum += n
	}
	return sum
}
`,
	"dep/go.mod": "module gopkg.in/dep.v2\n\ngo 1.26\n",
	"dep/dep.go": `package dep

import "strconv"

type Point struct{ X, Y int }

func (p Point) String() string { return strconv.Itoa(p.X) }

var Table = [512]uint32{7: 3, 511: 1}

//go:noinline
func Map(p Point) any { return map[string]Point{"a": p} }
`,
}

var (
	built   = map[string]string{}
	buildMu sync.Mutex
	labDir  string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "slipway-sizes-")
	if err != nil {
		panic(err)
	}
	labDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// program builds a variant once and gives its path.
func program(t testing.TB, name string) string {
	t.Helper()
	buildMu.Lock()
	defer buildMu.Unlock()
	if p := built[name]; p != "" {
		return p
	}
	for file, text := range source {
		p := filepath.Join(labDir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v := variants[name]
	out := filepath.Join(labDir, name)
	cmd := exec.Command("go", append(append([]string{"build", "-trimpath"}, v.args...), "-o", out, ".")...)
	cmd.Dir = labDir
	cmd.Env = append(os.Environ(), "GOOS="+v.goos, "GOARCH="+v.goarch, "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOWORK=off")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, b)
	}
	built[name] = out
	return out
}

func read(t testing.TB, path string) *Report {
	t.Helper()
	f, err := binary.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rep, err := Read(t.Context(), r, f)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func (r *Report) module(o Origin, name string) Module {
	for _, m := range r.Modules {
		if m.Origin == o && (name == "" || m.Name == name) {
			return m
		}
	}
	return Module{}
}

func (m Module) pkg(name string) Package {
	for _, p := range m.Packages {
		if p.Name == name {
			return p
		}
	}
	return Package{}
}

// check holds the sums of a report against one another.
func check(t *testing.T, r *Report) {
	t.Helper()
	at := int64(0)
	for _, s := range r.Sections {
		if s.Size == 0 {
			continue
		}
		if s.Offset != at || s.Kind == "" {
			t.Errorf("section %q, %q, begins at %d, want %d", s.Name, s.Kind, s.Offset, at)
		}
		at = s.Offset + s.Size
	}
	if at != r.Size {
		t.Errorf("sections end at %d, the file at %d", at, r.Size)
	}
	var sum int64
	for _, m := range r.Modules {
		var inner int64
		for _, p := range m.Packages {
			inner += p.Size
			if p.Code+p.Tables+p.Types+p.Data != p.Size || p.Code < 0 || p.Tables < 0 || p.Types < 0 || p.Data < 0 {
				t.Errorf("%s: the parts of %+v are not its size", m.Name, p)
			}
		}
		if inner != m.Size {
			t.Errorf("%s %s: packages have %d of %d bytes", m.Origin, m.Name, inner, m.Size)
		}
		sum += m.Size
	}
	if sum != r.Size {
		t.Errorf("modules have %d bytes, the file %d", sum, r.Size)
	}
}

func TestRead(t *testing.T) {
	for name, v := range variants {
		t.Run(name, func(t *testing.T) {
			r := read(t, program(t, name))
			check(t, r)
			stripped := slices.Contains(v.args, "-ldflags=-s -w")
			if r.Symbols == stripped {
				t.Errorf("symbols %v in a program built with %q", r.Symbols, v.args)
			}
			main, dep, std := r.module(Main, "example.com/lab"), r.module(Dependency, "gopkg.in/dep.v2"), r.module(Std, "std")
			if main.pkg("example.com/lab").Code == 0 || main.pkg("example.com/lab/inner").Code == 0 {
				t.Errorf("main module: %+v", main)
			}
			p := dep.pkg("gopkg.in/dep.v2")
			if p.Code == 0 || p.Tables == 0 || p.Types == 0 || len(dep.Packages) != 1 || dep.Version != "v2.1.0" {
				t.Errorf("dependency: %+v", dep)
			}
			if known := p.Data >= 2048; known == stripped {
				t.Errorf("the table of 2048 bytes: %+v", p)
			}
			if q := std.pkg("runtime"); q.Code < 100_000 || q.Tables < 100_000 || q.Types < 10_000 {
				t.Errorf("runtime: %+v", q)
			}
			want := Package{Name: "example.com/lab/files", Size: 10805, Data: 10805}
			if stripped {
				want.Name = "files"
			}
			if e := r.module(Embedded, ""); len(e.Packages) != 1 || e.Packages[0] != want {
				t.Errorf("embedded files: %+v", e)
			}
			if got := float64(r.module(Unknown, "").Size) / float64(r.Size); stripped && got > 0.12 || !stripped && got > 0.01 {
				t.Errorf("%.1f %% are unknown: %+v", 100*got, r.module(Unknown, ""))
			}
			if c := r.module(Foreign, ""); c.Size > 0 {
				t.Errorf("C in a program without cgo: %+v", c)
			}
		})
	}
}

// What stripping takes away is the symbol table and DWARF, and nothing of what
// is known about code, its tables and types.
func TestStripped(t *testing.T) {
	full, bare := read(t, program(t, "elf")), read(t, program(t, "elf-stripped"))
	for _, m := range full.Modules {
		if m.Origin != Main && m.Origin != Dependency && m.Origin != Std {
			continue
		}
		other := bare.module(m.Origin, m.Name)
		for _, p := range m.Packages {
			q := other.pkg(p.Name)
			if p.Code != q.Code || p.Tables != q.Tables || p.Types != q.Types {
				t.Errorf("%s: %+v, stripped %+v", p.Name, p, q)
			}
		}
	}
	if bare.module(DebugInfo, "").Size != 0 || bare.module(SymbolData, "").Size != 0 {
		t.Error("a stripped program has symbols or DWARF")
	}
}

// The linker's own symbol table says what each function takes; ours, from
// pclntab, adds no more than what aligns the next one.
func TestAgainstNm(t *testing.T) {
	for _, name := range []string{"elf", "pe", "macho"} {
		path := program(t, name)
		out, err := exec.Command("go", "tool", "nm", "-size", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		code, count := map[string]int64{}, map[string]int64{}
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			if len(f) < 4 || f[2] != "T" && f[2] != "t" {
				continue
			}
			n, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			pkg := unescape(string(packageOf([]byte(f[3]))))
			code[pkg] += n
			count[pkg]++
		}
		r := read(t, path)
		std := r.module(Std, "std")
		for _, pkg := range []string{"fmt", "reflect", "strconv", "os", "sync", "unicode/utf8"} {
			// Names of 386 and PE lack sizes; nm then takes the next symbol, as we do.
			if got, want := std.pkg(pkg).Code, code[pkg]; got < want-64 || got > want+64*count[pkg] {
				t.Errorf("%s: %s has %d bytes of code, by nm %d in %d functions", name, pkg, got, want, count[pkg])
			}
		}
	}
}

func TestPackageOf(t *testing.T) {
	for sym, want := range map[string]string{
		"main.main":                                           "main",
		"github.com/a/b/v2.(*T[go.shape.int]).M":              "github.com/a/b/v2",
		"github.com/a/b.F[go.shape.struct { x/y.Z int }]":     "github.com/a/b",
		"gopkg.in/yaml%2ev3.Unmarshal.func1":                  "gopkg.in/yaml%2ev3",
		"type:.eq.net/http.Request":                           "net/http",
		"type:.eq.[2]interface {}":                            "",
		"type:.hash.struct { F uintptr; X0 example.com/a.T }": "",
		"go:itab.*os.File,io.Writer":                          "os",
		"go:struct { io.Reader }.Read":                        "",
		"struct { net/http.Handler }.ServeHTTP":               "",
		"vendor/golang.org/x/net/idna.idnaValues":             "vendor/golang.org/x/net/idna",
		"_rt0_amd64_linux":                                    "",
		"memeqbody":                                           "",
		"x_cgo_init":                                          "",
		"":                                                    "",
		".":                                                   "",
		"a/":                                                  "",
		"slices.SortFunc[go.shape.[]example.com/x/y.Z,int]":      "slices",
		"golang.org/x/sys/unix.(*Utsname).x":                     "golang.org/x/sys/unix",
		"example.com/m.glob..func1":                              "example.com/m",
		"gopkg.in/dep%2ev2.Map":                                  "gopkg.in/dep%2ev2",
		"maps.Keys[go.shape.map[string]example.com/a/b.T].func1": "maps",
	} {
		if got := string(packageOf([]byte(sym))); got != want {
			t.Errorf("packageOf(%q) = %q, want %q", sym, got, want)
		}
	}
	if got := unescape("gopkg.in/yaml%2ev3%"); got != "gopkg.in/yaml.v3%" {
		t.Error(got)
	}
}

func TestErrors(t *testing.T) {
	whole, err := os.ReadFile(program(t, "elf-stripped"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := binary.Read(t.Context(), bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, bytes.NewReader(whole), f); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Read(t.Context(), bytes.NewReader(whole[:len(whole)/2]), f); !errors.Is(err, ErrDamaged) {
		t.Errorf("half a file: %v", err)
	}
	if _, err := Read(t.Context(), brokenDisk{bytes.NewReader(whole)}, f); !errors.Is(err, errDisk) || errors.Is(err, ErrDamaged) {
		t.Errorf("broken disk: %v", err)
	}
	if _, err := Read(t.Context(), bytes.NewReader(whole), &binary.File{Size: int64(len(whole)), Format: binary.Wasm}); !errors.Is(err, ErrFormat) {
		t.Errorf("wasm: %v", err)
	}
}

type brokenDisk struct{ io.ReaderAt }

var errDisk = errors.New("input/output error")

func (b brokenDisk) ReadAt(p []byte, off int64) (int, error) {
	if off > 1<<16 {
		return 0, errDisk
	}
	return b.ReaderAt.ReadAt(p, off)
}

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"elf", "elf-stripped", "pe-stripped", "macho"} {
		path := program(b, name)
		f, err := binary.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		r, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(f.Size)
			for b.Loop() {
				if _, err := Read(b.Context(), r, f); err != nil {
					b.Fatal(err)
				}
			}
		})
		r.Close()
	}
}
