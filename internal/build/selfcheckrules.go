package build

import (
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The rules about finished programs, by ID.
var (
	RulePlatform = BinaryRule{
		ID: "BIN001", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.platform.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.platform", a...) },
	}
	// RuleInterpreter is about programs that seem to need nothing, for they
	// name no library, and yet cannot start on an empty base: what
	// `CGO_ENABLED=0 go build -buildmode=pie` makes on Linux.
	RuleInterpreter = BinaryRule{
		ID: "BIN002", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.interpreter.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.interpreter", a...) },
	}
	RuleLibraries = BinaryRule{
		ID: "BIN003", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.libraries.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.libraries", a...) },
	}
	RuleNoInterpreter = BinaryRule{
		ID: "BIN004", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.nointerpreter.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.nointerpreter", a...) },
	}
	RuleStaticAfterAll = BinaryRule{
		ID: "BIN005", Severity: finding.Waste, Advisory: true, Fix: i18n.M("selfcheck.static.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.static", a...) },
	}
	RuleGlibc = BinaryRule{
		ID: "BIN006", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.glibc.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.glibc", a...) },
	}
	RuleNoBuildInfo = BinaryRule{
		ID: "BIN007", Severity: finding.StopsBuild, Fix: i18n.M("selfcheck.buildinfo.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.buildinfo", a...) },
	}
	RuleToolchain = BinaryRule{
		ID: "BIN008", Severity: finding.StopsBuild, Fix: i18n.M("selfcheck.toolchain.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.toolchain", a...) },
	}
	RulePackage = BinaryRule{
		ID: "BIN009", Severity: finding.StopsBuild, Fix: i18n.M("selfcheck.package.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.package", a...) },
	}
	RuleSetting = BinaryRule{
		ID: "BIN010", Severity: finding.StopsBuild, Fix: i18n.M("selfcheck.setting.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.setting", a...) },
	}
	RuleStrip = BinaryRule{
		ID: "BIN011", Severity: finding.Waste, Fix: i18n.M("selfcheck.strip.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.strip", a...) },
	}
	RuleNoRoots = BinaryRule{
		ID: "BIN012", Severity: finding.FailsInProduction, Fix: i18n.M("selfcheck.roots.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.roots", a...) },
	}
	RuleNoZones = BinaryRule{
		ID: "BIN013", Severity: finding.FailsInProduction, Fix: i18n.M("selfcheck.zones.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.zones", a...) },
	}
	RuleNoTemp = BinaryRule{
		ID: "BIN014", Severity: finding.FailsInProduction, Fix: i18n.M("selfcheck.temp.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.temp", a...) },
	}
	RuleNoUsers = BinaryRule{
		ID: "BIN015", Severity: finding.FailsInProduction, Fix: i18n.M("selfcheck.users.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.users", a...) },
	}
	RuleRootsUnneeded = BinaryRule{
		ID: "BIN016", Severity: finding.Waste, Advisory: true, Fix: i18n.M("selfcheck.roots.unneeded.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.roots.unneeded", a...) },
	}
	RuleZonesUnneeded = BinaryRule{
		ID: "BIN017", Severity: finding.Waste, Advisory: true, Fix: i18n.M("selfcheck.zones.unneeded.fix"),
		Message: func(a ...any) i18n.Message { return i18n.M("selfcheck.zones.unneeded", a...) },
	}
)

// BinaryRules lists every rule about finished programs, by ID.
func BinaryRules() []BinaryRule {
	return []BinaryRule{
		RulePlatform, RuleInterpreter, RuleLibraries, RuleNoInterpreter, RuleStaticAfterAll, RuleGlibc,
		RuleNoBuildInfo, RuleToolchain, RulePackage, RuleSetting, RuleStrip,
		RuleNoRoots, RuleNoZones, RuleNoTemp, RuleNoUsers, RuleRootsUnneeded, RuleZonesUnneeded,
	}
}
