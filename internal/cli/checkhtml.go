package cli

import (
	"cmp"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
)

// htmlNeedsFile is the error about a page that would fill a terminal.
func (a *app) htmlNeedsFile(f *checkFlags) error {
	if f.format == "html" && f.output == "" && a.terminal(a.stdout) {
		return fault.UsageError(i18n.M("check.html.output"), i18n.M("check.html.output.hint"))
	}
	return nil
}

// checkPage puts a result into the page's words.
func checkPage(lang i18n.Lang, dir string, repo *facts.Repo, files int, res check.Result, now time.Time) report.Page {
	p := report.Page{
		Name: checkName(dir, repo), Version: ownVersion().Version, When: now,
		RulesRun: res.Rules, Files: files, Ignored: res.Ignored, Graph: checkGraph(repo),
	}
	p.Baseline = len(res.KnownFindings)+len(res.Gone) > 0
	add := func(f finding.Finding, known bool, since string) {
		cost := check.OneLine
		if r, ok := check.Find(f.ID); ok {
			cost = r.CostOf(f)
		}
		p.Findings = append(p.Findings, report.PageFinding{Finding: f, Cost: string(cost), Known: known, Since: since})
	}
	for _, f := range res.Findings {
		add(f, false, "")
	}
	for _, k := range res.KnownFindings {
		add(k.Finding, true, k.Since)
	}
	sarif := sarifRules()
	for i, r := range check.Rules() {
		p.Rules = append(p.Rules, report.PageRule{SARIFRule: sarif[i], Bad: r.Bad, Good: r.Good})
	}
	for _, n := range res.Notes {
		p.Notes = append(p.Notes, strings.TrimSpace(n.Pos.String()+" "+n.Text.In(lang)))
	}
	return p
}

// checkName is what the repository is called: its module, else its directory.
func checkName(dir string, repo *facts.Repo) string {
	for i := range repo.Modules {
		if m := &repo.Modules[i]; path.Clean(m.Root) == "." && m.Path != "" {
			return m.Path
		}
	}
	return cmp.Or(filepath.Base(dir), dir)
}
