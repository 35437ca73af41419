package plan

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// advance is the width of r in em, for a sans-serif font. The numbers are
// those of DejaVu Sans, which is wider than what most systems have: a line
// that fits by them fits everywhere.
func advance(r rune) float64 {
	switch k := width.LookupRune(r).Kind(); {
	case k == width.EastAsianWide || k == width.EastAsianFullwidth || k == width.EastAsianAmbiguous:
		return 1
	case strings.ContainsRune(" iljI.,:;'|!`", r):
		return 0.34
	case strings.ContainsRune("frt()[]{}/\\-\"", r):
		return 0.46
	case strings.ContainsRune("mMwW@%&#+=<>~^_", r):
		return 0.99
	case r >= 'A' && r <= 'Z':
		return 0.79
	case r < 0x80:
		return 0.64
	}
	return 0.85
}

func textWidth(s string) float64 {
	w := 0.0
	for _, r := range s {
		w += advance(r)
	}
	return w
}

// wrap breaks s into lines of at most limit em: at spaces, behind the
// separators of paths and lists, and between Chinese characters, but never
// before closing punctuation. A word that is too long is cut.
func wrap(s string, limit float64) []string {
	var lines []string
	var line string
	var used float64
	flush := func() {
		if t := strings.TrimRight(line, " "); t != "" {
			lines = append(lines, t)
		}
		line, used = "", 0
	}
	for _, piece := range pieces(s) {
		w := textWidth(piece)
		if used+textWidth(strings.TrimRight(piece, " ")) > limit {
			flush()
			for w > limit {
				head := cut(piece, limit)
				lines = append(lines, head)
				piece = piece[len(head):]
				w = textWidth(piece)
			}
		}
		line += piece
		used += w
	}
	flush()
	return lines
}

// cut gives the longest beginning of s of at most limit em, at least one
// character.
func cut(s string, limit float64) string {
	w := 0.0
	for i, r := range s {
		if w += advance(r); w > limit && i > 0 {
			return s[:i]
		}
	}
	return s
}

// pieces cuts s where a line may end.
func pieces(s string) []string {
	var out []string
	start := 0
	var before rune
	for i, r := range s {
		last := before
		before = r
		next := i + utf8.RuneLen(r)
		if r == utf8.RuneError {
			next = i + 1
		}
		if next >= len(s) {
			break
		}
		after, _ := utf8.DecodeRuneInString(s[next:])
		if after == ' ' || closing(after) || r == '-' && digit(last) && digit(after) { // 2026-11-21 stays whole
			continue
		}
		if r == ' ' || strings.ContainsRune("/-,=@:+&", r) && !strings.ContainsRune("/-", after) || (han(r) || han(after)) && !opening(r) {
			out = append(out, s[start:next])
			start = next
		}
	}
	return append(out, s[start:])
}

func han(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}

func digit(r rune) bool { return r >= '0' && r <= '9' }

func closing(r rune) bool {
	return strings.ContainsRune("，。、；：？！）》」』”’…,.;:?!)]}", r)
}

func opening(r rune) bool { return strings.ContainsRune("（《「『“‘([{", r) }
