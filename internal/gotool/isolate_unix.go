//go:build unix

package gotool

import (
	"os/exec"
	"syscall"
)

// isolate puts the command into a process group of its own, so that a
// cancelled build takes its compilers with it: the group is asked to stop
// first, which lets the go command remove its work directory.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
}
