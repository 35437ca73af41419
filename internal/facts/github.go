package facts

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

var errManyJobs = errors.New("too many jobs")

// readGitHub reads a workflow of GitHub Actions
// (docs.github.com/actions/reference/workflows-and-actions/workflow-syntax)
// with the composite actions of the repository that it uses, and the comments
// in these that silence rules.
func readGitHub(name string, src []byte, near nearby) (Workflow, []Ignore, error) {
	w := Workflow{Path: name, Kind: "github"}
	y, err := parseYAML(name, src)
	if err != nil {
		return w, nil, err
	}
	if y.root == nil || y.root.Kind != yaml.MappingNode {
		return w, nil, fmt.Errorf("not a mapping")
	}
	f := &githubFile{yamlFile: y, near: near, left: maxInlined}
	w.Name, w.Env = f.line(get(f.root, "name")), f.table(get(f.root, "env"))
	w.Permissions = f.permissions(f.root)
	if on := get(f.root, "on"); on != nil && on.Kind == yaml.MappingNode {
		for _, e := range entries(on) {
			w.On = append(w.On, f.line(e[0]))
		}
	} else {
		w.On = f.scalars(on)
	}
	defaults := get(get(f.root, "defaults"), "run")
	for _, e := range entries(get(f.root, "jobs")) {
		if len(w.Jobs) == maxJobs {
			return w, f.ignores, errManyJobs
		}
		w.Jobs = append(w.Jobs, f.githubJob(e[0], deref(e[1]), w.Env, defaults))
	}
	return w, f.ignores, nil
}

func (f yamlFile) permissions(n *yaml.Node) *Permissions {
	p := get(n, "permissions")
	if p == nil {
		return nil
	}
	out := &Permissions{Pos: f.pos(p), Scopes: f.table(p)}
	if p.Kind == yaml.ScalarNode {
		out.All = p.Value
	}
	return out
}

func (f *githubFile) githubJob(key, n *yaml.Node, env map[string]Line, defaults *yaml.Node) Job {
	j := Job{ID: key.Value, Pos: f.pos(key), Permissions: f.permissions(n), Env: f.table(get(n, "env")), Uses: f.line(get(n, "uses")), If: f.line(get(n, "if"))}
	if c := get(n, "container"); c != nil {
		l := f.unquoted(c)
		if c.Kind == yaml.MappingNode {
			l = f.unquoted(get(c, "image"))
		}
		j.Image = imageRef(l.Value, l.Value, l.Pos)
	}
	on := get(n, "runs-on")
	if labels := get(on, "labels"); labels != nil {
		on = labels
	}
	for _, l := range f.scalars(on) {
		j.RunsOn = append(j.RunsOn, l.Value)
	}
	for _, l := range f.scalars(get(n, "needs")) {
		j.Needs = append(j.Needs, l.Value)
	}
	for _, e := range entries(get(get(n, "strategy"), "matrix")) {
		if v := f.scalars(e[1]); len(v) > 0 && e[0].Value != "include" && e[0].Value != "exclude" {
			if j.Matrix == nil {
				j.Matrix = map[string][]Line{}
			}
			j.Matrix[e[0].Value] = v
		}
	}
	f.include(&j, get(get(get(n, "strategy"), "matrix"), "include"))
	own := get(get(n, "defaults"), "run")
	shell, dir := f.line(get(defaults, "shell")).Value, f.line(get(defaults, "working-directory")).Value
	if l := f.line(get(own, "shell")); l.Value != "" {
		shell = l.Value
	}
	if l := f.line(get(own, "working-directory")); l.Value != "" {
		dir = l.Value
	}
	if shell == "" {
		for _, l := range j.RunsOn {
			if strings.Contains(strings.ToLower(l), "windows") {
				shell = "pwsh"
			}
		}
	}
	r := stepReader{f: f, job: &j, envs: []map[string]Line{env, j.Env}, own: true}
	r.steps(f.yamlFile, get(n, "steps"), shell, dir)
	return j
}

func (f yamlFile) githubStep(n *yaml.Node, envs []map[string]Line, shell, dir string) JobStep {
	s := JobStep{
		Pos: f.pos(n), Name: f.line(get(n, "name")).Value, Uses: f.line(get(n, "uses")),
		With: f.table(get(n, "with")), Env: f.table(get(n, "env")), Run: f.line(get(n, "run")), If: f.line(get(n, "if")), Dir: dir,
	}
	if l := f.line(get(n, "working-directory")); l.Value != "" {
		s.Dir = l.Value
	}
	if s.Dir = path.Clean(s.Dir); s.Dir == "." {
		s.Dir = ""
	}
	if l := f.line(get(n, "shell")); l.Value != "" {
		shell = l.Value
	}
	if strings.HasPrefix(s.Uses.Value, "actions/setup-go@") {
		s.GoText = f.written(get(get(n, "with"), "go-version"))
	}
	run := get(n, "run")
	if s.Run.Value == "" || !bourne(shell) {
		return s
	}
	s.Commands, _ = readShell(shellText{
		src: hideExpressions(s.Run.Value), at: f.textAt(run),
		env: literalEnv(append(envs, s.Env)...),
	})
	return s
}

// bourne reports whether a step's shell, "" for the runner's own, reads sh.
func bourne(shell string) bool {
	word, _, _ := strings.Cut(shell, " ")
	switch path.Base(word) {
	case "", ".", "sh", "bash", "dash", "ash", "zsh":
		return true
	}
	return false
}
