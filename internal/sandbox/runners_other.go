//go:build !linux

package sandbox

import (
	"context"
	"runtime"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// elsewhere is every runner on systems that have no namespaces.
type elsewhere string

func newRunner(name string, _ Options) Runner { return elsewhere(name) }

func (e elsewhere) Name() string { return string(e) }

func (e elsewhere) Check(context.Context) error {
	return fault.New(ErrUnsupported, i18n.M("sandbox.elsewhere", runtime.GOOS), i18n.M("sandbox.elsewhere.hint"))
}

func (e elsewhere) Prepare(ctx context.Context, _ Spec) (Box, error) { return nil, e.Check(ctx) }

// Sweep has nothing to do where nothing can have been left.
func Sweep(context.Context, Options) error { return nil }
