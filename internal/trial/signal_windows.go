package trial

import (
	"fmt"
	"os"

	"github.com/slipway-build/slipway/internal/sandbox"
)

func parseSignal(s string) (os.Signal, error) {
	return nil, fmt.Errorf("signal %s: %w: Windows has no signals", s, sandbox.ErrUnsupported)
}

func signalNumber(os.Signal) int { return 0 }
