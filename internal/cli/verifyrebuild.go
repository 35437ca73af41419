package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/rebuild"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/verify"
)

// rebuildFlags say how programs are rebuilt.
type rebuildFlags struct {
	on     bool
	source string
	shared bool
}

// rebuildStage builds the programs again and holds the results against them.
func (a *app) rebuildStage(fs *pflag.FlagSet) verifyStage {
	var f rebuildFlags
	fs.BoolVar(&f.on, "rebuild", false, a.say(i18n.M("rebuild.cli.flag")))
	fs.StringVar(&f.source, "source", "", a.say(i18n.M("rebuild.cli.flag.source")))
	fs.BoolVar(&f.shared, "shared-cache", false, a.say(i18n.M("rebuild.cli.flag.shared")))
	return func(ctx context.Context, v *verification) error {
		for _, name := range []string{"source", "shared-cache"} {
			if fs.Changed(name) && !f.on {
				return fault.UsageError(i18n.M("rebuild.cli.only", "--"+name), i18n.M("cli.usage.hint", "slipway verify"))
			}
		}
		if !f.on {
			return nil
		}
		return a.runRebuild(ctx, v, &f)
	}
}

func (a *app) runRebuild(ctx context.Context, v *verification, f *rebuildFlags) error {
	o, err := a.rebuildOptions(ctx, f)
	if err != nil {
		return err
	}
	var all []*rebuild.Result
	var images []*rebuild.ImageResult
	for _, s := range v.subjects {
		same := true
		for _, p := range programsOf(s) {
			r, err := a.rebuildOne(ctx, o, s, p)
			if err != nil {
				return err
			}
			if at := reported(v, p.Name); at != nil {
				at.Rebuild = r
			}
			v.report.Findings = append(v.report.Findings, r.Findings()...)
			all = append(all, r)
			same = same && r.Verdict == rebuild.Identical
		}
		if s.Kind != verify.KindShip || s.Plan == nil {
			continue
		}
		made, found, err := a.remakeImages(ctx, o, s, same)
		if err != nil {
			return err
		}
		images = append(images, made...)
		v.report.Findings = append(v.report.Findings, found...)
	}
	v.report.Rebuilt = images
	v.more = append(v.more, a.rebuildTables(all, images, i18n.M("rebuild.cli.title"), i18n.M("rebuild.cli.sides"))...)
	return nil
}

// reported gives what the report says of a program.
func reported(v *verification, name string) *verify.Program {
	for i := range v.report.Programs {
		if v.report.Programs[i].Name == name {
			return &v.report.Programs[i]
		}
	}
	return nil
}

func (a *app) rebuildOptions(ctx context.Context, f *rebuildFlags) (rebuild.Options, error) {
	dir, err := a.workDir()
	if err != nil {
		return rebuild.Options{}, err
	}
	cache, err := a.cacheDir()
	if err != nil {
		return rebuild.Options{}, err
	}
	g, err := gotool.Find(ctx, a.env, filepath.Join(cache, "memo"))
	if err != nil {
		return rebuild.Options{}, err
	}
	g.Offline = a.offline
	o := rebuild.Options{Go: g, Env: a.env, SharedCache: f.shared, TempDir: a.getenv("TMPDIR")}
	if f.source != "" {
		if o.Source, err = checkDir(dir, f.source); err != nil {
			return rebuild.Options{}, err
		}
	}
	return o, nil
}

