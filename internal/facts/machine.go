package facts

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
