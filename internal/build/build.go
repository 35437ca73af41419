// Package build carries out a plan: it runs the go command once for every
// program and target, holds each binary against the plan, and puts it where
// the user wants it. What it makes is decided by the plan alone; it knows
// nothing of images.
//
// Binaries are linked into the user's cache, where the go command can see
// that nothing has changed, and copied from there by rename, so that no
// half-written program is ever found under its name.
package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// Observer is told how far the work is. It is called from several goroutines.
type Observer interface {
	Begin(task, stage string)
	End(task, stage string, took time.Duration, bytes int64, note string, reused bool)
}

// Options says what to build and where.
type Options struct {
	Go       *gotool.Go
	Root     string            // directory of go.mod
	Plan     plan.Plan         //
	Inputs   map[string]string // by target: digest of the project's own files; "" means unknown
	CacheDir string            // for linked binaries and what is known of them
	Fresh    bool              // build even if nothing seems to have changed
	Observer Observer          //
	// Ready, if not nil, is called with the binaries of a target as soon as
	// they are there, while other targets are still being built. Its error
	// ends the run.
	Ready func(ctx context.Context, target int, bins []Binary) error
}

// Binary is a finished program.
type Binary struct {
	Platform plan.Platform     `json:"platform"`
	Package  string            `json:"package"`
	Name     string            `json:"name"`
	Path     string            `json:"path"`            // where the user finds it, once it is placed
	Debug    string            `json:"debug,omitempty"` // the unstripped twin, once it is placed
	Digest   string            `json:"digest"`          // sha256:<hex> of the file
	Size     int64             `json:"size"`            // bytes
	Reused   bool              `json:"-"`               // nothing was linked
	Took     time.Duration     `json:"-"`
	Findings []finding.Finding `json:"findings,omitempty"`
	// Cached is the same file in the cache, which nobody else writes to.
	Cached string `json:"-"`

	dir         string // of its record
	cachedDebug string
}

// Run builds every binary of the plan, targets side by side as far as the
// machine has processors. The first failure stops the others. The result is in
// the plan's order.
func Run(ctx context.Context, o Options) ([]Binary, error) {
	tmp := filepath.Join(o.CacheDir, "tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return nil, fmt.Errorf("make the build cache: %w", err)
	}
	trim(o.CacheDir, tmp, time.Now())
	out := make([][]Binary, len(o.Plan.Targets))
	// The semaphore, not the group, bounds the work: making the image of a
	// finished target must not wait for a processor that links another.
	procs := make(chan struct{}, max(1, runtime.NumCPU()))
	eg, ctx := errgroup.WithContext(ctx)
	for i, t := range o.Plan.Targets {
		out[i] = make([]Binary, len(t.Binaries))
		eg.Go(func() error {
			inner, each := errgroup.WithContext(ctx)
			for j, b := range t.Binaries {
				inner.Go(func() error {
					select {
					case procs <- struct{}{}:
						defer func() { <-procs }()
					case <-each.Done():
						return context.Cause(each)
					}
					var err error
					out[i][j], err = o.observed(each, tmp, t, b)
					return err
				})
			}
			if err := inner.Wait(); err != nil || o.Ready == nil {
				return err
			}
			return o.Ready(ctx, i, out[i])
		})
	}
	if err := eg.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(out...), nil
}

func (o Options) observed(ctx context.Context, tmp string, t plan.Target, b plan.Binary) (Binary, error) {
	task := t.Platform.String()
	if len(t.Binaries) > 1 {
		task += " " + b.Name
	}
	o.Observer.Begin(task, "build")
	start := time.Now()
	bin, err := o.one(ctx, tmp, t, b)
	if err != nil {
		return Binary{}, err
	}
	bin.Took = time.Since(start)
	o.Observer.End(task, "build", bin.Took, bin.Size, "", bin.Reused)
	return bin, nil
}

// TargetDir is the directory name of a platform: linux_arm_v7.
func TargetDir(p plan.Platform) string { return strings.ReplaceAll(p.String(), "/", "_") }

func (o Options) one(ctx context.Context, tmp string, t plan.Target, b plan.Binary) (Binary, error) {
	recipe, err := json.Marshal(b)
	if err != nil {
		return Binary{}, fmt.Errorf("encode plan of %s: %w", b.Name, err)
	}
	dir := filepath.Join(o.CacheDir, digestOf(o.Root, t.Platform.String(), o.Plan.Source.Module, string(recipe))[:32])
	rec := openRecord(dir)
	linked := filepath.Join(dir, b.Name)
	if o.Plan.Source.Install {
		linked = installPath(dir, o.Go.Settings, t.Platform, b.Name)
	}
	// A cgo program also depends on headers and libraries outside the
	// project, which only the go command and the C compiler can judge.
	input := o.Inputs[t.Platform.String()]
	if b.Env["CGO_ENABLED"] == "1" {
		input = ""
	}
	if input != "" {
		input = digestOf(input, o.Plan.Toolchain, o.Go.Settings.Identity)
	}
	reused := !o.Fresh && input != "" && rec.Input == input && rec.Linked.is(linked)
	if !reused {
		if !rec.Linked.is(linked) {
			// The go command judges an existing file by its build ID alone, so
			// one that is not as we left it must not be there.
			if err := os.Remove(linked); err != nil && !errors.Is(err, os.ErrNotExist) {
				return Binary{}, fmt.Errorf("remove outdated binary: %w", err)
			}
			rec.Linked = stamp{}
		}
		before := rec.Linked
		if err := o.link(ctx, tmp, dir, linked, t, b); err != nil {
			return Binary{}, err
		}
		reused = before.sameFile(stampOf(linked)) && rec.Digest != ""
		if !reused {
			if rec, err = o.finish(t, b, dir, linked, rec); err != nil {
				return Binary{}, err
			}
		}
		rec.Input, rec.Linked = input, stampOf(linked)
	}
	res := Binary{Platform: t.Platform, Package: b.Package, Name: b.Name, Digest: rec.Digest, Size: rec.Size, Reused: reused, Findings: rec.Findings, Cached: filepath.Join(dir, rec.File), dir: dir}
	if rec.Debug != "" {
		res.cachedDebug = filepath.Join(dir, rec.Debug)
	}
	if rec.Check != checkKey(o.Plan, t, b) {
		if res.Findings, _, err = SelfCheck(o.Plan, t, b, res.Cached); err != nil {
			return Binary{}, err
		}
		rec.Findings, rec.Check = res.Findings, checkKey(o.Plan, t, b)
	}
	rec.save(dir)
	touch(dir, time.Now())
	return res, nil
}

