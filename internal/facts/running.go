package facts

import (
	"path"
	"slices"
	"strings"
)

// Running is the join of a container of a manifest with the image that it
// runs, as far as this repository makes that image.
type Running struct {
	Manifest  *Manifest
	Container *Container
	Init      bool    // an init container that is no sidecar
	Certain   Certain // whether it is this image; if not Yes, the rest is a guess or nothing
	Why       Pos     // the line that names the image or makes the program
	Docker    *Dockerfile
	Stage     *Stage // that the image is built of; nil unknown
	Build     *Build // the go build of the only program of the repository in it; nil none or several
	Base      ImageRef
}

// Runs joins every container that has an image with what this repository
// builds. The result is shared and not to be changed.
func (r *Repo) Runs() []Running {
	if r.memo == nil {
		return r.runs()
	}
	r.memo.runsOnce.Do(func() { r.memo.runs = r.runs() })
	return r.memo.runs
}

// made is an image that the repository makes.
type made struct {
	d       *Dockerfile
	target  string // of the stages; "" the last
	base    string // last element of its name
	full    string // its whole name; "" not known
	why     Pos
	program bool // the name is only that of a program or a directory
}

func (r *Repo) runs() []Running {
	var out []Running
	var byBase map[string][]made
	for i := range r.Manifests {
		m := &r.Manifests[i]
		if m.Workload == nil || m.Workload.Partial {
			continue
		}
		if byBase == nil {
			byBase = r.madeImages()
		}
		for k, c := range m.Workload.All() {
			run := Running{Manifest: m, Container: c, Init: k < len(m.Workload.Inits) && !c.Sidecar(), Certain: Unknown}
			if rest, ok := strings.CutPrefix(c.Image.Raw, "ko://"); ok {
				r.runsKo(&run, rest)
			} else if c.Image.Resolved {
				r.runsImage(&run, byBase[path.Base(c.Image.Name)])
			}
			out = append(out, run)
		}
	}
	return out
}

// runsKo joins an image that ko builds: ko://import/path.
func (r *Repo) runsKo(run *Running, importPath string) {
	for i := range r.Modules {
		m := &r.Modules[i]
		rest, ok := strings.CutPrefix(importPath+"/", m.Path+"/")
		if !ok {
			continue
		}
		dir := path.Join(m.Root, rest)
		if !r.hasDir(dir) {
			continue
		}
		run.Certain, run.Why = Yes, run.Container.Image.Pos
		run.Build = &Build{Module: m, Packages: []string{dir}, Cgo: No, TagsKnown: true, Where: run.Container.Image.Raw}
		for k := range r.Releases {
			if rel := &r.Releases[k]; rel.Tool == "ko" && rel.Base.Raw != "" {
				run.Base = rel.Base
			}
		}
	}
}

// runsImage picks the one image that fits: by its whole name, else by the
// name of what is in it.
func (r *Repo) runsImage(run *Running, ms []made) {
	name := run.Container.Image.Name
	fits := func(ok func(made) bool) *made {
		var found *made
		for i := range ms {
			switch m := &ms[i]; {
			case !ok(*m):
			case found == nil || found.program && !m.program:
				found = m
			case found.d != m.d || found.target != m.target && !m.program:
				return nil
			}
		}
		return found
	}
	m := fits(func(m made) bool { return m.full == name })
	if m == nil {
		// A name that could be any other image of the world is that of this one
		// only if it holds a program of this repository.
		m = fits(func(m made) bool { return m.full == "" && len(r.programsOf(m.d, m.target)) > 0 })
	}
	if m == nil {
		return
	}
	stage := m.d.stageOf(m.target)
	if stage == nil {
		return
	}
	run.Certain, run.Why, run.Docker, run.Stage = Yes, m.why, m.d, stage
	run.Build = started(r.programsOf(m.d, m.target), stage, run.Container)
	base := stage
	for base.Parent >= 0 && base.Parent < base.Index {
		base = &m.d.Stages[base.Parent]
	}
	run.Base = base.Base
}

// started picks the build whose program the container starts: the only one,
// or the one that has the name.
func started(bs []*Build, s *Stage, c *Container) *Build {
	if len(bs) == 1 {
		return bs[0]
	}
	name := ""
	switch {
	case len(c.Command) > 0:
		name = c.Command[0].Value
	case s.Entrypoint != nil && !s.Entrypoint.Shell && len(s.Entrypoint.Args) > 0:
		name = s.Entrypoint.Args[0]
	case s.Entrypoint == nil && s.Cmd != nil && !s.Cmd.Shell && len(s.Cmd.Args) > 0:
		name = s.Cmd.Args[0]
	}
	var found *Build
	for _, b := range bs {
		if name == "" || b.Output == "" || path.Base(b.Output) != path.Base(name) {
			continue
		}
		if found != nil {
			return nil
		}
		found = b
	}
	return found
}

// stageOf gives the stage a build ends in.
func (d *Dockerfile) stageOf(target string) *Stage {
	for i := range d.Stages {
		if s := &d.Stages[i]; target == "" && s.Last || target != "" && strings.EqualFold(s.Name, target) {
			return s
		}
	}
	return nil
}

// programsOf are the builds whose binaries the image holds.
func (r *Repo) programsOf(d *Dockerfile, target string) []*Build {
	bs := r.Builds()
	stage := d.stageOf(target)
	var out []*Build
	for i := range bs {
		if b := &bs[i]; b.Docker == d && b.Runtime != nil && b.Runtime == stage {
			out = append(out, b)
		}
	}
	return out
}

