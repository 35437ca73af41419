package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/distro"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/verify"
)

// verifyFlags are the flags of verify. A stage that does more than look has
// its own in a struct of its own.
type verifyFlags struct {
	format, output, severity string
	plan                     string
	base                     string
	platforms                []string
}

// verification is one run of verify, as its stages see it.
type verification struct {
	flags    *verifyFlags
	subjects []*verify.Opened
	report   *verify.Report
	// What stages have to show: in text below the programs, where a
	// *report.Table is a part of the page as well; and on the page alone.
	more  []report.Texter
	parts []report.PagePart
}

// verifyStage does more with what was opened than look at it. It adds what it
// found to the report, and to what is shown.
type verifyStage func(context.Context, *verification) error

func (a *app) verify() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:     "verify SUBJECT...",
		Short:   a.say(i18n.M("verify.short")),
		Long:    a.say(i18n.M("verify.long")),
		Example: "  slipway verify ./bin/orders\n  slipway verify ./bin/orders --base debian:12\n  slipway verify dist\n  slipway verify oci:dist/oci --json\n  slipway verify dist --format html -o verify.html",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fault.UsageError(i18n.M("verify.args", c.CommandPath()), i18n.M("cli.usage.hint", c.CommandPath()))
			}
			return nil
		},
	}
	fs := c.Flags()
	fs.StringVar(&f.format, "format", "text", a.say(i18n.M("check.flag.format")))
	fs.StringVarP(&f.output, "output", "o", "", a.say(i18n.M("check.flag.output")))
	fs.StringVar(&f.severity, "severity", string(finding.Waste), a.say(i18n.M("check.flag.severity")))
	fs.StringVar(&f.plan, "plan", "", a.say(i18n.M("verify.flag.plan")))
	fs.StringVar(&f.base, "base", "", a.say(i18n.M("verify.flag.base")))
	fs.StringSliceVar(&f.platforms, "platform", nil, a.say(i18n.M("verify.flag.platform")))
	// The flags of a stage stand together in the help.
	fs.SortFlags = false
	// What does more than look: a line each, in the order in which they run.
	stages := []verifyStage{
		a.sizeStage(fs),
		a.againstStage(fs),
		a.rebuildStage(fs),
		a.runStage(fs),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.validate(a, c); err != nil {
			return err
		}
		return a.runVerify(c.Context(), args, &f, stages)
	}
	return c
}

func (f *verifyFlags) validate(a *app, c *cobra.Command) error {
	switch {
	case !slices.Contains([]string{"text", "json", "sarif", "github", "html"}, f.format):
		return fault.UsageError(i18n.M("check.format", f.format), i18n.M("check.format.hint"))
	case a.json && c.Flags().Changed("format") && f.format != "json":
		return fault.UsageError(i18n.M("check.format.json", f.format), i18n.M("check.format.hint"))
	case !slices.Contains(severities, finding.Severity(f.severity)):
		return fault.UsageError(i18n.M("check.severity", f.severity), i18n.M("check.severity.hint"))
	case f.format == "html" && f.output == "" && a.terminal(a.stdout):
		return fault.UsageError(i18n.M("check.html.output"), i18n.M("check.html.output.hint"))
	}
	if a.json {
		f.format = "json"
	}
	return nil
}

func (a *app) runVerify(ctx context.Context, args []string, f *verifyFlags, stages []verifyStage) (err error) {
	// Opening a program makes little that lives long.
	collectLater(28<<20, 50)
	v := &verification{flags: f}
	defer func() {
		for _, s := range v.subjects {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, arg := range args {
		s, err := a.openSubject(ctx, arg, f)
		if err != nil {
			return err
		}
		v.subjects = append(v.subjects, s)
	}
	o := verify.Options{}
	if o.Plan, err = a.verifyPlan(f.plan); err != nil {
		return err
	}
	place, closer, err := a.verifyPlace(ctx, v)
	if err != nil {
		return err
	}
	if closer != nil {
		defer func() { err = errors.Join(err, closer.Close()) }()
	}
	o.Place = place
	if v.report, err = verify.Judge(ctx, v.subjects, o); err != nil {
		return err
	}
	for _, stage := range stages {
		if err := stage(ctx, v); err != nil {
			return err
		}
	}
	finding.Sort(v.report.Findings)
	if err := a.showVerify(v); err != nil {
		return err
	}
	if v.report.Count(finding.Severity(f.severity)) > 0 {
		a.code = fault.Findings
	}
	return nil
}

// openSubject opens what a word on the command line names.
func (a *app) openSubject(ctx context.Context, arg string, f *verifyFlags) (*verify.Opened, error) {
	inspect, err := a.inspectOptions()
	if err != nil {
		return nil, err
	}
	fetched := a.fetching(arg, &inspect)
	defer fetched()
	o := verify.ImageOptions{InspectOptions: inspect, Platforms: f.platforms}
	path := arg
	if !filepath.IsAbs(path) {
		path = filepath.Join(a.dir, path)
	}
	fi, err := os.Stat(path)
	switch {
	case err == nil && fi.IsDir() && verify.IsShip(path):
		return verify.OpenShip(ctx, path, o)
	case err == nil && image.IsImage(path):
		return verify.OpenImage(ctx, arg, o)
	case err == nil && fi.IsDir():
		return verify.OpenDir(ctx, path)
	case err == nil:
		return verify.OpenFile(ctx, path)
	case image.MayName(arg):
		return verify.OpenImage(ctx, arg, o)
	}
	return nil, fault.UsageError(i18n.M("verify.missing", arg), i18n.M("verify.missing.hint"))
}

// verifyPlace gives the place that --base names, and what closes it. The name
// of a well-known image stands for what is known of it, unless a root file
// system is kept under that very name.
func (a *app) verifyPlace(ctx context.Context, v *verification) (*verify.Place, io.Closer, error) {
	name := v.flags.base
	if name == "" {
		return nil, nil, nil
	}
	o, err := a.rootOptions()
	if err != nil {
		return nil, nil, err
	}
	if p := v.platform(); p.Arch != "" {
		o.Platform = p
	}
	if d, known := distro.Find(name); known {
		_, kept := o.Shelf.Get(name)
		_, there := os.Stat(filepath.Join(a.dir, name))
		if kept != nil && there != nil {
			return &verify.Place{Name: name, Libc: d.Libc, Lib: d.Glibc}, nil, nil
		}
	}
	fetched := a.fetching(name, &o.InspectOptions)
	root, err := a.openRoot(ctx, name, o)
	fetched()
	if err != nil {
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Msg.ID == "image_inspect.root.none" {
			f.Hint = i18n.M("verify.base.hint")
		}
		return nil, nil, err
	}
	place := verify.NewPlace(name, root.Tree)
	if root.Image != nil {
		place.Env = root.Image.Config.Env
	}
	return place, root, nil
}

// platform is that of the first program; its architecture is empty if there is
// none that says it.
func (v *verification) platform() plan.Platform {
	for _, s := range v.subjects {
		for _, p := range s.Programs {
			if p.File.Arch != "" {
				return plan.Platform{OS: "linux", Arch: p.File.Arch}
			}
		}
	}
	return plan.Platform{}
}

// verifyPlan reads the plan that programs are held against.
func (a *app) verifyPlan(name string) (*plan.Plan, error) {
	if name == "" {
		return nil, nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(a.dir, name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		e := fault.UsageError(i18n.M("cli.plan.read"), i18n.M("verify.plan.hint"))
		e.Cause = err
		return nil, e
	}
	p, err := plan.Decode(b, name)
	return &p, err
}
