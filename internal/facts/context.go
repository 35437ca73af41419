package facts

import (
	"path"
	"path/filepath"
	"strings"
)

// contextOf tells which directory must be the build context: the
// Dockerfile's own or the repository's root, whichever has all that its COPY
// lines name. "" if both have, or neither.
func (r *Repo) contextOf(d *Dockerfile, files map[string]bool) string {
	own := path.Dir(d.Path)
	if own == "." {
		return "."
	}
	fits := func(dir string) bool {
		for _, s := range d.Stages {
			for _, c := range s.Copies {
				for _, src := range c.Srcs {
					if c.From != "" || !Literal(src) || strings.ContainsAny(src, "*?[") || strings.HasPrefix(src, "<<") || strings.Contains(src, "://") {
						continue
					}
					if p := path.Join(dir, strings.TrimPrefix(path.Clean("/"+src), "/")); p != "." && !files[p] {
						return false
					}
				}
			}
		}
		return true
	}
	a, b := fits(own), fits(".")
	if a && b {
		// "COPY . ." fits anywhere; a module lies in only one of them as a rule.
		a, b = files[path.Join(own, "go.mod")], files["go.mod"]
	}
	switch {
	case a && !b:
		return own
	case b && !a:
		return "."
	}
	return ""
}

// readDockerignore gives the lines of the ignore file that holds for d: the
// one named after it, else that of its context.
func readDockerignore(root string, d *Dockerfile, files map[string]bool) []string {
	names := []string{d.Path + ".dockerignore"}
	if d.Context != "" {
		names = append(names, path.Join(d.Context, ".dockerignore"))
	}
	for _, n := range names {
		if !files[n] {
			continue
		}
		src, err := readLimited(filepath.Join(root, filepath.FromSlash(n)), maxTextFile, nil)
		if err != nil {
			return nil
		}
		var out []string
		for l := range strings.Lines(string(src)) {
			if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
				out = append(out, l)
			}
		}
		return out
	}
	return nil
}
