package trial

import (
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The rules about a program that was run, by ID.
var (
	RuleNotExecuted = finding.Rule{
		ID: "BIN040", Slug: "not-executed", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin040.title"), Why: i18n.M("rule.bin040.why"), Fix: i18n.M("rule.bin040.fix"),
	}
	RuleExits = finding.Rule{
		ID: "BIN041", Slug: "exits-at-start", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin041.title"), Why: i18n.M("rule.bin041.why"), Fix: i18n.M("rule.bin041.fix"),
	}
	RuleMemory = finding.Rule{
		ID: "BIN042", Slug: "out-of-memory", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin042.title"), Why: i18n.M("rule.bin042.why"), Fix: i18n.M("rule.bin042.fix"),
	}
	RuleNeverListens = finding.Rule{
		ID: "BIN043", Slug: "never-listens", Severity: finding.CannotStart,
		Title: i18n.M("rule.bin043.title"), Why: i18n.M("rule.bin043.why"), Fix: i18n.M("rule.bin043.fix"),
	}
	RuleLoopback = finding.Rule{
		ID: "BIN044", Slug: "loopback-only", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin044.title"), Why: i18n.M("rule.bin044.why"), Fix: i18n.M("rule.bin044.fix"),
	}
	RuleProbe = finding.Rule{
		ID: "BIN045", Slug: "probe-fails", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin045.title"), Why: i18n.M("rule.bin045.why"), Fix: i18n.M("rule.bin045.fix"),
	}
	RuleCrashes = finding.Rule{
		ID: "BIN046", Slug: "does-not-last", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin046.title"), Why: i18n.M("rule.bin046.why"), Fix: i18n.M("rule.bin046.fix"),
	}
	RuleIgnoresStop = finding.Rule{
		ID: "BIN047", Slug: "ignores-stop", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin047.title"), Why: i18n.M("rule.bin047.why"), Fix: i18n.M("rule.bin047.fix"),
	}
	RuleDropsRequests = finding.Rule{
		ID: "BIN048", Slug: "drops-requests", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin048.title"), Why: i18n.M("rule.bin048.why"), Fix: i18n.M("rule.bin048.fix"),
	}
	RuleStopCode = finding.Rule{
		ID: "BIN049", Slug: "stop-code", Severity: finding.Waste, Advisory: true,
		Title: i18n.M("rule.bin049.title"), Why: i18n.M("rule.bin049.why"), Fix: i18n.M("rule.bin049.fix"),
	}
	RuleReload = finding.Rule{
		ID: "BIN050", Slug: "reload-breaks", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin050.title"), Why: i18n.M("rule.bin050.why"), Fix: i18n.M("rule.bin050.fix"),
	}
	RuleWritableRoot = finding.Rule{
		ID: "BIN051", Slug: "needs-writable-root", Severity: finding.Security,
		Title: i18n.M("rule.bin051.title"), Why: i18n.M("rule.bin051.why"), Fix: i18n.M("rule.bin051.fix"),
	}
	RuleOtherUser = finding.Rule{
		ID: "BIN052", Slug: "needs-its-user", Severity: finding.Security,
		Title: i18n.M("rule.bin052.title"), Why: i18n.M("rule.bin052.why"), Fix: i18n.M("rule.bin052.fix"),
	}
	RuleNoResolvConf = finding.Rule{
		ID: "BIN053", Slug: "needs-resolv-conf", Severity: finding.FailsInProduction, Advisory: true,
		Title: i18n.M("rule.bin053.title"), Why: i18n.M("rule.bin053.why"), Fix: i18n.M("rule.bin053.fix"),
	}
	RuleNoDevNull = finding.Rule{
		ID: "BIN054", Slug: "needs-dev-null", Severity: finding.FailsInProduction, Advisory: true,
		Title: i18n.M("rule.bin054.title"), Why: i18n.M("rule.bin054.why"), Fix: i18n.M("rule.bin054.fix"),
	}
	RuleEgress = finding.Rule{
		ID: "BIN055", Slug: "calls-out", Severity: finding.Security,
		Title: i18n.M("rule.bin055.title"), Why: i18n.M("rule.bin055.why"), Fix: i18n.M("rule.bin055.fix"),
	}
	RuleNeedsNetwork = finding.Rule{
		ID: "BIN056", Slug: "needs-network", Severity: finding.FailsInProduction, Advisory: true,
		Title: i18n.M("rule.bin056.title"), Why: i18n.M("rule.bin056.why"), Fix: i18n.M("rule.bin056.fix"),
	}
	RuleSurroundings = finding.Rule{
		ID: "BIN057", Slug: "needs-surroundings", Severity: finding.FailsInProduction, Advisory: true,
		Title: i18n.M("rule.bin057.title"), Why: i18n.M("rule.bin057.why"), Fix: i18n.M("rule.bin057.fix"),
	}
	RuleMatrix = finding.Rule{
		ID: "BIN058", Slug: "not-compatible", Severity: finding.FailsInProduction,
		Title: i18n.M("rule.bin058.title"), Why: i18n.M("rule.bin058.why"), Fix: i18n.M("rule.bin058.fix"),
	}
	RuleAcceptsBad = finding.Rule{
		ID: "BIN059", Slug: "accepts-bad-certificate", Severity: finding.Security,
		Title: i18n.M("rule.bin059.title"), Why: i18n.M("rule.bin059.why"), Fix: i18n.M("rule.bin059.fix"),
	}
)

// Rules lists the rules of this package, by ID.
func Rules() []finding.Rule {
	return []finding.Rule{
		RuleNotExecuted, RuleExits, RuleMemory, RuleNeverListens, RuleLoopback, RuleProbe, RuleCrashes,
		RuleIgnoresStop, RuleDropsRequests, RuleStopCode, RuleReload, RuleWritableRoot, RuleOtherUser,
		RuleNoResolvConf, RuleNoDevNull, RuleEgress, RuleNeedsNetwork, RuleSurroundings, RuleMatrix, RuleAcceptsBad,
	}
}
