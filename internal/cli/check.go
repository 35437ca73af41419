package cli

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// baselineName is the baseline that is used without being asked for.
const baselineName = "slipway-baseline.json"

// severities are the values of --severity.
var severities = []finding.Severity{finding.StopsBuild, finding.CannotStart, finding.FailsInProduction, finding.Security, finding.Waste}

type checkFlags struct {
	format, output, severity, baseline string
	rules                              []string
	deps, env                          bool
	fix, dryRun                        bool
	since                              string
	severityGiven                      bool // --severity, which is stronger than slipway.yaml
}

func (a *app) check() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:     "check [DIR]",
		Short:   a.say(i18n.M("check.short")),
		Long:    a.say(i18n.M("check.long")),
		Example: "  slipway check\n  slipway check --since origin/main --severity security\n  slipway check --fix --dry-run\n  slipway check --format html -o report.html",
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
	fs.BoolVar(&f.env, "env", false, a.say(i18n.M("check.flag.env")))
	fs.StringVar(&f.since, "since", "", a.say(i18n.M("check.flag.since")))
	fs.BoolVar(&f.fix, "fix", false, a.say(i18n.M("check.flag.fix")))
	fs.BoolVar(&f.dryRun, "dry-run", false, a.say(i18n.M("check.flag.dryrun")))
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
		collectLater(28<<20, 50)
		return a.runCheck(c.Context(), dir, &f)
	}
	return c
}

func (f *checkFlags) validate(a *app, c *cobra.Command) error {
	switch {
	case !slices.Contains([]string{"text", "json", "sarif", "github", "html"}, f.format):
		return fault.UsageError(i18n.M("check.format", f.format), i18n.M("check.format.hint"))
	case a.json && c.Flags().Changed("format") && f.format != "json":
		return fault.UsageError(i18n.M("check.format.json", f.format), i18n.M("check.format.hint"))
	case !slices.Contains(severities, finding.Severity(f.severity)):
		return fault.UsageError(i18n.M("check.severity", f.severity), i18n.M("check.severity.hint"))
	case f.dryRun && !f.fix:
		return fault.UsageError(i18n.M("check.dryrun"), i18n.M("cli.usage.hint", c.CommandPath()))
	case f.fix && (f.output != "" || f.format != "text" && f.format != "json"):
		return fault.UsageError(i18n.M("check.fix.form"), i18n.M("check.fix.form.hint"))
	case f.fix && f.baseline == "write":
		return fault.UsageError(i18n.M("check.fix.baseline"), i18n.M("cli.usage.hint", c.CommandPath()))
	case f.since != "" && f.baseline == "write":
		return fault.UsageError(i18n.M("check.since.baseline"), i18n.M("cli.usage.hint", c.CommandPath()))
	case f.baseline == "write" && len(f.rules) > 0:
		return fault.UsageError(i18n.M("check.baseline.rules"), i18n.M("cli.usage.hint", c.CommandPath()))
	}
	f.severityGiven = c.Flags().Changed("severity")
	if a.json {
		f.format = "json"
	}
	return a.htmlNeedsFile(f)
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
