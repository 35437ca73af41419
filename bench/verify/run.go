package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// ran is what is read of the result of `slipway verify --matrix --json`.
type ran struct {
	Runs []struct {
		Life struct {
			Phase    string
			ListenMs float64
			ReadyMs  float64
			Answer   *struct{ Status int }
			EndMs    float64
			Stop     *struct {
				Ms      float64
				Killed  bool
				Request string
			}
			Exit *struct {
				Code   int
				MaxRSS int64
			}
		}
		Memory *struct{ Limit int64 }
		Cells  []struct{ Area, ID, Verdict string }
		Egress []struct {
			Name              string
			Port              int
			Proto             string
			BeforeFirstAnswer bool
		}
	}
	Findings []struct {
		ID       string
		Advisory bool
	}
}

// runAll is
//
//	go run ./bench/verify run [NAME…]
//
// as root: it runs every subject that is there and can run here, and writes a
// table of what happened; those that serve through their whole life and in
// harder surroundings, the others with --version.
func runAll(ctx context.Context, dir string, only []string) error {
	list, err := chosen(only)
	if err != nil {
		return err
	}
	bin, remove, err := staticSlipway(ctx)
	if err != nil {
		return err
	}
	defer remove()
	fmt.Print("| program | version | listens ms | answers ms | stop ms | exit | smallest MiB | peak MB | fails where | calls before the first answer | calls after |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	missing := 0
	for _, s := range list {
		if s.platform() != "linux/"+runtime.GOARCH || s.cgo {
			continue
		}
		if _, err := os.Stat(s.file(dir)); errors.Is(err, os.ErrNotExist) {
			missing++
			fmt.Fprintf(os.Stderr, "%s is not there; run fetch\n", s.name)
			continue
		}
		d, err := ranOnce(ctx, bin, s, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Println(row(s, d))
	}
	if missing > 0 {
		return fmt.Errorf("%d programs are not there", missing)
	}
	return nil
}

// staticSlipway builds the slipway of this working directory without cgo, so
// that it can be bound into any root file system.
func staticSlipway(ctx context.Context) (name string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "bench-slipway-")
	if err != nil {
		return "", nil, err
	}
	name = filepath.Join(dir, "slipway")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", name, "./cmd/slipway")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("build slipway: %w\n%s", err, out)
	}
	return name, func() { os.RemoveAll(dir) }, nil
}

// ranOnce runs a subject on a root file system with nothing but its own files
// and /tmp.
func ranOnce(ctx context.Context, bin string, s subject, dir string) (*ran, error) {
	base, err := os.MkdirTemp("", "bench-verify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(base)
	if err := errors.Join(os.Chmod(base, 0o755), os.Mkdir(filepath.Join(base, "etc"), 0o755), os.Mkdir(filepath.Join(base, "tmp"), 0o755), os.Chmod(filepath.Join(base, "tmp"), 0o1777)); err != nil {
		return nil, err
	}
	args := []string{"verify", s.file(dir), "--json", "--base", base, "--arg=--version"}
	if s.serve == nil {
		args = append(args, "--run")
	} else {
		args = append(args[:len(args)-1], "--matrix", "--probe", s.serve.probe)
		for _, a := range s.serve.args {
			args = append(args, "--arg="+a)
		}
		for _, e := range s.serve.env {
			args = append(args, "--env="+e)
		}
		for name, content := range s.serve.files {
			name = filepath.Join(base, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				return nil, err
			}
			if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
				return nil, err
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok && e.ExitCode() == 3 {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	var d ran
	if err := json.Unmarshal(out, &d); err != nil {
		return nil, fmt.Errorf("read what verify says: %w", err)
	}
	if len(d.Runs) != 1 {
		return nil, fmt.Errorf("%d runs", len(d.Runs))
	}
	return &d, nil
}

func row(s subject, d *ran) string {
	r := d.Runs[0]
	l := r.Life
	ms := func(v float64) string {
		if v == 0 {
			return "–"
		}
		return fmt.Sprintf("%.0f", v)
	}
	stop, exit, limit, peak := "–", "–", "–", "–"
	if l.Stop != nil {
		if stop = ms(l.Stop.Ms); l.Stop.Request == "not-awaited" {
			stop += " (at once)"
		}
	} else if l.EndMs > 0 {
		stop = "ends by itself: " + ms(l.EndMs)
	}
	if l.Exit != nil {
		exit, peak = fmt.Sprint(l.Exit.Code), fmt.Sprintf("%.0f", float64(l.Exit.MaxRSS)/1e6)
	}
	if r.Memory != nil && r.Memory.Limit > 0 {
		limit = fmt.Sprint(r.Memory.Limit >> 20)
	}
	var fails []string
	for _, c := range r.Cells {
		if c.Verdict == "fail" {
			fails = append(fails, c.ID)
		}
	}
	var before, after []string
	for _, h := range r.Egress {
		name := h.Name
		if h.Port != 0 {
			name += fmt.Sprintf(":%d", h.Port)
		}
		name += " (" + h.Proto + ")"
		if h.BeforeFirstAnswer {
			before = append(before, name)
		} else {
			after = append(after, name)
		}
	}
	list := func(s []string) string {
		if len(s) == 0 {
			return "none"
		}
		return strings.Join(s, "<br>")
	}
	return "| " + strings.Join([]string{
		s.name, s.version, ms(l.ListenMs), ms(l.ReadyMs), stop, exit, limit, peak, list(fails), list(before), list(after),
	}, " | ") + " |"
}
