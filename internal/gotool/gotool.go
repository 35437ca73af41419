// Package gotool is the only place that executes the go command. It finds it,
// learns this machine's settings once, and runs it in an environment that is
// stated in full: nothing of the caller's environment gets through unless it
// is on the list in environ.go, and GOENV and GOFLAGS never do.
//
// It knows nothing of facts, plans or images.
package gotool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// grace is how long a cancelled go command has to remove its work directory
// before it is killed.
const grace = 3 * time.Second

// Go is the go command of this machine.
type Go struct {
	Path     string            // absolute path of the executable
	Settings Settings          // what it says of itself
	Offline  bool              // modules come from the module cache only
	machine  map[string]string // variables that do not change bytes
}

// Error is a go command that ran and failed.
type Error struct {
	Args     []string
	Stderr   string // trimmed; what the go command printed, downloads left out
	ExitCode int
}

func (e *Error) Error() string {
	return fmt.Sprintf("go %s: exit status %d\n%s", strings.Join(e.Args, " "), e.ExitCode, e.Stderr)
}

// Find locates the go command in the PATH of environ and reads its settings.
// memoDir, if not empty, remembers them between runs as long as the
// executable, environ and the GOENV file stay the same.
func Find(ctx context.Context, environ []string, memoDir string) (*Go, error) {
	env := parseEnviron(environ)
	path := lookPath("go", env["PATH"])
	if path == "" {
		return nil, fault.New(nil, i18n.M("gotool.notfound"), i18n.M("gotool.notfound.hint"))
	}
	g := &Go{Path: path, machine: machineEnv(env)}
	s, err := g.settings(ctx, env, memoDir)
	if err != nil {
		return nil, err
	}
	// Without HOME the go command names no directories, and would say so only
	// in the middle of a build.
	for _, k := range []string{"GOCACHE", "GOMODCACHE"} {
		if v := s.Env[k]; v == "" || v == "off" {
			return nil, fault.UsageError(i18n.M("gotool.nohome", k), i18n.M("gotool.nohome.hint", k))
		}
	}
	g.Settings = s
	for _, k := range forwarded {
		if v := s.Env[k]; v != "" {
			g.machine[k] = v
		}
	}
	return g, nil
}

// Environ gives the whole environment of a run: this machine's paths and
// access rights, then recipe, which holds everything that can change the bytes.
func (g *Go) Environ(recipe map[string]string) []string {
	m := make(map[string]string, len(g.machine)+len(recipe)+4)
	for k, v := range g.machine {
		m[k] = v
	}
	m["GOENV"] = "off"
	m["GOFLAGS"] = ""
	m["GO111MODULE"] = "on"
	m["LC_ALL"] = "C"
	if g.Offline {
		// Unlike plain "off", the module cache itself as a proxy also answers
		// which versions there are, as `go install path@version` asks.
		m["GOPROXY"] = fileURL(filepath.Join(m["GOMODCACHE"], "cache", "download")) + ",off"
	}
	for k, v := range recipe {
		m[k] = v
	}
	return sortedEnviron(m)
}

// Run runs the go command in dir with exactly env and gives its standard
// output. A command that fails gives an *Error; a cancelled one gives the
// context's error after the command and its children have ended.
func (g *Go) Run(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	_, err := run(ctx, g.Path, dir, env, args, &out)
	return out.Bytes(), err
}

// Trace is Run for a command with -x: it gives what the go command printed to
// standard error, the commands it carried out.
func (g *Go) Trace(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	return run(ctx, g.Path, dir, env, args, io.Discard)
}

// Tool runs a program of the toolchain, such as the linker, by its path, as
// the go command does and with exactly env.
func (g *Go) Tool(ctx context.Context, tool, dir string, env []string, args ...string) error {
	_, err := run(ctx, tool, dir, env, args, io.Discard)
	return err
}

func run(ctx context.Context, path, dir string, env, args []string, out io.Writer) (stderr string, err error) {
	var errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, out, &errOut
	isolate(cmd)
	cmd.WaitDelay = grace
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("go %s: %w", args[0], context.Cause(ctx))
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "", &Error{Args: args, Stderr: complaint(errOut.String()), ExitCode: exit.ExitCode()}
		}
		return "", fmt.Errorf("run %s: %w", path, err)
	}
	return errOut.String(), nil
}

// complaint is what a go command that failed printed, without the news of what
// it was downloading before.
func complaint(stderr string) string {
	var b strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "go: downloading ") {
			b.WriteString(line)
		}
	}
	return strings.TrimSpace(b.String())
}

// lookPath finds an executable in a PATH value that is passed in, which
// exec.LookPath cannot do.
func lookPath(name, path string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	for _, dir := range filepath.SplitList(path) {
		p := filepath.Join(dir, name)
		if !filepath.IsAbs(p) {
			continue
		}
		if fi, err := os.Stat(p); err == nil && fi.Mode().IsRegular() && (runtime.GOOS == "windows" || fi.Mode()&0o111 != 0) {
			return p
		}
	}
	return ""
}

// LookPath finds a program in the PATH of environ; empty if there is none.
func LookPath(name string, environ []string) string {
	return lookPath(name, parseEnviron(environ)["PATH"])
}

// LookPath finds a program in the PATH this machine's go command is run with;
// empty if there is none.
func (g *Go) LookPath(name string) string {
	if filepath.IsAbs(name) {
		if fi, err := os.Stat(name); err == nil && fi.Mode().IsRegular() {
			return name
		}
		return ""
	}
	return lookPath(name, g.machine["PATH"])
}

// fileURL gives the file URL of an absolute path (RFC 8089).
func fileURL(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/… on Windows
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}