// rebuildOne rebuilds one program: as its plan says, if there is one, from the
// directory slipway runs in unless another is named.
func (a *app) rebuildOne(ctx context.Context, o rebuild.Options, s *verify.Opened, p placedProgram) (*rebuild.Result, error) {
	path, done, err := onDisk(ctx, p.OpenedProgram, p.in)
	if err != nil {
		return nil, err
	}
	defer done()
	start, stage := time.Now(), "source"
	a.rep.Begin(p.Name, stage)
	o.Progress = func(now rebuild.Stage) {
		next := map[rebuild.Stage]string{
			rebuild.StageFetch: "source", rebuild.StageModules: "check", rebuild.StageBuild: "build",
			rebuild.StageLink: "build", rebuild.StageCompare: "check",
		}[now]
		if next != stage {
			stage = next
			a.rep.Begin(p.Name, stage)
		}
	}
	var r *rebuild.Result
	if s.Plan != nil && p.Planned != nil {
		if o.Source == "" {
			if o.Source, err = a.workDir(); err != nil {
				return nil, err
			}
		}
		r, err = rebuild.Planned(ctx, o, p.Name, path, *s.Plan, *p.Planned)
	} else {
		r, err = rebuild.Program(ctx, o, p.Name, path)
	}
	if err != nil {
		return nil, err
	}
	a.rep.End(p.Name, stage, time.Since(start), 0, a.say(r.Verdict.Word()), false)
	return r, nil
}

// onDisk gives a program's file: itself, or a copy of one in an image.
func onDisk(ctx context.Context, p *verify.OpenedProgram, from *verify.OpenedImage) (path string, done func(), err error) {
	if p.Path != "" {
		return p.Path, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "slipway-program-")
	if err != nil {
		return "", nil, fmt.Errorf("make a directory for a program: %w", err)
	}
	done = func() { os.RemoveAll(dir) }
	if path, err = copyOut(ctx, p, from, dir); err != nil {
		done()
		return "", nil, fmt.Errorf("take %s out of its image: %w", p.Name, err)
	}
	return path, done, nil
}

func copyOut(ctx context.Context, p *verify.OpenedProgram, from *verify.OpenedImage, dir string) (string, error) {
	r, err := from.Tree.Open(p.In)
	if err != nil {
		return "", err
	}
	defer r.Close()
	w, err := os.OpenFile(filepath.Join(dir, "program"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(w, io.NewSectionReader(r, 0, r.Size()))
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return w.Name(), err
}

// programsOf gives every program of a subject, with the image it lies in. Of a
// ship those in images are those on the disk, which verify has seen to.
func programsOf(s *verify.Opened) []placedProgram {
	var out []placedProgram
	for _, p := range s.Programs {
		out = append(out, placedProgram{p, nil})
	}
	if s.Kind == verify.KindShip {
		return out
	}
	for _, m := range s.Images {
		for _, p := range m.Programs {
			if p.File.Go != nil {
				out = append(out, placedProgram{p, m})
			}
		}
	}
	return out
}

// placedProgram is a program and the image it lies in; nil: on this disk.
type placedProgram struct {
	*verify.OpenedProgram
	in *verify.OpenedImage
}

// againstStage holds programs against another one, layer by layer.
func (a *app) againstStage(fs *pflag.FlagSet) verifyStage {
	if fs.Lookup("against") == nil {
		fs.String("against", "", a.say(i18n.M("rebuild.cli.flag.against")))
	}
	return func(ctx context.Context, v *verification) error {
		name, err := fs.GetString("against")
		if err != nil || name == "" {
			return err
		}
		other, err := a.otherProgram(name)
		if err != nil {
			return err
		}
		var all []*rebuild.Result
		for _, s := range v.subjects {
			for _, p := range programsOf(s) {
				path, done, err := onDisk(ctx, p.OpenedProgram, p.in)
				if err != nil {
					return err
				}
				r, err := rebuild.Files(ctx, path, other)
				done()
				if err != nil {
					return err
				}
				if at := reported(v, p.Name); at != nil {
					at.Against = r
				}
				all = append(all, r)
			}
		}
		v.more = append(v.more, a.rebuildTables(all, nil, i18n.M("rebuild.cli.against", name), i18n.M("rebuild.cli.sides.against", name))...)
		return nil
	}
}

// otherProgram gives the file that --against names.
func (a *app) otherProgram(name string) (string, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(a.dir, path)
	}
	switch fi, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return "", fault.UsageError(i18n.M("verify.missing", name), i18n.M("rebuild.cli.against.hint"))
	case err != nil:
		return "", fmt.Errorf("open the program to compare with: %w", err)
	case !fi.Mode().IsRegular():
		return "", fault.UsageError(i18n.M("rebuild.cli.against.kind", name), i18n.M("rebuild.cli.against.hint"))
	}
	return path, nil
}

