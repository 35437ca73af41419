package cli

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
)

// compareAxis is an axis with a flag of its own.
type compareAxis struct {
	name   string
	key    string   // of slipway.yaml; empty: it does not change what is built
	values []string // nil: any
	usage  i18n.Message
}

var compareAxes = []compareAxis{
	{name: "go", key: "go", usage: i18n.M("compare.flag.go")},
	{name: "strip", key: "build.strip", values: []string{"on", "off"}, usage: i18n.M("compare.flag.strip")},
	{name: "base", key: "image.base", usage: i18n.M("compare.flag.base")},
	{name: "cgo", key: "build.cgo", values: []string{"on", "off", "auto"}, usage: i18n.M("compare.flag.cgo")},
	{name: "target", key: "targets", usage: i18n.M("compare.flag.target")},
	{name: "compression", key: "image.compression", values: []string{"gzip", "zstd"}, usage: i18n.M("compare.flag.compression")},
	{name: "tags", key: "build.tags", usage: i18n.M("compare.flag.tags")},
	{name: "cache", values: []string{string(compare.Warm), string(compare.Cold)}, usage: i18n.M("compare.flag.cache")},
	{name: axisRunner, values: runnerNames(), usage: i18n.M("compare.flag.runner", strings.Join(runnerNames(), ", "))},
}

// The names of axes that are not settings.
const (
	axisSubject = "subject"
	axisBase    = "base"
	axisCache   = "cache"
	axisRunner  = "runner"
	axisGo      = "go"
	axisTarget  = "target"
	axisTags    = "tags"
	varyPrefix  = "set "
	runPrefix   = "env "
)

// compareAxesOf gives the axes of the command line. What was given one value is
// an axis too, so that the result says it.
func (a *app) compareAxesOf(f *compareFlags, args []string) ([]compare.Axis, error) {
	if len(args) == 0 {
		return nil, fault.UsageError(i18n.M("compare.args"), i18n.M("compare.args.hint"))
	}
	var axes []compare.Axis
	seen := map[string]bool{}
	add := func(x compare.Axis, err error) error {
		if err != nil {
			return err
		}
		if seen[x.Name] {
			return fault.UsageError(i18n.M("compare.axis.same", x.Name), i18n.M("compare.axis.hint"))
		}
		seen[x.Name] = true
		axes = append(axes, x)
		return nil
	}
	if err := add(compare.ParseAxis(axisSubject, strings.Join(args, ","))); err != nil {
		return nil, err
	}
	for _, x := range compareAxes {
		list := *f.axes[x.name]
		if list == "" {
			continue
		}
		axis, err := compare.ParseAxis(x.name, list)
		if err := add(axis, err); err != nil {
			return nil, err
		}
		for _, v := range axis.Values {
			if x.name == axisRunner && !slices.Contains(x.values, v) {
				return nil, fault.UsageError(i18n.M("compare.runner", v), i18n.M("compare.runner.hint", strings.Join(x.values, ", ")))
			}
			if x.values != nil && !slices.Contains(x.values, v) {
				return nil, fault.UsageError(i18n.M("compare.axis.bad", x.name, v, strings.Join(x.values, ", ")), i18n.M("compare.axis.hint"))
			}
		}
		if x.key != "" {
			if built := slices.IndexFunc(args, a.finished); built >= 0 && x.name != axisBase {
				return nil, fault.UsageError(i18n.M("compare.axis.subject", x.name, args[built]), i18n.M("compare.args.hint"))
			}
		}
	}
	for _, kind := range []struct {
		flag, prefix string
		list         []string
	}{{"vary", varyPrefix, f.vary}, {"run-env", runPrefix, f.runEnv}} {
		for _, kv := range kind.list {
			k, v, ok := strings.Cut(kv, "=")
			if !ok || k == "" {
				return nil, fault.UsageError(i18n.M("compare.axis.form", kind.flag, strconv.Quote(kv)), i18n.M("compare.axis.hint"))
			}
			if err := add(compare.ParseAxis(kind.prefix+k, v)); err != nil {
				return nil, err
			}
		}
	}
	return axes, nil
}

// finished reports whether an argument is a program or an image, not source.
func (a *app) finished(arg string) bool {
	for _, p := range []string{"oci:", "oci-archive:", "docker:", "docker-archive:"} {
		if strings.HasPrefix(arg, p) {
			return true
		}
	}
	if strings.Contains(arg, "@sha256:") {
		return true
	}
	name := a.below(arg)
	fi, err := os.Stat(name)
	return err == nil && (fi.Mode().IsRegular() || fi.IsDir() && image.IsImage(name))
}

// below gives a name of the command line as a path.
func (a *app) below(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.dir, name)
}

