package rebuild

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
)

// builder runs the go command for one program, as often as experiments ask.
type builder struct {
	g      *gotool.Go
	tmp    string // directory of its own
	dir    string // the go command runs here
	target string // its last argument: path@version, or ./dir
	// install says that target is path@version.
	install bool
	env     map[string]string // of the recipe, and where caches are
	args    []string          // of the recipe
	extra   []string          // KEY=value pairs set last
	n       int               // outputs so far
}

// build links the program and gives its path. more are arguments of this
// build alone.
func (b *builder) build(ctx context.Context, more ...string) (string, error) {
	out, _, err := b.run(ctx, false, more)
	return out, err
}

// trace is build with the commands that were carried out, and with the go
// command's work directory left in b.tmp for relink.
func (b *builder) trace(ctx context.Context, more ...string) (out, log string, err error) {
	return b.run(ctx, true, more)
}

func (b *builder) run(ctx context.Context, traced bool, more []string) (string, string, error) {
	b.n++
	dir := filepath.Join(b.tmp, fmt.Sprintf("out%d", b.n))
	work := filepath.Join(dir, "work")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", "", fmt.Errorf("make a directory for the rebuild: %w", err)
	}
	args := merge(b.args, more)
	env := append(b.g.Environ(b.env), b.extra...)
	env = append(env, "GOTMPDIR="+work)
	verb := "build"
	if b.install {
		verb = "install"
		env = append(env, "GOPATH="+filepath.Join(dir, "gopath"), "GOBIN=")
		// With other GOPATH the module cache would be another, too.
		env = append(env, "GOMODCACHE="+b.g.Settings.Env["GOMODCACHE"])
	} else {
		args = append(args, "-o", filepath.Join(dir, "program"))
	}
	if traced {
		args = append(args, "-x", "-work")
	}
	args = slices.Concat([]string{verb}, args, []string{"--", b.target})
	log, err := b.g.Trace(ctx, b.dir, env, args...)
	if err != nil {
		return "", "", err
	}
	if !traced {
		os.RemoveAll(work)
	}
	if !b.install {
		return filepath.Join(dir, "program"), log, nil
	}
	out, err := onlyFile(filepath.Join(dir, "gopath", "bin"))
	return out, log, err
}

// merge adds flags to flags; those of ldflags go into the one -ldflags.
func merge(args, more []string) []string {
	out := slices.Clone(args)
next:
	for _, m := range more {
		for _, name := range []string{"-ldflags=", "-gcflags="} {
			i := slices.IndexFunc(out, func(a string) bool { return strings.HasPrefix(a, name) })
			if strings.HasPrefix(m, name) && i >= 0 && name == "-ldflags=" {
				out[i] += " " + strings.TrimPrefix(m, name)
				continue next
			}
		}
		out = append(out, m)
	}
	return out
}

// onlyFile finds the one program below a bin directory; that of another
// platform than this machine's lies one directory deeper.
func onlyFile(dir string) (string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found = append(found, p)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("find what the go command built: %w", err)
	}
	if len(found) != 1 {
		return "", fmt.Errorf("find what the go command built: %d files in %s", len(found), dir)
	}
	return found[0], nil
}

// explainFailure turns a go command that failed into a reason.
func explainFailure(err error) error {
	ge, ok := errors.AsType[*gotool.Error](err)
	if !ok {
		return err
	}
	text := lastLines(ge.Stderr, 6)
	switch {
	case strings.Contains(ge.Stderr, "SECURITY ERROR"), strings.Contains(ge.Stderr, "checksum mismatch"):
		return refuse(i18n.M("rebuild.why.checksum", text))
	case strings.Contains(ge.Stderr, "C compiler"), strings.Contains(ge.Stderr, "executable file not found"):
		return refuse(i18n.M("rebuild.why.nocc", text))
	}
	return refuse(i18n.M("rebuild.why.failed", text))
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
