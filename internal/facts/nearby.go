package facts

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// nearby gives the reader of one file the others that it names. The zero
// value knows none.
type nearby struct {
	root  string
	files map[string]bool // that the walk has seen: no link leads out of the repository
}

// read gives a file of the repository, nil if it is not there.
func (b nearby) read(name string) []byte {
	if !b.files[name] {
		return nil
	}
	src, err := readLimited(filepath.Join(b.root, filepath.FromSlash(name)), maxTextFile, nil)
	if err != nil {
		return nil
	}
	return src
}

// match gives the files that a pattern of GitLab's include:local names, in
// order: * is anything but a slash, ** anything
// (docs.gitlab.com/ci/yaml/includes).
func (b nearby) match(pattern string) []string {
	pattern = strings.TrimPrefix(path.Clean("/"+pattern), "/")
	if !strings.Contains(pattern, "*") {
		return []string{pattern}
	}
	re, err := regexp.Compile("^" + strings.NewReplacer(`\*\*`, ".*", `\*`, "[^/]*").Replace(regexp.QuoteMeta(pattern)) + "$")
	if err != nil {
		return nil
	}
	var out []string
	for name := range b.files {
		if re.MatchString(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
