package rebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/source"
)

// job is the rebuild of one program.
type job struct {
	Options
	res     *Result
	path    string // of the original
	file    *binary.File
	bi      *debug.BuildInfo
	want    *object // the original taken apart
	b       *builder
	ours    places
	theirs  places
	planned *planned // nil: the program's own build information is all there is
}

// Program rebuilds the program at path from its own build information and
// says what came of it. name is what the result calls it. A program that
// cannot be rebuilt gives the verdict Unknown with a reason; an error means
// that the attempt itself failed.
func Program(ctx context.Context, o Options, name, path string) (*Result, error) {
	j := &job{Options: o, path: path, res: &Result{Name: name, Verdict: Unknown, Cache: cacheWord(o)}}
	return j.do(ctx)
}

func (j *job) do(ctx context.Context) (*Result, error) {
	start := time.Now()
	err := j.run(ctx)
	if r, ok := errors.AsType[*refusal](err); ok {
		j.res.Verdict, j.res.Reason, err = Unknown, r.why, nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("rebuild %s: %w", j.res.Name, err)
	}
	j.res.Took = time.Since(start)
	return j.res, nil
}

func cacheWord(o Options) string {
	if o.SharedCache {
		return "shared"
	}
	return "fresh"
}

func (j *job) say(s Stage) {
	if j.Progress != nil {
		j.Progress(s)
	}
}

func (j *job) run(ctx context.Context) (err error) {
	if j.res.Want, err = fileDigest(j.path); err != nil {
		return err
	}
	if j.file, err = binary.Open(j.path); err != nil {
		return err
	}
	if len(j.file.Slices) > 0 {
		return refuse(i18n.M("rebuild.why.fat"))
	}
	if j.planned == nil {
		if j.res.Recipe, err = ReadRecipe(j.file); err != nil {
			return err
		}
	}
	if j.bi = j.file.Go; j.bi == nil {
		return refuse(i18n.M("rebuild.why.noinfo"))
	}
	recipe := j.res.Recipe
	tmp, err := os.MkdirTemp(j.TempDir, "slipway-rebuild-")
	if err != nil {
		return fmt.Errorf("make a directory for the rebuild: %w", err)
	}
	defer removeAll(tmp)
	if tmp, err = filepath.EvalSymlinks(tmp); err != nil {
		return fmt.Errorf("name the directory for the rebuild: %w", err)
	}
	j.b = &builder{g: j.Go, tmp: tmp, env: maps.Clone(recipe.Env), args: slices.Clone(recipe.Args)}
	if !j.SharedCache {
		j.b.extra = append(j.b.extra, "GOCACHE="+filepath.Join(tmp, "gocache"), "GOCACHEPROG=")
	}
	j.say(StageFetch)
	if err := j.toolchain(ctx); err != nil {
		return err
	}
	find := j.source
	if j.planned != nil {
		find = func(ctx context.Context, tmp string) error { return j.planned.source(ctx, j, tmp) }
	}
	if err := find(ctx, tmp); err != nil {
		return err
	}
	if j.want, err = openObject(ctx, j.path); err != nil {
		return err
	}
	j.places()
	return j.prove(ctx)
}

// removeAll removes a directory that may hold read-only ones.
func removeAll(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = os.Chmod(p, 0o700)
		}
		return nil
	})
	os.RemoveAll(dir)
}

func (j *job) toolchain(ctx context.Context) error {
	root, err := j.Go.Root(ctx, j.res.Recipe.Toolchain)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return refuse(i18n.M("rebuild.why.notoolchain", j.res.Recipe.Toolchain))
	}
	j.ours.goroot = filepath.ToSlash(root)
	j.ours.modcache = filepath.ToSlash(j.Go.Settings.Env["GOMODCACHE"])
	return nil
}

// source says where the go command runs, and on what.
func (j *job) source(ctx context.Context, tmp string) error {
	r := &j.res.Recipe
	if r.Sum != "" {
		return j.moduleSource(ctx, tmp)
	}
	if j.Source == "" {
		if r.Revision != "" {
			return refuse(i18n.M("rebuild.why.nosource.commit", r.Module, r.Revision))
		}
		return refuse(i18n.M("rebuild.why.nosource", r.Module))
	}
	top := j.Source
	if r.Revision != "" {
		var err error
		if top, err = checkout(ctx, j.Options, r.Revision, filepath.Join(tmp, "checkout")); err != nil {
			return err
		}
		if r.Modified {
			j.res.Notes = append(j.res.Notes, i18n.M("rebuild.note.modified", r.Revision))
		}
	} else {
		j.res.Notes = append(j.res.Notes, i18n.M("rebuild.note.norevision", j.Source))
	}
	root, err := findModule(ctx, top, r.Module)
	if err != nil {
		return err
	}
	j.b.dir, j.ours.main = root, filepath.ToSlash(root)
	j.b.target = "."
	if rel := strings.Trim(strings.TrimPrefix(r.Package, r.Module), "/"); rel != "" {
		j.b.target = "./" + rel
	}
	if r.vcs {
		j.b.args = append(j.b.args, "-buildvcs=true")
	} else {
		j.b.args = append(j.b.args, "-buildvcs=false")
	}
	return nil
}

// moduleSource fetches the module version, which holds it against the checksum
// database, and that against the sum in the program.
func (j *job) moduleSource(ctx context.Context, tmp string) error {
	r := &j.res.Recipe
	if err := module.CheckImportPath(r.Package); err != nil {
		return refuse(i18n.M("rebuild.why.badpath", r.Package))
	}
	if err := module.Check(r.Module, r.Version); err != nil {
		return refuse(i18n.M("rebuild.why.badpath", r.Module+"@"+r.Version))
	}
	t, err := source.Open(ctx, source.Options{Dir: tmp, Go: j.Go, Env: j.Env}, []string{r.Package + "@" + r.Version})
	if err != nil {
		return err
	}
	if t.Ref != r.Module+"@"+r.Version {
		return refuse(i18n.M("rebuild.why.othermodule", r.Module+"@"+r.Version, t.Ref))
	}
	if t.Sum != r.Sum {
		j.res.Causes = append(j.res.Causes, Cause{Kind: CauseContent, Name: t.Ref, A: r.Sum, B: t.Sum})
	}
	j.b.install, j.b.dir, j.b.target = true, tmp, r.Package+"@"+r.Version
	if j.Go.Offline {
		// No checksum database can be asked; the sums in the program are
		// held against the module cache afterwards.
		j.b.extra = append(j.b.extra, "GONOSUMDB=*")
	}
	return nil
}

// places finds out which directories stand in the original that are others
// here.
func (j *job) places() {
	r := j.res.Recipe
	if r.trimpath {
		return
	}
	j.theirs = placesOf(j.want.files, modulesOf(j.bi), r.Module, r.Package)
	if r.Sum != "" {
		j.theirs.main = ""
	}
}

func fileDigest(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read program: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read program %s: %w", name, err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