// link runs the go command.
func (o Options) link(ctx context.Context, tmp, dir, linked string, t plan.Target, b plan.Binary) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the build cache: %w", err)
	}
	env := o.Go.Environ(b.Env)
	// The work directory must lie on the cache's file system: only then does
	// the go command rename the linked binary into place instead of copying
	// it, and a killed build cannot leave half of one behind. It is ours to
	// remove, because a go command that is stopped early does not.
	work, err := os.MkdirTemp(tmp, workPrefix+"*")
	if err != nil {
		return fmt.Errorf("make the build cache: %w", err)
	}
	defer os.RemoveAll(work)
	env = append(env, "GOTMPDIR="+work)
	var args []string
	where := o.Root
	if o.Plan.Source.Install {
		// `go install path@version` takes no notice of the module's own go.sum
		// and asks the checksum database about every dependency. That has been
		// done: the module's zip was held against the database, and go.sum in
		// it names the hash of each dependency, which reading the package
		// graph has held against the module cache.
		env = append(env, "GOPATH="+filepath.Join(dir, "gopath"), "GONOSUMDB=*")
		_, version, _ := strings.Cut(o.Plan.Source.Module, "@")
		args = slices.Concat([]string{"install"}, b.Args, []string{"--", b.Package + "@" + version})
		where = dir
	} else {
		pkg := "./" + b.Dir
		if b.Dir == "." {
			pkg = "."
		}
		args = slices.Concat([]string{"build"}, b.Args, []string{"-o", linked, "--", pkg})
	}
	if _, err := o.Go.Run(ctx, where, env, args...); err != nil {
		ge, ok := errors.AsType[*gotool.Error](err)
		if !ok {
			return fmt.Errorf("build %s for %s: %w", b.Name, t.Platform, err)
		}
		f := fault.New(nil, i18n.M("build.compile", b.Package, t.Platform), compileHint(ge.Stderr))
		f.Detail = ge.Stderr
		return f
	}
	if _, err := os.Stat(linked); err != nil {
		return fmt.Errorf("find what the go command built for %s: %w", t.Platform, err)
	}
	return nil
}

func compileHint(stderr string) i18n.Message {
	switch {
	case strings.Contains(stderr, "executable file not found") && strings.Contains(stderr, "cgo"), strings.Contains(stderr, "C compiler"):
		return i18n.M("build.compile.nocc.hint")
	case strings.Contains(stderr, "no space left on device"):
		return i18n.M("build.compile.space.hint")
	case strings.Contains(stderr, "SECURITY ERROR"):
		return i18n.M("build.compile.checksum.hint")
	case strings.Contains(stderr, "toolchain not available"), strings.Contains(stderr, "download go1"):
		return i18n.M("build.compile.toolchain.hint")
	case strings.Contains(stderr, "missing go.sum entry"), strings.Contains(stderr, "updates to go.mod needed"):
		return i18n.M("build.compile.tidy.hint")
	case strings.Contains(stderr, "module lookup disabled by GOPROXY=off"):
		return i18n.M("build.compile.offline.hint")
	case strings.Contains(stderr, "dial tcp"), strings.Contains(stderr, "i/o timeout"):
		return i18n.M("build.compile.network.hint")
	}
	return i18n.Message{}
}

// finish measures a freshly linked binary and, when asked to, parts its DWARF.
func (o Options) finish(t plan.Target, b plan.Binary, dir, linked string, old record) (record, error) {
	rel, err := filepath.Rel(dir, linked)
	if err != nil {
		return record{}, err
	}
	rec := record{File: rel, Placed: old.Placed}
	if b.Debug {
		stripped := linked + ".stripped"
		switch err := StripELF(linked, stripped); {
		case err == nil:
			rec.File, rec.Debug = rel+".stripped", rel
		case errors.Is(err, ErrNotELF):
			// Windows and macOS debuggers read the DWARF in the program itself.
		default:
			return record{}, fmt.Errorf("part the debug information of %s: %w", b.Name, err)
		}
	}
	if rec.Digest, rec.Size, err = fileDigest(filepath.Join(dir, rec.File)); err != nil {
		return record{}, err
	}
	return rec, nil
}

func fileDigest(name string) (string, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, fmt.Errorf("read binary: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.CopyBuffer(h, f, make([]byte, 256<<10))
	if err != nil {
		return "", 0, fmt.Errorf("read binary %s: %w", name, err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), n, nil
}

func digestOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s\n", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// installPath is where `go install` puts a program with GOPATH=dir/gopath.
func installPath(dir string, s gotool.Settings, p plan.Platform, name string) string {
	bin := filepath.Join(dir, "gopath", "bin")
	if p.OS != s.HostOS || p.Arch != s.HostArch {
		bin = filepath.Join(bin, p.OS+"_"+p.Arch)
	}
	return filepath.Join(bin, name)
}
