package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func newRunner(name string, o Options) Runner {
	switch name {
	case "runc":
		return Runc{Program: lookPath(o.Env, "runc")}
	case "docker":
		return Docker{Host: variable(o.Env, "DOCKER_HOST")}
	}
	return Namespaces{}
}

// lookPath finds a program in the PATH of env, where root's programs are too.
func lookPath(env []string, name string) string {
	for _, dir := range append(filepath.SplitList(variable(env, "PATH")), "/usr/sbin", "/sbin") {
		p := filepath.Join(dir, name)
		if fi, err := os.Stat(p); filepath.IsAbs(dir) && err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return p
		}
	}
	return ""
}

// variable is the last value of a variable in env.
func variable(env []string, name string) string {
	for _, e := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}
