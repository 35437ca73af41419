package cli

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// compareFlags are the flags of compare.
type compareFlags struct {
	axes                map[string]*string // by name, those that have a flag of their own
	vary, runEnv        []string
	set, env, arg       []string
	measure             []string
	until, probe        string
	runs, most, warmup  int
	buildRuns           int
	precision           string
	limit, startTimeout time.Duration
	seed                uint64
	bandwidths          []string
	html, csv, save     string
	pictures, from      []string
	resume              string
}

// What --measure takes.
const (
	measureSize    = "size"
	measureStartup = "startup"
	measureBuild   = "build"
	measureModules = "modules"
)

func (a *app) compareCommand() *cobra.Command {
	f := compareFlags{axes: map[string]*string{}}
	c := &cobra.Command{
		Use:   "compare [" + a.say(i18n.M("cli.arg.package")) + "|FILE|oci:DIR...]",
		Short: a.say(i18n.M("compare.short")),
		Long:  a.say(i18n.M("compare.long")),
		Example: "  slipway compare --go 1.25,1.26 --strip on,off ./cmd/api\n" +
			"  slipway compare --base assembled,alpine-rootfs --measure size,startup ./cmd/api --html report.html\n" +
			"  slipway compare ./old ./new --arg version --until exit\n" +
			"  slipway compare --from result.json --html report.html --lang zh",
	}
	fs := c.Flags()
	for _, x := range compareAxes {
		f.axes[x.name] = fs.String(x.name, "", a.say(x.usage))
	}
	fs.StringArrayVar(&f.vary, "vary", nil, a.say(i18n.M("compare.flag.vary")))
	fs.StringArrayVar(&f.runEnv, "run-env", nil, a.say(i18n.M("compare.flag.runenv")))
	fs.StringArrayVar(&f.set, "set", nil, a.say(i18n.M("compare.flag.set")))
	fs.StringArrayVar(&f.env, "env", nil, a.say(i18n.M("compare.flag.env")))
	fs.StringArrayVar(&f.arg, "arg", nil, a.say(i18n.M("compare.flag.arg")))
	fs.StringSliceVar(&f.measure, "measure", []string{measureSize, measureStartup}, a.say(i18n.M("compare.flag.measure")))
	fs.StringVar(&f.until, "until", "", a.say(i18n.M("compare.flag.until")))
	fs.StringVar(&f.probe, "probe", "", a.say(i18n.M("compare.flag.probe")))
	fs.IntVar(&f.runs, "runs", 100, a.say(i18n.M("compare.flag.runs")))
	fs.IntVar(&f.most, "max-runs", 400, a.say(i18n.M("compare.flag.maxruns")))
	fs.IntVar(&f.buildRuns, "build-runs", 3, a.say(i18n.M("compare.flag.buildruns")))
	fs.StringVar(&f.precision, "precision", "2%", a.say(i18n.M("compare.flag.precision")))
	fs.IntVar(&f.warmup, "warmup", 3, a.say(i18n.M("compare.flag.warmup")))
	fs.DurationVar(&f.limit, "time-limit", 0, a.say(i18n.M("compare.flag.timelimit")))
	fs.DurationVar(&f.startTimeout, "start-timeout", 30*time.Second, a.say(i18n.M("compare.flag.starttimeout")))
	fs.Uint64Var(&f.seed, "seed", 0, a.say(i18n.M("compare.flag.seed")))
	fs.StringSliceVar(&f.bandwidths, "bandwidth", []string{"10Mbit", "100Mbit", "1Gbit"}, a.say(i18n.M("compare.flag.bandwidth")))
	fs.StringVar(&f.html, "html", "", a.say(i18n.M("compare.flag.html")))
	fs.StringVar(&f.csv, "csv", "", a.say(i18n.M("compare.flag.csv")))
	fs.StringVar(&f.save, "save", "", a.say(i18n.M("compare.flag.save")))
	fs.StringArrayVar(&f.pictures, "picture", nil, a.say(i18n.M("compare.flag.picture", strings.Join(compare.PictureNames(), "|"))))
	fs.StringArrayVar(&f.from, "from", nil, a.say(i18n.M("compare.flag.from")))
	fs.StringVar(&f.resume, "resume", "", a.say(i18n.M("compare.flag.resume")))
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := f.validate(c); err != nil {
			return err
		}
		return a.runCompare(c.Context(), c, &f, args)
	}
	return c
}

