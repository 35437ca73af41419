package facts

import "strings"

// exportsOf gives the variables that a step sets for the steps after it:
// echo NAME=value >> $GITHUB_ENV, one a line
// (docs.github.com/actions/reference/workflows-and-actions/workflow-commands).
// Of a step that may not run, or whose text has conditions, the values are not
// known.
func exportsOf(s *JobStep) map[string]Line {
	if !strings.Contains(s.Run.Value, "GITHUB_ENV") {
		return nil
	}
	sure := s.If.Value == ""
	for _, w := range []string{"if ", "case ", "||", "&&", "for ", "while "} {
		sure = sure && !strings.Contains(s.Run.Value, w)
	}
	var out map[string]Line
	for l := range strings.Lines(s.Run.Value) {
		text, to, ok := strings.Cut(strings.TrimSpace(l), ">>")
		if !ok || !strings.Contains(to, "GITHUB_ENV") {
			continue
		}
		_, text, ok = strings.Cut(text, "echo ")
		name, value, set := strings.Cut(strings.Trim(strings.TrimSpace(text), `"'`), "=")
		if !ok || !set || strings.ContainsAny(name, " $\"'") {
			continue
		}
		if !sure || strings.ContainsAny(value, "$`\"'\\") {
			value = "$" + name // literalEnv takes it for not known
		}
		if out == nil {
			out = map[string]Line{}
		}
		out[name] = Line{value, s.Run.Pos}
	}
	return out
}
