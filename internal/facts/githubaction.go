package facts

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds on composite actions: those of GitHub for their nesting, and far
// above what is found for the rest.
const (
	maxActionDepth = 10
	maxInlined     = 2000 // steps of actions in one workflow
)

// githubFile is a workflow with the actions beside it.
type githubFile struct {
	yamlFile
	near    nearby
	actions map[string]*yamlFile // by directory; nil there is none
	left    int                  // of maxInlined
	ignores []Ignore
}

// stepReader follows the steps of a job and of the composite actions of this
// repository that they use
// (docs.github.com/actions/tutorials/create-actions/create-a-composite-action).
type stepReader struct {
	f    *githubFile
	job  *Job
	envs []map[string]Line // so far
	own  bool              // what lies in the working directory is this repository
	via  []*JobStep        // that use the action being read, the outermost first
}

func (r *stepReader) steps(f yamlFile, list *yaml.Node, shell, dir string) {
	for _, n := range items(list) {
		if n = deref(n); n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		envs := slices.Clone(r.envs)
		if len(r.via) > 0 {
			if r.f.left--; r.f.left < 0 {
				return
			}
		}
		for _, v := range r.via {
			envs = append(envs, v.Env)
		}
		s := f.githubStep(n, envs, shell, dir)
		for _, v := range slices.Backward(r.via) {
			if s.Via.File == "" {
				s.Via = v.Uses.Pos
			}
			if s.If.Value == "" {
				s.If = v.If
			}
		}
		r.job.Steps = append(r.job.Steps, s)
		if set := exportsOf(&s); set != nil {
			r.envs = append(r.envs, set)
		}
		if strings.HasPrefix(s.Uses.Value, "actions/checkout@") {
			r.own = s.With["repository"].Value == "" && s.With["path"].Value == ""
		}
		r.action(&s)
	}
}

// action reads the steps of the action of this repository that s uses. What
// they are given as inputs is not known.
func (r *stepReader) action(s *JobStep) {
	dir, local := strings.CutPrefix(s.Uses.Value, "./")
	if !local || !r.own || len(r.via) == maxActionDepth || strings.Contains(dir, "$") {
		return
	}
	a := r.f.action(path.Clean(dir))
	if a == nil {
		return
	}
	r.via = append(r.via, s)
	r.steps(*a, get(get(a.root, "runs"), "steps"), "", "")
	r.via = r.via[:len(r.via)-1]
}

// action gives the composite action in a directory, nil if there is none.
func (f *githubFile) action(dir string) *yamlFile {
	if a, ok := f.actions[dir]; ok {
		return a
	}
	if f.actions == nil {
		f.actions = map[string]*yamlFile{}
	}
	f.actions[dir] = nil
	for _, base := range []string{"action.yml", "action.yaml"} {
		name := path.Join(dir, base)
		src := f.near.read(name)
		if src == nil {
			continue
		}
		a, err := parseYAML(name, src)
		if err == nil && f.line(get(get(a.root, "runs"), "using")).Value == "composite" {
			f.actions[dir] = &a
			f.ignores = append(f.ignores, readIgnores(name, src)...)
		}
		break
	}
	return f.actions[dir]
}
