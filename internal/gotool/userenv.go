package gotool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// UserEnv gives what `go env` says in dir with the user's own environment,
// with credentials taken out of URLs. Everywhere else the environment is
// stated in full; here the user's settings are what is asked for. Only
// GOTOOLCHAIN is kept from having an effect, so that nothing is fetched; its
// value is given all the same, as far as the environment or the GOENV file
// set it.
func UserEnv(ctx context.Context, dir string, environ []string) (map[string]string, error) {
	env := parseEnviron(environ)
	g := &Go{Path: lookPath("go", env["PATH"])}
	if g.Path == "" {
		return nil, fault.New(nil, i18n.M("gotool.notfound"), i18n.M("gotool.notfound.hint"))
	}
	run := maps.Clone(env)
	run["GOTOOLCHAIN"] = "local"
	out, err := g.Run(ctx, dir, sortedEnviron(run), "env", "-json")
	if err != nil && ctx.Err() == nil {
		// A go.mod that asks for a newer Go makes the go command refuse even
		// this, and so does a GOOS that does not go with GOARCH: what go env -w
		// GOOS=js leaves behind.
		run["GOOS"], run["GOARCH"] = runtime.GOOS, runtime.GOARCH
		out, err = g.Run(ctx, filepath.VolumeName(g.Path)+string(filepath.Separator), sortedEnviron(run), "env", "-json")
	}
	if err != nil {
		f := fault.New(nil, i18n.M("gotool.env", g.Path), i18n.M("gotool.env.hint"))
		if e, ok := errors.AsType[*Error](err); ok {
			f.Detail = e.Stderr
		} else {
			f.Cause = err
		}
		return nil, f
	}
	var vars map[string]string
	if err := json.Unmarshal(out, &vars); err != nil {
		return nil, fmt.Errorf("read output of %s env: %w", g.Path, err)
	}
	file := readEnvFile(vars["GOENV"])
	vars["GOTOOLCHAIN"] = firstOf(env["GOTOOLCHAIN"], file["GOTOOLCHAIN"], readEnvFile(filepath.Join(vars["GOROOT"], "go.env"))["GOTOOLCHAIN"], "auto")
	for _, k := range []string{"GOOS", "GOARCH"} {
		vars[k] = firstOf(env[k], file[k], vars[k])
	}
	for k, v := range vars {
		vars[k] = redact(v)
	}
	return vars, nil
}

// EnvFile reads a GOENV file as it stands; "" if there is none.
func EnvFile(name string) string {
	if name == "" || name == "off" {
		return ""
	}
	b, err := os.ReadFile(name)
	if err != nil || len(b) > 1<<20 {
		return ""
	}
	return string(b)
}
