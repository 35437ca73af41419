package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// runnerNames are what --runner takes, the preferred one first.
func runnerNames() []string { return append(sandbox.Names(), compare.Bare{}.Name()) }

// compareRunner gives the runner that was asked for. Unless one was, it is the
// first of sandbox that can be used here, or none at all.
func (a *app) compareRunner(ctx context.Context, name string) (sandbox.Runner, error) {
	bare := compare.Bare{}
	if name == bare.Name() {
		return bare, nil
	}
	asked := name != ""
	r, ok := sandbox.New(cmp.Or(name, sandbox.Names()[0]), sandbox.Options{Env: a.env})
	if !ok {
		return nil, fault.UsageError(i18n.M("compare.runner", name), i18n.M("compare.runner.hint", strings.Join(runnerNames(), ", ")))
	}
	err := r.Check(ctx)
	switch {
	case err == nil:
		return r, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case !asked:
		a.rep.Warn(i18n.M("compare.runner.bare", err))
		return bare, nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return nil, f
	}
	return nil, fault.New(err, i18n.M("compare.runner.unusable", name), i18n.M("compare.runner.unusable.hint"))
}

// runnerDocker is the runner that keeps root file systems itself.
const runnerDocker = "docker"

func bare(r sandbox.Runner) bool { return r.Name() == (compare.Bare{}).Name() }

// netOf is the network that a runner starts programs in. A network of its own
// takes a second container in docker, which nobody has who says docker run.
func netOf(r sandbox.Runner) sandbox.NetKind {
	if r.Name() == runnerDocker {
		return sandbox.NetHost
	}
	return sandbox.NetOwn
}

// chooseRunners gives every cell its runner. One that cannot be used here
// leaves out its cells, unless there are no others.
func (cs *cells) chooseRunners(ctx context.Context, all []*built) ([]*built, error) {
	type choice struct {
		runner sandbox.Runner
		err    error
	}
	known := map[string]choice{}
	var usable []*built
	var wrong error
	for _, b := range all {
		c, ok := known[b.spec.runner]
		if !ok {
			c.runner, c.err = cs.a.compareRunner(ctx, b.spec.runner)
			known[b.spec.runner] = c
		}
		if c.err == nil {
			b.runner = c.runner
			usable = append(usable, b)
			continue
		}
		wrong = c.err
		if err := cs.leftOut(ctx, b, c.err); err != nil {
			return nil, err
		}
	}
	if len(usable) == 0 {
		return nil, wrong
	}
	return usable, nil
}

// quickest is the runner that adds least, for the server that does nothing.
func quickest(all []*built) sandbox.Runner {
	order := append([]string{(compare.Bare{}).Name()}, sandbox.Names()...)
	return slices.MinFunc(all, func(a, b *built) int {
		return cmp.Compare(slices.Index(order, a.runner.Name()), slices.Index(order, b.runner.Name()))
	}).runner
}

// holdImages lets an engine import each root file system once, not before each
// start: docker run pulls its image once too. release gives them back.
func (cs *cells) holdImages(ctx context.Context, o *compare.Options) (release func(), err error) {
	var held []sandbox.Box
	release = func() {
		for _, b := range held {
			if err := b.Close(); err != nil {
				cs.a.rep.Warn(i18n.M("compare.runner.left", err))
			}
		}
	}
	starts := o.Starts
	if o.Floor != nil {
		starts = append(slices.Clone(starts), *o.Floor)
	}
	seen := map[string]bool{}
	for _, s := range starts {
		if s.Runner.Name() != runnerDocker || seen[s.Spec.Root] {
			continue
		}
		seen[s.Spec.Root] = true
		box, err := s.Runner.Prepare(ctx, s.Spec)
		if err != nil {
			return release, fmt.Errorf("import a root file system: %w", err)
		}
		held = append(held, box)
	}
	return release, nil
}
