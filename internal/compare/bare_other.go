//go:build !unix

package compare

import (
	"os"
	"os/exec"
	"time"

	"github.com/slipway-build/slipway/internal/sandbox"
)

func ownGroup(*exec.Cmd) {}

func killGroup(c *exec.Cmd) { _ = c.Process.Kill() }

func exitOf(p *os.ProcessState, at time.Time) (sandbox.Exit, error) {
	if p == nil {
		return sandbox.Exit{}, os.ErrProcessDone
	}
	return sandbox.Exit{Code: p.ExitCode(), At: at, User: p.UserTime(), System: p.SystemTime()}, nil
}
