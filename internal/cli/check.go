package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
)

// baselineName is the baseline that is used without being asked for.
const baselineName = "slipway-baseline.json"

// severities are the values of --severity.
var severities = []finding.Severity{finding.StopsBuild, finding.CannotStart, finding.FailsInProduction, finding.Security, finding.Waste}

type checkFlags struct {
	format, output, severity, baseline string
	rules                              []string
	deps                               bool
}

func (a *app) check() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check [DIR]",
		Short: a.say(i18n.M("check.short")),
		Long:  a.say(i18n.M("check.long")),
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fault.UsageError(i18n.M("check.args", c.CommandPath()), i18n.M("cli.usage.hint", c.CommandPath()))
			}
			return nil
		},
	}
	fs := c.Flags()
	fs.StringVar(&f.format, "format", "text", a.say(i18n.M("check.flag.format")))
	fs.StringVarP(&f.output, "output", "o", "", a.say(i18n.M("check.flag.output")))
	fs.StringVar(&f.severity, "severity", string(finding.Waste), a.say(i18n.M("check.flag.severity")))
	fs.StringVar(&f.baseline, "baseline", "", a.say(i18n.M("check.flag.baseline", baselineName)))
	fs.StringSliceVar(&f.rules, "rules", nil, a.say(i18n.M("check.flag.rules")))
	fs.BoolVar(&f.deps, "deps", true, a.say(i18n.M("check.flag.deps")))
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.validate(a, c); err != nil {
			return err
		}
		dir, err := a.workDir()
		if err != nil {
			return err
		}
		if len(args) == 1 {
			if dir, err = checkDir(dir, args[0]); err != nil {
				return err
			}
		}
		repo, err := facts.ReadRepo(c.Context(), dir)
		if err != nil {
			return err
		}
		repo.Prefix, repo.WorkTree = belowTop(dir)
		if f.deps {
			if err := facts.ReadDeps(c.Context(), &repo, dir, gotool.ModCache(a.env)); err != nil {
				return err
			}
		}
		if err := a.checkPolicy(dir, &repo, &f, c.Flags().Changed("severity")); err != nil {
			return err
		}
		return a.runCheck(dir, &repo, f)
	}
	return c
}

func (f *checkFlags) validate(a *app, c *cobra.Command) error {
	switch {
	case !slices.Contains([]string{"text", "json", "sarif", "github"}, f.format):
		return fault.UsageError(i18n.M("check.format", f.format), i18n.M("check.format.hint"))
	case a.json && c.Flags().Changed("format") && f.format != "json":
		return fault.UsageError(i18n.M("check.format.json", f.format), i18n.M("check.format.hint"))
	case !slices.Contains(severities, finding.Severity(f.severity)):
		return fault.UsageError(i18n.M("check.severity", f.severity), i18n.M("check.severity.hint"))
	case f.baseline == "write" && len(f.rules) > 0:
		return fault.UsageError(i18n.M("check.baseline.rules"), i18n.M("cli.usage.hint", c.CommandPath()))
	}
	if a.json {
		f.format = "json"
	}
	return nil
}

func checkDir(work, name string) (string, error) {
	dir := name
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(work, dir)
	}
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return "", fault.UsageError(i18n.M("check.dir", name), i18n.Message{})
	}
	return dir, nil
}

// belowTop gives where a directory lies in its git work tree, "" at the top,
// and whether there is one.
func belowTop(dir string) (prefix string, ok bool) {
	for top := dir; ; top = filepath.Dir(top) {
		if _, err := os.Lstat(filepath.Join(top, ".git")); err == nil {
			rel, err := filepath.Rel(top, dir)
			if rel == "." {
				rel = ""
			}
			return filepath.ToSlash(rel), err == nil
		}
		if filepath.Dir(top) == top {
			return "", false
		}
	}
}

func (a *app) runCheck(dir string, repo *facts.Repo, f checkFlags) error {
	files := len(repo.GoFiles) + len(repo.Modules) + len(repo.Dockerfiles) + len(repo.Workflows) + len(repo.Scripts) + len(repo.Pins) + len(repo.EnvFiles)
	if files == 0 {
		return fault.UsageError(i18n.M("check.nothing"), i18n.M("cli.usage.hint", "slipway check"))
	}
	res, err := check.Run(repo, f.rules)
	if err != nil {
		return err
	}
	if f.baseline == "write" {
		return a.writeBaseline(filepath.Join(dir, baselineName), res)
	}
	if err := applyBaseline(dir, f, &res); err != nil {
		return err
	}
	if err := a.showCheck(repo.Prefix, files, res, f); err != nil {
		return err
	}
	if res.AtLeast(finding.Severity(f.severity)) > 0 {
		a.code = fault.Findings
	}
	return nil
}

// writeBaseline makes the baseline, or takes out of it what is gone.
func (a *app) writeBaseline(name string, res check.Result) error {
	b := check.NewBaseline(res.Findings)
	old, err := readBaseline(name)
	switch {
	case err == nil:
		b = old.Shrink(res.Findings)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := writeJSON(name, b); err != nil {
		return err
	}
	n := 0
	for _, e := range b.Entries {
		n += e.Count
	}
	return a.result(b, i18n.M("check.baseline.written", baselineName, n))
}

func readBaseline(name string) (check.Baseline, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return check.Baseline{}, err
	}
	var b check.Baseline
	if err == nil {
		b, err = check.ParseBaseline(data)
	}
	if err != nil {
		return check.Baseline{}, &fault.Error{
			Pos: fault.Pos{File: name}, Msg: i18n.M("check.baseline.read"), Hint: i18n.M("check.baseline.hint"),
			Code: fault.Usage, Cause: err,
		}
	}
	return b, nil
}

// applyBaseline takes out of res what the baseline holds. The one that is
// found without being asked for may be missing.
func applyBaseline(dir string, f checkFlags, res *check.Result) error {
	if f.baseline == "none" {
		return nil
	}
	name := f.baseline
	if name == "" {
		name = filepath.Join(dir, baselineName)
	}
	b, err := readBaseline(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && f.baseline == "":
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &fault.Error{Pos: fault.Pos{File: name}, Msg: i18n.M("check.baseline.read"), Hint: i18n.M("check.baseline.hint"), Code: fault.Usage, Cause: err}
	case err != nil:
		return err
	}
	b.Apply(res, func(rule string) bool {
		return !slices.Contains(res.Disabled, rule) && (len(f.rules) == 0 || slices.Contains(f.rules, rule))
	})
	return nil
}

// showCheck writes the result in the form asked for.
func (a *app) showCheck(prefix string, files int, res check.Result, f checkFlags) error {
	threshold := finding.Severity(f.severity)
	var text report.Texter
	switch f.format {
	case "json":
	case "sarif":
		text = report.SARIF{Version: ownVersion().Version, Rules: sarifRules(), List: res.Findings, Below: prefix}
	case "github":
		text = report.Annotations{List: res.Findings, Below: prefix, Counts: func(x finding.Finding) bool { return x.Severity.AtLeast(threshold) }}
	default:
		text = report.Findings{List: res.Findings, Notes: checkNotes(files, res, threshold)}
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
func checkNotes(files int, res check.Result, threshold finding.Severity) []i18n.Message {
	var ms []i18n.Message
	for _, n := range res.Notes {
		ms = append(ms, i18n.M("check.note", strings.TrimSpace(n.Pos.String()+" "+n.Text)))
	}
	if res.Ignored+res.Known > 0 {
		ms = append(ms, i18n.M("check.summary.quiet", res.Ignored, res.Known))
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
