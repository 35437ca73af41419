package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
)

// shipFlags are the flags of ship that are no settings.
type shipFlags struct {
	planFile      string
	ociArchive    string
	dockerArchive string
	push          []string
	load          bool
	fresh         bool
}

func (a *app) ship() *cobra.Command {
	var f shipFlags
	c := &cobra.Command{
		Use:     "ship [" + a.say(i18n.M("cli.arg.package")) + "...]",
		Short:   a.say(i18n.M("cli.ship.short")),
		Long:    a.say(i18n.M("cli.ship.long")),
		Example: "  slipway ship\n  slipway ship ./cmd/api ./cmd/worker --entrypoint api\n  slipway ship github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9\n  slipway ship --push registry.example.com/team/orders",
	}
	settings := a.settingFlags(c)
	fs := c.Flags()
	fs.StringVar(&f.planFile, "plan", "", a.say(i18n.M("cli.flag.plan")))
	fs.StringVar(&f.ociArchive, "oci-archive", "", a.say(i18n.M("cli.flag.ociarchive")))
	fs.StringVar(&f.dockerArchive, "docker-archive", "", a.say(i18n.M("cli.flag.dockerarchive")))
	fs.StringSliceVar(&f.push, "push", nil, a.say(i18n.M("cli.flag.push")))
	fs.BoolVar(&f.load, "load", false, a.say(i18n.M("cli.flag.load")))
	fs.BoolVar(&f.fresh, "fresh", false, a.say(i18n.M("cli.flag.fresh")))
	c.RunE = func(c *cobra.Command, args []string) error {
		start := time.Now()
		keys, err := settings()
		if err != nil {
			return err
		}
		s, err := a.planned(c.Context(), args, keys, f.planFile)
		if err != nil {
			return err
		}
		doc, err := a.runShip(c.Context(), s, f)
		if err != nil {
			return err
		}
		doc.Run.Seconds = time.Since(start).Seconds()
		return a.result(doc, a.shipTable(s, doc))
	}
	return c
}

// planned gives the session with the plan: made from facts, or read from a file.
func (a *app) planned(ctx context.Context, args []string, keys map[string]string, file string) (*session, error) {
	if file == "" {
		return a.prepare(ctx, args, keys)
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if key != "output" {
			return nil, fault.UsageError(i18n.M("cli.plan.settled", flagOf(key)), i18n.M("cli.plan.settled.hint"))
		}
	}
	s, err := a.open(ctx, args, keys)
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(s.dir, file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(err, i18n.M("cli.plan.read"), i18n.Message{})
	}
	if s.plan, err = plan.Decode(b, file); err != nil {
		return nil, err
	}
	rev, err := s.tree.Revision(ctx)
	if err != nil {
		return nil, err
	}
	if want, got := s.plan.Source.Revision, rev.Revision; want != "" && got != "" && want != got {
		a.rep.Warn(i18n.M("cli.plan.revision", want, got))
	}
	if rev.Dirty && !s.plan.Source.Dirty {
		a.rep.Warn(i18n.M("cli.plan.dirty"))
	}
	return s, nil
}

// runShip builds, makes the images and writes the results.
func (a *app) runShip(ctx context.Context, s *session, f shipFlags) (*shipDoc, error) {
	remote := a.remote()
	if err := checkDelivery(s.plan, f, remote); err != nil {
		return nil, err
	}
	zones, err := zoneinfo(ctx, s.goCmd, s.plan)
	if err != nil {
		return nil, err
	}
	cache, err := image.OpenCache(filepath.Join(s.cache, "layers"))
	if err != nil {
		return nil, err
	}
	made := make([]image.Made, len(s.plan.Targets))
	took := make([]time.Duration, len(s.plan.Targets))
	o := build.Options{
		Go: s.goCmd, Root: s.tree.Root, Plan: s.plan, Inputs: s.inputs, Fresh: f.fresh,
		CacheDir: filepath.Join(s.cache, "build"), Observer: a.rep,
	}
	o.Ready = func(ctx context.Context, i int, bins []build.Binary) error {
		t := s.plan.Targets[i]
		for _, b := range bins {
			took[i] = max(took[i], b.Took)
		}
		if t.Image == nil || fatal(bins) {
			return nil
		}
		start := time.Now()
		task := t.Platform.String()
		a.rep.Begin(task, "image")
		job := image.Job{
			Target: t, ProjectDir: s.tree.Root, Zoneinfo: zones, Cache: cache, Remote: remote,
			Progress: func(_ string, n int64) { a.rep.Progress(task, "image", n) },
		}
		for j, b := range bins {
			job.Programs = append(job.Programs, image.Program{Binary: t.Binaries[j], Path: b.Cached, Digest: b.Digest, Size: b.Size})
		}
		m, err := image.Assemble(ctx, job)
		if err != nil {
			return err
		}
		made[i] = m
		d := time.Since(start)
		took[i] += d
		reused := !slices.ContainsFunc(m.Layers, func(l image.Layer) bool { return !l.Reused })
		a.rep.End(task, "image", d, m.Size, "", reused)
		return nil
	}
	bins, err := build.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := a.judge(bins); err != nil {
		return nil, err
	}
	return a.writeShip(ctx, s, f, bins, made, took, remote)
}

