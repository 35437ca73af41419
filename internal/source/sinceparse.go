package source

import (
	"strconv"
	"strings"
)

// parseChanges reads what git diff --raw --patch -z --unified=0 prints:
// entries ":mode mode object object status NUL path NUL [path NUL]", a NUL,
// and the patch, whose paths stand as they are.
func parseChanges(out string) (lines map[string][]lineRange, fresh map[string]bool, from map[string]string) {
	lines, fresh, from = map[string][]lineRange{}, map[string]bool{}, map[string]string{}
	for strings.HasPrefix(out, ":") {
		head, rest, _ := strings.Cut(out, "\x00")
		path, rest, _ := strings.Cut(rest, "\x00")
		fields := strings.Fields(head)
		status := fields[len(fields)-1]
		switch {
		case strings.HasPrefix(status, "R"), strings.HasPrefix(status, "C"):
			var to string
			to, rest, _ = strings.Cut(rest, "\x00")
			from[to] = path
		case status == "A":
			fresh[path] = true
		}
		out = rest
	}
	out = strings.TrimPrefix(out, "\x00")
	file, skip := "", 0
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		switch {
		case skip > 0 && line != "" && (line[0] == '+' || line[0] == '-'):
			skip--
		case strings.HasPrefix(line, "diff --git "):
			file = ""
		case strings.HasPrefix(line, "+++ b/"):
			file = strings.TrimSuffix(line[len("+++ b/"):], "\t") // git ends a name with blanks in it by a tab
		case strings.HasPrefix(line, "@@ -"):
			old, now, ok := hunkRanges(line)
			if !ok {
				continue
			}
			skip = old.count + now.count
			if now.count > 0 && file != "" {
				lines[file] = append(lines[file], lineRange{now.start, now.start + now.count - 1})
			}
		}
	}
	return lines, fresh, from
}

type hunkRange struct{ start, count int }

// hunkRanges reads "@@ -1,2 +3,4 @@"; a count of 1 is left out.
func hunkRanges(line string) (old, now hunkRange, ok bool) {
	f := strings.Fields(line)
	if len(f) < 4 {
		return old, now, false
	}
	old, ok1 := parseRange(f[1], "-")
	now, ok2 := parseRange(f[2], "+")
	return old, now, ok1 && ok2
}

func parseRange(s, mark string) (hunkRange, bool) {
	s, ok := strings.CutPrefix(s, mark)
	start, count, given := strings.Cut(s, ",")
	n, err := strconv.Atoi(start)
	r := hunkRange{n, 1}
	if given && err == nil {
		r.count, err = strconv.Atoi(count)
	}
	return r, ok && err == nil && r.start >= 0 && r.count >= 0 && r.count < 1<<30 && r.start < 1<<30
}
