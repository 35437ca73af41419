package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/rootfs"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// parsePercent reads 2%, 0.5% or 0.02.
func parsePercent(s string) (float64, error) {
	num, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	if percent {
		v /= 100
	}
	return v, err
}

func fileDigest(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read program: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read program: %w", err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// measureCells builds or opens the cells of r and measures them.
func (a *app) measureCells(ctx context.Context, r *compare.Result, f *compareFlags) error {
	rows, err := compare.Combine(r.Axes)
	if err != nil {
		return err
	}
	for _, values := range rows {
		r.Cells = append(r.Cells, compare.Cell{Values: values})
	}
	roots, err := a.cellRoots()
	if err != nil {
		return err
	}
	defer roots.remove()
	cs := &cells{
		a: a, f: f, r: r, goes: goReleases{a: a, known: map[string]string{}}, roots: roots,
		sizes: map[string][2]int64{}, dirs: map[string]image.Layer{}, sessions: map[string]*session{},
	}
	var all []*built
	for i := range r.Cells {
		b, err := cs.cell(ctx, i)
		if err != nil {
			return err
		}
		if b != nil {
			all = append(all, b)
		}
	}
	if len(all) == 0 {
		e := fault.UsageError(i18n.M("compare.nothing"), i18n.Message{})
		if c := r.Cells[0]; c.Reason != nil {
			e.Detail = c.Reason.In(a.lang)
		}
		return e
	}
	if f.resume != "" {
		if err := a.resume(r, f); err != nil {
			return err
		}
	}
	if f.wants(measureBuild) {
		if err := cs.buildTimes(ctx, all); err != nil {
			return err
		}
	}
	if f.wants(measureStartup) {
		return cs.startTimes(ctx, all)
	}
	return nil
}

// resume puts what was measured before under the cells, where they are the
// same programs.
func (a *app) resume(r *compare.Result, f *compareFlags) error {
	old, err := a.savedResult(f.resume)
	if err != nil {
		return err
	}
	if !r.Continue(old) {
		return fault.UsageError(i18n.M("compare.resume.axes", f.resume), i18n.M("compare.from.hint"))
	}
	return nil
}

// startTimes measures the cells that can be started here.
func (cs *cells) startTimes(ctx context.Context, all []*built) error {
	o := compare.Options{
		Timeout: cs.f.startTimeout, Seed: cs.f.seed, Warmup: cs.f.warmup,
		MinRuns: cs.f.runs, MaxRuns: cs.f.most, Limit: cs.f.limit,
	}
	var err error
	if o.Precision, err = parsePercent(cs.f.precision); err != nil {
		return err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(b *built) bool {
		if runsHere(b.spec.target) {
			return false
		}
		msg := i18n.M("compare.reason.target", b.spec.target)
		cs.r.Cells[b.index].Reason = &msg
		return true
	})
	if len(all) == 0 {
		return nil
	}
	if all, err = cs.chooseRunners(ctx, all); err != nil || len(all) == 0 {
		return err
	}
	if err := cs.untilAndProbe(all, &o); err != nil {
		return err
	}
	for _, b := range all {
		s, err := cs.start(ctx, b)
		if err == nil {
			o.Starts = append(o.Starts, s)
			continue
		}
		if err := cs.leftOut(ctx, b, err); err != nil {
			return err
		}
	}
	if o.Until != compare.UntilExit {
		if o.Floor, err = cs.floor(ctx, quickest(all), o.Probe); err != nil {
			return err
		}
	}
	release, err := cs.holdImages(ctx, &o)
	defer release()
	if err != nil {
		return err
	}
	began := time.Now()
	cs.a.rep.Begin("", "start")
	o.Progress = cs.a.rounds()
	err = compare.Measure(ctx, cs.r, o)
	cs.a.rep.End("", "start", time.Since(began), 0, cs.a.say(i18n.M("compare.rounds", cs.r.Method.Rounds)), false)
	return err
}

// leftOut makes what stands against one cell its reason; it gives back only
// what ends the whole comparison.
func (cs *cells) leftOut(ctx context.Context, b *built, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || ctx.Err() != nil {
		return err
	}
	cs.r.Cells[b.index].Reason, cs.r.Cells[b.index].Said = &f.Msg, f.Detail
	return nil
}

// rounds shows how far the measuring is.
func (a *app) rounds() func(done, most int, left time.Duration) {
	return func(done, most int, left time.Duration) {
		a.rep.Note("", "start", a.say(i18n.M("compare.progress", done, most, left.Round(time.Second))))
	}
}

// untilAndProbe decides when a start is over, and where to ask.
func (cs *cells) untilAndProbe(all []*built, o *compare.Options) error {
	port := ""
	for _, b := range all {
		if p := b.port(); port == "" {
			port = p
		}
	}
	o.Until = compare.Until(cs.f.until)
	if o.Until == "" {
		o.Until = compare.UntilReady
		if port == "" && cs.f.probe == "" {
			o.Until = compare.UntilExit
		}
	}
	if o.Until == compare.UntilExit {
		return nil
	}
	probe := cs.f.probe
	if probe == "" && port != "" {
		probe = "http://:" + port + "/"
	}
	if probe == "" {
		return fault.UsageError(i18n.M("compare.probe.none"), i18n.M("compare.probe.none.hint"))
	}
	var err error
	o.Probe, err = compare.ParseProbe(probe)
	return err
}

// port is the TCP port that the plan or the image says the program listens on.
func (b *built) port() string {
	var ports []string
	switch {
	case b.target.Image != nil:
		ports = b.target.Image.Ports
	case b.config != nil:
		ports = b.config.Ports
	}
	for _, p := range ports {
		if num, proto, _ := strings.Cut(p, "/"); proto == "" || proto == "tcp" {
			return num
		}
	}
	return ""
}

// start says how a cell is started.
func (cs *cells) start(ctx context.Context, b *built) (compare.Start, error) {
	s := compare.Start{Cell: b.index, File: b.path, Cache: b.spec.cache, Runner: b.runner}
	args := slices.Clone(cs.f.arg)
	env := []string{"PATH=" + rootfs.DefaultPath}
	if img := b.target.Image; img != nil {
		if len(args) == 0 && len(img.Entrypoint) > 0 {
			args = append(slices.Clone(img.Entrypoint[1:]), img.Cmd...)
		}
		env = append(env, img.Env...)
	}
	if b.config != nil {
		env = append(env, b.config.Env...)
	}
	env = append(env, b.spec.env...)
	if bare(b.runner) {
		if len(args) == 0 && len(b.args) > 0 {
			args = b.args[1:]
		}
		s.Spec = sandbox.Spec{Args: append([]string{b.path}, args...), Env: env}
		return s, nil
	}
	if b.runner.Name() == runnerDocker && s.Cache == compare.Cold {
		return s, fault.UsageError(i18n.M("compare.cold.docker"), i18n.Message{})
	}
	s, err := cs.boxed(ctx, b, s, args, env)
	s.Spec.Net = netOf(b.runner)
	return s, err
}

// inBox is where a program lies in a root file system that is not its image's.
func inBox(b *built) string {
	if img := b.target.Image; img != nil {
		return path.Join(img.BinDir, b.bin.Name)
	}
	return "/usr/local/bin/" + filepath.Base(b.path)
}

// floor builds the server that does nothing.
func (cs *cells) floor(ctx context.Context, runner sandbox.Runner, probe compare.Probe) (*compare.Start, error) {
	cache, err := cs.a.cacheDir()
	if err != nil {
		return nil, err
	}
	g, err := gotool.Find(ctx, cs.a.env, filepath.Join(cache, "memo"))
	if err != nil {
		return nil, nil // finished programs are compared on a machine without Go
	}
	dir := cs.roots.dir
	name := filepath.Join(dir, "floor")
	if runtime.GOOS == "windows" {
		return nil, nil
	}
	source := filepath.Join(dir, "floor.go")
	if err := os.WriteFile(source, []byte(compare.FloorSource), 0o600); err != nil {
		return nil, fmt.Errorf("write the server that does nothing: %w", err)
	}
	if _, err := g.Run(ctx, dir, g.Environ(map[string]string{"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}), "build", "-trimpath", "-ldflags=-s -w", "-o", name, source); err != nil {
		return nil, fmt.Errorf("build the server that does nothing: %w", err)
	}
	port := probe.Port()
	for _, list := range [][]string{cs.f.arg, cs.f.env} {
		if slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, compare.PortMark) }) {
			port = compare.PortMark
		}
	}
	s := compare.Start{File: name, Cache: compare.Warm, Runner: runner}
	if bare(runner) {
		s.Spec = sandbox.Spec{Args: []string{name, port}}
		return &s, nil
	}
	root, err := cs.roots.empty("floor")
	if err != nil {
		return nil, err
	}
	if s.File, err = placeFile(root, "/floor", name); err != nil {
		return nil, err
	}
	s.Spec = sandbox.Spec{Root: root, Args: []string{"/floor", port}, UID: nonroot, GID: nonroot, Net: netOf(runner)}
	return &s, nil
}
