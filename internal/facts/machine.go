package facts

import (
	"context"
	"strings"

	"github.com/slipway-build/slipway/internal/gotool"
)

// Machine is what the go command on this machine is set to.
type Machine struct {
	Vars map[string]MachineVar `json:"vars"` // what go env says
}

// MachineVar is one setting of the go command.
type MachineVar struct {
	Value  string `json:"value"`
	Origin string `json:"origin"` // environment, file, default
	Pos    Pos    `json:"pos,omitzero"`
}

// EnvironmentFile is the file in the Pos of a variable that comes from the
// environment, which no line of a file states.
const EnvironmentFile = "environment"

// ReadMachine asks the go command for its settings in dir, with the user's
// environment. It is the only reader of a Repo that starts a process.
func ReadMachine(ctx context.Context, dir string, environ []string) (*Machine, error) {
	vars, err := gotool.UserEnv(ctx, dir, environ)
	if err != nil {
		return nil, err
	}
	return machineOf(vars, environ, gotool.EnvFile(vars["GOENV"])), nil
}

// machineOf tells where each variable is set. As in cmd/go, an empty variable
// counts as not set and of several lines of the file the last counts
// (cmd/go/internal/cfg, initEnvCache).
func machineOf(vars map[string]string, environ []string, file string) *Machine {
	set := map[string]string{}
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		set[k] = v
	}
	lines := map[string]Line{}
	n := 0
	for l := range strings.Lines(file) {
		n++
		k, v, ok := strings.Cut(strings.TrimRight(l, "\r\n"), "=")
		if ok && k != "" && 'A' <= k[0] && k[0] <= 'Z' {
			lines[k] = Line{v, Pos{File: vars["GOENV"], Line: n, Column: 1}}
		}
	}
	m := &Machine{Vars: map[string]MachineVar{}}
	for k, v := range vars {
		mv := MachineVar{Value: v, Origin: "default"}
		switch {
		case set[k] != "":
			mv.Origin, mv.Pos = "environment", Pos{File: EnvironmentFile}
		case lines[k].Value != "":
			mv.Origin, mv.Pos = "file", lines[k].Pos
		}
		m.Vars[k] = mv
	}
	return m
}
