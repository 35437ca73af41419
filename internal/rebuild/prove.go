package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/i18n"
)

// attempt is one build with one guess at what is not recorded.
type attempt struct {
	ldflags   string // guessed
	digest    string // of what was built
	plain     string // what was built
	best      string // linked once more with the original's stamps; plain if that could not be done
	identical bool   // plain is the original
	relinked  bool   // best is the original
}

// prove builds, and experiments until it is known what differs.
func (j *job) prove(ctx context.Context) error {
	guesses := j.ldflagGuesses()
	j.say(StageBuild)
	at, err := j.attempt(ctx, guesses[0])
	if err != nil {
		return err
	}
	if err := j.modules(ctx); err != nil {
		return err
	}
	if !at.identical && !at.relinked {
		if at, err = j.stampedAttempt(ctx, at); err != nil {
			return err
		}
	}
	j.res.Got = at.digest
	if at.identical {
		j.res.Verdict = Identical
		j.guessed(at.ldflags)
		return nil
	}
	got, err := binary.Open(at.plain)
	if err != nil {
		return err
	}
	if !at.relinked {
		return j.compare(ctx, at, got)
	}
	// All is explained by the stamps that were taken from the original. If
	// nothing recorded differs, the build ID tells flags of the same effect
	// apart.
	if len(j.inputs(got)) == 0 && at.ldflags == guesses[0] {
		for _, g := range guesses[1:] {
			out, err := j.built(ctx, g)
			if err != nil {
				return err
			}
			digest, err := fileDigest(out)
			if err != nil {
				return err
			}
			if digest == j.res.Want {
				j.res.Got, j.res.Verdict = digest, Identical
				j.guessed(g)
				return nil
			}
		}
	}
	j.guessed(at.ldflags)
	j.res.Verdict, j.res.Proof = SameCode, "relinked"
	for _, c := range append(j.inputs(got), buildIDCauses(j.file, got)...) {
		c.Proved = true
		j.res.Causes = append(j.res.Causes, c)
	}
	return nil
}

// attempt builds with a guess at -ldflags and, if the original does not come
// out, links once more with its stamps.
func (j *job) attempt(ctx context.Context, ldflags string) (attempt, error) {
	at := attempt{ldflags: ldflags}
	var err error
	if at.plain, err = j.built(ctx, ldflags); err != nil {
		return at, err
	}
	at.best = at.plain
	if at.digest, err = fileDigest(at.plain); err != nil {
		return at, err
	}
	if at.identical = at.digest == j.res.Want; at.identical {
		return at, nil
	}
	j.say(StageLink)
	_, log, err := j.b.trace(ctx, j.more(ldflags)...)
	if err != nil {
		return at, explainFailure(err)
	}
	l, err := parseLink(log, j.b.dir)
	if err != nil {
		return at, nil
	}
	s := stamps{info: j.bi, buildID: j.file.GoBuildID, keep: j.theirs.goroot == "", goroot: j.theirs.goroot}
	best, err := j.b.relink(ctx, l, s)
	if errors.Is(err, errNoLink) {
		return at, nil
	}
	if err != nil {
		return at, explainFailure(err)
	}
	if at.best, err = j.finish(best); err != nil {
		return at, err
	}
	digest, err := fileDigest(at.best)
	at.relinked = digest == j.res.Want
	return at, err
}

// stampedAttempt tries -X for variables whose text is another than in the
// source, if the original has a symbol table that names them and its -ldflags
// are not recorded. It gives the attempt that explains more.
func (j *job) stampedAttempt(ctx context.Context, first attempt) (attempt, error) {
	if !j.res.Recipe.hidden || !j.file.Symbols {
		return first, nil
	}
	other, err := openObject(ctx, first.best)
	if err != nil {
		return first, err
	}
	xs := stringStamps(j.want, other, j.res.Recipe.Module)
	if len(xs) == 0 {
		return first, nil
	}
	second, err := j.attempt(ctx, strings.TrimSpace(first.ldflags+" "+strings.Join(xs, " ")))
	if err != nil || !second.identical && !second.relinked {
		return first, err
	}
	return second, nil
}

// stringStamps gives -X flags for the variables of the module, or of package
// main, that hold another text in a than in b.
func stringStamps(a, b *object, module string) []string {
	const most = 32
	var out []string
	for name := range a.syms {
		i := strings.LastIndexByte(name, '.')
		if i < 0 || name[:i] != "main" && name[:i] != module && !strings.HasPrefix(name, module+"/") {
			continue
		}
		x, okX := a.stringVar(name)
		y, okY := b.stringVar(name)
		if !okX || !okY || x.text == y.text || x.long || strings.ContainsAny(x.text, "'\"\n") {
			continue
		}
		out = append(out, "-X '"+name+"="+x.text+"'")
	}
	if len(out) > most {
		return nil
	}
	slices.Sort(out)
	return out
}

