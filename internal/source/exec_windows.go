package source

import "os/exec"

// isolate leaves the default: a cancelled command is killed.
func isolate(*exec.Cmd) {}
