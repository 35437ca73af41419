package gotool

import (
	"maps"
	"slices"
	"strings"
)

// passed are the variables of the caller that reach the go command because it
// cannot reach caches, proxies or credentials without them. None of them
// changes the bytes that are built.
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP",
	"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "NETRC",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK", "GIT_SSH", "GIT_SSH_COMMAND",
	"GIT_CONFIG_GLOBAL", "GIT_CONFIG_COUNT", "GIT_ASKPASS",
	// Windows cannot start a process or find a directory without these.
	"SystemRoot", "SYSTEMROOT", "USERPROFILE", "LocalAppData", "LOCALAPPDATA", "AppData", "APPDATA", "ComSpec", "PATHEXT",
}

// forwarded are settings of the go command that say where things are and who
// may be asked. They are taken from `go env`, so that a GOENV file counts.
var forwarded = []string{
	"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY",
	"GOPRIVATE", "GOINSECURE", "GOVCS", "GOAUTH", "GOCACHEPROG", "GOTMPDIR",
}

func machineEnv(env map[string]string) map[string]string {
	m := map[string]string{}
	for _, k := range passed {
		if v, ok := env[k]; ok {
			m[k] = v
		}
	}
	for k, v := range env {
		if strings.HasPrefix(k, "GIT_CONFIG_KEY_") || strings.HasPrefix(k, "GIT_CONFIG_VALUE_") {
			m[k] = v
		}
	}
	return m
}

// parseEnviron turns KEY=value pairs into a map; the last of a key counts.
func parseEnviron(environ []string) map[string]string {
	m := make(map[string]string, len(environ))
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok && k != "" {
			m[k] = v
		}
	}
	return m
}

func sortedEnviron(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return out
}
