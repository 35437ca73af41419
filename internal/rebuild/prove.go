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

// prove builds, and experiments until it is known what differs.
func (j *job) prove(ctx context.Context) error {
	guesses := j.ldflagGuesses()
	mapping := rewrites(j.ours, j.theirs)
	var more []string
	if guesses[0] != "" {
		more = append(more, "-ldflags="+guesses[0])
	}
	if mapping != "" {
		more = append(more, j.mapped(mapping)...)
	}
	j.say(StageBuild)
	plain, err := j.b.build(ctx, more...)
	if err != nil {
		return explainFailure(err)
	}
	if plain, err = j.finish(plain); err != nil {
		return err
	}
	if err := j.modules(ctx); err != nil {
		return err
	}
	if j.res.Got, err = fileDigest(plain); err != nil {
		return err
	}
	if j.res.Got == j.res.Want {
		j.res.Verdict = Identical
		j.guessed(guesses[0])
		return nil
	}
	got, err := binary.Open(plain)
	if err != nil {
		return err
	}
	j.say(StageLink)
	_, log, err := j.b.trace(ctx, more...)
	if err != nil {
		return explainFailure(err)
	}
	l, err := parseLink(log, j.b.dir)
	if err != nil {
		return j.compare(ctx, plain, got, mapping)
	}
	s := stamps{info: j.bi, buildID: j.file.GoBuildID, keep: j.theirs.goroot == "", goroot: j.theirs.goroot}
	best, err := j.b.relink(ctx, l, s)
	if errors.Is(err, errNoLink) {
		return j.compare(ctx, plain, got, mapping)
	}
	if err != nil {
		return explainFailure(err)
	}
	if best, err = j.finish(best); err != nil {
		return err
	}
	digest, err := fileDigest(best)
	if err != nil {
		return err
	}
	if digest != j.res.Want {
		return j.compare(ctx, best, got, mapping)
	}
	// All is explained: by the stamps that were taken from the original.
	if len(guesses) > 1 && len(j.inputs(got, mapping)) == 0 {
		if ok, err := j.otherGuesses(ctx, guesses[1:], more[1:]); ok || err != nil {
			return err
		}
	}
	j.guessed(guesses[0])
	j.res.Verdict, j.res.Proof = SameCode, "relinked"
	for _, c := range append(j.inputs(got, mapping), buildIDCauses(j.file, got)...) {
		c.Proved = true
		j.res.Causes = append(j.res.Causes, c)
	}
	return nil
}

func (j *job) finish(linked string) (string, error) {
	if j.planned == nil {
		return linked, nil
	}
	return j.planned.finish(linked)
}

// mapped are the flags that make the compilers write other directories.
func (j *job) mapped(mapping string) []string {
	return []string{"-gcflags=all=-trimpath=" + mapping, "-asmflags=all=-trimpath=" + mapping}
}

// inputs gives the recorded inputs that differ, those left out that the
// experiment itself brought in.
func (j *job) inputs(got *binary.File, mapping string) []Cause {
	causes := infoCauses(j.file, got)
	if mapping != "" {
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

// otherGuesses tries other -ldflags with the same effect: the build ID tells
// them apart.
func (j *job) otherGuesses(ctx context.Context, guesses, more []string) (bool, error) {
	for _, g := range guesses {
		out, err := j.b.build(ctx, append([]string{"-ldflags=" + g}, more...)...)
		if err != nil {
			return false, explainFailure(err)
		}
		digest, err := fileDigest(out)
		if err != nil {
			return false, err
		}
		if digest == j.res.Want {
			j.res.Got, j.res.Verdict = digest, Identical
			j.guessed(g)
			return true, nil
		}
	}
	return false, nil
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
func (j *job) compare(ctx context.Context, path string, got *binary.File, mapping string) error {
	j.say(StageCompare)
	other, err := openObject(ctx, path)
	if err != nil {
		return err
	}
	d := diffObjects(j.want, other)
	j.res.Proof, j.res.Diff = "compared", d
	j.res.Causes = append(j.res.Causes, j.inputs(got, mapping)...)
	j.res.Causes = append(j.res.Causes, toolCauses(j.want, other)...)
	j.res.Causes = append(j.res.Causes, buildIDCauses(j.file, got)...)
	j.res.Causes = append(j.res.Causes, d.causes()...)
	j.res.Verdict = d.Verdict
	if d.Verdict == Unknown {
		j.res.Reason = i18n.M("rebuild.why.notaligned")
	}
	return nil
}