// madeImages are the images that scripts, workflows and goreleaser build of
// the Dockerfiles, and those that Dockerfiles give a name by what they hold.
func (r *Repo) madeImages() map[string][]made {
	out := map[string][]made{}
	add := func(m made) {
		if m.base != "" && m.base != "." && m.base != "/" && Literal(m.base) && !strings.ContainsAny(m.base, "${}") {
			out[m.base] = append(out[m.base], m)
		}
	}
	named := func(d *Dockerfile, target, image string, why Pos) {
		ref := imageRef(image, image, why)
		m := made{d: d, target: target, base: path.Base(ref.Name), why: why}
		if ref.Resolved && !strings.Contains(image, "{{") {
			m.full = ref.Name
		}
		add(m)
	}
	commands := func(cs []Command, dir string) {
		for _, c := range cs {
			file, target, tags, ok := dockerBuildOf(c)
			if d := r.dockerfileAt(path.Join(dir, c.Dir, file)); ok && d != nil {
				for _, t := range tags {
					named(d, target, t, c.Pos)
				}
			}
		}
	}
	for i := range r.Scripts {
		dir := "."
		if r.Scripts[i].Kind == "make" {
			dir = path.Dir(r.Scripts[i].Path)
		}
		commands(r.Scripts[i].Commands, dir)
	}
	for i := range r.Workflows {
		for _, j := range r.Workflows[i].Jobs {
			for _, s := range j.Steps {
				commands(s.Commands, s.Dir)
				if strings.HasPrefix(s.Uses.Value, "docker/build-push-action@") {
					file := s.With["file"].Value
					if file == "" {
						file = path.Join(s.With["context"].Value, "Dockerfile")
					}
					if d := r.dockerfileAt(path.Clean(file)); d != nil {
						for t := range strings.FieldsFuncSeq(s.With["tags"].Value, func(c rune) bool { return c == ',' || c == '\n' || c == ' ' }) {
							if !strings.Contains(t, "${{") {
								named(d, s.With["target"].Value, t, s.With["tags"].Pos)
							}
						}
					}
				}
			}
		}
	}
	for i := range r.Releases {
		for _, im := range r.Releases[i].Images {
			file := im.Dockerfile.Value
			if file == "" {
				file = "Dockerfile"
			}
			if d := r.dockerfileAt(path.Clean(file)); d != nil {
				for _, l := range im.Names {
					named(d, "", l.Value, l.Pos)
				}
			}
		}
	}
	for i := range r.Dockerfiles {
		r.byContents(&r.Dockerfiles[i], add)
	}
	return out
}

// byContents names an image after its Dockerfile, its directory and its
// program, as people do.
func (r *Repo) byContents(d *Dockerfile, add func(made)) {
	dir, file := path.Split(d.Path)
	names := []string{path.Base(path.Clean(dir))}
	if rest, ok := strings.CutPrefix(file, "Dockerfile."); ok {
		names = []string{rest}
	} else if ext := path.Ext(file); strings.EqualFold(ext, ".dockerfile") {
		names = []string{strings.TrimSuffix(file, ext)}
	}
	bs := r.programsOf(d, "")
	if len(bs) == 0 {
		return
	}
	b := started(bs, d.stageOf(""), &Container{})
	if b == nil {
		b = bs[0] // which names nothing
	} else {
		if b.Output != "" {
			names = append(names, path.Base(b.Output))
		}
		if b.Module != nil && path.Clean(dir) == b.Module.Root && file == "Dockerfile" {
			names = append(names, path.Base(b.Module.Path))
			if r.onlyProgram(d) {
				names = append(names, "controller") // as kubebuilder leaves it in config/manager
			}
		}
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		add(made{d: d, base: n, why: b.Go.Pos, program: true})
	}
}

// onlyProgram reports whether no other Dockerfile makes an image of a program
// of the repository.
func (r *Repo) onlyProgram(d *Dockerfile) bool {
	return !slices.ContainsFunc(r.Builds(), func(b Build) bool { return b.Docker != nil && b.Docker != d && b.Runtime != nil })
}

func (r *Repo) dockerfileAt(name string) *Dockerfile {
	for i := range r.Dockerfiles {
		if r.Dockerfiles[i].Path == name {
			return &r.Dockerfiles[i]
		}
	}
	return nil
}

// dockerBuildOf reads docker build and its like: docker buildx build, podman
// build, buildah bud.
func dockerBuildOf(c Command) (file, target string, tags []string, ok bool) {
	c = unwrap(c)
	w := c.Words
	if len(w) < 3 || !slices.Contains([]string{"docker", "podman", "nerdctl", "buildah"}, w[0]) {
		return "", "", nil, false
	}
	w = w[1:]
	if w[0] == "buildx" || w[0] == "image" {
		w = w[1:]
	}
	if w[0] != "build" && w[0] != "bud" {
		return "", "", nil, false
	}
	context := "."
	for i := 1; i < len(w); i++ {
		name, value, has := strings.Cut(w[i], "=")
		switch {
		case !strings.HasPrefix(name, "-"):
			context = w[i]
			continue
		case !has && i+1 < len(w) && !dockerBoolFlags[name]:
			i++
			value = w[i]
		}
		switch name {
		case "-t", "--tag":
			tags = append(tags, value)
		case "-f", "--file":
			file = value
		case "--target":
			target = value
		}
	}
	if file == "" {
		file = path.Join(context, "Dockerfile")
	}
	return file, target, tags, Literal(file) && Literal(target) && c.Dir != ""
}

// dockerBoolFlags are the flags of docker build without a value
// (docs.docker.com/reference/cli/docker/buildx/build).
var dockerBoolFlags = set("--pull", "--no-cache", "--push", "--load", "--rm", "--force-rm", "-q", "--quiet", "--squash", "--check", "-D", "--debug")
