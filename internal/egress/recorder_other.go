//go:build !linux

package egress

import (
	"context"
	"fmt"

	"github.com/slipway-build/slipway/internal/sandbox"
)

// Start puts the world outside around a network of its own. It is
// sandbox.ErrUnsupported where that cannot be done.
func Start(context.Context, sandbox.Network, Options) (*Recorder, error) {
	return nil, fmt.Errorf("record calls: %w: only Linux has network namespaces", sandbox.ErrUnsupported)
}
