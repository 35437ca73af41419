package sizes

import (
	"bytes"
	"strings"
)

// packageOf gives the package path in the name of a symbol, as it is written
// there; nil if the name has none: that of a C function, of assembly without a
// package, of what the compiler makes for types without a name. The compiler
// writes pkg.Func, pkg.Type.Method, pkg.(*Type).Method, and puts type
// arguments and composite types, whose own paths must not be taken for the
// symbol's, into brackets and braces (cmd/internal/objabi, PathToPrefix).
func packageOf(sym []byte) []byte {
	for _, prefix := range [...]string{"type:.eq.", "type:.hash.", "type..eq.", "type..hash.", "go:itab.", "go.itab."} {
		if bytes.HasPrefix(sym, []byte(prefix)) {
			sym = bytes.TrimLeft(sym[len(prefix):], "*")
			if i := bytes.IndexByte(sym, ','); i >= 0 {
				sym = sym[:i]
			}
			break
		}
	}
	slash := -1
	for i, c := range sym {
		switch c {
		case '/':
			slash = i
		case '[', '{', '(', ' ', ':', '<', '$':
			// What follows belongs to type arguments, receivers or literals.
			if dot := bytes.IndexByte(sym[slash+1:i], '.'); dot > 0 {
				return sym[:slash+1+dot]
			}
			return nil
		}
	}
	if dot := bytes.IndexByte(sym[slash+1:], '.'); dot > 0 {
		return sym[:slash+1+dot]
	}
	return nil
}

// unescape gives the package path that a symbol writes with %xx for the
// characters that would end it (cmd/internal/objabi.PathToPrefix).
func unescape(p string) string {
	if !strings.Contains(p, "%") {
		return p
	}
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '%' && i+2 < len(p) {
			hi, lo := strings.IndexByte(hexDigits, p[i+1]), strings.IndexByte(hexDigits, p[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

const hexDigits = "0123456789abcdef"
