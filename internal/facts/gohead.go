package facts

import (
	"bytes"
	"go/token"
	"slices"
	"unicode/utf8"
)

// goHead is the head of a Go file, as quickGoHead reads it.
type goHead struct {
	src     []byte
	at      int // where the reader is
	line    int // 1 for the first
	begins  int // offset at which the line begins
	name    string
	clause  int // offset of the package clause
	imports []Import
}

// quickGoHead reads the package clause and the imports of a file that is
// written as gofmt writes it: one import on a line, paths in double quotes,
// names in ASCII. Of any other file it says no, and go/parser reads it, which
// takes five times as long for a head of usual size.
func quickGoHead(file string, src []byte) (h goHead, ok bool) {
	h = goHead{src: src, line: 1}
	if !h.blank() || !h.keyword("package") {
		return h, false
	}
	h.clause = h.at - len("package")
	h.spaces()
	if h.name = h.ident(); h.name == "" || h.name == "_" || !h.lineEnds() {
		return h, false
	}
	for {
		if !h.blank() {
			return h, false
		}
		if !h.keyword("import") {
			rest, begins := bytes.CutPrefix(h.src[h.at:], []byte("import"))
			return h, h.plain() && (!begins || len(rest) > 0 && wordByte(rest[0]))
		}
		h.spaces()
		if !h.next('(') {
			if !h.spec(file) {
				return h, false
			}
			continue
		}
		h.imports = slices.Grow(h.imports, h.lines())
		for closed := false; !closed; {
			if !h.blank() {
				return h, false
			}
			if closed = h.next(')'); closed && !h.lineEnds() || !closed && !h.spec(file) {
				return h, false
			}
		}
	}
}

// blank goes to the next byte that is neither white space nor comment; false
// if a comment has no end.
func (h *goHead) blank() bool {
	for h.at < len(h.src) {
		switch c := h.src[h.at]; {
		case c == '\n':
			h.at++
			h.line, h.begins = h.line+1, h.at
		case c == ' ' || c == '\t' || c == '\r':
			h.at++
		case bytes.HasPrefix(h.src[h.at:], []byte("//")):
			i := bytes.IndexByte(h.src[h.at:], '\n')
			if i < 0 {
				i = len(h.src) - h.at
			}
			h.at += i
		case bytes.HasPrefix(h.src[h.at:], []byte("/*")):
			i := bytes.Index(h.src[h.at+2:], []byte("*/"))
			if i < 0 {
				return false
			}
			text := h.src[h.at : h.at+2+i]
			h.line += bytes.Count(text, []byte("\n"))
			if n := bytes.LastIndexByte(text, '\n'); n >= 0 {
				h.begins = h.at + n + 1
			}
			h.at += i + len("/**/")
		default:
			return true
		}
	}
	return true
}

func (h *goHead) spaces() {
	for h.at < len(h.src) && (h.src[h.at] == ' ' || h.src[h.at] == '\t') {
		h.at++
	}
}

func (h *goHead) next(c byte) bool {
	if h.at == len(h.src) || h.src[h.at] != c {
		return false
	}
	h.at++
	return true
}

// keyword reads a word that a blank, a quote or a parenthesis follows.
func (h *goHead) keyword(word string) bool {
	rest, ok := bytes.CutPrefix(h.src[h.at:], []byte(word))
	if !ok || len(rest) == 0 || bytes.IndexByte([]byte(" \t\"("), rest[0]) < 0 {
		return false
	}
	h.at += len(word)
	return true
}

// ident reads a name in ASCII, "" if there is none or it goes on otherwise.
func (h *goHead) ident() string {
	from := h.at
	for h.at < len(h.src) && wordByte(h.src[h.at]) {
		if h.src[h.at] >= 0x80 {
			return ""
		}
		h.at++
	}
	name := string(h.src[from:h.at])
	if !token.IsIdentifier(name) {
		return ""
	}
	return name
}

// spec reads one import with what ends its line.
func (h *goHead) spec(file string) bool {
	im := Import{}
	if h.at < len(h.src) && h.src[h.at] != '"' {
		if h.next('.') {
			im.Name = "."
		} else if im.Name = h.ident(); im.Name == "" {
			return false
		}
		h.spaces()
	}
	im.Pos = Pos{File: file, Line: h.line, Column: h.at - h.begins + 1}
	if !h.next('"') {
		return false
	}
	from := h.at
	for h.at < len(h.src) && pathByte(h.src[h.at]) {
		h.at++
	}
	im.Path = string(h.src[from:h.at])
	if im.Path == "" || !h.next('"') || !h.lineEnds() {
		return false
	}
	h.imports = append(h.imports, im)
	return true
}

// plain reports whether go/parser reads the head without an error, for which
// it looks one word further.
func (h *goHead) plain() bool {
	rest := h.src[h.at:min(h.at+64, len(h.src))]
	if len(rest) > 0 && (rest[0] < 'a' || rest[0] > 'z') || bytes.IndexFunc(rest, func(c rune) bool { return c == 0 || c >= 0x80 }) >= 0 {
		return false
	}
	head := h.src[:h.at]
	return utf8.Valid(head) && bytes.IndexByte(head, 0) < 0 && !bytes.Contains(head, []byte("\ufeff"))
}

// lines is how many lines there are before the next parenthesis.
func (h *goHead) lines() int {
	rest := h.src[h.at:]
	return bytes.Count(rest[:max(0, bytes.IndexByte(rest, ')'))], []byte("\n"))
}

// pathByte reports whether a byte of an import path means itself, and is
// allowed (go.dev/ref/spec, Import declarations).
func pathByte(c byte) bool {
	return c < 0x80 && wordByte(c) || c == '.' || c == '/' || c == '-' || c == '~' || c == '+' || c == '@'
}

// lineEnds reports whether nothing but a comment stands before the end of the
// line.
func (h *goHead) lineEnds() bool {
	h.spaces()
	rest := h.src[h.at:]
	return len(rest) == 0 || rest[0] == '\n' || bytes.HasPrefix(rest, []byte("\r\n")) || bytes.HasPrefix(rest, []byte("//"))
}
