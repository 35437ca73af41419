package facts

import (
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// gitlabWords are the top-level keys of .gitlab-ci.yml that are no jobs
// (docs.gitlab.com/ci/yaml).
var gitlabWords = set("default", "include", "stages", "variables", "workflow", "image", "services",
	"cache", "before_script", "after_script", "spec", "types")

// readGitLab reads a .gitlab-ci.yml with the files of the repository that it
// includes, and the comments in these that silence rules. What it includes
// from elsewhere is not read.
func readGitLab(name string, src []byte, near nearby) (Workflow, []Ignore, error) {
	w := Workflow{Path: name, Kind: "gitlab"}
	g, err := openGitLab(name, src, near)
	if err != nil {
		return w, nil, err
	}
	w.Env = g.gitlabVariables(g.refer(g.top["variables"], maxReferences))
	seen := map[string]bool{}
	for _, e := range entries(g.root) {
		key, n := e[0].Value, deref(e[1])
		if gitlabWords[key] || strings.HasPrefix(key, ".") || n == nil || n.Kind != yaml.MappingNode || seen[key] {
			continue
		}
		seen[key] = true
		if len(w.Jobs) == maxJobs {
			return w, g.ignores, errManyJobs
		}
		w.Jobs = append(w.Jobs, g.gitlabJob(e[0], g.job(n, maxExtends), w.Env))
	}
	return w, g.ignores, nil
}

// inherited looks a key up in a job, in default and at the top.
func (g *gitlabFile) inherited(j settledJob, key string, global bool) *yaml.Node {
	if v := get(j.node, key); v != nil {
		return g.refer(v, maxReferences)
	}
	if !global || !j.whole || !inherits(j.node, "default", key) {
		return nil
	}
	if v := get(g.top["default"], key); v != nil {
		return g.refer(v, maxReferences)
	}
	return g.refer(g.top[key], maxReferences)
}

func (g *gitlabFile) gitlabJob(key *yaml.Node, sj settledJob, global map[string]Line) Job {
	n := sj.node
	j := Job{ID: key.Value, Pos: g.pos(key), Env: g.gitlabVariables(g.inherited(sj, "variables", false))}
	taken := map[string]Line{}
	for k, l := range global {
		if _, own := j.Env[k]; inherits(n, "variables", k) {
			taken[k] = l
		} else if !own {
			if j.Env == nil {
				j.Env = map[string]Line{}
			}
			j.Env[k] = Line{"$" + k, l.Pos} // not known, for whoever looks into the workflow's as well
		}
	}
	if img := g.inherited(sj, "image", true); img != nil {
		l := g.unquoted(img)
		if img.Kind == yaml.MappingNode {
			l = g.unquoted(get(img, "name"))
		}
		full := os.Expand(l.Value, func(k string) string {
			for _, t := range []map[string]Line{j.Env, taken} {
				if v, ok := t[k]; ok && !strings.Contains(v.Value, "$") {
					return v.Value
				}
			}
			return "${" + k + "}"
		})
		j.Image = imageRef(l.Value, full, l.Pos)
	}
	for _, l := range g.scalars(g.inherited(sj, "tags", true)) {
		j.RunsOn = append(j.RunsOn, l.Value)
	}
	for _, it := range items(g.refer(get(n, "needs"), maxReferences)) {
		l := g.line(it)
		if j := get(it, "job"); j != nil {
			l = g.line(j)
		}
		if l.Value != "" {
			j.Needs = append(j.Needs, l.Value)
		}
	}
	fresh := &shellState{env: literalEnv(taken, j.Env), vars: map[string]string{}, dir: "."}
	if !sj.whole && get(n, "before_script") == nil {
		fresh.dir = "" // what it extends elsewhere may have one
	}
	state := fresh
	for _, k := range []string{"before_script", "script", "after_script"} {
		v := g.inherited(sj, k, k != "script")
		if v == nil {
			if get(n, k) != nil {
				state = &shellState{env: fresh.env, vars: fresh.vars} // a reference to what is not known
			}
			continue
		}
		if k == "after_script" {
			state = fresh // the only one with a shell of its own
		}
		var s JobStep
		s, state = g.gitlabStep(k, v, state)
		j.Steps = append(j.Steps, s)
	}
	return j
}

// gitlabStep reads a list of shell lines that one shell runs.
func (g *gitlabFile) gitlabStep(name string, n *yaml.Node, from *shellState) (JobStep, *shellState) {
	s := JobStep{Pos: g.pos(n), Name: name}
	var text, run strings.Builder
	var at []Pos // of every line of text
	var unknown []Pos
	g.eachLine(n, maxReferences, func(it, reference *yaml.Node) {
		if it == nil { // it may go anywhere
			text.WriteString("cd -\n")
			at, unknown = append(at, g.pos(reference)), append(unknown, g.pos(reference))
			return
		}
		place := g.textAt(it)
		for i, l := range strings.Split(strings.TrimSuffix(it.Value, "\n"), "\n") {
			run.WriteString(l + "\n")
			text.WriteString(hideBetween(l, "$[[", "]]") + "\n")
			at = append(at, place(i+1, 1))
		}
	})
	s.Run = Line{run.String(), s.Pos}
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
	if len(unknown) > 0 {
		s.Commands = slices.DeleteFunc(s.Commands, func(c Command) bool { return slices.Contains(unknown, c.Pos) })
	}
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
