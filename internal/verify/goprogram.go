package verify

import (
	"runtime/debug"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/godebug"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Functions that are linked into programs which bring what others take from
// the system.
const (
	zonesLinked = "time/tzdata.loadFromEmbeddedTZData"
	rootsLinked = "crypto/x509.SetFallbackRoots"
)

// embedded says what a program brings with it.
func embedded(f *binary.File) []string {
	linked := f.Linked(zonesLinked, rootsLinked)
	var out []string
	if linked[rootsLinked] {
		out = append(out, string(facts.NeedRoots))
	}
	if linked[zonesLinked] {
		out = append(out, string(facts.NeedZones))
	}
	return out
}

// fips says which FIPS 140 module a program was built with and whether it is
// on by default; "" when none was asked for.
func fips(f *binary.File) string {
	module, _ := f.Setting("GOFIPS140")
	if module == "off" {
		module = ""
	}
	if module == "" && boring(f) {
		return "boringcrypto"
	}
	return module
}

// boring reports whether the program was built with GOEXPERIMENT=boringcrypto.
func boring(f *binary.File) bool {
	if f.Go == nil {
		return false
	}
	experiments, _ := f.Setting("GOEXPERIMENT")
	_, x, _ := strings.Cut(f.Go.GoVersion, "X:")
	return slices.Contains(strings.Split(experiments, ","), "boringcrypto") || slices.Contains(strings.FieldsFunc(x, isComma), "boringcrypto")
}

func isComma(r rune) bool { return r == ',' || r == ' ' }

// judgeProgram says what is wrong with a program wherever it runs.
func judgeProgram(p *OpenedProgram) {
	f := p.file
	report := func(r finding.Rule, m i18n.Message, ev ...finding.Evidence) *finding.Finding {
		p.findings = append(p.findings, r.On(p.Name, m, ev...))
		return &p.findings[len(p.findings)-1]
	}
	switch {
	case f.ExecStack:
		report(RuleHardening, i18n.M("verify.hardening.stack"))
	case f.WritableCode:
		report(RuleHardening, i18n.M("verify.hardening.segment"))
	case f.TextRel:
		report(RuleHardening, i18n.M("verify.hardening.textrel"))
	case f.Format == binary.ELF && f.Type == binary.PIE && len(f.Needed) > 0 && f.RELRO == binary.NoRELRO:
		report(RuleHardening, i18n.M("verify.hardening.relro")).Advisory = true
	}
	if f.Go == nil {
		if p.Planned == nil && (f.GoBuildID != "" || f.Linked("runtime.main")["runtime.main"]) {
			report(build.RuleNoBuildInfo, i18n.M("verify.buildinfo"))
		}
		return
	}
	if held := heldBack(f); len(held) > 0 {
		var ev []finding.Evidence
		for _, s := range held {
			if m, ok := godebug.Weak(s); ok {
				ev = append(ev, finding.Evidence{Text: m})
			}
		}
		report(RuleDefaultsHeldBack, i18n.M("verify.held", f.Go.GoVersion, len(held)), ev...)
	}
	if cgo, _ := f.Setting("CGO_ENABLED"); cgo == "0" && boring(f) {
		report(RuleFIPSUndone, i18n.M("verify.fips.boring"))
	}
	if ev := unnamedSource(f.Go, p.named); len(ev) > 0 {
		report(RuleSourceUnnamed, ev[0].Text, ev[1:]...)
	}
	// Without the setting -compiler the go command did not write the settings.
	_, stated := f.Setting("-compiler")
	if trim, _ := f.Setting("-trimpath"); stated && trim != "true" {
		report(RuleLocalPaths, i18n.M("verify.trimpath"))
	}
}

// usesTLS is linked into every program that can open or take a TLS connection.
const usesTLS = "crypto/tls.(*Conn).clientHandshake"

// heldBack gives the settings that an old go line, or a //go:debug line, has
// put into the program's defaults and that undo protection it can have. Settings
// that few peers are touched by do not count alone.
func heldBack(f *binary.File) []string {
	value, _ := f.Setting("DefaultGODEBUG")
	noTLS := false
	if linked := f.Linked(usesTLS, "crypto/tls.(*Conn).serverHandshake"); linked != nil {
		noTLS = !linked[usesTLS] && !linked["crypto/tls.(*Conn).serverHandshake"]
	}
	var out []string
	major := false
	for s := range godebug.Settings(value) {
		if _, ok := godebug.Weak(s); ok && !(noTLS && strings.HasPrefix(s, "tls")) {
			out = append(out, s)
			major = major || !godebug.Minor(s)
		}
	}
	if !major {
		return nil
	}
	slices.Sort(out)
	return out
}

// isAbs reports whether a path begins at the root of a disk, of whatever system.
func isAbs(p string) bool {
	return strings.HasPrefix(p, "/") || len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/')
}

// unnamedSource says why nobody can name the source of a program. named is set
// when something beside the program names the commit.
func unnamedSource(bi *debug.BuildInfo, named bool) []finding.Evidence {
	var out []finding.Evidence
	say := func(m i18n.Message) { out = append(out, finding.Evidence{Text: m}) }
	set := map[string]string{}
	for _, s := range bi.Settings {
		set[s.Key] = s.Value
	}
	dirty := set["vcs.modified"] == "true" || strings.HasSuffix(bi.Main.Version, "+dirty")
	switch {
	case dirty:
		say(i18n.M("verify.source.dirty", set["vcs.revision"]))
	case bi.Main.Path != "" && (bi.Main.Version == "" || bi.Main.Version == "(devel)") && set["vcs.revision"] == "" && !named:
		say(i18n.M("verify.source.devel", bi.Main.Path))
	case bi.Main.Path == "" && bi.Path == "command-line-arguments":
		say(i18n.M("verify.source.files"))
	}
	for _, m := range bi.Deps {
		// A directory below the module is in the same commit, and one beside it
		// may be: only one that is named from the root of a disk is not.
		if m.Replace != nil && (m.Replace.Version == "" || m.Replace.Version == "(devel)") && (isAbs(m.Replace.Path) || set["vcs.revision"] == "" && !named) {
			say(i18n.M("verify.source.replace", m.Path, m.Replace.Path))
		}
	}
	return out
}
