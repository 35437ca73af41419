package facts

import (
	"path"
	"strings"
)

// Pack is a place that makes an image of a Dockerfile: a step of a workflow
// or a line of a script.
type Pack struct {
	Docker   *Dockerfile
	Stage    *Stage // the stage it ends in
	Pos      Pos
	Workflow *Workflow // with Job, or
	Job      *Job
	Script   *Script
}

// Packs finds who makes images of the repository's Dockerfiles.
func (r *Repo) Packs() []Pack {
	var out []Pack
	add := func(p Pack, file, target string) {
		if p.Docker = r.dockerfileAt(path.Clean(file)); p.Docker == nil {
			return
		}
		if p.Stage = p.Docker.stageOf(target); p.Stage != nil {
			out = append(out, p)
		}
	}
	commands := func(p Pack, cs []Command, dir string) {
		for _, c := range cs {
			if file, target, _, ok := dockerBuildOf(c); ok {
				p.Pos = c.Pos
				add(p, path.Join(dir, c.Dir, file), target)
			}
		}
	}
	for i := range r.Scripts {
		s, dir := &r.Scripts[i], "."
		if s.Kind == "make" {
			dir = path.Dir(s.Path)
		}
		commands(Pack{Script: s}, s.Commands, dir)
	}
	for i := range r.Workflows {
		w := &r.Workflows[i]
		for k := range w.Jobs {
			j := &w.Jobs[k]
			for _, s := range j.Steps {
				p := Pack{Workflow: w, Job: j}
				commands(p, s.Commands, s.Dir)
				if strings.HasPrefix(s.Uses.Value, "docker/build-push-action@") {
					file := s.With["file"].Value
					if file == "" {
						file = path.Join(s.With["context"].Value, "Dockerfile")
					}
					p.Pos = s.Uses.Pos
					add(p, file, s.With["target"].Value)
				}
			}
		}
	}
	return out
}
