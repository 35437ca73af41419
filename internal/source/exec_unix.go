//go:build unix

package source

import (
	"os/exec"
	"syscall"
)

// isolate starts the command in a session of its own: without a terminal no
// helper of it, such as ssh, can ask for a password, and all of them end
// together with it.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
