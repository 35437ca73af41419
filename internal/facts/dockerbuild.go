package facts

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// dockerBuilds joins the builds of one Dockerfile with the stages their
// output reaches.
func (r *Repo) dockerBuilds(d *Dockerfile, calls *int) []Build {
	var out []Build
	for i := range d.Stages {
		s := &d.Stages[i]
		for k := range s.Runs {
			run := &s.Runs[k]
			makes := func() []madeCommand {
				f := makeFollower{r: r, calls: calls, at: func(dir string) (string, bool) { return r.contextDir(d, s, run, run.cwd(dir)) }}
				return f.follow(run.Commands)
			}
			for _, m := range r.withMade(run.Commands, makes) {
				g := m.GoCommand
				b := Build{Go: g, Via: m.via, Docker: d, Stage: s, Where: fmt.Sprintf("%s:%d", d.Path, cmp.Or(m.via.Line, g.Pos.Line))}
				if s.Name != "" {
					b.Where += " stage " + s.Name
				}
				cwd := run.cwd(g.Dir)
				dir, known := r.contextDir(d, s, run, cwd)
				r.settle(&b, dir, known)
				b.CgoWhy = firstPos(g.Env["CGO_ENABLED"], g.Stated("CGO_ENABLED"), s.Env["CGO_ENABLED"], s.Args["CGO_ENABLED"])
				if b.Cgo == Unknown && g.Env["CGO_ENABLED"] == "" {
					b.Cgo = defaultCgo(d, s, g)
				}
				b.Output = outputOf(&b, cwd)
				runtimes := d.runtimes(s, b.Output)
				if len(runtimes) == 0 {
					out = append(out, b)
				}
				for _, rt := range runtimes {
					b.Runtime = rt
					out = append(out, b)
				}
			}
		}
	}
	return out
}

// cwd is the absolute directory of a command of run, "" if not known.
func (run *Run) cwd(dir string) string {
	switch {
	case path.IsAbs(dir):
		return dir
	case dir != "" && path.IsAbs(run.Workdir):
		return path.Join(run.Workdir, dir)
	}
	return ""
}

// Lineage gives a stage and the stages it is FROM, nearest first; nothing for
// nil.
func (d *Dockerfile) Lineage(s *Stage) []*Stage {
	if s == nil {
		return nil
	}
	out := []*Stage{s}
	for s.Parent >= 0 && s.Parent < min(s.Index, len(d.Stages)) {
		s = &d.Stages[s.Parent]
		out = append(out, s)
	}
	return out
}

// contextDir gives the repository's directory that lies at dir of the stage:
// through COPY lines from the context and bind mounts.
func (r *Repo) contextDir(d *Dockerfile, s *Stage, run *Run, dir string) (string, bool) {
	if dir == "" || d.Context == "" {
		return "", false
	}
	copies := slices.Clone(run.Binds)
	for _, p := range d.Lineage(s) {
		copies = append(copies, p.Copies...)
	}
	best, bestLen := "", -1
	for _, c := range copies {
		if c.From != "" || !Literal(c.Dst) {
			continue
		}
		dst := path.Clean(c.Dst)
		rest, ok := strings.CutPrefix(dir+"/", strings.TrimSuffix(dst, "/")+"/")
		if !ok || len(dst) <= bestLen {
			continue
		}
		for _, src := range c.Srcs {
			if !Literal(src) || strings.HasPrefix(src, "<<") {
				continue
			}
			from := path.Join(d.Context, strings.TrimPrefix(path.Clean("/"+src), "/"))
			if base := path.Base(src); base == "go.mod" || base == "*.go" || strings.HasSuffix(base, ".go") {
				from = path.Dir(from) // a file: its directory lies there
			} else if !r.hasDir(from) {
				continue
			}
			if from = path.Join(from, rest); r.hasDir(from) {
				best, bestLen = from, len(dst)
				break
			}
		}
	}
	return best, bestLen >= 0
}

// hasDir reports whether the directory holds a module, Go files or a
// makefile, or lies above Go files.
func (r *Repo) hasDir(dir string) bool {
	if dir == "." {
		return true
	}
	for i := range r.Modules {
		if r.Modules[i].Root == dir {
			return true
		}
	}
	for i := range r.Scripts {
		if s := &r.Scripts[i]; s.Kind == "make" && path.Dir(s.Path) == dir {
			return true
		}
	}
	for i := range r.GoFiles {
		if g := r.GoFiles[i].Dir; g == dir || strings.HasPrefix(g, dir+"/") {
			return true
		}
	}
	return false
}

// compilers are packages that bring a C compiler to an Alpine stage.
var compilers = set("gcc", "g++", "build-base", "clang", "musl-dev")

