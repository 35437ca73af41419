//go:build unix

package compare

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/slipway-build/slipway/internal/sandbox"
)

// ownGroup puts the program into a process group of its own, so that nothing
// it starts outlives the measuring.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }

func exitOf(p *os.ProcessState, at time.Time) (sandbox.Exit, error) {
	if p == nil {
		return sandbox.Exit{}, os.ErrProcessDone
	}
	e := sandbox.Exit{Code: p.ExitCode(), At: at, User: p.UserTime(), System: p.SystemTime()}
	if w, ok := p.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		e.Signal = w.Signal().String()
	}
	if r, ok := p.SysUsage().(*syscall.Rusage); ok {
		e.MaxRSS = int64(r.Maxrss)
		if runtime.GOOS != "darwin" { // kilobytes everywhere but there (getrusage(2))
			e.MaxRSS <<= 10
		}
	}
	return e, nil
}
