package report

import (
	"strings"
	"unicode"
)

// wrap breaks text into lines of at most width columns: at spaces, and beside
// wide characters, between which Chinese has none. A word that is wider than
// a line cannot be broken.
func wrap(text string, width int) (lines []string, ok bool) {
	line, used, space := "", 0, 0
	for _, w := range words(text) {
		if w == " " {
			space = 1
			continue
		}
		n := Width(w)
		if n > width {
			return nil, false
		}
		if used > 0 && used+space+n > width {
			lines = append(lines, line)
			line, used, space = "", 0, 0
		}
		if used > 0 {
			line += strings.Repeat(" ", space)
			used += space
		}
		line += w
		used += n
		space = 0
	}
	return append(lines, line), true
}

// words gives what a line may be broken between: single spaces, words, and
// wide characters with the punctuation that must not begin a line.
func words(text string) []string {
	var out []string
	glue := false // the next narrow character belongs to the last word
	for _, r := range text {
		wide := runeWidth(r) == 2
		switch {
		case r == ' ':
			out, glue = append(out, " "), false
		case len(out) > 0 && out[len(out)-1] != " " && wide && unicode.IsPunct(r) && !unicode.Is(unicode.Ps, r):
			out[len(out)-1] += string(r)
			glue = false
		case wide:
			out = append(out, string(r))
			glue = unicode.Is(unicode.Ps, r)
		case glue:
			out[len(out)-1] += string(r)
		default:
			out, glue = append(out, string(r)), true
		}
	}
	return out
}
