// Rebuild installs well-known tools as their users do, with the plain go
// command, rebuilds each from what stands in it, and writes what came of it as
// a table in Markdown.
//
//	go run ./bench/rebuild
//
// Programs are compiled by one go command at a time, with one compiler at a
// time. They are installed with the user's build cache and rebuilt with one that
// nothing but these rebuilds writes to; -keep DIR keeps it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/rebuild"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "rebuild:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	quick := flag.Bool("quick", false, "leave out what takes minutes to compile")
	only := flag.String("only", "", "only packages that contain this text")
	keep := flag.String("keep", "", "directory for the build cache of rebuilds; a temporary one unless given")
	flag.Parse()
	dir := *keep
	if dir == "" {
		tmp, err := os.MkdirTemp("", "slipway-bench-rebuild-")
		if err != nil {
			return fmt.Errorf("make a work directory: %w", err)
		}
		defer os.RemoveAll(tmp)
		dir = tmp
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("name the work directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the work directory: %w", err)
	}
	fmt.Println("| program | installed with | verdict | first difference | not recorded, found by trying | modules hashed | time |")
	fmt.Println("|---|---|---|---|---|---:|---:|")
	for _, s := range subjects {
		if *quick && s.slow || !strings.Contains(s.pkg, *only) {
			continue
		}
		if err := s.measure(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

// measure installs and rebuilds one subject and prints its row.
func (s subject) measure(ctx context.Context, dir string) error {
	how := strings.Join(slices.Concat(s.env, s.flags), " ")
	if how != "" {
		how = "`" + how + "`"
	}
	name := "`" + s.pkg + "`"
	program, err := s.install(ctx, dir)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		fmt.Printf("| %s | %s | not installed | %s | | | |\n", name, how, oneLine(err.Error()))
		return nil
	}
	defer os.RemoveAll(filepath.Dir(program))
	env := append(os.Environ(), "GOCACHE="+filepath.Join(dir, "rebuilt"), "GOENV=off")
	g, err := gotool.Find(ctx, env, "")
	if err != nil {
		return err
	}
	// The cache is one that rebuilds alone have written to.
	r, err := rebuild.Program(ctx, rebuild.Options{Go: g, Env: env, SharedCache: true}, s.pkg, program)
	if err != nil {
		return err
	}
	first := ""
	switch k, ok := r.First(); {
	case r.Verdict == rebuild.Unknown:
		first = oneLine(r.Reason.String())
	case ok:
		var says []string
		for _, c := range r.Causes {
			if c.Kind == k && len(says) < 2 {
				says = append(says, oneLine(c.Message().String()))
			}
		}
		first = strings.Join(says, "; ")
	}
	if r.Proof == "relinked" {
		first += " (proved: linked with it, the bytes are the same)"
	}
	fmt.Printf("| %s | %s | %s | %s | %s | %d | %.1f s |\n", name, how, r.Verdict.Word(), first, oneLine(strings.Join(r.Guesses, " ")), r.Modules, r.Took.Round(100*time.Millisecond).Seconds())
	return nil
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 240 {
		s = s[:240] + "…"
	}
	return strings.ReplaceAll(s, "|", `\|`)
}

// install runs go install with a GOPATH of its own, because GOBIN is refused
// when the target is another platform; modules stay where users have them.
func (s subject) install(ctx context.Context, dir string) (string, error) {
	to, err := os.MkdirTemp(dir, "program-")
	if err != nil {
		return "", fmt.Errorf("make a directory for a program: %w", err)
	}
	cache, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE").Output()
	if err != nil {
		return "", fmt.Errorf("ask for the module cache: %w", err)
	}
	c := exec.CommandContext(ctx, "go", slices.Concat([]string{"install", "-p", "1"}, s.flags, []string{s.pkg})...)
	c.Dir = to
	c.Env = append(os.Environ(), "GOENV=off", "GOFLAGS=", "GOWORK=off", "GOPATH="+to, "GOBIN=", "GOMODCACHE="+strings.TrimSpace(string(cache)))
	c.Env = append(c.Env, s.env...)
	if out, err := c.CombinedOutput(); err != nil {
		os.RemoveAll(to)
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return "", fmt.Errorf("%s", lines[len(lines)-1])
	}
	program := ""
	err = filepath.WalkDir(filepath.Join(to, "bin"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			program = p
		}
		return err
	})
	if err != nil || program == "" {
		return "", fmt.Errorf("go install left no program: %v", err)
	}
	// Beside it there is nothing, so that the directory can go with it.
	at := filepath.Join(to, filepath.Base(program))
	return at, os.Rename(program, at)
}
