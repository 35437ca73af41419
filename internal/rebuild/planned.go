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
	if src.Module != "" {
		t, err := source.Open(ctx, source.Options{Dir: tmp, Go: j.Go, Env: j.Env}, []string{src.Module})
		if err != nil {
			return err
		}
		if t.Sum != src.Sum {
			j.res.Causes = append(j.res.Causes, Cause{Kind: CauseContent, Name: t.Ref, A: src.Sum, B: t.Sum})
		}
		j.b.dir = t.Root
		return nil
	}
	if j.Source == "" {
		return refuse(i18n.M("rebuild.why.nosource", p.plan.Module))
	}
	top := j.Source
	switch {
	case src.Dirty:
		j.res.Notes = append(j.res.Notes, i18n.M("rebuild.note.dirty", j.Source))
	case src.Revision == "":
		j.res.Notes = append(j.res.Notes, i18n.M("rebuild.note.norevision", j.Source))
	default:
		dir, err := checkout(ctx, j.Options, src.Revision, filepath.Join(tmp, "checkout"))
		if _, ok := errors.AsType[*refusal](err); ok {
			// An exported tarball has the same files without a repository.
			j.res.Notes = append(j.res.Notes, i18n.M("rebuild.note.nocheckout", j.Source, src.Revision))
			break
		}
		if err != nil {
			return err
		}
		top = dir
	}
	root, err := findModule(ctx, top, p.plan.Module)
	if err != nil {
		return err
	}
	j.b.dir = root
	return nil
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