func (f *compareFlags) validate(c *cobra.Command) error {
	for _, m := range f.measure {
		if !slices.Contains([]string{measureSize, measureModules, measureStartup, measureBuild}, m) {
			return fault.UsageError(i18n.M("compare.measure", m), i18n.M("compare.measure.hint"))
		}
	}
	number := func(flag string, value any, ok bool) error {
		if ok {
			return nil
		}
		return fault.UsageError(i18n.M("compare.number", flag, value), i18n.M("compare.number.hint"))
	}
	precision, perr := parsePercent(f.precision)
	for _, err := range []error{
		number("runs", f.runs, f.runs >= 2 && f.runs <= compare.MaxRuns),
		number("max-runs", f.most, f.most >= f.runs && f.most <= compare.MaxRuns || !c.Flags().Changed("max-runs")),
		number("build-runs", f.buildRuns, f.buildRuns >= 1 && f.buildRuns <= 100),
		number("warmup", f.warmup, f.warmup >= 0 && f.warmup <= compare.MaxRuns),
		number("precision", f.precision, perr == nil && precision > 0 && precision < 1),
		number("time-limit", f.limit, f.limit >= 0),
		number("start-timeout", f.startTimeout, f.startTimeout > 0),
		number("until", f.until, slices.Contains([]string{"", string(compare.UntilReady), string(compare.UntilListening), string(compare.UntilExit)}, f.until)),
	} {
		if err != nil {
			return err
		}
	}
	f.most = max(f.most, f.runs)
	files := map[string]string{}
	for flag, name := range map[string]string{"html": f.html, "csv": f.csv, "save": f.save} {
		if name == "" {
			continue
		}
		if other, ok := files[filepath.Clean(name)]; ok {
			return fault.UsageError(i18n.M("compare.file", min(flag, other), max(flag, other)), i18n.M("compare.number.hint"))
		}
		files[filepath.Clean(name)] = flag
	}
	if _, err := f.pictureFiles(); err != nil {
		return err
	}
	return nil
}

// pictureFiles reads --picture NAME=FILE.
func (f *compareFlags) pictureFiles() ([][2]string, error) {
	var out [][2]string
	for _, p := range f.pictures {
		name, file, ok := strings.Cut(p, "=")
		if !ok || file == "" || !slices.Contains(compare.PictureNames(), name) {
			return nil, fault.UsageError(i18n.M("compare.picture", p), i18n.M("compare.picture.hint", strings.Join(compare.PictureNames(), ", ")))
		}
		out = append(out, [2]string{name, file})
	}
	return out, nil
}

func (f *compareFlags) wants(measure string) bool { return slices.Contains(f.measure, measure) }

func (a *app) runCompare(ctx context.Context, c *cobra.Command, f *compareFlags, args []string) error {
	began := time.Now()
	if len(f.from) > 0 {
		r, err := a.savedResults(c, f, args)
		if err != nil {
			return err
		}
		return a.showCompare(r, f)
	}
	axes, err := a.compareAxesOf(f, args)
	if err != nil {
		return err
	}
	if f.seed == 0 {
		f.seed = rand.Uint64() >> 11 // exact in a JSON number
	}
	r := &compare.Result{
		SchemaVersion: compare.SchemaVersion, Slipway: ownVersion().Version, Subject: strings.Join(args, " "),
		Began: began.UTC().Truncate(time.Second), Axes: axes, Machine: compare.ReadMachine(),
		Method: compare.Method{Confidence: 0.95, Alpha: 0.05},
	}
	for _, b := range f.bandwidths {
		bw, err := compare.ParseBandwidth(b)
		if err != nil {
			return err
		}
		r.Bandwidths = append(r.Bandwidths, bw)
	}
	if err := a.measureCells(ctx, r, f); err != nil {
		return err
	}
	r.Seconds = time.Since(began).Seconds()
	r.Conclude()
	return a.showCompare(r, f)
}

