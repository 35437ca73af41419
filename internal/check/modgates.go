package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var verifyGate = Rule{
	ID: "MOD001", Slug: "mod-verify-gate", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod001.title"),
	Why:   i18n.M("rule.mod001.why"),
	Fix:   i18n.M("rule.mod001.fix"),
	Bad:   "- run: go mod verify",
	Good:  "- run: go mod tidy -diff\n- run: go mod download",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, w := range repo.Workflows {
			for _, j := range w.Jobs {
				if at, ok := onlyVerifies(j); ok {
					out = append(out, finding.Finding{Pos: at, Entity: "job " + j.ID, Message: i18n.M("rule.mod001.message", j.ID)})
				}
			}
		}
		return out
	},
}

// harmless are the commands that check no module.
var harmless = []string{"echo", "printf", "cd", "set", "export", "true", "pwd", "ls", "cat", "mkdir", "exit", "git"}

// preparing are the actions that check no module.
var preparing = []string{"actions/checkout@", "actions/setup-go@", "actions/cache@", "step-security/harden-runner@"}

// onlyVerifies reports whether go mod verify is all that a job does about its
// modules, and where. A job that does anything not understood is not judged.
func onlyVerifies(j facts.Job) (facts.Pos, bool) {
	var at facts.Pos
	for _, s := range j.Steps {
		if u := s.Uses.Value; u != "" && !slices.ContainsFunc(preparing, func(p string) bool { return strings.HasPrefix(u, p) }) {
			return facts.Pos{}, false
		}
		for _, c := range s.Commands {
			if len(c.Words) == 0 || slices.Contains(harmless, c.Words[0]) {
				continue
			}
			switch gs := facts.GoCommands([]facts.Command{c}); {
			case len(gs) != 1:
				return facts.Pos{}, false
			case gs[0].Verb == "mod verify":
				at = c.Pos
			case gs[0].Verb == "version" || gs[0].Verb == "env":
			default:
				return facts.Pos{}, false
			}
		}
	}
	return at, at.File != ""
}

var vendorGate = Rule{
	ID: "MOD002", Slug: "vendor-diff-gate", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.mod002.title"),
	Why:   i18n.M("rule.mod002.why"),
	Fix:   i18n.M("rule.mod002.fix"),
	Bad:   "go mod vendor\ngit diff --exit-code vendor/",
	Good:  "go mod vendor\ngit add --intent-to-add vendor/\ngit diff --exit-code vendor/",
	Run: func(repo *facts.Repo) []finding.Finding {
		var out []finding.Finding
		for _, p := range places(repo) {
			sees := slices.ContainsFunc(p.commands, seesUntracked)
			for _, c := range p.commands {
				if !sees && gatesVendor(c.Words) {
					out = append(out, finding.Finding{Pos: c.Pos, Entity: entity(p.where, "git diff vendor"), Message: i18n.M("rule.mod002.message", strings.Join(c.Words, " "))})
				}
			}
		}
		return out
	},
}

// gatesVendor reports whether words are git diff used as a test of vendor.
func gatesVendor(words []string) bool {
	if len(words) < 2 || words[0] != "git" || words[1] != "diff" {
		return false
	}
	gate, vendor := false, false
	for _, w := range words[2:] {
		switch w {
		case "--quiet", "--exit-code":
			gate = true
		case "vendor", "vendor/", "./vendor", "./vendor/":
			vendor = true
		case "--cached", "--staged", "--no-index":
			return false
		}
	}
	return gate && vendor && facts.Literal(strings.Join(words, ""))
}

// seesUntracked reports whether a command looks at, or adds, files that git
// does not track.
func seesUntracked(c facts.Command) bool {
	if len(c.Words) < 2 || c.Words[0] != "git" {
		return len(c.Words) > 0 && c.Words[0] == "diff"
	}
	return c.Words[1] == "status" || c.Words[1] == "add" || c.Words[1] == "ls-files" || c.Words[1] == "stage"
}
