package facts

import (
	"bytes"
	"cmp"
	"slices"
)

// outline is a Go file without the bodies of those functions that hold
// nothing that is asked for. A parse costs by the byte, and in most files two
// functions of thirty count.
type outline struct {
	src  []byte // the file
	text []byte // what is left of it
	cuts []cut

	starts []int // where the lines of src begin, once that was asked for
}

// cut is a place in the text behind which bytes of the file are left out.
type cut struct{ at, out int } // offset in text; bytes left out so far, this cut with them

// outlineOf leaves out the bodies that keep does not ask for. It goes by the
// form that gofmt gives a file and knows nothing of strings and comments: in a
// file of another form what is left may not parse, and says nothing then.
func outlineOf(src []byte, keep func(body []byte) bool) outline {
	o := outline{src: src}
	out, done := 0, 0
	for at := 0; ; {
		i := bytes.Index(src[at:], []byte("\nfunc "))
		if i < 0 {
			break
		}
		at += i + 1
		open := bytes.Index(src[at:], []byte("{\n"))
		if open < 0 {
			break
		}
		open += at + 1
		end := bytes.Index(src[open:], []byte("\n}"))
		if end < 0 {
			break
		}
		end += open
		if more := signatureEnd(src[at : open-1]); more >= 0 {
			at += more // it has its body on one line, or none
			continue
		}
		if rest := src[end+len("\n}"):]; len(rest) > 0 && rest[0] != '\n' && rest[0] != '\r' {
			at = open
			continue
		}
		at = end
		if keep(src[open:end]) {
			continue
		}
		o.text = append(o.text, src[done:open]...)
		out += end - open
		o.cuts = append(o.cuts, cut{len(o.text), out})
		done = end
	}
	if out == 0 {
		o.text = src
		return o
	}
	o.text = append(o.text, src[done:]...)
	return o
}

// signatureEnd gives where a line of s begins that does not go on with the
// signature of a function, -1 if all do.
func signatureEnd(s []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(s[at:], '\n')
		if i < 0 {
			return -1
		}
		if at += i + 1; at == len(s) || s[at] != '\t' && s[at] != ')' {
			return at - 1
		}
	}
}

// position gives line and column in the file of an offset in the text.
func (o *outline) position(offset int) (line, column int) {
	i, _ := slices.BinarySearchFunc(o.cuts, offset+1, func(c cut, offset int) int { return cmp.Compare(c.at, offset) })
	if i > 0 {
		offset += o.cuts[i-1].out
	}
	offset = min(offset, len(o.src))
	if o.starts == nil { // to count anew for each question would be quadratic
		o.starts = append(make([]int, 0, 1+bytes.Count(o.src, []byte("\n"))), 0)
		for at := range o.src {
			if o.src[at] == '\n' {
				o.starts = append(o.starts, at+1)
			}
		}
	}
	line, _ = slices.BinarySearch(o.starts, offset+1)
	return line, offset - o.starts[line-1] + 1
}
