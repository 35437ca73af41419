package facts

// GoCommands gives the runs of the go command among cs.
func GoCommands(cs []Command) []GoCommand { return nil }
