package cli

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
	"github.com/slipway-build/slipway/internal/trial"
)

// runFlags are the flags of verify that run what was opened. What is not given
// comes from the section verify of slipway.yaml.
type runFlags struct {
	fs          *pflag.FlagSet
	run, matrix bool
	start       time.Duration
	cpus        float64
}

// runSettings are the flags whose help is that of a key, and how a value is
// written.
var runSettings = []struct {
	flag, key, form string
	list            bool
}{
	{flag: "probe", key: "verify.probe", form: "URL"},
	{flag: "expect-stop", key: "verify.expectStop", form: "10s"},
	{flag: "slow", key: "verify.slow", form: "URL"},
	{flag: "reload", key: "verify.reload", form: "SIGNAL"},
	{flag: "runner", key: "verify.runner", form: strings.Join(sandbox.Names(), "|")},
	{flag: "memory", key: "verify.memory", form: "64MiB"},
	{flag: "env", key: "verify.env", form: "KEY=VALUE", list: true},
	{flag: "arg", key: "verify.args", form: "ARG", list: true},
	{flag: "reach", key: "verify.reach", form: "NAME:PORT=ADDRESS:PORT", list: true},
	{flag: "egress", key: "verify.egress", form: "HOST[:PORT]", list: true},
}

// clause makes part of a line of help of a sentence of the reference.
func clause(s string) string {
	s = strings.NewReplacer("`", "").Replace(strings.TrimRight(s, ".。"))
	if len(s) > 1 && 'A' <= s[0] && s[0] <= 'Z' && 'a' <= s[1] && s[1] <= 'z' {
		s = strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// one is the value of a flag of runSettings, and list those of one that may be
// repeated.
func (f *runFlags) one(name string) string { return f.fs.Lookup(name).Value.String() }

func (f *runFlags) list(name string) []string {
	return f.fs.Lookup(name).Value.(choice).Value.(pflag.SliceValue).GetSlice()
}

// runStage adds the flags, and gives the stage that they ask for.
func (a *app) runStage(fs *pflag.FlagSet) verifyStage {
	f := &runFlags{}
	fs.BoolVar(&f.run, "run", false, a.say(i18n.M("verifyrun.flag.run")))
	fs.BoolVar(&f.matrix, "matrix", false, a.say(i18n.M("verifyrun.flag.matrix")))
	fs.DurationVar(&f.start, "expect-start", trial.DefaultStart, a.say(i18n.M("verifyrun.flag.with", a.say(i18n.M("verifyrun.flag.start")))))
	fs.Float64Var(&f.cpus, "cpus", 0, a.say(i18n.M("verifyrun.flag.with", a.say(i18n.M("verifyrun.flag.cpus")))))
	for _, x := range runSettings {
		usage := clause(a.say(config.Describe(x.key)))
		if x.list {
			fs.StringArray(x.flag, nil, a.say(i18n.M("verifyrun.flag.with", usage)))
		} else {
			fs.String(x.flag, "", a.say(i18n.M("verifyrun.flag.with", usage)))
		}
		given := fs.Lookup(x.flag)
		given.Value, given.DefValue = choice{given.Value, x.form}, ""
	}
	f.fs = fs
	return f.stage(a)
}

// stage runs every subject that can run here.
func (f *runFlags) stage(a *app) verifyStage {
	return func(ctx context.Context, v *verification) error {
		if !f.run && !f.matrix {
			return f.unused()
		}
		o, more, err := f.options(a)
		if err != nil {
			return err
		}
		if err := o.Runner.Check(ctx); err != nil {
			return err
		}
		if err := sandbox.Sweep(ctx, sandbox.Options{Env: a.env}); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
		for _, s := range v.subjects {
			if err := a.runSubject(ctx, v, s, o, more); err != nil {
				return err
			}
		}
		return nil
	}
}

// unused refuses flags that say how to run what is not run.
func (f *runFlags) unused() error {
	for _, name := range []string{"expect-start", "cpus"} {
		if f.fs.Changed(name) {
			return fault.UsageError(i18n.M("verifyrun.only", "--"+name), i18n.M("verifyrun.only.hint"))
		}
	}
	for _, x := range runSettings {
		if f.fs.Changed(x.flag) {
			return fault.UsageError(i18n.M("verifyrun.only", "--"+x.flag), i18n.M("verifyrun.only.hint"))
		}
	}
	return nil
}

// surroundings are what the user adds to those of the image.
type surroundings struct {
	env  []string
	args []string // nil: those of the image
}

// options joins flags and settings.
func (f *runFlags) options(a *app) (trial.Options, surroundings, error) {
	var more surroundings
	dir, err := a.workDir()
	if err != nil {
		return trial.Options{}, more, err
	}
	if f.cpus < 0 {
		return trial.Options{}, more, fault.UsageError(i18n.M("verifyrun.negative", "--cpus", f.cpus), i18n.M("cli.usage.hint", "slipway verify"))
	}
	if f.start <= 0 {
		return trial.Options{}, more, fault.UsageError(i18n.M("verifyrun.negative", "--expect-start", f.start), i18n.M("cli.usage.hint", "slipway verify"))
	}
	given, names := map[string]string{}, map[string]string{}
	for _, x := range runSettings {
		names[x.key] = "--" + x.flag
		if !x.list && f.one(x.flag) != "" {
			given[x.key] = f.one(x.flag)
		}
	}
	settings, err := a.settingsNamed(dir, given, names)
	if err != nil {
		return trial.Options{}, more, err
	}
	c := settings.Config.Verify
	o := trial.Options{Start: f.start, Reload: c.Reload, CPUs: f.cpus, Reach: map[string]string{}, Variations: f.matrix}
	name := c.Runner
	if name == "" {
		name = sandbox.Names()[0]
	}
	var ok bool
	if o.Runner, ok = sandbox.New(name, sandbox.Options{Env: a.env}); !ok {
		return o, more, fault.UsageError(i18n.M("verifyrun.runner", name), i18n.M("verifyrun.runner.hint", strings.Join(sandbox.Names(), ", ")))
	}
	if o.Probe, err = probeOf(c.Probe); err != nil {
		return o, more, err
	}
	if o.Slow, err = probeOf(c.Slow); err != nil {
		return o, more, err
	}
	if c.ExpectStop != "" {
		if o.Stop, err = time.ParseDuration(c.ExpectStop); err != nil {
			return o, more, fault.UsageError(i18n.M("verifyrun.duration", c.ExpectStop), i18n.M("config.form.duration"))
		}
	}
	if o.Memory, err = parseBytes(c.Memory); err != nil {
		return o, more, err
	}
	maps.Copy(o.Reach, c.Reach)
	for _, r := range f.list("reach") {
		at, addr, ok := strings.Cut(r, "=")
		if _, _, err := net.SplitHostPort(at); !ok || err != nil {
			return o, more, fault.UsageError(i18n.M("verifyrun.reach", r), i18n.M("verifyrun.reach.hint"))
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return o, more, fault.UsageError(i18n.M("verifyrun.reach", r), i18n.M("verifyrun.reach.hint"))
		}
		o.Reach[at] = addr
	}
	o.Allow = slices.Concat(c.Egress, f.list("egress"))
	for _, k := range sortedKeys(c.Env) {
		more.env = append(more.env, k+"="+c.Env[k])
	}
	for _, kv := range f.list("env") {
		if k, _, ok := strings.Cut(kv, "="); !ok || k == "" {
			return o, more, fault.UsageError(i18n.M("verifyrun.env", kv), i18n.M("verifyrun.env.hint"))
		}
		more.env = append(more.env, kv)
	}
	if more.args = c.Args; len(f.list("arg")) > 0 {
		more.args = f.list("arg")
	}
	if f.matrix {
		o.Slipway = staticSelf()
		o.Matrix, err = matrixOf(c.Matrix)
	}
	return o, more, err
}

func matrixOf(c config.VerifyMatrix) (*trial.Matrix, error) {
	m := &trial.Matrix{Databases: c.Databases}
	for _, p := range []struct {
		to   **trial.Probe
		from string
	}{{&m.DNS, c.DNS}, {&m.TLS, c.TLS}, {&m.DB, c.DB}, {&m.Time, c.Time}, {&m.Tmp, c.Tmp}, {&m.User, c.User}} {
		var err error
		if *p.to, err = probeOf(p.from); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func probeOf(s string) (*trial.Probe, error) {
	if s == "" {
		return nil, nil
	}
	return trial.ParseProbe(s)
}

// parseBytes reads 64MiB.
func parseBytes(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	num, unit := s, int64(1)
	for suffix, u := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			num, unit = n, u
		}
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(num, "B"), 10, 40)
	if err != nil || n <= 0 || n > 1<<50/unit {
		return 0, fault.UsageError(i18n.M("verifyrun.memory", s), i18n.M("config.form.memory"))
	}
	return n * unit, nil
}

// staticSelf is the path of this program if it runs on any root file system.
func staticSelf() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := binary.Open(exe)
	if err != nil || f.Format != binary.ELF || f.Interp != "" || len(f.Needed) > 0 {
		return ""
	}
	return exe
}
