package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/source"
)

// session is a project that has been read and planned.
type session struct {
	dir    string // working directory
	cache  string
	goCmd  *gotool.Go
	tree   *source.Tree
	config config.Config
	output string // directory for results, absolute
	facts  facts.Facts
	plan   plan.Plan
	inputs map[string]string // by target
}

// open finds the go command and the project, and loads its settings.
func (a *app) open(ctx context.Context, args []string, flags map[string]string) (*session, error) {
	dir, err := a.workDir()
	if err != nil {
		return nil, err
	}
	cache, err := a.cacheDir()
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"memo", "build", "layers"} {
		if err := os.MkdirAll(filepath.Join(cache, sub), 0o755); err != nil {
			return nil, fault.New(err, i18n.M("cli.cache.make", cache), i18n.M("cli.cache.hint"))
		}
	}
	s := &session{dir: dir, cache: cache}
	if s.goCmd, err = gotool.Find(ctx, a.env, filepath.Join(cache, "memo")); err != nil {
		return nil, err
	}
	s.goCmd.Offline = a.offline
	o := source.Options{Dir: dir, Go: s.goCmd, Env: a.env, Offline: a.offline}
	if s.tree, err = source.Open(ctx, o, args); err != nil {
		return nil, err
	}
	// The settings of a module from the proxy are the caller's, not those its
	// author left in the module.
	settingsDir := s.tree.Root
	if s.tree.Kind == source.KindModule {
		settingsDir = dir
	}
	settings, err := a.settings(settingsDir, flags)
	if err != nil {
		return nil, err
	}
	s.config = settings.Config
	if s.output, err = filepath.Abs(filepath.Join(dir, s.config.Output)); err != nil {
		return nil, fmt.Errorf("name the output directory: %w", err)
	}
	if filepath.IsAbs(s.config.Output) {
		s.output = filepath.Clean(s.config.Output)
	}
	s.tree.Exclude(s.output)
	return s, nil
}

func (a *app) settings(dir string, flags map[string]string) (config.Settings, error) {
	return a.settingsNamed(dir, flags, flagNames)
}

// settingsNamed is settings for a command that has flags of its own for keys.
func (a *app) settingsNamed(dir string, flags, names map[string]string) (config.Settings, error) {
	wd, err := a.workDir()
	if err != nil {
		return config.Settings{}, err
	}
	file := a.config
	if file != "" && !filepath.IsAbs(file) {
		file = filepath.Join(wd, file)
	}
	return config.Load(config.Input{Dir: dir, Base: wd, File: file, Env: a.env, KnownEnv: knownEnv, Flags: flags, FlagNames: names})
}