// cellSpec is a cell as it is asked for.
type cellSpec struct {
	subject string
	base    string // as it was given; empty: decided by the plan
	goLine  string // release as it was given
	cache   compare.Cache
	runner  string // empty: the first that can be used here
	target  string
	keys    map[string]string // settings
	env     []string          // of the started program
}

// cellSpecOf reads the values of a cell.
func (f *compareFlags) cellSpecOf(axes []compare.Axis, values []string) (cellSpec, error) {
	c := cellSpec{cache: compare.Warm, target: "linux/" + runtime.GOARCH, keys: map[string]string{}, env: slices.Clone(f.env)}
	for _, kv := range f.set {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return c, fault.UsageError(i18n.M("cli.set", kv), i18n.M("cli.set.hint"))
		}
		setKey(c.keys, k, v)
	}
	for i, a := range axes {
		v := values[i]
		switch {
		case a.Name == axisSubject:
			c.subject = v
		case a.Name == axisBase:
			c.base = v
		case a.Name == axisCache:
			c.cache = compare.Cache(v)
		case a.Name == axisRunner:
			c.runner = v
		case a.Name == axisGo:
			c.goLine = v
		case a.Name == axisTarget:
			c.target = v
		case a.Name == axisTags:
			if v != "none" {
				c.keys["build.tags"] = config.JoinList(strings.Split(v, "+"))
			}
		case strings.HasPrefix(a.Name, varyPrefix):
			setKey(c.keys, strings.TrimPrefix(a.Name, varyPrefix), v)
		case strings.HasPrefix(a.Name, runPrefix):
			c.env = append(c.env, strings.TrimPrefix(a.Name, runPrefix)+"="+v)
		default:
			for _, x := range compareAxes {
				if x.name == a.Name {
					c.keys[x.key] = v
				}
			}
		}
	}
	c.keys["targets"] = c.target
	return c, nil
}

// setKey sets a key, or one entry of a table of slipway.yaml, such as
// build.env.GOAMD64.
func setKey(keys map[string]string, k, v string) {
	for _, table := range []string{"build.env", "build.cc", "build.stamp", "build.sysroot", "image.env", "image.labels", "image.annotations"} {
		name, ok := strings.CutPrefix(k, table+".")
		if !ok {
			continue
		}
		list, _ := config.SplitList(keys[table])
		if keys[table] == "" {
			list = nil
		}
		keys[table] = config.JoinList(append(list, name+"="+v))
		return
	}
	keys[k] = v
}

// goReleases turns 1.25 into the newest release of that line, such as 1.25.7.
type goReleases struct {
	a     *app
	known map[string]string
}

// resolve asks the go command, which asks the module proxy; without a network
// it is the newest release of the line on this machine.
func (g *goReleases) resolve(ctx context.Context, s *session, line string) (string, error) {
	line = strings.TrimPrefix(line, "go")
	if strings.Count(line, ".") != 1 || strings.ContainsAny(line, "rb") { // 1.25.7, 1.27rc1
		return line, nil
	}
	if v := g.known[line]; v != "" {
		return v, nil
	}
	var best string
	if !g.a.offline {
		out, err := s.goCmd.Run(ctx, s.goCmd.Settings.GOROOT, s.goCmd.Environ(map[string]string{"GOTOOLCHAIN": "local", "GOWORK": "off"}), "list", "-m", "-f", "{{.Version}}", "go@"+query(line))
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if err == nil {
			best = strings.TrimSpace(string(out))
		}
	}
	if best == "" {
		best = newestHere(s, line)
	}
	if best == "" {
		best = line + ".0" // its absence is then said by the go command
	}
	g.known[line] = best
	return best, nil
}

// query is what asks for the newest release of a line. Before 1.21, the name
// of a line was that of its first release as well (go.dev/doc/toolchain).
func query(line string) string {
	if n, err := strconv.Atoi(strings.TrimPrefix(line, "1.")); err == nil && n < 21 {
		return "<1." + strconv.Itoa(n+1)
	}
	return line
}

// newestHere looks for releases of a line among the toolchains on this machine.
func newestHere(s *session, line string) string {
	best, top := "", -1
	consider := func(v string) {
		rest, ok := strings.CutPrefix(v, line+".")
		if n, err := strconv.Atoi(rest); ok && err == nil && n > top {
			best, top = v, n
		}
	}
	consider(strings.TrimPrefix(s.goCmd.Settings.Version, "go"))
	names, _ := filepath.Glob(filepath.Join(s.goCmd.Settings.Env["GOMODCACHE"], "golang.org", "toolchain@v0.0.1-go"+line+".*"))
	for _, n := range names {
		v, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(n), "toolchain@v0.0.1-go"), "."+runtime.GOOS)
		consider(v)
	}
	return best
}
