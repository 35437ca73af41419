package plan

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// decideCgo settles CGO_ENABLED for one target. off and on are its programs
// as read without and with cgo; one of them may be nil.
//
//	build.cgo  packages that cannot do without C  | choice
//	on         any                                | on
//	off        one with no file for that case     | error: it cannot compile
//	off        one that answers with a stub       | off, and the stub is quoted
//	off        none                               | off
//	auto       one                                | on
//	auto       none                               | off: std and the rest have Go code for it
func decideCgo(c config.Config, p Platform, off, on []facts.Program) (bool, Decision, error) {
	programs := off
	if programs == nil {
		programs = on
	}
	d := Decision{ID: "cgo", Choice: "off"}
	required, optional := cgoPackages(programs)
	for _, r := range required {
		d.Facts = append(d.Facts, cgoFact(r))
		if r.Stub != nil {
			d.Facts = append(d.Facts, Fact{r.Stub.Pos, i18n.M("plan.fact.stub", r.Package, r.Stub.Value)})
		}
	}
	switch c.Build.CGO {
	case "on":
		d.Choice, d.Why = "on", i18n.M("plan.cgo.asked.on")
		d.Facts = append(d.Facts, asked("build.cgo", "on"))
		d.reject("off", i18n.M("plan.cgo.no.asked"))
		return true, d, nil
	case "off":
		for _, r := range required {
			if r.Stub == nil {
				e := fault.UsageError(i18n.M("plan.cgo.off.needed", r.Package, p, chain(r.Chain)), i18n.M("plan.cgo.off.needed.hint"))
				e.Pos = r.Pos
				return false, d, e
			}
		}
		d.Why = i18n.M("plan.cgo.asked.off")
		d.Facts = append(d.Facts, asked("build.cgo", "off"))
		d.reject("on", i18n.M("plan.cgo.no.asked"))
		return false, d, nil
	}
	if required != nil {
		d.Choice, d.Why = "on", i18n.M("plan.cgo.required", required[0].Package)
		d.reject("off", i18n.M("plan.cgo.no.required", required[0].Package))
		return true, d, nil
	}
	d.Why = i18n.M("plan.cgo.unused")
	var std []string
	for _, prog := range programs {
		std = append(std, stdC(prog, c.Build.Tags)...)
	}
	slices.Sort(std)
	if std = slices.Compact(std); len(std) > 0 {
		d.Why = i18n.M("plan.cgo.std")
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.stdcgo", strings.Join(std, ", "))))
	}
	for _, o := range optional {
		d.Why = i18n.M("plan.cgo.optional")
		d.Facts = append(d.Facts, Fact{o.Pos, i18n.M("plan.fact.cgo.optional", o.Package, chain(o.Chain))})
	}
	for _, n := range needsOf(programs, facts.NeedPlugin) {
		d.Facts = append(d.Facts, Fact{n.Pos, i18n.M("plan.fact.plugin", n.What)})
	}
	d.reject("on", i18n.M("plan.cgo.no.dynamic"))
	return false, d, nil
}

// cgoPackages parts the packages that use C into those that must and those
// that have Go code instead, each once.
func cgoPackages(programs []facts.Program) (required, optional []facts.Cgo) {
	seen := map[string]bool{}
	for _, prog := range programs {
		for _, cg := range prog.Cgo {
			switch {
			case seen[cg.Package]:
			case cg.Required:
				required = append(required, cg)
			default:
				optional = append(optional, cg)
			}
			seen[cg.Package] = true
		}
	}
	return required, optional
}

func cgoFact(cg facts.Cgo) Fact {
	return Fact{cg.Pos, i18n.M("plan.fact.cgo", cg.Package, chain(cg.Chain))}
}

// compilerFor gives the C compiler for p: the one configured for the target,
// with or without its variant, else the one found on this machine.
func compilerFor(f facts.Facts, c config.Config, p Platform) (facts.Compiler, bool) {
	port := p.OS + "/" + p.Arch
	for _, key := range []string{p.String(), port} {
		if cc := strings.TrimSpace(c.Build.CC[key]); cc != "" {
			return facts.Compiler{Target: port, CC: cc, CXX: cxx(cc), Musl: strings.Contains(cc, "musl"), From: "config"}, true
		}
	}
	for _, k := range f.Compilers {
		if k.Target == port {
			return k, true
		}
	}
	return facts.Compiler{}, false
}

// cxx names the C++ compiler that belongs to a C compiler, or "".
func cxx(cc string) string {
	command, args, _ := strings.Cut(cc, " ")
	if rest, ok := strings.CutPrefix(args, "cc"); ok && (rest == "" || rest[0] == ' ') { // zig cc
		return command + " c++" + rest
	}
	for _, n := range [][2]string{{"gcc", "g++"}, {"clang", "clang++"}} {
		if i := strings.LastIndex(command, n[0]); i >= 0 {
			return strings.TrimSpace(command[:i] + n[1] + command[i+len(n[0]):] + " " + args)
		}
	}
	return ""
}

func compilerFact(k facts.Compiler) Fact {
	if k.From == "config" {
		return asked("build.cc", k.CC)
	}
	return said(i18n.M("plan.fact.compiler", k.CC, k.Target))
}

// debianCompilers are the packages that bring a cross compiler on Debian and
// its relatives.
var debianCompilers = map[string]string{
	"linux/amd64":   "gcc-x86-64-linux-gnu",
	"linux/arm64":   "gcc-aarch64-linux-gnu",
	"linux/arm":     "gcc-arm-linux-gnueabihf",
	"linux/386":     "gcc-i686-linux-gnu",
	"linux/ppc64le": "gcc-powerpc64le-linux-gnu",
	"linux/s390x":   "gcc-s390x-linux-gnu",
	"linux/riscv64": "gcc-riscv64-linux-gnu",
	"windows/amd64": "gcc-mingw-w64-x86-64",
	"windows/386":   "gcc-mingw-w64-i686",
}

func noCompilerHint(port string) i18n.Message {
	if pkg, ok := debianCompilers[port]; ok {
		return i18n.M("plan.cgo.nocompiler.hint", pkg, port)
	}
	return i18n.M("plan.cgo.nocompiler.any.hint", port)
}

// needsCompiler is the error for a target that needs C and has no compiler.
func needsCompiler(p Platform, off, on []facts.Program) *fault.Error {
	hint := noCompilerHint(p.OS + "/" + p.Arch)
	required, _ := cgoPackages(slices.Concat(off, on))
	if len(required) == 0 {
		return fault.UsageError(i18n.M("plan.cgo.nocompiler", p), hint)
	}
	e := fault.UsageError(i18n.M("plan.cgo.nocompiler.for", p, required[0].Package, chain(required[0].Chain)), hint)
	e.Pos = required[0].Pos
	return e
}