// rebuildTables show results: a table with a line each, and below it what
// differs, for those that do. sides says what there and here mean.
func (a *app) rebuildTables(all []*rebuild.Result, images []*rebuild.ImageResult, title, sides i18n.Message) []report.Texter {
	t := &report.Table{Columns: []report.Column{
		{Title: title}, {Title: i18n.M("rebuild.cli.verdict")}, {Title: i18n.M("rebuild.cli.first"), Wrap: true}, {Title: i18n.M("rebuild.cli.time"), Right: true},
	}}
	out := []report.Texter{t}
	explained := false
	for _, r := range all {
		first := a.say(r.Reason)
		if k, ok := r.First(); ok && r.Verdict != rebuild.Unknown {
			first = a.say(k.Word())
		}
		took := ""
		if r.Took > 0 {
			took = report.Duration(r.Took)
		}
		t.Rows = append(t.Rows, []string{r.Name, a.say(r.Verdict.Word()), first, took})
		if d := a.rebuildDetail(r); len(d.lines) > 0 {
			out, explained = append(out, d), true
		}
		switch r.Cache {
		case "fresh":
			t.Notes = []i18n.Message{i18n.M("rebuild.cli.fresh")}
		case "shared":
			t.Notes = []i18n.Message{i18n.M("rebuild.cli.shared")}
		}
	}
	for _, r := range images {
		first := a.say(r.Reason)
		switch {
		case len(r.Layers) > 0 && r.Verdict == rebuild.SameCode:
			first = a.say(i18n.M("rebuild.layer.compressor"))
		case len(r.Layers) > 0:
			first = a.say(i18n.M("rebuild.layer.content"))
		case len(r.Config) > 0:
			first = a.say(i18n.M("rebuild.layer.config"))
		case r.Manifest:
			first = a.say(i18n.M("rebuild.layer.manifest"))
		}
		t.Rows = append(t.Rows, []string{r.Name, a.say(r.Verdict.Word()), first})
	}
	if explained {
		t.Notes = append(t.Notes, sides)
	}
	return out
}

// lines are sentences about one thing, one below the other.
type lines struct {
	head  string
	lines []i18n.Message
}

// WriteText writes l.
func (l lines) WriteText(w io.Writer, s report.Style) error {
	var b strings.Builder
	b.WriteString(l.head + "\n")
	for _, m := range l.lines {
		b.WriteString("  " + strings.ReplaceAll(m.In(s.Lang), "\n", "\n    ") + "\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write what differs: %w", err)
	}
	return nil
}

func (a *app) rebuildDetail(r *rebuild.Result) lines {
	l := lines{head: r.Name}
	for _, c := range r.Causes {
		l.lines = append(l.lines, c.Message())
	}
	if r.Proof == "relinked" {
		l.lines = append(l.lines, i18n.M("rebuild.cli.proved"))
	}
	for _, g := range r.Guesses {
		l.lines = append(l.lines, i18n.M("rebuild.cli.guess", g))
	}
	if d := r.Diff; d != nil {
		if d.NumChanged+d.NumAdded+d.NumRemoved > 0 {
			l.lines = append(l.lines, i18n.M("rebuild.cli.functions", d.Functions, d.NumChanged, d.NumAdded, d.NumRemoved))
		}
		for _, s := range d.Sections {
			l.lines = append(l.lines, i18n.M("rebuild.cli.section", s.Name, s.Bytes, s.First))
		}
	}
	l.lines = append(l.lines, r.Notes...)
	return l
}
