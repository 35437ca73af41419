package cli

import (
	"io"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
)

// showCheck writes the result in the form asked for.
func (a *app) showCheck(dir string, repo *facts.Repo, files int, res check.Result, f *checkFlags) error {
	threshold := finding.Severity(f.severity)
	var text report.Texter
	switch f.format {
	case "json":
	case "sarif":
		text = report.SARIF{Version: ownVersion().Version, Rules: sarifRules(), List: res.Findings, Below: repo.Prefix}
	case "github":
		text = report.Annotations{List: res.Findings, Below: repo.Prefix, Counts: func(x finding.Finding) bool { return x.Severity.AtLeast(threshold) }}
	case "html":
		text = checkPage(a.lang, dir, repo, files, res, time.Now())
	default:
		text = report.Findings{List: res.Findings, Notes: checkNotes(a.lang, files, res, f)}
	}
	if f.output != "" {
		return writeFile(f.output, func(w io.Writer) error {
			if text == nil {
				return encodeJSON(w, res)
			}
			return text.WriteText(w, report.Style{Lang: a.lang})
		})
	}
	if text == nil {
		if !a.json { // --format json alone: the reporter expects text
			return encodeJSON(a.stdout, res)
		}
		return a.rep.Result(res)
	}
	return a.rep.Result(text)
}

// checkNotes is what stands below the findings: what could not be known, what
// is not shown, and the sum.
func checkNotes(lang i18n.Lang, files int, res check.Result, f *checkFlags) []i18n.Message {
	threshold := finding.Severity(f.severity)
	var ms []i18n.Message
	for _, n := range res.Notes {
		ms = append(ms, i18n.M("check.note", strings.TrimSpace(n.Pos.String()+" "+n.Text.In(lang))))
	}
	if res.Ignored+res.Known > 0 {
		ms = append(ms, i18n.M("check.summary.quiet", res.Ignored, res.Known))
	}
	if res.Older > 0 {
		ms = append(ms, i18n.M("check.since.older", res.Older, f.since))
	}
	if len(res.Disabled) > 0 {
		ms = append(ms, i18n.M("check.summary.disabled", strings.Join(res.Disabled, ", ")))
	}
	if len(res.Gone) > 0 {
		ms = append(ms, i18n.M("check.summary.gone", len(res.Gone)))
	}
	if len(res.Findings) == 0 {
		return append(ms, i18n.M("check.summary.clean", res.Rules, files))
	}
	return append(ms, i18n.M("check.summary", len(res.Findings), res.Rules, files, res.AtLeast(threshold), threshold))
}

func sarifRules() []report.SARIFRule {
	var out []report.SARIFRule
	for _, r := range check.Rules() {
		out = append(out, report.SARIFRule{ID: r.ID, Slug: r.Slug, Severity: r.Severity, Advisory: r.Advisory, Title: r.Title, Why: r.Why, Fix: r.Fix})
	}
	return out
}
