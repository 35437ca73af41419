package check

import (
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var addUnchecked = Rule{
	ID: "IMG010", Slug: "add-unchecked", Severity: finding.Security, Confidence: High, Since: 1,
	Title: i18n.M("rule.img010.title"), Why: i18n.M("rule.img010.why"), Fix: i18n.M("rule.img010.fix"),
	Bad:  "ADD https://example.com/tool.tar.gz /opt/",
	Good: "ADD --checksum=sha256:… https://example.com/tool.tar.gz /opt/",
	Run:  runAddUnchecked,
}

// runAddUnchecked finds files from elsewhere in the images of this
// repository's programs that nobody holds against a checksum.
func runAddUnchecked(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachProgramStage(r, func(s *facts.Stage, evidence finding.Evidence) {
		for _, c := range s.Copies {
			if !c.Add || c.Checksum != "" || checked(s) {
				continue
			}
			for _, src := range c.Srcs {
				web := strings.HasPrefix(src, "https://") || strings.HasPrefix(src, "http://")
				if !web || strings.Contains(src, ".git") {
					continue
				}
				out = append(out, finding.Finding{
					Pos: c.Pos, Entity: entity(stageName(*s), src), Message: i18n.M("rule.img010.message", shown(src)),
					Evidence: []finding.Evidence{evidence},
				})
			}
		}
	})
	return out
}

// checked reports whether a RUN of the stage checks a sum or a signature.
func checked(s *facts.Stage) bool {
	for _, r := range s.Runs {
		if hasAny(r.Raw, []string{"sha256sum", "sha512sum", "shasum", "gpg", "cosign", "minisign", "md5sum", "sha1sum"}) {
			return true
		}
	}
	return false
}

// shown is text with what is not known of it as three dots.
func shown(s string) string { return strings.ReplaceAll(s, facts.NotLiteral, "…") }

var pipedShell = Rule{
	ID: "IMG018", Slug: "piped-to-shell", Severity: finding.Security, Confidence: High, Advisory: true, Since: 1,
	Title: i18n.M("rule.img018.title"), Why: i18n.M("rule.img018.why"), Fix: i18n.M("rule.img018.fix"),
	Bad:  "RUN curl -sSL https://example.com/install.sh | sh",
	Good: "ADD --checksum=sha256:… https://example.com/tool.tar.gz /opt/",
	Run:  runPipedShell,
}

// runPipedShell finds downloads that a shell runs unread in the stages that
// build or hold a program of this repository.
func runPipedShell(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	eachProgramStage(r, func(s *facts.Stage, evidence finding.Evidence) {
		for _, run := range s.Runs {
			if !run.Shell || !pipesToShell(run.Raw) || checked(s) {
				continue
			}
			out = append(out, finding.Finding{Pos: run.Pos, Entity: stageName(*s), Message: i18n.M("rule.img018.message"), Evidence: []finding.Evidence{evidence}})
		}
	})
	return out
}

// pipesToShell reports whether a shell line gives what it downloads to a
// shell.
func pipesToShell(line string) bool {
	parts := strings.Split(line, "|")
	for i, p := range parts[:len(parts)-1] {
		last := p
		for _, sep := range []string{"&&", ";", "\n"} {
			last = last[max(0, strings.LastIndex(last, sep)):]
		}
		f := strings.Fields(strings.TrimLeft(parts[i+1], " "))
		if len(f) > 1 && f[0] == "sudo" {
			f = f[1:]
		}
		if len(f) > 0 && (f[0] == "sh" || f[0] == "bash") && hasAny(last, []string{"curl ", "wget "}) {
			return true
		}
	}
	return false
}

// eachProgramStage visits every stage that builds or runs a program of the
// repository, or is below one that does, once.
func eachProgramStage(r *facts.Repo, visit func(*facts.Stage, finding.Evidence)) {
	seen := map[*facts.Stage]bool{}
	for _, b := range r.Builds() {
		if b.Docker == nil {
			continue
		}
		for _, top := range []*facts.Stage{b.Stage, b.Runtime} {
			if top == nil {
				continue
			}
			for _, s := range b.Docker.Lineage(top) {
				if !seen[s] {
					seen[s] = true
					visit(s, finding.Evidence{Pos: b.Go.Pos, Text: i18n.M("rule.img004.build")})
				}
			}
		}
	}
}

var baseDigest = Rule{
	ID: "IMG016", Slug: "base-without-digest", Severity: finding.Security, Confidence: High, Advisory: true, Since: 1,
	Title: i18n.M("rule.img016.title"), Why: i18n.M("rule.img016.why"), Fix: i18n.M("rule.img016.fix"),
	Bad:  "FROM debian:12-slim\nCOPY --from=build /app /app",
	Good: "FROM debian:12-slim@sha256:…\nCOPY --from=build /app /app",
	Run:  runBaseDigest,
}

// runBaseDigest finds the bases of the images that are run: what a tag names
// changes under the same commit. latest is IMG006's.
func runBaseDigest(r *facts.Repo) []finding.Finding {
	var out []finding.Finding
	seen := map[facts.Pos]bool{}
	for _, b := range r.Builds() {
		if b.Docker == nil || b.Runtime == nil {
			continue
		}
		base := baseOf(b.Docker, b.Runtime)
		ref := base.ref
		if seen[ref.Pos] || !ref.Resolved || ref.Digest != "" || ref.Name == "scratch" || ref.Tag == "" || ref.Tag == "latest" {
			continue
		}
		seen[ref.Pos] = true
		out = append(out, finding.Finding{
			Pos: ref.Pos, Entity: ref.Name, Message: i18n.M("rule.img016.message", base.name()),
			Evidence: []finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.img004.build")}},
		})
	}
	return out
}
