package facts

import (
	"go/ast"
	"go/build"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// maxHeader bounds what is read of a file of which only the header counts.
const maxHeader = 64 << 10

// cgoOf looks at one package outside the standard library. With cgo on, the
// go command has said which files use it. With cgo off it has hidden them, so
// that the ignored files tell: which of them would come in, and what takes
// their place.
func (c *collector) cgoOf(p *listed, t TargetOptions) (Cgo, bool) {
	if t.CgoOn {
		if len(p.CgoFiles)+len(p.SwigFiles)+len(p.SwigCXXFiles) == 0 {
			return Cgo{}, false
		}
		out := Cgo{Package: p.ImportPath, Libs: libNames(p)}
		out.Pos = c.pos(p, firstOf(p.CgoFiles, p.SwigFiles, p.SwigCXXFiles), 0, 0)
		if len(p.CgoFiles) > 0 {
			out.Pos = c.importPos(p, p.CgoFiles, "C")
		}
		out.Required = true
		return out, true
	}
	ctx := build.Default
	ctx.GOOS, ctx.GOARCH, _ = splitTarget(t.Platform)
	ctx.CgoEnabled, ctx.BuildTags, ctx.Compiler = true, c.opts.Tags, "gc"
	var hidden []string
	for _, name := range p.IgnoredGoFiles {
		if !fitsName(name, ctx.GOOS, ctx.GOARCH) || !c.importsC(filepath.Join(p.Dir, name)) {
			continue
		}
		if ok, err := ctx.MatchFile(p.Dir, name); err == nil && ok {
			hidden = append(hidden, name)
		}
	}
	if hidden == nil {
		return Cgo{}, false
	}
	out := Cgo{Package: p.ImportPath, Pos: c.importPos(p, hidden, "C"), Required: true}
	// A file for builds without cgo means that the author thought of them: it
	// either does the work in Go or says at run time that it cannot.
	for _, name := range p.GoFiles {
		src, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil || !excludesCgo(src) {
			continue
		}
		if line, ok := stubMessage(src); ok {
			out.Stub = &Line{Value: line.Value, Pos: c.pos(p, name, line.Pos.Line, line.Pos.Column)}
			out.Required = true
			return out, true
		}
		out.Required = false
	}
	return out, true
}

func firstOf(lists ...[]string) string {
	for _, l := range lists {
		if len(l) > 0 {
			return l[0]
		}
	}
	return ""
}

func libNames(p *listed) []string {
	var out []string
	for _, f := range p.CgoLDFLAGS {
		if n, ok := strings.CutPrefix(f, "-l"); ok && n != "" {
			out = append(out, n)
		}
	}
	out = append(out, p.CgoPkgConfig...)
	slices.Sort(out)
	return slices.Compact(out)
}

// fitsName applies the _GOOS, _GOARCH and _GOOS_GOARCH endings without
// opening the file.
func fitsName(name, goos, goarch string) bool {
	stem, _, _ := strings.Cut(name, ".")
	parts := strings.Split(stem, "_")
	if n := len(parts); n >= 2 && knownArch[parts[n-1]] {
		if parts[n-1] != goarch {
			return false
		}
		parts = parts[:n-1]
	}
	if n := len(parts); n >= 2 && knownOS[parts[n-1]] && parts[n-1] != goos {
		return goos == "android" && parts[n-1] == "linux" || goos == "ios" && parts[n-1] == "darwin" || goos == "illumos" && parts[n-1] == "solaris"
	}
	return true
}

func (c *collector) importsC(path string) bool {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.SkipObjectResolution)
	return err == nil && slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"C"` })
}

// excludesCgo reports whether the file's constraint can only hold without cgo.
func excludesCgo(src []byte) bool {
	x := constraintOf(src)
	return x != nil && Mentions(x, "cgo") && !x.Eval(func(tag string) bool { return tag == "cgo" || !negated(x, tag) })
}

// negated reports whether tag stands under a not in x.
func negated(x constraint.Expr, tag string) bool {
	switch x := x.(type) {
	case *constraint.NotExpr:
		return Mentions(x.X, tag)
	case *constraint.AndExpr:
		return negated(x.X, tag) || negated(x.Y, tag)
	case *constraint.OrExpr:
		return negated(x.X, tag) || negated(x.Y, tag)
	}
	return false
}

// Mentions reports whether tag stands anywhere in x.
func Mentions(x constraint.Expr, tag string) bool {
	found := false
	EachTag(x, func(t string) { found = found || t == tag })
	return found
}

// EachTag calls f for every tag that x mentions, as often as it does; Eval
// would stop at the first that decides.
func EachTag(x constraint.Expr, f func(string)) {
	switch x := x.(type) {
	case *constraint.TagExpr:
		f(x.Tag)
	case *constraint.NotExpr:
		EachTag(x.X, f)
	case *constraint.AndExpr:
		EachTag(x.X, f)
		EachTag(x.Y, f)
	case *constraint.OrExpr:
		EachTag(x.X, f)
		EachTag(x.Y, f)
	}
}

// constraintOf gives the //go:build expression of a file, nil if it has none.
func constraintOf(src []byte) constraint.Expr {
	x, _ := constraintAt(src)
	return x
}

func constraintAt(src []byte) (constraint.Expr, int) {
	n := 0
	for line := range strings.Lines(string(src[:min(len(src), maxHeader)])) {
		n++
		l := strings.TrimSpace(line)
		if strings.HasPrefix(l, "package ") {
			break
		}
		if constraint.IsGoBuild(l) {
			if x, err := constraint.Parse(l); err == nil {
				return x, n
			}
			break
		}
	}
	return nil, 0
}

// stubMessage finds a string in which a file made for builds without cgo says
// that it cannot do its work: "… requires cgo to work. This is a stub".
func stubMessage(src []byte) (Line, bool) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		return Line{}, false
	}
	var out Line
	ast.Inspect(f, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING || out.Value != "" {
			return true
		}
		s, err := strconv.Unquote(lit.Value)
		if low := strings.ToLower(s); err == nil && strings.Contains(low, "cgo") && strings.Contains(s, " ") {
			p := fset.Position(lit.Pos())
			out = Line{s, Pos{Line: p.Line, Column: p.Column}}
		}
		return true
	})
	return out, out.Value != ""
}

// splitTarget splits os/arch[/variant].
func splitTarget(t string) (goos, goarch, variant string) {
	goos, rest, _ := strings.Cut(t, "/")
	goarch, variant, _ = strings.Cut(rest, "/")
	return goos, goarch, variant
}

var knownOS = set("aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows", "zos")

var knownArch = set("386", "amd64", "alpha", "amd64p32", "arm", "armbe", "arm64", "arm64be", "loong64", "m68k", "mips", "mipsle", "mips64", "mips64le", "mips64p32", "mips64p32le", "nios2", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sh", "shbe", "sparc", "sparc64", "wasm")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// triplets are the names distributions give their cross compilers.
var triplets = map[string][]string{
	"linux/amd64":   {"x86_64-linux-gnu-gcc", "x86_64-linux-musl-gcc"},
	"linux/arm64":   {"aarch64-linux-gnu-gcc", "aarch64-linux-musl-gcc"},
	"linux/arm":     {"arm-linux-gnueabihf-gcc", "arm-linux-gnueabi-gcc", "arm-linux-musleabihf-gcc"},
	"linux/386":     {"i686-linux-gnu-gcc", "i686-linux-musl-gcc"},
	"linux/ppc64le": {"powerpc64le-linux-gnu-gcc"},
	"linux/s390x":   {"s390x-linux-gnu-gcc"},
	"linux/riscv64": {"riscv64-linux-gnu-gcc"},
	"linux/loong64": {"loongarch64-linux-gnu-gcc"},
	"windows/amd64": {"x86_64-w64-mingw32-gcc"},
	"windows/386":   {"i686-w64-mingw32-gcc"},
}

// findCompilers looks for a C compiler for each platform: CC for this
// machine's own, a cross compiler by its usual name for others.
func findCompilers(look func(string) string, env GoEnv, platforms []string) []Compiler {
	var out []Compiler
	for _, p := range platforms {
		goos, goarch, _ := splitTarget(p)
		target := goos + "/" + goarch
		if slices.ContainsFunc(out, func(c Compiler) bool { return c.Target == target }) {
			continue
		}
		names := triplets[target]
		if goos == env.HostOS && goarch == env.HostArch {
			if cc := env.Changed["CC"]; cc != "" {
				out = append(out, Compiler{Target: target, CC: cc, CXX: env.Changed["CXX"], Musl: strings.Contains(cc, "musl"), From: "env CC"})
				continue
			}
			names = slices.Concat([]string{"gcc", "clang", "cc"}, names)
			if runtime.GOOS == "darwin" {
				names = []string{"clang", "cc"}
			}
		}
		for _, n := range names {
			if look(n) == "" {
				continue
			}
			cxx := strings.NewReplacer("gcc", "g++", "clang", "clang++").Replace(n)
			if look(cxx) == "" {
				cxx = ""
			}
			out = append(out, Compiler{Target: target, CC: n, CXX: cxx, Musl: strings.Contains(n, "musl"), From: "path"})
			break
		}
	}
	return out
}
