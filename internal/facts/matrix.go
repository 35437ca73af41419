package facts

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Images gives the images that a job runs in: one for every value of its
// matrix that the name refers to, else the one it names.
func (j *Job) Images() []ImageRef {
	if j.Image.Raw == "" {
		return nil
	}
	_, rest, ok := strings.Cut(j.Image.Raw, "${{")
	if !ok {
		return []ImageRef{j.Image}
	}
	expression, _, closed := strings.Cut(rest, "}}")
	key, matrix := strings.CutPrefix(strings.TrimSpace(expression), "matrix.")
	if !closed || !matrix {
		return []ImageRef{j.Image}
	}
	var out []ImageRef
	for _, v := range j.Matrix[key] {
		full := strings.ReplaceAll(j.Image.Raw, "${{"+expression+"}}", v.Value)
		ref := imageRef(j.Image.Raw, full, v.Pos)
		if !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	return out
}

// include adds what the entries of a matrix's include state to the values of
// the keys, each value once.
func (f yamlFile) include(j *Job, n *yaml.Node) {
	for i, it := range items(n) {
		if i == maxJobs {
			return
		}
		for _, e := range entries(it) {
			l := f.line(e[1])
			if l.Pos.File == "" || slices.ContainsFunc(j.Matrix[e[0].Value], func(v Line) bool { return v.Value == l.Value }) {
				continue
			}
			if j.Matrix == nil {
				j.Matrix = map[string][]Line{}
			}
			j.Matrix[e[0].Value] = append(j.Matrix[e[0].Value], l)
		}
	}
}