// defaultCgo says whether cgo is on where nothing states CGO_ENABLED. It is
// off for another architecture and, since Go 1.20, where there is no C
// compiler (go.dev/doc/go1.20#cgo); the golang images on Debian have one,
// those on Alpine have not.
func defaultCgo(d *Dockerfile, s *Stage, g GoCommand) Certain {
	if g.Env["GOARCH"] != "" || g.Env["CC"] != "" || g.Env["GOOS"] != "" && g.Env["GOOS"] != "linux" {
		return Unknown
	}
	stages := d.Lineage(s)
	base := stages[len(stages)-1].Base
	if path.Base(base.Name) != "golang" || !base.Resolved || strings.Contains(base.Name, "/") && !strings.HasSuffix(base.Name, "library/golang") {
		return Unknown
	}
	for _, p := range stages {
		for i := range p.Runs {
			for _, c := range p.Runs[i].Commands {
				if len(c.Words) > 2 && (c.Words[0] == "apk" || slices.Contains(c.Words, NotLiteral)) {
					for _, w := range c.Words {
						if compilers[w] || !Literal(w) {
							return Unknown // it may have a compiler
						}
					}
				}
				if gc, ok := goCommandOf(c); ok && gc.Verb == "env -w" {
					for _, a := range gc.Args {
						if strings.HasPrefix(a, "CGO_ENABLED=") || !Literal(a) {
							return envWritten(a)
						}
					}
				}
			}
		}
	}
	switch {
	case !strings.Contains(base.Tag, "alpine") && !strings.Contains(base.Tag, "windowsservercore") && !strings.Contains(base.Tag, "nanoserver"):
		return Yes
	case strings.Contains(base.Tag, "alpine"):
		return No
	}
	return Unknown
}

func envWritten(a string) Certain {
	switch a {
	case "CGO_ENABLED=0":
		return No
	case "CGO_ENABLED=1":
		return Yes
	}
	return Unknown
}

// outputOf gives the absolute path of the binary, "" if it cannot be known.
func outputOf(b *Build, cwd string) string {
	g := b.Go
	if slices.Contains(g.Args, NotLiteral) {
		return ""
	}
	name := ""
	if len(b.Packages) == 1 && b.Module != nil {
		name = b.Packages[0]
		if name == b.Module.Root {
			name = b.Module.Path
			if base := path.Base(name); isMajor(base) {
				name = path.Dir(name)
			}
		}
		name = path.Base(name)
	}
	if g.Verb == "install" {
		bin := g.Env["GOBIN"]
		if bin == "" {
			bin = "/go/bin" // of the golang images
		}
		if name == "" || !path.IsAbs(bin) || g.Env["GOPATH"] != "" {
			return ""
		}
		return path.Join(bin, name)
	}
	o, given := g.Flags["-o"]
	switch {
	case given && !Literal(o):
		return ""
	case !given && name == "":
		return ""
	case !given:
		o = name
	case strings.HasSuffix(o, "/") || o == "." || o == "/bin" || o == "/usr/bin" || o == "/usr/local/bin":
		if name == "" {
			return ""
		}
		o = path.Join(o, name)
	}
	if !path.IsAbs(o) {
		if cwd == "" {
			return ""
		}
		o = path.Join(cwd, o)
	}
	return path.Clean(o)
}

// runtimes are the stages that hold the file, which stage made, and start a
// program. A stage that only exports files starts none.
func (d *Dockerfile) runtimes(made *Stage, file string) []*Stage {
	if file == "" {
		return nil
	}
	holds := make([][]string, len(d.Stages))
	holds[made.Index] = []string{file}
	var out []*Stage
	for i := made.Index; i < len(d.Stages); i++ {
		s := &d.Stages[i]
		if s.Parent >= made.Index && s.Parent < i {
			holds[i] = append(holds[i], holds[s.Parent]...)
		}
		for _, c := range s.Copies {
			if c.FromStage < made.Index || c.FromStage >= i {
				continue
			}
			for _, f := range holds[c.FromStage] {
				if to, ok := copied(c, f); ok && len(holds[i]) < 16 {
					holds[i] = append(holds[i], to)
				}
			}
		}
		if len(holds[i]) > 0 && (s.Entrypoint != nil || s.Cmd != nil) && !d.IsParent(i) {
			out = append(out, s)
		}
	}
	return out
}

// IsParent reports whether a later stage is FROM this one: then that one is
// what is run, if anything is, and may bring what this one lacks.
func (d *Dockerfile) IsParent(index int) bool {
	return slices.ContainsFunc(d.Stages, func(s Stage) bool { return s.Parent == index })
}

// copied gives where COPY puts a file of the stage it copies from.
func copied(c Copy, file string) (string, bool) {
	for _, src := range c.Srcs {
		if !Literal(src) {
			continue
		}
		src = path.Clean("/" + src)
		into := strings.HasSuffix(c.Dst, "/") || c.Dst == "/" || len(c.Srcs) > 1 || strings.ContainsAny(src, "*?[")
		if rest, ok := strings.CutPrefix(file, strings.TrimSuffix(src, "/")+"/"); ok {
			return path.Join(c.Dst, rest), true // the directory's contents
		}
		if ok, err := path.Match(src, file); err != nil || !ok {
			continue
		}
		if into {
			return path.Join(c.Dst, path.Base(file)), true
		}
		return c.Dst, true
	}
	return "", false
}
