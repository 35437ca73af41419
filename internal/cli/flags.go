package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// setting is a flag that stands for a key of slipway.yaml.
type setting struct {
	flag  string
	short string
	key   string
	list  bool
}

// settings are the flags of ship, plan and build that lay themselves over
// slipway.yaml. Their help is that of the key.
var settings = []setting{
	{flag: "target", short: "t", key: "targets", list: true},
	{flag: "go", key: "go"},
	{flag: "name", key: "name"},
	{flag: "version", key: "version"},
	{flag: "output", short: "o", key: "output"},
	{flag: "cgo", key: "build.cgo"},
	{flag: "tags", key: "build.tags", list: true},
	{flag: "ldflags", key: "build.ldflags", list: true},
	{flag: "strip", key: "build.strip"},
	{flag: "debug", key: "build.debug"},
	{flag: "fips", key: "build.fips"},
	{flag: "base", key: "image.base"},
	{flag: "user", key: "image.user"},
	{flag: "entrypoint", key: "image.entrypoint", list: true},
	{flag: "compression", key: "image.compression"},
	{flag: "tag", key: "image.tags", list: true},
}

// flagNames gives the flag of each key, for messages.
var flagNames = func() map[string]string {
	m := map[string]string{}
	for _, s := range settings {
		m[s.key] = "--" + s.flag
	}
	return m
}()

// flagOf is how a user gives a key on the command line.
func flagOf(key string) string {
	if f, ok := flagNames[key]; ok {
		return f
	}
	return "--set " + key
}

// flagFault puts what the flag parser says into the user's language.
func flagFault(c *cobra.Command, err error) error {
	hint := i18n.M("cli.usage.hint", c.CommandPath())
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if short := e.GetSpecifiedShortnames(); short != "" {
			return fault.UsageError(i18n.M("cli.flag.unknown", "-"+e.GetSpecifiedName()), hint)
		}
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := config.Nearest(e.GetSpecifiedName(), known); near != "" {
			hint = i18n.M("cli.unknown.near", "--"+near)
		}
		return fault.UsageError(i18n.M("cli.flag.unknown", "--"+e.GetSpecifiedName()), hint)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fault.UsageError(i18n.M("cli.flag.novalue", "--"+e.GetFlag().Name), hint)
	}
	return fault.UsageError(i18n.M("cli.usage", err), hint)
}

// choice is a flag whose help shows the values it can have.
type choice struct {
	pflag.Value
	values string
}

func (c choice) Type() string { return c.values }

// settingFlags adds the flags to a command and gives a function that reads
// those that were given, by key.
func (a *app) settingFlags(c *cobra.Command) func() (map[string]string, error) {
	fs := c.Flags()
	for _, s := range settings {
		usage := a.say(config.Describe(s.key))
		if s.list {
			// Not a StringSlice: that would choke on a bare quote, as in
			// --ldflags="-X 'main.a=b'".
			fs.StringArrayP(s.flag, s.short, nil, usage)
		} else {
			fs.StringP(s.flag, s.short, "", usage)
			if values := config.Choices(s.key); values != nil {
				f := fs.Lookup(s.flag)
				f.Value = choice{f.Value, strings.Join(values, "|")}
			}
		}
	}
	set := fs.StringArray("set", nil, a.say(i18n.M("cli.flag.set")))
	return func() (map[string]string, error) {
		m := map[string]string{}
		for _, kv := range *set {
			k, v, ok := strings.Cut(kv, "=")
			if !ok || k == "" {
				return nil, fault.UsageError(i18n.M("cli.set", kv), i18n.M("cli.set.hint"))
			}
			m[k] = v
		}
		var err error
		fs.Visit(func(f *pflag.Flag) {
			for _, s := range settings {
				if s.flag != f.Name {
					continue
				}
				if s.list {
					var vs, all []string
					if vs, err = fs.GetStringArray(f.Name); err != nil {
						return
					}
					for _, v := range vs {
						items, ok := config.SplitList(v)
						if !ok {
							items = []string{v}
						}
						all = append(all, items...)
					}
					m[s.key] = config.JoinList(all)
				} else {
					m[s.key] = f.Value.String()
				}
			}
		})
		return m, err
	}
}

func (a *app) noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fault.UsageError(i18n.M("cli.noargs", c.CommandPath(), args[0]), i18n.M("cli.usage.hint", c.CommandPath()))
	}
	return nil
}
