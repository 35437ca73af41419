// Package cli is the command line: one file per command, each of which reads
// its flags, calls the stages and hands what came out to a renderer. Nothing
// is decided here that another program could want to decide the same way.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
)

// app is one run of slipway.
type app struct {
	env            []string
	stdin          io.Reader
	stdout, stderr io.Writer
	lang           i18n.Lang
	rep            *report.Reporter
	code           int // exit code of a command that did what it was asked to

	// Flags of every command.
	langFlag string
	json     bool
	dir      string
	config   string
	offline  bool

	probeRoot string // whose files the probes read
}

// knownEnv are the variables that begin with SLIPWAY_ and are no setting of
// slipway.yaml.
var knownEnv = []string{"SLIPWAY_LANG", "SLIPWAY_CACHE", "SLIPWAY_E2E"}

// Run carries out one command line and gives the exit code. args is without
// the program's name, env as from os.Environ.
func Run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{env: env, stdin: stdin, stdout: stdout, stderr: stderr}
	a.early(args)
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		if lang, ok := errors.AsType[*i18n.LangError](err); ok {
			err = fault.UsageError(lang.Message(), lang.Hint())
		}
		if ctx.Err() != nil && fault.ExitCode(err) == fault.Failed {
			err = fault.New(nil, i18n.M("cli.interrupted"), i18n.Message{})
		}
		if werr := a.rep.Fail(err); werr != nil {
			fmt.Fprintln(stderr, "slipway:", werr)
		}
	}
	a.rep.Close()
	if err == nil {
		return a.code
	}
	return fault.ExitCode(err)
}

// early reads the flags that decide how even a usage error is shown, before
// the command line is parsed.
func (a *app) early(args []string) {
	lang := ""
	for i, arg := range args {
		switch v, isLang := strings.CutPrefix(arg, "--lang="); {
		case isLang:
			lang = v
		case arg == "--lang" && i+1 < len(args):
			lang = args[i+1]
		case arg == "--json" || arg == "--json=true":
			a.json = true
		case arg == "--":
			a.reporter(lang)
			return
		}
	}
	a.reporter(lang)
}

func (a *app) reporter(lang string) {
	// An unknown language is reported once the flags are parsed.
	a.lang, _ = i18n.Choose(lang, a.env)
	o := report.Options{
		Stdout: a.stdout, Stderr: a.stderr, JSON: a.json, Lang: a.lang,
		TTY: a.terminal(a.stderr), StdoutTTY: a.terminal(a.stdout), Color: a.getenv("NO_COLOR") == "",
	}
	for _, w := range []io.Writer{a.stdout, a.stderr} {
		if f, ok := w.(*os.File); ok && a.terminal(w) {
			o.Size = func() (int, int) {
				width, height, _ := term.GetSize(int(f.Fd())) // zero values ask for the defaults
				return width, height
			}
		}
	}
	a.rep = report.New(o)
}

// terminal reports whether w understands escape sequences.
func (a *app) terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && a.getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "slipway",
		Short:         a.say(i18n.M("cli.root.short")),
		Long:          a.say(i18n.M("cli.root.long")),
		SilenceErrors: true,
		SilenceUsage:  true,
		// Letters that may differ from a command's name for it to be suggested.
		SuggestionsMinimumDistance: 2,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			_, err := i18n.Choose(a.langFlag, a.env)
			return err
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.langFlag, "lang", "", a.say(i18n.M("cli.flag.lang")))
	f.BoolVar(&a.json, "json", false, a.say(i18n.M("cli.flag.json")))
	f.StringVarP(&a.dir, "chdir", "C", "", a.say(i18n.M("cli.flag.chdir")))
	f.StringVar(&a.config, "config", "", a.say(i18n.M("cli.flag.config")))
	f.BoolVar(&a.offline, "offline", false, a.say(i18n.M("cli.flag.offline")))
	root.SetFlagErrorFunc(flagFault)
	root.AddCommand(a.ship(), a.check(), a.verify(), a.rootfsCommand(), a.planCommand(), a.build(), a.configCommand(), a.rulesCommand(), a.explainCommand(), a.compareCommand(), a.version())
	root.AddCommand(a.probe(), a.inject(), a.installSelf())
	a.localise(root)
	return root
}

// say puts a message into the user's language.
func (a *app) say(m i18n.Message) string { return m.In(a.lang) }

func (a *app) getenv(key string) string {
	for i := len(a.env) - 1; i >= 0; i-- {
		if k, v, _ := strings.Cut(a.env[i], "="); k == key {
			return v
		}
	}
	return ""
}

// workDir gives the directory the command works in, absolute.
func (a *app) workDir() (string, error) {
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return "", fault.UsageError(i18n.M("cli.chdir", a.dir), i18n.Message{})
	}
	return dir, nil
}

// cacheDir gives the directory in which everything that can be made again is
// kept: SLIPWAY_CACHE, or slipway below the user's cache directory.
func (a *app) cacheDir() (string, error) {
	if dir := a.getenv("SLIPWAY_CACHE"); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", fault.UsageError(i18n.M("cli.cache.relative", dir), i18n.M("cli.cache.hint"))
		}
		return dir, nil
	}
	base, home := a.getenv("XDG_CACHE_HOME"), a.getenv("HOME")
	switch {
	case runtime.GOOS == "windows":
		base = a.getenv("LocalAppData")
	case runtime.GOOS == "darwin" && home != "":
		base = filepath.Join(home, "Library", "Caches")
	case !filepath.IsAbs(base) && home != "":
		base = filepath.Join(home, ".cache")
	}
	if !filepath.IsAbs(base) {
		return "", fault.UsageError(i18n.M("cli.cache.none"), i18n.M("cli.cache.hint"))
	}
	return filepath.Join(base, "slipway"), nil
}
