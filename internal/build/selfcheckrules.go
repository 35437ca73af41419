package build

import (
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// BinaryRule is a judgement about a finished program.
type BinaryRule = finding.Rule

// The rules about finished programs that the self-check holds, by ID. Verify
// applies them as well.
var (
	RulePlatform = BinaryRule{
		ID: "BIN001", Slug: "wrong-platform", Severity: finding.CannotStart,
		Title: i18n.M("selfcheck.platform.title"), Why: i18n.M("selfcheck.platform.why"), Fix: i18n.M("selfcheck.platform.fix"),
	}
	// RuleInterpreter is about programs that seem to need nothing, for they
	// name no library, and yet cannot start on an empty base: what
	// `CGO_ENABLED=0 go build -buildmode=pie` makes on Linux.
	RuleInterpreter = BinaryRule{
		ID: "BIN002", Slug: "interpreter-unplanned", Severity: finding.CannotStart,
		Title: i18n.M("selfcheck.interpreter.title"), Why: i18n.M("selfcheck.interpreter.why"), Fix: i18n.M("selfcheck.interpreter.fix"),
	}
	RuleLibraries = BinaryRule{
		ID: "BIN003", Slug: "libraries-unplanned", Severity: finding.CannotStart,
		Title: i18n.M("selfcheck.libraries.title"), Why: i18n.M("selfcheck.libraries.why"), Fix: i18n.M("selfcheck.libraries.fix"),
	}
	RuleNoInterpreter = BinaryRule{
		ID: "BIN004", Slug: "interpreter-unnamed", Severity: finding.CannotStart,
		Title: i18n.M("selfcheck.nointerpreter.title"), Why: i18n.M("selfcheck.nointerpreter.why"), Fix: i18n.M("selfcheck.nointerpreter.fix"),
	}
	RuleStaticAfterAll = BinaryRule{
		ID: "BIN005", Slug: "static-after-all", Severity: finding.Waste, Advisory: true,
		Title: i18n.M("selfcheck.static.title"), Why: i18n.M("selfcheck.static.why"), Fix: i18n.M("selfcheck.static.fix"),
	}
	RuleGlibc = BinaryRule{
		ID: "BIN006", Slug: "glibc-older", Severity: finding.CannotStart,
		Title: i18n.M("selfcheck.glibc.title"), Why: i18n.M("selfcheck.glibc.why"), Fix: i18n.M("selfcheck.glibc.fix"),
	}
	RuleNoBuildInfo = BinaryRule{
		ID: "BIN007", Slug: "no-build-info", Severity: finding.StopsBuild,
		Title: i18n.M("selfcheck.buildinfo.title"), Why: i18n.M("selfcheck.buildinfo.why"), Fix: i18n.M("selfcheck.buildinfo.fix"),
	}
	RuleToolchain = BinaryRule{
		ID: "BIN008", Slug: "other-toolchain", Severity: finding.StopsBuild,
		Title: i18n.M("selfcheck.toolchain.title"), Why: i18n.M("selfcheck.toolchain.why"), Fix: i18n.M("selfcheck.toolchain.fix"),
	}
	RulePackage = BinaryRule{
		ID: "BIN009", Slug: "other-package", Severity: finding.StopsBuild,
		Title: i18n.M("selfcheck.package.title"), Why: i18n.M("selfcheck.package.why"), Fix: i18n.M("selfcheck.package.fix"),
	}
	RuleSetting = BinaryRule{
		ID: "BIN010", Slug: "other-setting", Severity: finding.StopsBuild,
		Title: i18n.M("selfcheck.setting.title"), Why: i18n.M("selfcheck.setting.why"), Fix: i18n.M("selfcheck.setting.fix"),
	}
	RuleStrip = BinaryRule{
		ID: "BIN011", Slug: "not-stripped", Severity: finding.Waste,
		Title: i18n.M("selfcheck.strip.title"), Why: i18n.M("selfcheck.strip.why"), Fix: i18n.M("selfcheck.strip.fix"),
	}
	RuleNoRoots = BinaryRule{
		ID: "BIN012", Slug: "no-ca-roots", Severity: finding.FailsInProduction,
		Title: i18n.M("selfcheck.roots.title"), Why: i18n.M("selfcheck.roots.why"), Fix: i18n.M("selfcheck.roots.fix"),
	}
	RuleNoZones = BinaryRule{
		ID: "BIN013", Slug: "no-time-zones", Severity: finding.FailsInProduction,
		Title: i18n.M("selfcheck.zones.title"), Why: i18n.M("selfcheck.zones.why"), Fix: i18n.M("selfcheck.zones.fix"),
	}
	RuleNoTemp = BinaryRule{
		ID: "BIN014", Slug: "no-temp", Severity: finding.FailsInProduction,
		Title: i18n.M("selfcheck.temp.title"), Why: i18n.M("selfcheck.temp.why"), Fix: i18n.M("selfcheck.temp.fix"),
	}
	RuleNoUsers = BinaryRule{
		ID: "BIN015", Slug: "no-users", Severity: finding.FailsInProduction,
		Title: i18n.M("selfcheck.users.title"), Why: i18n.M("selfcheck.users.why"), Fix: i18n.M("selfcheck.users.fix"),
	}
	RuleRootsUnneeded = BinaryRule{
		ID: "BIN016", Slug: "ca-roots-unneeded", Severity: finding.Waste, Advisory: true,
		Title: i18n.M("selfcheck.roots.unneeded.title"), Why: i18n.M("selfcheck.roots.unneeded.why"), Fix: i18n.M("selfcheck.roots.unneeded.fix"),
	}
	RuleZonesUnneeded = BinaryRule{
		ID: "BIN017", Slug: "zones-unneeded", Severity: finding.Waste, Advisory: true,
		Title: i18n.M("selfcheck.zones.unneeded.title"), Why: i18n.M("selfcheck.zones.unneeded.why"), Fix: i18n.M("selfcheck.zones.unneeded.fix"),
	}
)

// BinaryRules lists the rules of the self-check, by ID.
func BinaryRules() []BinaryRule {
	return []BinaryRule{
		RulePlatform, RuleInterpreter, RuleLibraries, RuleNoInterpreter, RuleStaticAfterAll, RuleGlibc,
		RuleNoBuildInfo, RuleToolchain, RulePackage, RuleSetting, RuleStrip,
		RuleNoRoots, RuleNoZones, RuleNoTemp, RuleNoUsers, RuleRootsUnneeded, RuleZonesUnneeded,
	}
}
