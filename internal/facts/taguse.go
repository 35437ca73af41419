package facts

import (
	"fmt"
	"go/build/constraint"
	"maps"
	"path"
	"slices"
	"strings"
)

// TagUse is a go command of the repository that sets tags, or a build of a
// release tool that does.
type TagUse struct {
	Go       GoCommand
	Where    string // "Makefile", "ci.yml job test", "Dockerfile:3"
	Tags     []string
	Known    bool        // these are all that it sets
	Module   *RepoModule // the module it works on; nil unknown
	Packages []string    // directories of the packages it works on
	Foreign  bool        // it works on something that is not this repository, or may
}

// TagUses gives every go command that sets tags, tests and analyses as well.
// The result is shared and not to be changed.
func (r *Repo) TagUses() []TagUse {
	return Once(r, "tag uses", r.tagUses)
}

func (r *Repo) tagUses() []TagUse {
	var out []TagUse
	add := func(where string, g GoCommand, dir string, known bool) {
		tags, all := tagsOf(g)
		if len(tags) == 0 {
			return
		}
		u := TagUse{Go: g, Where: where, Tags: tags, Known: all}
		b := Build{Go: g}
		r.settle(&b, dir, known)
		u.Module, u.Packages = b.Module, b.Packages
		u.Foreign = !known || b.Module == nil || len(b.Packages) == 0 || slices.ContainsFunc(g.Args, func(a string) bool { return strings.Contains(a, "@") })
		out = append(out, u)
	}
	for i := range r.Dockerfiles {
		d := &r.Dockerfiles[i]
		for k := range d.Stages {
			s := &d.Stages[k]
			for n := range s.Runs {
				run := &s.Runs[n]
				for _, g := range GoCommands(run.Commands) {
					cwd := g.Dir
					if cwd != "" && !path.IsAbs(cwd) {
						cwd = ""
						if path.IsAbs(run.Workdir) {
							cwd = path.Join(run.Workdir, g.Dir)
						}
					}
					dir, known := r.contextDir(d, s, run, cwd)
					add(fmt.Sprintf("%s:%d", d.Path, g.Pos.Line), g, dir, known)
				}
			}
		}
	}
	for i := range r.Workflows {
		w := &r.Workflows[i]
		for k := range w.Jobs {
			j := &w.Jobs[k]
			own := true
			for _, s := range j.Steps {
				if c := s.With; strings.HasPrefix(s.Uses.Value, "actions/checkout@") && c["path"].Value == "" {
					own = c["repository"].Value == ""
				}
				for _, g := range GoCommands(s.Commands) {
					add(fmt.Sprintf("%s job %s", w.Path, j.ID), g, path.Join(s.Dir, g.Dir), own && g.Dir != "" && !strings.Contains(s.Dir, "$"))
				}
			}
		}
	}
	for i := range r.Scripts {
		s := &r.Scripts[i]
		for _, g := range GoCommands(s.Commands) {
			dir, known := path.Join(path.Dir(s.Path), g.Dir), s.Kind == "make" && g.Dir != ""
			if s.Kind == "sh" && slices.ContainsFunc(g.Args, r.names) {
				dir, known = ".", true // scripts are run at the root, or go there
			}
			add(s.Path, g, dir, known)
		}
	}
	for i := range r.Releases {
		l := &r.Releases[i]
		g := GoCommand{Verb: "build", Command: Command{Pos: l.Pos}, Flags: map[string]string{}}
		var tags []string
		for _, t := range l.Tags {
			tags, g.Pos = append(tags, t.Value), t.Pos
		}
		for _, f := range l.Flags {
			if v, ok := strings.CutPrefix(strings.TrimLeft(f.Value, "-"), "tags="); ok {
				tags, g.Pos = append(tags, v), f.Pos
			}
		}
		text := strings.Join(append(tags, l.Dir.Value, l.Main.Value), ",")
		if len(tags) > 0 && !strings.Contains(text, "{{") {
			g.Flags["-tags"] = strings.Join(tags, ",")
			if l.Main.Value != "" {
				g.Args = []string{l.Main.Value}
			}
			add(l.Path, g, path.Clean(l.Dir.Value), true)
		}
	}
	return out
}

// names reports whether an argument of a go command names one directory with
// Go files, relative to the root.
func (r *Repo) names(arg string) bool {
	dir, ok := strings.CutPrefix(arg, "./")
	dir = strings.TrimSuffix(dir, "/...")
	return ok && dir != "" && dir != "..." && Literal(arg) && r.hasDir(path.Clean(dir))
}

// stdTags are the tags that files of Go's own source tree ask for and that a
// user may set, and those of which the go command sets some by itself. A test
// compares them with the toolchain's source.
var stdTags = set(
	"appengine", "asan", "boringcrypto", "cgo", "checknewoldreassignment", "cmd_go_bootstrap", "compiler_bootstrap",
	"debuglog", "debugtrace", "faketime", "fips140v1.0", "gc", "gccgo", "generate", "icu", "ignore", "internal", "libfuzzer",
	"lldb", "math_big_pure_go", "msan", "netcgo", "netgo", "nethttpomithttp2", "noopt", "osusergo", "purego", "race",
	"static", "test_run", "timetzdata", "unix", "valgrind",
)

// IsStdTag reports whether Go itself knows a tag: a system, an architecture,
// a release, an experiment or one that the standard library asks for.
func IsStdTag(tag string) bool {
	arch, _, _ := strings.Cut(tag, ".") // amd64.v3
	return stdTags[tag] || knownArch[arch] || knownOS[tag] || strings.HasPrefix(tag, "go1.") || strings.HasPrefix(tag, "goexperiment.")
}

// StdTags gives the tags that Go itself knows and that are no system,
// architecture, release or experiment, sorted.
func StdTags() []string { return slices.Sorted(maps.Keys(stdTags)) }

// eachConstraintTag calls f for every tag of the file's build lines, even of
// old-style ones that do not count.
func (g *GoFile) eachConstraintTag(f func(string)) {
	for _, x := range g.constraints() {
		EachTag(x, f)
	}
	if g.Build != "" {
		for _, l := range g.PlusBuild {
			if x, err := constraint.Parse(l.Value); err == nil {
				EachTag(x, f)
			}
		}
	}
}

// DeclaredTags gives the tags that files of the repository and of the
// packages in Deps ask for, in #cgo lines as well, each with one place.
func (r *Repo) DeclaredTags() map[string]Pos {
	out := map[string]Pos{}
	note := func(g *GoFile) {
		g.eachConstraintTag(func(t string) {
			if _, ok := out[t]; !ok {
				pos := g.BuildPos
				if pos.File == "" && len(g.PlusBuild) > 0 {
					pos = g.PlusBuild[0].Pos
				}
				out[t] = pos
			}
		})
		for _, t := range g.CgoTags {
			if _, ok := out[t]; !ok {
				out[t] = Pos{File: g.Path, Line: 1, Column: 1}
			}
		}
	}
	for i := range r.GoFiles {
		note(&r.GoFiles[i])
	}
	if r.Deps != nil {
		for _, p := range r.Deps.Packages {
			for i := range p.Files {
				note(&p.Files[i])
			}
		}
	}
	return out
}
