package sandbox

import "slices"

// Options are what runners need to know of the run of slipway.
type Options struct {
	Env []string // as of os.Environ: PATH to find runc in, DOCKER_HOST
	// Docker has Sweep look into the Docker engine too, which it does not
	// otherwise: that may be far away.
	Docker bool
}

// Names are the names of the runners, the default first.
func Names() []string { return []string{"namespaces", "runc", "docker"} }

// New gives a runner by its name; false if there is none of that name. Its
// Check says whether it works here.
func New(name string, o Options) (Runner, bool) {
	if !slices.Contains(Names(), name) {
		return nil, false
	}
	return newRunner(name, o), true
}