// savedResults reads what --from names.
func (a *app) savedResults(c *cobra.Command, f *compareFlags, args []string) (*compare.Result, error) {
	if len(args) > 0 || f.resume != "" {
		return nil, fault.UsageError(i18n.M("compare.from.args"), i18n.M("compare.number.hint"))
	}
	for _, x := range compareAxes {
		if c.Flags().Changed(x.name) {
			return nil, fault.UsageError(i18n.M("compare.from.args"), i18n.M("compare.number.hint"))
		}
	}
	var all *compare.Result
	for _, name := range f.from {
		r, err := a.savedResult(name)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = r
			continue
		}
		if !all.Merge(r) {
			return nil, fault.UsageError(i18n.M("compare.from.axes", name, f.from[0]), i18n.M("compare.from.hint"))
		}
	}
	if c.Flags().Changed("bandwidth") {
		all.Bandwidths = nil
		for _, b := range f.bandwidths {
			bw, err := compare.ParseBandwidth(b)
			if err != nil {
				return nil, err
			}
			all.Bandwidths = append(all.Bandwidths, bw)
		}
	}
	all.Conclude()
	return all, nil
}

func (a *app) savedResult(name string) (*compare.Result, error) {
	path := name
	if !filepath.IsAbs(path) {
		dir, err := a.workDir()
		if err != nil {
			return nil, err
		}
		path = filepath.Join(dir, name)
	}
	file, err := os.Open(path)
	if err != nil {
		e := fault.UsageError(i18n.M("compare.from.read", name), i18n.M("compare.from.hint"))
		e.Cause = err
		return nil, e
	}
	defer file.Close()
	r, err := compare.Read(file)
	if v, ok := errors.AsType[*compare.VersionError](err); ok {
		return nil, fault.UsageError(i18n.M("compare.from.version", name, v.Version, compare.SchemaVersion), i18n.M("compare.from.hint"))
	}
	if err != nil {
		e := fault.UsageError(i18n.M("compare.from.bad", name), i18n.M("compare.from.hint"))
		e.Cause = err
		return nil, e
	}
	return r, nil
}

// showCompare writes the files that were asked for, then the result.
func (a *app) showCompare(r *compare.Result, f *compareFlags) error {
	dir, err := a.workDir()
	if err != nil {
		return err
	}
	abs := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	if f.save != "" {
		if err := writeJSON(abs(f.save), r); err != nil {
			return err
		}
	}
	if f.csv != "" {
		if err := writeFile(abs(f.csv), r.WriteCSV); err != nil {
			return err
		}
	}
	if f.html != "" {
		if err := writeFile(abs(f.html), compare.Page{Result: r, Lang: a.lang}.Write); err != nil {
			return err
		}
	}
	pictures, err := f.pictureFiles()
	if err != nil {
		return err
	}
	for _, p := range pictures {
		svg, ok := r.Picture(p[0], a.lang)
		if !ok {
			return fault.UsageError(i18n.M("compare.picture.empty", p[0]), i18n.M("compare.picture.hint", strings.Join(compare.PictureNames(), ", ")))
		}
		if err := writeFile(abs(p[1]), svg); err != nil {
			return err
		}
	}
	if err := a.result(r, compare.Text{Result: r, ASCII: a.terminal(a.stdout) && !a.utf8()}); err != nil {
		return err
	}
	if r.Incomplete {
		a.code = fault.Failed
	}
	return nil
}

// utf8 says whether the terminal shows more than ASCII: a pipe does, and a
// terminal whose locale says so (locale(7)).
func (a *app) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(a.getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}
