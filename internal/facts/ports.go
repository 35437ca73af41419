package facts

import (
	"go/build/constraint"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ports are the systems that Go is made for, as `go tool dist list` of Go
// 1.26 gives them; a test compares.
var ports = portsOf(
	"aix/ppc64", "android/386", "android/amd64", "android/arm", "android/arm64", "darwin/amd64", "darwin/arm64",
	"dragonfly/amd64", "freebsd/386", "freebsd/amd64", "freebsd/arm", "freebsd/arm64", "illumos/amd64", "ios/amd64",
	"ios/arm64", "js/wasm", "linux/386", "linux/amd64", "linux/arm", "linux/arm64", "linux/loong64", "linux/mips",
	"linux/mips64", "linux/mips64le", "linux/mipsle", "linux/ppc64", "linux/ppc64le", "linux/riscv64", "linux/s390x",
	"netbsd/386", "netbsd/amd64", "netbsd/arm", "netbsd/arm64", "openbsd/386", "openbsd/amd64", "openbsd/arm",
	"openbsd/arm64", "openbsd/ppc64", "openbsd/riscv64", "plan9/386", "plan9/amd64", "plan9/arm", "solaris/amd64",
	"wasip1/wasm", "windows/386", "windows/amd64", "windows/arm64",
)

// otherPorts are systems of other Go compilers, gccgo above all, of which not
// every pair is known.
var otherPorts = set("hurd", "zos", "alpha", "arm64be", "armbe", "m68k", "nios2", "ppc", "riscv", "s390", "sh", "shbe", "sparc", "sparc64")

func portsOf(names ...string) []Platform {
	var out []Platform
	for _, n := range names {
		os, arch, _ := strings.Cut(n, "/")
		out = append(out, Platform{os, arch})
	}
	return out
}

// IsPort reports whether a tag names a system or an architecture.
func IsPort(tag string) bool { return knownOS[tag] || knownArch[tag] || tag == "unix" }

// Buildable reports whether any build takes the file: on any system that a
// release of Go may be made for, with any tags, by a Go not older than
// goVersion, "1.22" say. False is certain; true may be wrong where one tag
// stands in it twice.
func (g *GoFile) Buildable(goVersion string) bool {
	base := path.Base(g.Path)
	x := g.Constraint()
	if x == nil && g.Build != "" {
		return true // malformed: the build says so
	}
	for o := range otherPorts {
		if x != nil && Mentions(x, o) || strings.Contains(base, "_"+o+".") || strings.Contains(base, "_"+o+"_") {
			return true
		}
	}
	minor := minorOf(goVersion)
	if g.buildableOn(ports, base, x, minor) {
		return true
	}
	// A port that is gone, or that may come, and a fallback for any that is not
	// named are no mistakes: another release of Go builds them.
	later := anyPort()
	if minor >= 15 { // go.dev/doc/go1.14#nacl, go.dev/doc/go1.15#darwin
		later = slices.DeleteFunc(slices.Clone(later), func(p Platform) bool {
			return p.GOOS == "nacl" || (p.GOOS == "darwin" || p.GOOS == "ios") && (p.GOARCH == "386" || p.GOARCH == "arm")
		})
	}
	return g.buildableOn(later, base, x, minor)
}

// anyPort gives every pair of names that a release of Go may know.
var anyPort = sync.OnceValue(func() []Platform {
	var out []Platform
	for _, o := range append(slices.Sorted(maps.Keys(knownOS)), "later") {
		for _, a := range append(slices.Sorted(maps.Keys(knownArch)), "later") {
			out = append(out, Platform{o, a})
		}
	}
	return out
})

func (g *GoFile) buildableOn(ports []Platform, base string, x constraint.Expr, minor int) bool {
	for _, p := range ports {
		if !fitsName(base, p.GOOS, p.GOARCH) {
			continue
		}
		if x == nil {
			return true
		}
		if can, _ := outcomesOf(x, func(tag string) (on, off bool) { return p.mayset(tag, minor) }); can {
			return true
		}
	}
	return false
}

// mayset tells whether a tag may be on, and whether it may be off, on the
// platform with a Go not older than go1.minor.
func (p Platform) mayset(tag string, minor int) (on, off bool) {
	switch {
	case tag == "unix":
		return unixes[p.GOOS], !unixes[p.GOOS]
	case knownOS[tag] || knownArch[tag]:
		is := tag == p.GOOS || tag == p.GOARCH || tag == "linux" && p.GOOS == "android" || tag == "darwin" && p.GOOS == "ios" || tag == "solaris" && p.GOOS == "illumos"
		return is, !is
	}
	if v, ok := strings.CutPrefix(tag, "go1."); ok {
		n, err := strconv.Atoi(v)
		return true, err != nil || n > minor
	}
	return true, true
}

// minorOf gives the 22 of 1.22.3, 0 if there is none.
func minorOf(goVersion string) int {
	rest, _ := strings.CutPrefix(goVersion, "1.")
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		return 0
	}
	return n
}

// outcomesOf tells whether x can be true and whether it can be false when of
// tells it of each tag. It may say that it can where one tag stands in x twice.
func outcomesOf(x constraint.Expr, of func(tag string) (on, off bool)) (canTrue, canFalse bool) {
	switch x := x.(type) {
	case *constraint.TagExpr:
		return of(x.Tag)
	case *constraint.NotExpr:
		t, f := outcomesOf(x.X, of)
		return f, t
	case *constraint.AndExpr:
		at, af := outcomesOf(x.X, of)
		bt, bf := outcomesOf(x.Y, of)
		return at && bt, af || bf
	case *constraint.OrExpr:
		at, af := outcomesOf(x.X, of)
		bt, bf := outcomesOf(x.Y, of)
		return at || bt, af && bf
	}
	return true, true
}