// prepare opens the project, reads its facts and makes the plan.
func (a *app) prepare(ctx context.Context, args []string, flags map[string]string) (*session, error) {
	s, err := a.open(ctx, args, flags)
	if err != nil {
		return nil, err
	}
	var rev source.Revision
	eg, ectx := errgroup.WithContext(ctx)
	eg.Go(func() (err error) {
		rev, err = s.tree.Revision(ectx)
		return err
	})
	eg.Go(func() error { return s.readFacts(ectx, len(args) > 0) })
	if err := eg.Wait(); err != nil {
		return nil, err
	}
	for _, n := range rev.Notes {
		a.rep.Warn(n)
	}
	s.facts.Source = facts.Source(rev.State)
	if s.plan, err = plan.Make(s.facts, s.config); err != nil {
		need, ok := errors.AsType[*plan.NeedFacts](err)
		if !ok {
			return nil, a.pinHint(ctx, s.config.Image.Base, err)
		}
		if err := s.readGraph(ctx, need.Targets, true); err != nil {
			return nil, err
		}
		if s.plan, err = plan.Make(s.facts, s.config); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readFacts reads everything but the revision.
func (s *session) readFacts(ctx context.Context, chosen bool) error {
	var err error
	s.facts, err = facts.Read(facts.ReadOptions{
		Go: s.goCmd, Root: s.tree.Root, WorkFile: s.tree.WorkFile,
		Platforms: plan.Wanted(s.config),
	})
	if err != nil {
		return err
	}
	if !chosen {
		if err := s.choosePrograms(); err != nil {
			return err
		}
	}
	platforms, err := plan.Targets(s.facts, s.config)
	if err != nil {
		return err
	}
	return s.readGraph(ctx, platforms, s.config.Build.CGO == "on")
}

// choosePrograms decides which packages are meant when none was named: those
// of slipway.yaml, the one in this directory, or the only one there is.
func (s *session) choosePrograms() error {
	if len(s.config.Main) > 0 {
		s.tree.Patterns = s.config.Main
		return nil
	}
	here := filepath.Join(s.tree.Root, filepath.FromSlash(s.tree.Patterns[0]))
	if ok, err := facts.IsMain(here); err == nil && ok {
		return nil
	}
	mains, err := facts.FindMains(here)
	if err != nil {
		return err
	}
	switch len(mains) {
	case 0:
		return fault.UsageError(i18n.M("cli.main.none", here), i18n.M("cli.main.none.hint"))
	case 1:
		s.tree.Patterns = mains
		return nil
	}
	return severalMains(mains)
}

func severalMains(mains []string) error {
	const shown = 12
	list := mains[:min(shown, len(mains))]
	e := fault.UsageError(i18n.M("cli.main.several", len(mains)), i18n.M("cli.main.several.hint", list[0]))
	for _, m := range list {
		e.Detail += m + "\n"
	}
	if len(mains) > shown {
		e.Detail += "…\n"
	}
	return e
}

// readGraph reads the package graph for the platforms and keeps the programs.
func (s *session) readGraph(ctx context.Context, platforms []plan.Platform, cgo bool) error {
	toolchain, err := plan.Toolchain(s.facts, s.config)
	if err != nil {
		return err
	}
	o := facts.GraphOptions{
		Go: s.goCmd, Root: s.tree.Root, WorkFile: s.tree.WorkFile, Patterns: s.tree.Patterns,
		Tags: s.config.Build.Tags, MemoDir: filepath.Join(s.cache, "memo"), Std: toolchain + " " + s.goCmd.Settings.Identity,
	}
	for _, p := range platforms {
		recipe := plan.Recipe(s.facts, s.config, p, toolchain, cgo)
		// The only variable that changes with every commit; no package graph
		// depends on it.
		delete(recipe, "SOURCE_DATE_EPOCH")
		o.Targets = append(o.Targets, facts.TargetOptions{Platform: p.String(), CgoOn: cgo, Recipe: recipe})
	}
	g, err := facts.ReadGraph(ctx, o)
	if err != nil {
		// Whoever ships a module of somebody else cannot tidy it.
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Hint.ID == "facts.list.tidy.hint" && s.tree.Kind == source.KindModule {
			f.Hint = i18n.M("cli.module.sums.hint")
		}
		return err
	}
	if len(g.Programs) == 0 {
		return s.noProgram()
	}
	s.facts.Programs = slices.DeleteFunc(s.facts.Programs, func(p facts.Program) bool {
		return p.CgoOn == cgo && slices.ContainsFunc(platforms, func(q plan.Platform) bool { return q.String() == p.Target })
	})
	s.facts.Programs = append(s.facts.Programs, g.Programs...)
	if s.inputs == nil {
		s.inputs = map[string]string{}
	}
	maps.Copy(s.inputs, g.Inputs)
	return nil
}

// noProgram says that what was chosen is a library, and what could be chosen.
func (s *session) noProgram() error {
	mains, err := facts.FindMains(s.tree.Root)
	if err != nil || len(mains) == 0 {
		return fault.UsageError(i18n.M("cli.main.none", s.tree.Arg), i18n.M("cli.main.none.hint"))
	}
	e := fault.UsageError(i18n.M("cli.main.library", s.tree.Arg), i18n.M("cli.main.several.hint", mains[0]))
	for _, m := range mains[:min(12, len(mains))] {
		e.Detail += m + "\n"
	}
	return e
}

// pinHint completes the error about a base reference without a digest with
// the digest it stands for now, if its registry says so.
func (a *app) pinHint(ctx context.Context, ref string, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Msg.ID != "plan.base.unpinned" || a.offline {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	digest, _, rerr := image.ResolveReference(ctx, a.remote(), ref)
	if rerr != nil {
		return err
	}
	f.Hint = i18n.M("cli.base.pin", ref, digest)
	return f
}