// built builds with a guess at -ldflags.
func (j *job) built(ctx context.Context, ldflags string) (string, error) {
	out, err := j.b.build(ctx, j.more(ldflags)...)
	if err != nil {
		return "", explainFailure(err)
	}
	return j.finish(out)
}

// more are the flags that an attempt adds to the recorded ones.
func (j *job) more(ldflags string) []string {
	var out []string
	if ldflags != "" {
		out = append(out, "-ldflags="+ldflags)
	}
	if m := rewrites(j.ours, j.theirs); m != "" {
		// They make the compilers write the original's directories.
		// Where only the source lay elsewhere, what is not of its module need
		// not be compiled again.
		which := "all"
		if rewrites(places{goroot: j.ours.goroot, modcache: j.ours.modcache}, j.theirs) == "" {
			which = j.res.Recipe.Module + "/..."
		}
		out = append(out, "-gcflags="+which+"=-trimpath="+m, "-asmflags="+which+"=-trimpath="+m)
	}
	return out
}

func (j *job) finish(linked string) (string, error) {
	if j.planned == nil {
		return linked, nil
	}
	return j.planned.finish(linked)
}

// inputs gives the recorded inputs that differ, those left out that the
// experiment itself brought in.
func (j *job) inputs(got *binary.File) []Cause {
	causes := infoCauses(j.file, got)
	if rewrites(j.ours, j.theirs) != "" {
		causes = slices.DeleteFunc(causes, func(c Cause) bool {
			return c.Kind == CauseSetting && (c.Name == "-gcflags" || c.Name == "-asmflags") && strings.Contains(c.B, "-trimpath=")
		})
	}
	for _, p := range [][3]string{{"GOROOT", j.theirs.goroot, j.ours.goroot}, {"GOMODCACHE", j.theirs.modcache, j.ours.modcache}, {"source", j.theirs.main, j.ours.main}} {
		if p[1] != "" && p[2] != "" && p[1] != p[2] {
			causes = append(causes, Cause{Kind: CausePath, Name: p[0], A: p[1], B: p[2]})
		}
	}
	return causes
}

// ldflagGuesses gives candidates for -ldflags that -trimpath keeps out of the
// build information (https://go.dev/issue/52372), the likeliest first. What
// the file has no longer, -s or -w took out.
func (j *job) ldflagGuesses() []string {
	switch {
	case !j.res.Recipe.hidden:
		return []string{""}
	case !j.file.Symbols && !j.file.DWARF:
		return []string{"-s -w", "-w -s", "-s"}
	case !j.file.DWARF && j.file.Format != binary.Wasm:
		return []string{"-w"}
	}
	return []string{""}
}

// guessed notes what is not recorded and gave the bytes.
func (j *job) guessed(ldflags string) {
	if ldflags != "" {
		j.res.Guesses = append(j.res.Guesses, "-ldflags="+ldflags)
	}
}

// modules hashes what was compiled against the original's record of it.
func (j *job) modules(ctx context.Context) error {
	j.say(StageModules)
	n, bad, err := hashModules(ctx, j.Go.Settings.Env["GOMODCACHE"], j.bi)
	if err != nil {
		return fmt.Errorf("hash the modules: %w", err)
	}
	j.res.Modules = n
	j.res.Causes = append(j.res.Causes, bad...)
	return nil
}

// buildIDCauses names the parts of the build ID that differ: of what was done
// and what came of it, for the program and for package main
// (cmd/go/internal/work/buildid.go).
func buildIDCauses(a, b *binary.File) []Cause {
	x, y := strings.Split(a.GoBuildID, "/"), strings.Split(b.GoBuildID, "/")
	names := []string{"link action", "main action", "main content", "program content"}
	if len(x) != 4 || len(y) != 4 {
		if a.GoBuildID != b.GoBuildID {
			return []Cause{{Kind: CauseBuildID, A: a.GoBuildID, B: b.GoBuildID}}
		}
		return nil
	}
	var out []Cause
	for i, n := range names {
		if x[i] != y[i] {
			out = append(out, Cause{Kind: CauseBuildID, Name: n, A: x[i], B: y[i]})
		}
	}
	return out
}

// compare takes both programs apart, when no experiment gave the original.
func (j *job) compare(ctx context.Context, at attempt, got *binary.File) error {
	j.say(StageCompare)
	other, err := openObject(ctx, at.best)
	if err != nil {
		return err
	}
	d := diffObjects(j.want, other)
	j.res.Proof, j.res.Diff = "compared", d
	j.res.Causes = append(j.res.Causes, j.inputs(got)...)
	j.res.Causes = append(j.res.Causes, toolCauses(j.want, other)...)
	j.res.Causes = append(j.res.Causes, buildIDCauses(j.file, got)...)
	j.res.Causes = append(j.res.Causes, d.causes()...)
	j.res.Verdict = d.Verdict
	if d.Verdict == Unknown {
		j.res.Reason = i18n.M("rebuild.why.notaligned")
	}
	return nil
}
