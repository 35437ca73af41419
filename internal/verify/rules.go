package verify

import (
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The rules of this package, by ID. Those of the self-check (BIN001 to BIN017)
// are applied as well; packages trial and rebuild have their own.
var (
	RuleInterpreterMissing = finding.Rule{
		ID: "BIN018", Slug: "interpreter-missing", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin018.title"), Why: i18n.M("rule.bin018.why"), Fix: i18n.M("rule.bin018.fix"),
	}
	RuleLibraryMissing = finding.Rule{
		ID: "BIN019", Slug: "library-missing", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin019.title"), Why: i18n.M("rule.bin019.why"), Fix: i18n.M("rule.bin019.fix"),
	}
	RuleLibcMixed = finding.Rule{
		ID: "BIN020", Slug: "libc-mixed", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin020.title"), Why: i18n.M("rule.bin020.why"), Fix: i18n.M("rule.bin020.fix"),
	}
	RuleSymbolUndefined = finding.Rule{
		ID: "BIN021", Slug: "symbol-undefined", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin021.title"), Why: i18n.M("rule.bin021.why"), Fix: i18n.M("rule.bin021.fix"),
	}
	RuleCPULevel = finding.Rule{
		ID: "BIN022", Slug: "cpu-level", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin022.title"), Why: i18n.M("rule.bin022.why"), Fix: i18n.M("rule.bin022.fix"),
	}
	RuleEntrypointMissing = finding.Rule{
		ID: "BIN023", Slug: "entrypoint-missing", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin023.title"), Why: i18n.M("rule.bin023.why"), Fix: i18n.M("rule.bin023.fix"),
	}
	RuleEntrypointDenied = finding.Rule{
		ID: "BIN024", Slug: "entrypoint-denied", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin024.title"), Why: i18n.M("rule.bin024.why"), Fix: i18n.M("rule.bin024.fix"),
	}
	RuleScriptInterpreter = finding.Rule{
		ID: "BIN025", Slug: "script-interpreter", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin025.title"), Why: i18n.M("rule.bin025.why"), Fix: i18n.M("rule.bin025.fix"),
	}
	RuleHealthcheckMissing = finding.Rule{
		ID: "BIN026", Slug: "healthcheck-missing", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin026.title"), Why: i18n.M("rule.bin026.why"), Fix: i18n.M("rule.bin026.fix"),
	}
	RuleUserUnknown = finding.Rule{
		ID: "BIN027", Slug: "user-unknown", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin027.title"), Why: i18n.M("rule.bin027.why"), Fix: i18n.M("rule.bin027.fix"),
	}
	RuleRunsAsRoot = finding.Rule{
		ID: "BIN028", Slug: "runs-as-root", Severity: finding.Security, Advisory: true,
		Title: i18n.M("rule.bin028.title"), Why: i18n.M("rule.bin028.why"), Fix: i18n.M("rule.bin028.fix"),
	}
	RuleWorkdir = finding.Rule{
		ID: "BIN029", Slug: "workdir-denied", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin029.title"), Why: i18n.M("rule.bin029.why"), Fix: i18n.M("rule.bin029.fix"),
	}
	RuleNotAsShipped = finding.Rule{
		ID: "BIN030", Slug: "not-as-shipped", Severity: finding.StopsBuild,
		Title: i18n.M("rule.bin030.title"), Why: i18n.M("rule.bin030.why"), Fix: i18n.M("rule.bin030.fix"),
	}
	RuleShellMissing = finding.Rule{
		ID: "BIN031", Slug: "shell-missing", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin031.title"), Why: i18n.M("rule.bin031.why"), Fix: i18n.M("rule.bin031.fix"),
	}
	RuleHardening = finding.Rule{
		ID: "BIN032", Slug: "not-hardened", Severity: finding.Security,
		Title: i18n.M("rule.bin032.title"), Why: i18n.M("rule.bin032.why"), Fix: i18n.M("rule.bin032.fix"),
	}
	RuleFileRights = finding.Rule{
		ID: "BIN033", Slug: "file-rights", Severity: finding.Security,
		Title: i18n.M("rule.bin033.title"), Why: i18n.M("rule.bin033.why"), Fix: i18n.M("rule.bin033.fix"),
	}
	RuleDefaultsHeldBack = finding.Rule{
		ID: "BIN034", Slug: "defaults-held-back", Severity: finding.Security, Advisory: true,
		Title: i18n.M("rule.bin034.title"), Why: i18n.M("rule.bin034.why"), Fix: i18n.M("rule.bin034.fix"),
	}
	RuleFIPSUndone = finding.Rule{
		ID: "BIN035", Slug: "fips-undone", Severity: finding.Security,
		Title: i18n.M("rule.bin035.title"), Why: i18n.M("rule.bin035.why"), Fix: i18n.M("rule.bin035.fix"),
	}
	RuleWeakDebug = finding.Rule{
		ID: "BIN036", Slug: "godebug-weakens", Severity: finding.Security,
		Title: i18n.M("rule.bin036.title"), Why: i18n.M("rule.bin036.why"), Fix: i18n.M("rule.bin036.fix"),
	}
	RuleSourceUnnamed = finding.Rule{
		ID: "BIN037", Slug: "source-unnamed", Severity: finding.Waste, Advisory: true,
		Title: i18n.M("rule.bin037.title"), Why: i18n.M("rule.bin037.why"), Fix: i18n.M("rule.bin037.fix"),
	}
	RuleSecretEnv = finding.Rule{
		ID: "BIN038", Slug: "secret-in-env", Severity: finding.Security, Advisory: true,
		Title: i18n.M("rule.bin038.title"), Why: i18n.M("rule.bin038.why"), Fix: i18n.M("rule.bin038.fix"),
	}
	RuleLocalPaths = finding.Rule{
		ID: "BIN039", Slug: "local-paths", Severity: finding.Waste, Advisory: true,
		Title: i18n.M("rule.bin039.title"), Why: i18n.M("rule.bin039.why"), Fix: i18n.M("rule.bin039.fix"),
	}
)

// Rules lists the rules of this package, by ID.
func Rules() []finding.Rule {
	return []finding.Rule{
		RuleInterpreterMissing, RuleLibraryMissing, RuleLibcMixed, RuleSymbolUndefined,
		RuleCPULevel, RuleEntrypointMissing, RuleEntrypointDenied, RuleScriptInterpreter,
		RuleHealthcheckMissing, RuleUserUnknown, RuleRunsAsRoot, RuleWorkdir,
		RuleNotAsShipped, RuleShellMissing, RuleHardening, RuleFileRights,
		RuleDefaultsHeldBack, RuleFIPSUndone, RuleWeakDebug, RuleSourceUnnamed,
		RuleSecretEnv, RuleLocalPaths,
	}
}