// fatal reports whether a binary cannot do what the plan says.
func fatal(bins []build.Binary) bool {
	return slices.ContainsFunc(bins, func(b build.Binary) bool {
		return slices.ContainsFunc(b.Findings, func(f finding.Finding) bool { return f.Severity.AtLeast(finding.CannotStart) })
	})
}

// judge shows the findings and ends the run if one of them is fatal.
func (a *app) judge(bins []build.Binary) error {
	var all []finding.Finding
	for _, b := range bins {
		all = append(all, b.Findings...)
	}
	finding.Sort(all)
	for _, f := range all {
		a.rep.Finding(f)
	}
	if fatal(bins) {
		return &fault.Error{Msg: i18n.M("cli.selfcheck"), Hint: i18n.M("cli.selfcheck.hint"), Code: fault.Findings}
	}
	return nil
}

// zoneinfo names the time zone archive of the toolchain that the plan builds
// with, if an image needs it.
func zoneinfo(ctx context.Context, g *gotool.Go, p plan.Plan) (string, error) {
	needed := slices.ContainsFunc(p.Targets, func(t plan.Target) bool { return t.Image != nil && t.Image.Base.Zones })
	if !needed {
		return "", nil
	}
	root, err := g.Root(ctx, p.Toolchain)
	if err != nil {
		return "", err
	}
	name := filepath.Join(root, "lib", "time", "zoneinfo.zip")
	if _, err := os.Stat(name); err != nil {
		return "", fault.New(err, i18n.M("cli.zoneinfo", p.Toolchain), i18n.M("cli.zoneinfo.hint"))
	}
	return name, nil
}

// writeShip puts the results where the user finds them. Everything that can
// fail for lack of room or rights happens before anything old is replaced.
func (a *app) writeShip(ctx context.Context, s *session, f shipFlags, bins []build.Binary, made []image.Made, took []time.Duration, remote image.Remote) (doc *shipDoc, err error) {
	_, statErr := os.Stat(s.output)
	fresh := errors.Is(statErr, os.ErrNotExist)
	defer func() {
		if err != nil && fresh {
			os.RemoveAll(s.output)
		}
	}()
	staged, err := build.Stage(ctx, filepath.Join(s.output, "bin"), bins)
	if err != nil {
		return nil, err
	}
	defer staged.Discard()

	var images []image.Made
	for i, t := range s.plan.Targets {
		if t.Image != nil {
			images = append(images, made[i])
		}
	}
	meta := indexMeta(s.plan)
	doc = &shipDoc{
		SchemaVersion: shipSchema, Slipway: ownVersion().Version, Module: s.plan.Module, Version: s.plan.Version,
		Source: s.plan.Source, Toolchain: s.plan.Toolchain, Run: &shipRun{Output: s.output},
	}
	layout := filepath.Join(s.output, "oci")
	if len(images) > 0 {
		desc, err := image.WriteLayout(ctx, layout, images, meta)
		if err != nil {
			return nil, err
		}
		doc.Index = &desc
	} else if err := os.RemoveAll(layout); err != nil {
		return nil, fmt.Errorf("remove outdated images: %w", err)
	}
	if bins, err = staged.Commit(); err != nil {
		return nil, err
	}
	n := 0
	for i, t := range s.plan.Targets {
		st := shipTarget{Platform: t.Platform.String(), took: took[i]}
		for range t.Binaries {
			b := bins[n]
			n++
			b.Path = relative(s.output, b.Path)
			b.Debug = relative(s.output, b.Debug)
			doc.Findings = append(doc.Findings, b.Findings...)
			b.Findings = nil
			st.Binaries = append(st.Binaries, b)
		}
		if t.Image != nil {
			st.Image = shipImageOf(made[i], t)
		}
		doc.Targets = append(doc.Targets, st)
	}
	finding.Sort(doc.Findings)
	if err := removeOutdated(s.output, doc); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(s.output, "plan.json"), s.plan); err != nil {
		return nil, err
	}
	run := doc.Run
	doc.Run = nil
	err = writeJSON(filepath.Join(s.output, "ship.json"), doc)
	doc.Run = run
	if err != nil {
		return nil, err
	}
	return doc, a.deliver(ctx, s, f, doc, images, meta, remote)
}

func (s *session) abs(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, name)
}

// indexMeta gives the index the annotations of the images, which are the same
// for all targets, and its name.
func indexMeta(p plan.Plan) image.IndexMeta {
	for _, t := range p.Targets {
		if t.Image != nil {
			return image.IndexMeta{Annotations: maps.Clone(t.Image.Annotations), RefNames: tagsOf(p)[:1]}
		}
	}
	return image.IndexMeta{}
}

func relative(dir, path string) string {
	rel, err := filepath.Rel(dir, path)
	if path == "" || err != nil {
		return path
	}
	return filepath.ToSlash(rel)
}

// remote says how registries are reached.
func (a *app) remote() image.Remote {
	dir := a.getenv("DOCKER_CONFIG")
	if home := a.getenv("HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".docker")
	}
	return image.Remote{
		DockerConfig: dir, Offline: a.offline, Proxy: http.ProxyFromEnvironment,
		UserAgent: "slipway/" + ownVersion().Version,
	}
}
