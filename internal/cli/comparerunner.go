package cli

import (
	"cmp"
	"context"
	"errors"
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
