package gotool

import (
	"context"
	"errors"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Root gives the GOROOT of a toolchain such as go1.25.7, which the go command
// downloads through the module proxy if it is not here yet.
func (g *Go) Root(ctx context.Context, toolchain string) (string, error) {
	if toolchain == g.Settings.Version {
		return g.Settings.GOROOT, nil
	}
	out, err := g.Run(ctx, g.Settings.GOROOT, g.Environ(map[string]string{"GOTOOLCHAIN": toolchain, "GOWORK": "off"}), "env", "GOROOT")
	if err != nil {
		f := fault.New(nil, i18n.M("gotool.toolchain", toolchain), i18n.M("gotool.toolchain.hint"))
		if e, ok := errors.AsType[*Error](err); ok {
			f.Detail = e.Stderr
		} else {
			f.Cause = err
		}
		return "", f
	}
	return strings.TrimSpace(string(out)), nil
}
