package rebuild

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/source"
)

// Planned rebuilds the program at path as binary b of target t of a plan says,
// which states everything, and says what came of it. o.Source is the
// directory of the plan's module, or lies in a clone of its repository; a
// module version is fetched.
func Planned(ctx context.Context, o Options, name, path string, p plan.Plan, b plan.Binary) (*Result, error) {
	r := Recipe{
		From: "plan", Package: b.Package, Module: p.Module, Version: p.Version, Revision: p.Source.Revision,
		Modified: p.Source.Dirty, Toolchain: p.Toolchain, Args: slices.Clone(b.Args), Env: maps.Clone(b.Env), trimpath: true,
	}
	if p.Source.Install {
		r.Sum = p.Source.Sum
		_, r.Version, _ = strings.Cut(p.Source.Module, "@")
	}
	j := &job{Options: o, path: path, res: &Result{Name: name, Verdict: Unknown, Cache: cacheWord(o), Recipe: r}}
	j.planned = &planned{plan: p, binary: b}
	return j.do(ctx)
}

// planned is what a plan says of a job.
type planned struct {
	plan   plan.Plan
	binary plan.Binary
}

// source says where the go command runs, and on what.
func (p *planned) source(ctx context.Context, j *job, tmp string) error {
	src := p.plan.Source
	if src.Install {
		return j.moduleSource(ctx, tmp)
	}
	j.b.target = "./" + p.binary.Dir
	if p.binary.Dir == "." {
		j.b.target = "."
	}
	f, err := FindSource(ctx, j.Options, p.plan, tmp)
	if err != nil {
		return err
	}
	if f.Sum != src.Sum {
		j.res.Causes = append(j.res.Causes, Cause{Kind: CauseContent, Name: src.Module, A: src.Sum, B: f.Sum})
	}
	j.res.Notes = append(j.res.Notes, f.Notes...)
	j.b.dir = f.Dir
	return nil
}

// Found is the source of a plan.
type Found struct {
	Dir   string // of go.mod
	Sum   string // of a module version
	Notes []i18n.Message
}

// FindSource gets the source of a plan: its module version, or its commit,
// checked out below tmp, or the files of o.Source as they are. A source that
// cannot be had is an error for which Refusal gives the reason.
func FindSource(ctx context.Context, o Options, p plan.Plan, tmp string) (Found, error) {
	src := p.Source
	if src.Module != "" {
		t, err := source.Open(ctx, source.Options{Dir: tmp, Go: o.Go, Env: o.Env}, []string{src.Module})
		if err != nil {
			return Found{}, err
		}
		return Found{Dir: t.Root, Sum: t.Sum}, nil
	}
	if o.Source == "" {
		return Found{}, refuse(i18n.M("rebuild.why.nosource", p.Module))
	}
	var f Found
	top := o.Source
	switch {
	case src.Dirty:
		f.Notes = append(f.Notes, i18n.M("rebuild.note.dirty", o.Source))
	case src.Revision == "":
		f.Notes = append(f.Notes, i18n.M("rebuild.note.norevision", o.Source))
	default:
		dir, err := checkout(ctx, o, src.Revision, filepath.Join(tmp, "checkout"))
		if _, ok := errors.AsType[*refusal](err); ok {
			// An exported tarball has the same files without a repository.
			f.Notes = append(f.Notes, i18n.M("rebuild.note.nocheckout", o.Source, src.Revision))
			break
		}
		if err != nil {
			return Found{}, err
		}
		top = dir
	}
	var err error
	f.Dir, err = findModule(ctx, top, p.Module)
	return f, err
}

// Refusal gives the reason of an error that means that something cannot be
// rebuilt.
func Refusal(err error) (i18n.Message, bool) {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		return i18n.Message{}, false
	}
	return r.why, true
}

// finish does to a linked program what a build does after linking.
func (p *planned) finish(linked string) (string, error) {
	if !p.binary.Debug {
		return linked, nil
	}
	switch err := build.StripELF(linked, linked+".stripped"); {
	case errors.Is(err, build.ErrNotELF):
		return linked, nil
	case err != nil:
		return "", err
	}
	return linked + ".stripped", nil
}
