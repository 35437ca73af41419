package facts

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// gitlabWords are the top-level keys of .gitlab-ci.yml that are no jobs
// (docs.gitlab.com/ci/yaml).
var gitlabWords = set("default", "include", "stages", "variables", "workflow", "image", "services",
	"cache", "before_script", "after_script", "spec", "types")

// readGitLab reads a .gitlab-ci.yml. What it includes from elsewhere is not
// read; what it extends in the same file is.
func readGitLab(name string, src []byte) (Workflow, error) {
	w := Workflow{Path: name, Kind: "gitlab"}
	f, err := parseYAML(name, src)
	if err != nil {
		return w, err
	}
	if f.root == nil || f.root.Kind != yaml.MappingNode {
		return w, fmt.Errorf("not a mapping")
	}
	w.Env = f.gitlabVariables(get(f.root, "variables"))
	for _, e := range entries(f.root) {
		n := deref(e[1])
		if gitlabWords[e[0].Value] || strings.HasPrefix(e[0].Value, ".") || n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		if len(w.Jobs) == maxJobs {
			return w, errManyJobs
		}
		w.Jobs = append(w.Jobs, f.gitlabJob(e[0], n, w.Env))
	}
	return w, nil
}

// inherited looks a key up in a job, in what it extends, in default and at
// the top.
func (f yamlFile) inherited(n *yaml.Node, key string, global bool) *yaml.Node {
	if v := f.extended(n, key, 4); v != nil || !global {
		return v
	}
	if v := get(get(f.root, "default"), key); v != nil {
		return v
	}
	return get(f.root, key)
}

// extended follows extends, of which the last of several wins. Four levels
// are what people use; a cycle ends there too.
func (f yamlFile) extended(n *yaml.Node, key string, levels int) *yaml.Node {
	if v := get(n, key); v != nil || levels == 0 {
		return v
	}
	parents := f.scalars(get(n, "extends"))
	for i := len(parents) - 1; i >= 0 && i > len(parents)-4; i-- {
		if v := f.extended(get(f.root, parents[i].Value), key, levels-1); v != nil {
			return v
		}
	}
	return nil
}

func (f yamlFile) gitlabJob(key, n *yaml.Node, global map[string]Line) Job {
	j := Job{ID: key.Value, Pos: f.pos(key), Env: f.gitlabVariables(f.inherited(n, "variables", false))}
	if img := f.inherited(n, "image", true); img != nil {
		l := f.unquoted(img)
		if img.Kind == yaml.MappingNode {
			l = f.unquoted(get(img, "name"))
		}
		full := l.Value
		for k, v := range global {
			full = strings.ReplaceAll(strings.ReplaceAll(full, "${"+k+"}", v.Value), "$"+k, v.Value)
		}
		j.Image = imageRef(l.Value, full, l.Pos)
	}
	for _, l := range f.scalars(f.inherited(n, "tags", true)) {
		j.RunsOn = append(j.RunsOn, l.Value)
	}
	for _, it := range items(get(n, "needs")) {
		l := f.line(it)
		if j := get(it, "job"); j != nil {
			l = f.line(j)
		}
		if l.Value != "" {
			j.Needs = append(j.Needs, l.Value)
		}
	}
	fresh := &shellState{env: literalEnv(global, j.Env), vars: map[string]string{}, dir: "."}
	state := fresh
	for _, k := range []string{"before_script", "script", "after_script"} {
		v := f.inherited(n, k, k != "script")
		if v == nil {
			continue
		}
		if k == "after_script" {
			state = fresh // the only one with a shell of its own
		}
		var s JobStep
		s, state = f.gitlabStep(k, v, state)
		j.Steps = append(j.Steps, s)
	}
	return j
}

// gitlabStep reads a list of shell lines that one shell runs.
func (f yamlFile) gitlabStep(name string, n *yaml.Node, from *shellState) (JobStep, *shellState) {
	s := JobStep{Pos: f.pos(n), Name: name}
	var text strings.Builder
	var at []Pos // of every line of text
	for _, it := range items(n) {
		for _, it := range items(it) { // nested lists are flattened
			it = deref(it)
			if it == nil || it.Kind != yaml.ScalarNode || it.Tag == "!reference" {
				continue
			}
			place := f.textAt(it)
			for i, l := range strings.Split(strings.TrimSuffix(it.Value, "\n"), "\n") {
				text.WriteString(l + "\n")
				at = append(at, place(i+1, 1))
			}
		}
	}
	s.Run = Line{text.String(), s.Pos}
	var after *shellState
	s.Commands, after, _ = followShell(shellText{src: text.String(), from: from, at: func(line, column int) Pos {
		if line < 1 || line > len(at) {
			return s.Pos
		}
		p := at[line-1]
		if p.Column > 0 {
			p.Column += column - 1
		}
		return p
	}})
	return s, after
}

// gitlabVariables reads variables, each a scalar or {value: …}.
func (f yamlFile) gitlabVariables(n *yaml.Node) map[string]Line {
	out := f.table(n)
	for _, e := range entries(n) {
		if v := get(e[1], "value"); v != nil {
			if out == nil {
				out = map[string]Line{}
			}
			out[e[0].Value] = f.line(v)
		}
	}
	return out
}
