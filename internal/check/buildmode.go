package check

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var modeNeedsCgo = Rule{
	ID: "CGO005", Slug: "mode-needs-cgo", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.cgo005.title"), Why: i18n.M("rule.cgo005.why"), Fix: i18n.M("rule.cgo005.fix"),
	Bad:  "CGO_ENABLED=0 go build -buildmode=plugin ./filter",
	Good: "CGO_ENABLED=1 go build -buildmode=plugin ./filter",
	Run:  runModeNeedsCgo,
}

// runModeNeedsCgo finds build modes that need the external linker while cgo,
// and with it that linker, is off.
func runModeNeedsCgo(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		mode := b.Go.Flags["-buildmode"]
		if b.Cgo != facts.No || b.GOOS != "" && b.GOOS != "linux" || !slices.Contains([]string{"plugin", "c-shared"}, mode) {
			continue
		}
		out = append(out, finding.Finding{
			Pos:      b.Go.Pos,
			Entity:   entity(b.Where, strings.Join(b.Packages, " ")),
			Message:  i18n.M("rule.cgo005.message", mode),
			Evidence: []finding.Evidence{{Pos: b.CgoWhy, Text: i18n.M("rule.cgo.off")}},
		})
	}
	return out
}

var pluginHost = Rule{
	ID: "CGO006", Slug: "plugin-host", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.cgo006.title"), Why: i18n.M("rule.cgo006.why"), Fix: i18n.M("rule.cgo006.fix"),
	Bad:  "CGO_ENABLED=0 go build .   # imports plugin",
	Good: "CGO_ENABLED=1 go build .",
	Run:  runPluginHost,
}

// runPluginHost finds programs that load plugins and are built so that
// plugin.Open can only fail.
func runPluginHost(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if b.Cgo != facts.No || !compiled(&b) {
			continue
		}
		plugin, ok := r.Closure(b.Module, b.Packages, b.Tags)["plugin"]
		if !ok || fromDependency(plugin) {
			continue // what a dependency could load is seldom what the program asks it for
		}
		out = append(out, finding.Finding{
			Pos:      b.Go.Pos,
			Entity:   entity(b.Where, strings.Join(b.Packages, " ")),
			Message:  i18n.M("rule.cgo006.message"),
			Evidence: append([]finding.Evidence{{Pos: b.CgoWhy, Text: i18n.M("rule.cgo.off")}}, chainEvidence(plugin)...),
		})
	}
	return out
}

// fromDependency reports whether it is a module from elsewhere that imports the
// package.
func fromDependency(why facts.Reached) bool {
	if len(why.Chain) == 0 {
		return false
	}
	file := "/" + why.Chain[len(why.Chain)-1].Pos.File
	return strings.Contains(file, "@") || strings.Contains(file, "/vendor/")
}

var crossCompiler = Rule{
	ID: "CGO007", Slug: "cross-compiler", Severity: finding.StopsBuild, Confidence: High, Since: 1,
	Title: i18n.M("rule.cgo007.title"), Why: i18n.M("rule.cgo007.why"), Fix: i18n.M("rule.cgo007.fix"),
	Bad:  "CGO_ENABLED=1 GOOS=windows go build .",
	Good: "CGO_ENABLED=1 GOOS=windows CC=x86_64-w64-mingw32-gcc go build .",
	Run:  runCrossCompiler,
}

// runCrossCompiler finds builds for another system with cgo on and no C
// compiler for it: the machine's own one gets code it cannot compile.
func runCrossCompiler(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	for _, b := range r.Builds() {
		if b.Cgo != facts.Yes || b.Go.Env["CGO_ENABLED"] != "1" || !compiled(&b) || !crosses(&b) || hasCompiler(&b) {
			continue
		}
		why, ok := dynamicBecause(r, &b)
		if !ok || b.GOOS != "" && b.GOOS != "linux" && (why.Path != "C" || !everywhere(r, why)) {
			continue // elsewhere net and os/user need no C compiler
		}
		goos, goarch := b.GOOS, b.GOARCH
		if goos == "" {
			goos = "linux"
		}
		if goarch == "" {
			goarch = "amd64"
		}
		out = append(out, finding.Finding{
			Pos:      b.Go.Pos,
			Entity:   entity(b.Where, goos+"/"+goarch),
			Message:  i18n.M("rule.cgo007.message", goos+"/"+goarch, why.Path),
			Evidence: append([]finding.Evidence{{Pos: b.CgoWhy, Text: i18n.M("rule.cgo.on")}}, chainEvidence(why)...),
		})
	}
	return out
}

// everywhere reports whether the import that ends the chain stands in a file
// that every system compiles.
func everywhere(r *facts.Repo, why facts.Reached) bool {
	f := fileOf(r, why.Chain[len(why.Chain)-1].Pos.File)
	return f != nil && (f.Build == "" || f.Build == "cgo") && len(f.PlusBuild) == 0 && !strings.Contains(path.Base(f.Path), "_")
}

// fileOf gives a Go file of the repository or of what it takes from elsewhere.
func fileOf(r *facts.Repo, name string) *facts.GoFile {
	is := func(g facts.GoFile) bool { return g.Path == name }
	if i := slices.IndexFunc(r.GoFiles, is); i >= 0 {
		return &r.GoFiles[i]
	}
	if r.Deps == nil {
		return nil
	}
	for _, p := range r.Deps.Packages {
		if i := slices.IndexFunc(p.Files, is); i >= 0 {
			return &p.Files[i]
		}
	}
	return nil
}

// crosses reports whether b is built on a Linux machine for a system that its
// own C compiler cannot serve. In an image the machine's architecture is not
// known, so that only another operating system counts.
func crosses(b *facts.Build) bool {
	switch {
	case strings.Contains(b.GOOS+b.GOARCH, facts.NotLiteral):
		return false
	case b.Stage != nil:
		base := baseOf(b.Docker, b.Stage)
		return base.libc != libcUnknown && (b.GOOS == "windows" || b.GOOS == "darwin")
	case b.Job != nil && b.Workflow.Kind == "github" && b.Job.Image.Raw == "":
		if len(b.Job.RunsOn) != 1 || !slices.Contains([]string{"ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04"}, b.Job.RunsOn[0]) {
			return false
		}
		return b.GOOS == "windows" || b.GOOS == "darwin" ||
			(b.GOOS == "" || b.GOOS == "linux") && slices.Contains([]string{"arm64", "arm", "riscv64", "s390x", "ppc64le"}, b.GOARCH)
	}
	return false
}

// hasCompiler reports whether anything names a C compiler.
func hasCompiler(b *facts.Build) bool {
	for name := range b.Go.Env {
		if name == "CC" || name == "GOENV" || strings.HasPrefix(name, "CC_FOR_") {
			return true
		}
	}
	return false
}
