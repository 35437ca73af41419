package verify

import (
	"cmp"
	"context"
	"errors"
	"path"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/distro"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/ldso"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// Place is where a program is meant to run.
type Place struct {
	Name string       // as people call it
	Tree *rootfs.Tree // its files; nil: only Libc and Glibc are known
	Libc distro.Libc  // of a place without a tree
	Lib  string       // version of its glibc; empty: not known
	Env  []string     // of the image
	User rootfs.User  // who runs the program
	Who  bool         // User is known
	libs *ldso.Cache  // of libraries in Tree
	syms *symbolCache // of libraries in Tree
	fs   *treeFS      // Tree
}

// NewPlace makes a place of a tree.
func NewPlace(name string, t *rootfs.Tree) *Place {
	return &Place{Name: name, Tree: t, libs: &ldso.Cache{}, syms: &symbolCache{}, fs: &treeFS{t}}
}

// placement judges one program in one place.
type placement struct {
	place  *Place
	p      *OpenedProgram
	entity string
	dir    string // of the program, in the place or on this disk
	found  []finding.Finding
	no     bool // it cannot start
	doubt  bool // whether it can start is not known
}

func (j *placement) report(r finding.Rule, m i18n.Message, ev ...finding.Evidence) *finding.Finding {
	j.found = append(j.found, r.On(j.entity, m, ev...))
	return &j.found[len(j.found)-1]
}

// judgePlace says whether a program can start in a place, and what it lacks
// there.
func judgePlace(ctx context.Context, place *Place, p *OpenedProgram, entity, dir string) (*Verdict, []finding.Finding, error) {
	j := &placement{place: place, p: p, entity: entity, dir: dir}
	f := p.file
	switch {
	case f.Format != binary.ELF || f.OS != "" && f.OS != "linux":
		j.no = true
		j.report(build.RulePlatform, i18n.M("verify.platform.linux", p.Platform, place.Name))
	case f.Interp == "" && len(f.Needed) > 0 && f.Type != binary.Shared:
		j.no = true
		j.report(build.RuleNoInterpreter, i18n.M("selfcheck.nointerpreter", strings.Join(f.Needed, ", ")))
	case f.Interp != "" && place.Tree == nil:
		j.byName()
	case f.Interp != "":
		if err := j.load(ctx); err != nil {
			return nil, nil, err
		}
	}
	if !j.no && place.Tree != nil && f.Go != nil {
		j.surroundings()
	}
	v := &Verdict{Name: place.Name, Starts: Yes}
	switch {
	case j.no:
		v.Starts = No
	case j.doubt:
		v.Starts = Unknown
	}
	for _, x := range j.found {
		if x.Severity.AtLeast(finding.CannotStart) && !x.Advisory {
			v.Why = append(v.Why, x.Message)
		}
	}
	return v, j.found, nil
}

// libcOf says which C library a program is linked to.
func libcOf(f *binary.File) distro.Libc {
	switch {
	case f.Musl:
		return distro.Musl
	case f.GlibcNeeded != "" || strings.Contains(f.Interp, "/ld-linux") || strings.Contains(f.Interp, "/ld64.so"):
		return distro.GNU
	}
	return distro.Unknown
}

// byName judges by what is known of a distribution.
func (j *placement) byName() {
	f, place := j.p.file, j.place
	j.doubt = true
	want := libcOf(f)
	switch {
	case place.Libc == distro.None:
		j.no = true
		j.interpMissing()
	case place.Libc != distro.Unknown && want != distro.Unknown && place.Libc != want:
		j.no = true
		j.report(RuleLibcMixed, i18n.M("verify.libc", want, place.Name, place.Libc, f.Interp))
	case want == distro.GNU && place.Lib != "" && binary.CompareVersions(f.GlibcNeeded, place.Lib) > 0:
		j.no = true
		j.report(build.RuleGlibc, i18n.M("verify.glibc", j.p.Name, f.GlibcNeeded, f.GlibcSymbol, place.Name, place.Lib))
	case onlyLibc(f) && (want == distro.Musl || place.Lib != ""):
		j.doubt = false
	}
}

// onlyLibc reports whether a program needs nothing but files that every system
// with its C library has.
func onlyLibc(f *binary.File) bool {
	for _, n := range f.Needed {
		switch name, _, _ := strings.Cut(n, ".so"); name {
		case "libc", "libpthread", "libm", "libdl", "librt", "libresolv", "libutil", "ld-linux-x86-64", "ld-linux-aarch64":
		default:
			if !strings.HasPrefix(n, "libc.musl-") {
				return false
			}
		}
	}
	return true
}

func (j *placement) interpMissing() {
	f := j.p.file
	if len(f.Needed) == 0 {
		j.report(RuleInterpreterMissing, i18n.M("verify.interp.pie", f.Interp, j.place.Name))
		return
	}
	j.report(RuleInterpreterMissing, i18n.M("verify.interp", f.Interp, j.place.Name))
}

// load follows the dynamic linker.
func (j *placement) load(ctx context.Context) error {
	f, place := j.p.file, j.place
	l, err := ldso.New(ctx, place.fs, ldso.Program{Name: j.p.Name, File: f, Dir: j.dir, Outside: j.outside()}, place.libs)
	if errors.Is(err, ldso.ErrInterp) {
		j.no = true
		if other, at := otherLibc(place.Tree, f); other != distro.Unknown {
			j.report(RuleLibcMixed, i18n.M("verify.libc", libcOf(f), place.Name, other, f.Interp),
				finding.Evidence{Text: i18n.M("verify.libc.loader", at)})
		} else {
			j.interpMissing()
		}
		return nil
	}
	if err != nil {
		return err
	}
	if i := l.Interp(); i != nil && !l.Musl() && i.File.GlibcOffered == "" {
		// Some loader that stands in for glibc's, such as gcompat's, which
		// starts musl in its place: what it finds where is its own affair.
		j.doubt = true
		return nil
	}
	if err := l.Load(ctx); err != nil {
		return err
	}
	for _, a := range l.Absent() {
		j.no = true
		j.report(RuleLibraryMissing, i18n.M("verify.library", a.Name, cmp.Or(a.By, j.p.Name), place.Name),
			finding.Evidence{Text: i18n.M("verify.library.looked", strings.Join(a.Looked, ", "))})
	}
	if libc := l.Libc(); libc != nil {
		for _, o := range l.Objects() {
			if binary.CompareVersions(o.File.GlibcNeeded, libc.File.GlibcOffered) > 0 {
				j.no = true
				j.report(build.RuleGlibc, i18n.M("verify.glibc", o.Name, o.File.GlibcNeeded, o.File.GlibcSymbol, place.Name, libc.File.GlibcOffered))
			}
		}
	}
	if j.no || hasEnv(place.Env, "LD_PRELOAD") {
		return nil // the rest follows from what is missing
	}
	return j.symbols(ctx, l)
}

// outside gives files of this disk to a program that is not in the place: what
// it seeks beside itself is taken along with it.
func (j *placement) outside() func(string) (ldso.File, error) {
	if j.p.open != nil {
		return nil
	}
	return openDisk
}

// otherLibc finds the loader of a C library that a program was not linked to.
func otherLibc(t *rootfs.Tree, f *binary.File) (distro.Libc, string) {
	want := libcOf(f)
	dirs := []string{"/lib", "/lib64"}
	for _, d := range dirs {
		list, err := t.ReadDir(d)
		if err != nil {
			continue
		}
		for _, n := range list {
			name := path.Base(n.Path)
			switch {
			case want == distro.GNU && strings.HasPrefix(name, "ld-musl-"):
				return distro.Musl, path.Join(d, name)
			case want == distro.Musl && strings.HasPrefix(name, "ld-linux"):
				return distro.GNU, path.Join(d, name)
			}
		}
	}
	return distro.Unknown, ""
}

func hasEnv(env []string, key string) bool { return envOf(env, key) != "" }

// envOf gives the value of a variable; the last one counts.
func envOf(env []string, key string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], key+"="); ok {
			return v
		}
	}
	return ""
}
