package fix

import (
	"fmt"
	"strings"
)

// around is how many lines stand around a change in a diff.
const around = 3

// Diff gives the changes as a unified diff that git apply and patch -p1 take.
// The edits say what has changed, so that nothing needs to be compared.
func (f File) Diff() string {
	var b strings.Builder
	fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n", f.Path, f.Path)
	shift := 0 // by how many lines the new file is ahead
	for i := 0; i < len(f.changes); {
		j := i + 1
		for j < len(f.changes) && f.changes[j].line-f.changes[j-1].line <= 2*around {
			j++
		}
		shift += f.hunk(&b, f.changes[i:j], shift)
		i = j
	}
	return b.String()
}

// hunk writes changes that stand close together, and gives by how many lines
// they make the file longer.
func (f File) hunk(b *strings.Builder, cs []change, shift int) int {
	from := max(0, cs[0].line-around)
	to := min(len(f.lines), cs[len(cs)-1].line+1+around)
	var body strings.Builder
	at, grown := from, 0
	for i := 0; i < len(cs); {
		for ; at < cs[i].line; at++ {
			diffLine(&body, ' ', f.lines[at])
		}
		// Lines that follow one another go together: first all old ones.
		j := i
		for ; j < len(cs) && cs[j].line == cs[i].line+j-i; j++ {
			diffLine(&body, '-', f.lines[at])
			at++
			grown--
		}
		for ; i < j; i++ {
			for l := range strings.Lines(cs[i].text) {
				diffLine(&body, '+', l)
				grown++
			}
		}
	}
	for ; at < to; at++ {
		diffLine(&body, ' ', f.lines[at])
	}
	old, now := to-from, to-from+grown
	fmt.Fprintf(b, "@@ -%s +%s @@\n%s", extent(from, old), extent(from+shift, now), body.String())
	return grown
}

// extent writes a range of lines; an empty one names the line before it.
func extent(from, n int) string {
	if n == 0 {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, n)
}

func diffLine(b *strings.Builder, mark byte, line string) {
	b.WriteByte(mark)
	b.WriteString(line)
	if !strings.HasSuffix(line, "\n") {
		b.WriteString("\n\\ No newline at end of file\n")
	}
}
