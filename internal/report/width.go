package report

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width gives the cells s takes on a terminal: two for East Asian wide
// characters (Unicode Standard Annex 11), none for marks that sit on others.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < 0x20 || r == 0x7f:
		return 0
	case r < 0x300: // nothing below is wide or combining; saves the look-up
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Cut shortens s to at most n cells and marks the cut with two dots, if there
// is room for them.
func Cut(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	dots := ".."
	if n < 4 {
		dots = ""
	}
	room := n - len(dots)
	var b strings.Builder
	for _, r := range s {
		if room -= runeWidth(r); room < 0 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + dots
}

// clean makes text from outside harmless: control characters, which could
// move the cursor or retitle a window, and characters that turn the direction
// of writing are spelled out. Newlines and tabs stay.
func clean(s string) string {
	if !strings.ContainsFunc(s, isHarmful) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !isHarmful(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func isHarmful(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case unicode.IsControl(r):
		return true
	}
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// cleanName is clean for the name of a file, which may hold line breaks too.
func cleanName(s string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(clean(s))
}

// oneLine is clean for what must not break a line.
func oneLine(s string) string {
	return strings.Join(strings.Fields(clean(s)), " ")
}
