package build

import (
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// BinaryRule is a judgement about a finished program. The ID is stable for
// ever; verify uses the same rules.
type BinaryRule struct {
	ID       string
	Severity finding.Severity
	Advisory bool // see finding.Finding
	Fix      i18n.Message
}

// The rules about finished programs, by ID.
var (
	RulePlatform = BinaryRule{ID: "BIN001", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.platform.fix")}
	// RuleInterpreter is about programs that seem to need nothing, for they
	// name no library, and yet cannot start on an empty base: what
	// `CGO_ENABLED=0 go build -buildmode=pie` makes on Linux.
	RuleInterpreter    = BinaryRule{ID: "BIN002", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.interpreter.fix")}
	RuleLibraries      = BinaryRule{ID: "BIN003", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.libraries.fix")}
	RuleNoInterpreter  = BinaryRule{ID: "BIN004", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.nointerpreter.fix")}
	RuleStaticAfterAll = BinaryRule{ID: "BIN005", Severity: finding.Waste, Advisory: true, Fix: i18n.M("selfcheck.static.fix")}
	RuleGlibc          = BinaryRule{ID: "BIN006", Severity: finding.CannotStart, Fix: i18n.M("selfcheck.glibc.fix")}
	RuleNoBuildInfo    = BinaryRule{ID: "BIN007", Severity: finding.StopsBuild, Fix: i18n.M("selfcheck.buildinfo.fix")}
	RuleToolchain      = BinaryRule{ID: "BIN008", Severity: finding.StopsBuild, Fix: i18n.M("selfcheck.toolchain.fix")}
	RulePackage        = BinaryRule{ID: "BIN009", Severity: finding.StopsBuild, Fix: i18n.M("selfcheck.package.fix")}
	RuleSetting        = BinaryRule{ID: "BIN010", Severity: finding.StopsBuild, Fix: i18n.M("selfcheck.setting.fix")}
	RuleStrip          = BinaryRule{ID: "BIN011", Severity: finding.Waste, Fix: i18n.M("selfcheck.strip.fix")}
	RuleNoRoots        = BinaryRule{ID: "BIN012", Severity: finding.FailsInProduction, Fix: i18n.M("selfcheck.roots.fix")}
	RuleNoZones        = BinaryRule{ID: "BIN013", Severity: finding.FailsInProduction, Fix: i18n.M("selfcheck.zones.fix")}
	RuleNoTemp         = BinaryRule{ID: "BIN014", Severity: finding.FailsInProduction, Fix: i18n.M("selfcheck.temp.fix")}
	RuleNoUsers        = BinaryRule{ID: "BIN015", Severity: finding.FailsInProduction, Fix: i18n.M("selfcheck.users.fix")}
	RuleRootsUnneeded  = BinaryRule{ID: "BIN016", Severity: finding.Waste, Advisory: true, Fix: i18n.M("selfcheck.roots.unneeded.fix")}
	RuleZonesUnneeded  = BinaryRule{ID: "BIN017", Severity: finding.Waste, Advisory: true, Fix: i18n.M("selfcheck.zones.unneeded.fix")}
)

// BinaryRules lists every rule about finished programs, by ID.
func BinaryRules() []BinaryRule {
	return []BinaryRule{
		RulePlatform, RuleInterpreter, RuleLibraries, RuleNoInterpreter, RuleStaticAfterAll, RuleGlibc,
		RuleNoBuildInfo, RuleToolchain, RulePackage, RuleSetting, RuleStrip,
		RuleNoRoots, RuleNoZones, RuleNoTemp, RuleNoUsers, RuleRootsUnneeded, RuleZonesUnneeded,
	}
}
