package sandbox

import (
	"os"
	"path/filepath"
	"strings"
)

func newRunner(name string, o Options) Runner {
	if name == "runc" {
		return Runc{Program: lookPath(o.Env, "runc")}
	}
	return Namespaces{}
}

// lookPath finds a program in the PATH of env, where root's programs are too.
func lookPath(env []string, name string) string {
	search := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			search = v
		}
	}
	for _, dir := range append(filepath.SplitList(search), "/usr/sbin", "/sbin") {
		p := filepath.Join(dir, name)
		if fi, err := os.Stat(p); filepath.IsAbs(dir) && err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return p
		}
	}
	return ""
}
