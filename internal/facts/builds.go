package facts

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// Builds joins every go build and go install of the repository's own packages
// with what it meets. A build whose binary is run in more than one stage
// comes once for each. "go install path@version" is not among them. The
// result is shared and not to be changed.
func (r *Repo) Builds() []Build {
	if r.memo == nil {
		return r.builds()
	}
	r.memo.once.Do(func() { r.memo.builds = r.builds() })
	return r.memo.builds
}

// repoMemo keeps what many rules ask for.
type repoMemo struct {
	once   sync.Once
	builds []Build

	mu         sync.Mutex            // of what follows
	selections map[string]*selection // by the root of the module
	closures   map[string]Imports

	dirsOnce sync.Once
	dirs     map[string][]*GoFile // for Linked

	programsOnce sync.Once
	programs     []MainPackage

	runsOnce sync.Once
	runs     []Running

	kept sync.Map // of Once: key → func() any
	ran  sync.Map // of Ran: *JobStep → []Command
}

// Once gives what work gives. For a repository that was read here, work is
// done a single time under each key; the result is shared and not to be
// changed. What it depends on must be in place before the first call.
func Once[T any](r *Repo, key string, work func() T) T {
	if r.memo == nil {
		return work()
	}
	v, ok := r.memo.kept.Load(key)
	if !ok {
		v, _ = r.memo.kept.LoadOrStore(key, sync.OnceValue(func() any { return work() }))
	}
	return v.(func() any)().(T)
}

func (r *Repo) builds() []Build {
	var out []Build
	calls := maxMadeCalls
	for i := range r.Dockerfiles {
		out = append(out, r.dockerBuilds(&r.Dockerfiles[i], &calls)...)
	}
	for i := range r.Workflows {
		w := &r.Workflows[i]
		for k := range w.Jobs {
			j := &w.Jobs[k]
			own := true // what lies in the working directory is this repository
			for _, s := range j.Steps {
				if c := s.With; strings.HasPrefix(s.Uses.Value, "actions/checkout@") && c["path"].Value == "" {
					own = c["repository"].Value == ""
				}
				for _, g := range r.withMade(s.Commands, func() []madeCommand { return r.stepMakes(&s, &calls) }) {
					b := Build{Go: g.GoCommand, Via: g.via, Workflow: w, Job: j, Where: fmt.Sprintf("%s job %s", w.Path, j.ID)}
					r.settle(&b, path.Join(s.Dir, g.Dir), own && g.Dir != "" && !strings.Contains(s.Dir, "$"))
					b.CgoWhy = firstPos(g.Env["CGO_ENABLED"], g.Stated("CGO_ENABLED"), s.Env["CGO_ENABLED"], j.Env["CGO_ENABLED"], w.Env["CGO_ENABLED"])
					out = append(out, b)
				}
			}
		}
	}
	for i := range r.Releases {
		out = append(out, r.releaseBuilds(&r.Releases[i])...)
	}
	for i := range r.Scripts {
		s := &r.Scripts[i]
		for _, g := range ownBuilds(s.Commands) {
			b := Build{Go: g, Script: s, Where: s.Path}
			// make runs where the makefile is; a script, wherever it is called.
			r.settle(&b, path.Join(path.Dir(s.Path), g.Dir), s.Kind == "make" && g.Dir != "")
			b.CgoWhy = firstPos(g.Env["CGO_ENABLED"], g.Stated("CGO_ENABLED"))
			out = append(out, b)
		}
	}
	return out
}

// madeBuild is a build that a text runs, itself or by way of make.
type madeBuild struct {
	GoCommand
	via Pos
}

// withMade are the builds of a text and of the targets it makes.
func (r *Repo) withMade(cs []Command, makes func() []madeCommand) []madeBuild {
	var out []madeBuild
	for _, g := range ownBuilds(cs) {
		out = append(out, madeBuild{GoCommand: g})
	}
	for _, m := range makes() {
		for _, g := range ownBuilds([]Command{m.Command}) {
			out = append(out, madeBuild{g, m.via})
		}
	}
	return out
}

// ownBuilds are the commands that build something of the repository.
func ownBuilds(cs []Command) []GoCommand {
	return slices.DeleteFunc(GoCommands(cs), func(g GoCommand) bool {
		return g.Verb != "build" && g.Verb != "install" ||
			slices.ContainsFunc(g.Args, func(a string) bool { return strings.Contains(a, "@") || a == "std" || a == "cmd" })
	})
}

// firstPos gives the place that states a value which is in the environment:
// the first line that does, else the command itself.
func firstPos(value string, command Pos, lines ...Line) Pos {
	if value == "" {
		return Pos{}
	}
	for _, l := range lines {
		if l.Value == value {
			return l.Pos
		}
	}
	return command
}

// settle fills in what the command says by itself. dir is where it runs,
// relative to the repository, if known.
func (r *Repo) settle(b *Build, dir string, known bool) {
	b.GOOS, b.GOARCH = b.Go.Env["GOOS"], b.Go.Env["GOARCH"]
	b.Tags, b.TagsKnown = tagsOf(b.Go)
	b.Cgo = Unknown
	switch b.Go.Env["CGO_ENABLED"] {
	case "0":
		b.Cgo = No
	case "1":
		b.Cgo = Yes
	}
	if !known || path.IsAbs(dir) || !r.hasDir(path.Clean(dir)) {
		return // such as the clone of another repository
	}
	if b.Module = r.ModuleAt(dir); b.Module != nil {
		b.Packages = r.packagesOf(b.Module, dir, b.Go.Args)
	}
}

// tagsOf gives the tags of -tags and GOFLAGS, and whether these are all.
func tagsOf(g GoCommand) (tags []string, known bool) {
	known = !slices.Contains(g.Args, NotLiteral)
	text, ok := g.Flags["-tags"]
	if !ok {
		for _, f := range strings.Fields(g.Env["GOFLAGS"]) {
			if v, ok := strings.CutPrefix(strings.TrimLeft(f, "-"), "tags="); ok {
				text = v
			}
		}
		known = known && Literal(g.Env["GOFLAGS"])
	}
	if !Literal(text) {
		return nil, false
	}
	tags = strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' })
	slices.Sort(tags)
	return slices.Compact(tags), known
}

// packagesOf gives the directories of the packages that args name, nil if
// that cannot be known.
func (r *Repo) packagesOf(m *RepoModule, dir string, args []string) []string {
	if len(args) == 0 {
		args = []string{"."}
	}
	var out []string
	for _, a := range args {
		if !Literal(a) {
			return nil
		}
		d := path.Join(dir, a)
		if a != "." && a != ".." && !strings.HasPrefix(a, "./") && !strings.HasPrefix(a, "../") {
			switch rest, ok := strings.CutPrefix(a+"/", m.Path+"/"); {
			case ok:
				d = path.Join(m.Root, rest)
			case !strings.HasSuffix(a, ".go"):
				return nil // of another module, or an absolute path
			}
		}
		if strings.HasSuffix(a, ".go") {
			d = path.Dir(d)
		}
		prefix, all := strings.CutSuffix(d, "...")
		for i := range r.GoFiles {
			g := &r.GoFiles[i]
			if g.Module != m.Root || g.Test {
				continue
			}
			if g.Dir == d || all && (strings.HasPrefix(g.Dir+"/", prefix) || prefix == "./" || prefix == "") {
				out = append(out, g.Dir)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
