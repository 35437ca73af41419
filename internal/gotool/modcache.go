package gotool

import (
	"path/filepath"
	"runtime"
)

// ModCache gives the directory of the module cache as `go env GOMODCACHE`
// would, without running it: GOMODCACHE and GOPATH from the environment, else
// from the GOENV file, else below the user's home. "" if nothing says where.
// See https://go.dev/ref/mod#environment-variables.
func ModCache(environ []string) string {
	env := parseEnviron(environ)
	file := readEnvFile(firstOf(env["GOENV"], goEnvFile(env)))
	if dir := firstOf(env["GOMODCACHE"], file["GOMODCACHE"]); dir != "" {
		return dir
	}
	for _, p := range filepath.SplitList(firstOf(env["GOPATH"], file["GOPATH"])) {
		if p != "" {
			return filepath.Join(p, "pkg", "mod")
		}
	}
	if h := home(env); h != "" {
		return filepath.Join(h, "go", "pkg", "mod")
	}
	return ""
}

func home(env map[string]string) string {
	if runtime.GOOS == "windows" {
		return env["USERPROFILE"]
	}
	return env["HOME"]
}

// goEnvFile is where the go command keeps its settings, below what
// os.UserConfigDir would give.
func goEnvFile(env map[string]string) string {
	dir := ""
	switch h := home(env); {
	case runtime.GOOS == "windows":
		dir = firstOf(env["AppData"], env["APPDATA"])
	case runtime.GOOS == "darwin" && h != "":
		dir = filepath.Join(h, "Library", "Application Support")
	case env["XDG_CONFIG_HOME"] != "":
		dir = env["XDG_CONFIG_HOME"]
	case h != "":
		dir = filepath.Join(h, ".config")
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "go", "env")
}
