package rebuild

import (
	"strings"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The rules about rebuilding, by ID.
var (
	RuleOtherCode = finding.Rule{
		ID: "BIN060", Slug: "rebuild-differs", Severity: finding.Security,
		Title: i18n.M("rule.bin060.title"), Why: i18n.M("rule.bin060.why"), Fix: i18n.M("rule.bin060.fix"),
	}
	RuleStamps = finding.Rule{
		ID: "BIN061", Slug: "rebuild-stamps", Severity: finding.Waste,
		Title: i18n.M("rule.bin061.title"), Why: i18n.M("rule.bin061.why"), Fix: i18n.M("rule.bin061.fix"),
	}
	RuleModuleChanged = finding.Rule{
		ID: "BIN062", Slug: "module-changed", Severity: finding.Security,
		Title: i18n.M("rule.bin062.title"), Why: i18n.M("rule.bin062.why"), Fix: i18n.M("rule.bin062.fix"),
	}
	RuleOtherModules = finding.Rule{
		ID: "BIN063", Slug: "other-modules", Severity: finding.Security,
		Title: i18n.M("rule.bin063.title"), Why: i18n.M("rule.bin063.why"), Fix: i18n.M("rule.bin063.fix"),
	}
	RuleNotRebuilt = finding.Rule{
		ID: "BIN064", Slug: "rebuild-impossible", Severity: finding.Waste, Advisory: true,
		Title: i18n.M("rule.bin064.title"), Why: i18n.M("rule.bin064.why"), Fix: i18n.M("rule.bin064.fix"),
	}
	RuleCompressor = finding.Rule{
		ID: "BIN065", Slug: "layer-compressed-otherwise", Severity: finding.Waste, Advisory: true,
		Title: i18n.M("rule.bin065.title"), Why: i18n.M("rule.bin065.why"), Fix: i18n.M("rule.bin065.fix"),
	}
	RuleOtherLayer = finding.Rule{
		ID: "BIN066", Slug: "layer-differs", Severity: finding.Security,
		Title: i18n.M("rule.bin066.title"), Why: i18n.M("rule.bin066.why"), Fix: i18n.M("rule.bin066.fix"),
	}
	RuleOtherConfig = finding.Rule{
		ID: "BIN067", Slug: "image-config-differs", Severity: finding.Security,
		Title: i18n.M("rule.bin067.title"), Why: i18n.M("rule.bin067.why"), Fix: i18n.M("rule.bin067.fix"),
	}
)

// Rules lists the rules of this package, by ID.
func Rules() []finding.Rule {
	return []finding.Rule{
		RuleOtherCode, RuleStamps, RuleModuleChanged, RuleOtherModules, RuleNotRebuilt,
		RuleCompressor, RuleOtherLayer, RuleOtherConfig,
	}
}

// Findings judges a rebuild.
func (r *Result) Findings() []finding.Finding {
	var out []finding.Finding
	var all []finding.Evidence
	for _, c := range r.Causes {
		all = append(all, finding.Evidence{Text: c.Message()})
	}
	for _, c := range r.Causes {
		if c.Kind == CauseContent {
			out = append(out, RuleModuleChanged.On(r.Name, i18n.M("rebuild.found.content", c.Name), finding.Evidence{Text: c.Message()}))
		}
	}
	if mods := r.evidence(CauseDep, CauseModule); len(mods) > 0 {
		out = append(out, RuleOtherModules.On(r.Name, i18n.M("rebuild.found.modules", len(mods)), mods...))
	}
	switch r.Verdict {
	case DifferentCode:
		f := RuleOtherCode.On(r.Name, i18n.M("rebuild.found.code"), all...)
		if r.stampsMayExplain() {
			// Shown, and not counted: nobody can know.
			f.Advisory = true
			f.Evidence = append(f.Evidence, finding.Evidence{Text: i18n.M("rebuild.found.hidden")})
		}
		out = append(out, f)
	case SameCode:
		out = append(out, RuleStamps.On(r.Name, i18n.M("rebuild.found.stamps"), all...))
	case Unknown:
		out = append(out, RuleNotRebuilt.On(r.Name, r.Reason, all...))
	}
	return out
}

// stampsMayExplain reports whether -X flags that are not recorded could be all
// that differs: they change variables, and no function but those of the module
// that use them.
func (r *Result) stampsMayExplain() bool {
	d := r.Diff
	if !r.Recipe.hidden || d == nil || d.NumAdded+d.NumRemoved > 0 || d.CodeBytes > 0 || d.NumChanged > len(d.Changed) || len(r.evidence(CauseContent, CauseToolchain, CauseSetting, CauseModule, CauseDep)) > 0 {
		return false
	}
	for _, f := range d.Changed {
		if !strings.HasPrefix(f, "main.") && !strings.HasPrefix(f, r.Recipe.Module) {
			return false
		}
	}
	return d.NumData > 0
}

func (r *Result) evidence(kinds ...CauseKind) []finding.Evidence {
	var out []finding.Evidence
	for _, c := range r.Causes {
		for _, k := range kinds {
			if c.Kind == k {
				out = append(out, finding.Evidence{Text: c.Message()})
			}
		}
	}
	return out
}

// First names the layer of the first cause.
func (r *Result) First() (CauseKind, bool) {
	for _, k := range causeOrder {
		for _, c := range r.Causes {
			if c.Kind == k {
				return k, true
			}
		}
	}
	return "", false
}

// Word names a layer for people.
func (k CauseKind) Word() i18n.Message {
	switch k {
	case CauseFormat:
		return i18n.M("rebuild.layer.format")
	case CauseToolchain:
		return i18n.M("rebuild.layer.toolchain")
	case CauseSetting:
		return i18n.M("rebuild.layer.setting")
	case CauseContent, CauseModule, CauseDep:
		return i18n.M("rebuild.layer.module")
	case CauseVCS:
		return i18n.M("rebuild.layer.vcs")
	case CauseLdflags:
		return i18n.M("rebuild.layer.ldflags")
	case CausePath:
		return i18n.M("rebuild.layer.path")
	case CauseCompiler:
		return i18n.M("rebuild.layer.compiler")
	case CauseLinker:
		return i18n.M("rebuild.layer.linker")
	case CauseCode:
		return i18n.M("rebuild.layer.code")
	case CauseData:
		return i18n.M("rebuild.layer.data")
	case CauseConfig:
		return i18n.M("rebuild.layer.config")
	}
	return i18n.M("rebuild.layer.buildid")
}

// Message says what differs, in words.
func (c Cause) Message() i18n.Message {
	switch c.Kind {
	case CauseFormat:
		return i18n.M("rebuild.cause.format", c.A, c.B)
	case CauseToolchain:
		return i18n.M("rebuild.cause.toolchain", c.A, c.B)
	case CauseSetting:
		return i18n.M("rebuild.cause.setting", c.Name, c.A, c.B)
	case CauseContent:
		return i18n.M("rebuild.cause.content", c.Name, c.A, c.B)
	case CauseModule, CauseDep:
		return i18n.M("rebuild.cause.module", c.Name, orNone(c.A), orNone(c.B))
	case CauseVCS:
		return i18n.M("rebuild.cause.vcs", c.Name, c.A, c.B)
	case CauseLdflags:
		return i18n.M("rebuild.cause.ldflags", c.Name, c.A, c.B)
	case CausePath:
		return i18n.M("rebuild.cause.path", c.Name, c.A, c.B)
	case CauseCompiler:
		return i18n.M("rebuild.cause.compiler", orNone(c.A), orNone(c.B))
	case CauseLinker:
		return i18n.M("rebuild.cause.linker", c.Name, orNone(c.A), orNone(c.B))
	case CauseCode:
		return i18n.M("rebuild.cause.code", c.Name, c.A)
	case CauseData:
		return i18n.M("rebuild.cause.data", c.Name, c.A, c.B)
	case CauseConfig:
		return i18n.M("rebuild.cause.config", c.Name, c.A, c.B)
	}
	return i18n.M("rebuild.cause.buildid", c.Name, c.A, c.B)
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Word names a verdict for people.
func (v Verdict) Word() i18n.Message {
	switch v {
	case Identical:
		return i18n.M("rebuild.verdict.identical")
	case SameCode:
		return i18n.M("rebuild.verdict.same")
	case DifferentCode:
		return i18n.M("rebuild.verdict.different")
	}
	return i18n.M("rebuild.verdict.unknown")
}
