package cli

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// build is ship without images.
func (a *app) build() *cobra.Command {
	var planFile string
	var fresh bool
	c := &cobra.Command{
		Use:     "build [" + a.say(i18n.M("cli.arg.package")) + "...]",
		Short:   a.say(i18n.M("cli.build.short")),
		Long:    a.say(i18n.M("cli.build.long")),
		Example: "  slipway build ./cmd/api --target linux/arm64\n  slipway build --plan plan.json",
	}
	settings := a.settingFlags(c)
	c.Flags().StringVar(&planFile, "plan", "", a.say(i18n.M("cli.flag.plan")))
	c.Flags().BoolVar(&fresh, "fresh", false, a.say(i18n.M("cli.flag.fresh")))
	c.RunE = func(c *cobra.Command, args []string) error {
		start := time.Now()
		keys, err := settings()
		if err != nil {
			return err
		}
		s, err := a.planned(c.Context(), args, keys, planFile)
		if err != nil {
			return err
		}
		doc, err := a.runBuild(c.Context(), s, fresh)
		if err != nil {
			return err
		}
		doc.Run.Seconds = time.Since(start).Seconds()
		return a.result(doc, a.shipTable(s, doc))
	}
	return c
}

func (a *app) runBuild(ctx context.Context, s *session, fresh bool) (_ *shipDoc, err error) {
	bins, err := build.Run(ctx, build.Options{
		Go: s.goCmd, Root: s.tree.Root, Plan: s.plan, Inputs: s.inputs, Fresh: fresh,
		CacheDir: filepath.Join(s.cache, "build"), Observer: a.rep,
	})
	if err != nil {
		return nil, err
	}
	if err := a.judge(bins); err != nil {
		return nil, err
	}
	_, statErr := os.Stat(s.output)
	defer func() {
		if err != nil && os.IsNotExist(statErr) {
			os.RemoveAll(s.output)
		}
	}()
	staged, err := build.Stage(ctx, filepath.Join(s.output, "bin"), bins)
	if err != nil {
		return nil, err
	}
	defer staged.Discard()
	if bins, err = staged.Commit(); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(s.output, "plan.json"), s.plan); err != nil {
		return nil, err
	}
	doc := &shipDoc{
		SchemaVersion: shipSchema, Slipway: ownVersion().Version, Module: s.plan.Module, Version: s.plan.Version,
		Source: s.plan.Source, Toolchain: s.plan.Toolchain, Run: &shipRun{Output: s.output},
	}
	byTarget := map[plan.Platform]int{}
	for _, b := range bins {
		i, ok := byTarget[b.Platform]
		if !ok {
			i = len(doc.Targets)
			byTarget[b.Platform] = i
			doc.Targets = append(doc.Targets, shipTarget{Platform: b.Platform.String()})
		}
		t := &doc.Targets[i]
		t.took = max(t.took, b.Took)
		b.Path, b.Debug = relative(s.output, b.Path), relative(s.output, b.Debug)
		doc.Findings = append(doc.Findings, b.Findings...)
		b.Findings = nil
		t.Binaries = append(t.Binaries, b)
	}
	finding.Sort(doc.Findings)
	return doc, nil
}
