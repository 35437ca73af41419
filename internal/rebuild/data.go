package rebuild

import (
	"bytes"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a comparison of data: how far a search for the next equal part
// looks, how much must be equal there, and after how many differences, in
// all, it is given up, because the rest would only repeat that the layout is
// another.
const (
	resyncReach = 4096 // bytes
	resyncEqual = 24   // bytes
	maxRuns     = 4096
)

// dataParts compares what is loaded and holds no instructions, and reports
// whether all of it could be laid side by side.
func (c *comparison) dataParts() bool {
	aligned := true
	for _, s := range c.a.sections {
		if s.text || !s.alloc || s.size == 0 || derived(s.name) {
			continue
		}
		t, ok := c.other(s)
		if !ok || t.text || !t.alloc {
			continue
		}
		w := &dataWalk{c: c, s: s, t: t, x: c.a.bytes(s), y: c.b.bytes(t), pad: c.a.ptr, m: c.m}
		w.run(true)
		w.run(false)
		aligned = aligned && c.runs < maxRuns
	}
	return aligned
}

// derived reports whether a section only says where things of others lie, or
// holds line numbers and names of source files.
func derived(name string) bool {
	switch name {
	case ".dynsym", ".dynstr", ".hash", ".gnu.hash", ".dynamic", ".got", ".got.plt", ".plt", ".interp", ".eh_frame", ".eh_frame_hdr", ".gcc_except_table",
		".typelink", ".itablink", ".gosymtab", ".reloc", ".idata", ".pdata", ".xdata", "__TEXT,__unwind_info", "__DATA_CONST,__got", "__TEXT,__symbol_stub1":
		return true
	}
	return strings.HasPrefix(name, ".rela") || strings.HasPrefix(name, ".rel.") && name != ".rel.ro" || strings.HasPrefix(name, ".gnu.version") ||
		strings.HasPrefix(name, ".note") || strings.HasSuffix(name, "gopclntab") || strings.HasSuffix(name, "__typelink") || strings.HasSuffix(name, "__itablink") ||
		name == ".go.fuzzcntrs" || strings.HasSuffix(name, "go.fipsinfo") || name == ".go.module" || name == "__DATA,__go_module" || strings.HasSuffix(name, "__go_fipsinfo")
}

// dataWalk lays one section over that of the other program.
type dataWalk struct {
	c    *comparison
	s, t section
	x, y []byte
	pad  int // bytes of a pointer
	m    *matcher
	i, j int
}

// run walks once; learning counts shifts, and the second time they are used.
func (w *dataWalk) run(learning bool) {
	accept := w.m.credible
	if learning {
		accept = func(s shift) bool { w.m.seen(s); return false }
	}
	w.i, w.j = 0, 0
	// The table of functions may lie in the same section.
	tableA, tableB := tableSpan(w.c.a, w.s), tableSpan(w.c.b, w.t)
	for w.i < len(w.x) && w.j < len(w.y) {
		n := common(w.x[w.i:], w.y[w.j:])
		if w.i, w.j = w.i+n, w.j+n; w.i == len(w.x) || w.j == len(w.y) {
			break
		}
		if tableA.has(uint64(w.i)) && tableB.has(uint64(w.j)) {
			w.i, w.j = int(tableA.to), int(tableB.to)
			continue
		}
		if w.layout() || w.stamp() || w.place(accept) {
			continue
		}
		w.differ(learning)
		if w.c.runs >= maxRuns {
			return
		}
	}
	if !learning && !(zero(w.x[w.i:]) && zero(w.y[w.j:])) {
		w.record(w.i, len(w.x), w.j, len(w.y))
	}
}

func tableSpan(o *object, s section) span {
	if len(o.pcln) == 0 || o.pclnAddr < s.addr || o.pclnAddr >= s.addr+s.size || len(o.funcs) == 0 {
		return span{}
	}
	// Where it ends is not written anywhere: in a section of its own it is not
	// compared at all, and elsewhere it comes last.
	return span{o.pclnAddr - s.addr, s.size}
}

// common is how many bytes two slices begin with alike.
func common(x, y []byte) int {
	n := min(len(x), len(y))
	i := 0
	for i+64 <= n && bytes.Equal(x[i:i+64], y[i:i+64]) {
		i += 64
	}
	for i < n && x[i] == y[i] {
		i++
	}
	return i
}

// layout steps over the runtime's own table of where everything lies.
func (w *dataWalk) layout() bool {
	a, b := w.c.a, w.c.b
	if a.module == 0 || b.module == 0 {
		return false
	}
	const table = 512 // bytes; the struct has grown since, with lists that are compared
	p, q := w.s.addr+uint64(w.i)-a.module, w.t.addr+uint64(w.j)-b.module
	if p >= table || p != q {
		return false
	}
	w.i, w.j = min(w.i+int(table-p), len(w.x)), min(w.j+int(table-p), len(w.y))
	return true
}

// stamp steps over the build information and the build ID.
func (w *dataWalk) stamp() bool {
	a, okA := spanAt(w.c.stampsA, w.s.off+uint64(w.i))
	b, okB := spanAt(w.c.stampsB, w.t.off+uint64(w.j))
	if okA {
		w.i = min(int(a.to-w.s.off), len(w.x))
	}
	if okB {
		w.j = min(int(b.to-w.t.off), len(w.y))
	}
	return okA || okB
}

func spanAt(list []span, off uint64) (span, bool) {
	for _, s := range list {
		if s.has(off) {
			return s, true
		}
	}
	return span{}, false
}

// place steps over a word that says where something lies: a pointer, an offset
// from the start of the section or from the first function, or the length of a
// stamp that the word before points to.
func (w *dataWalk) place(accept func(shift) bool) bool {
	a, b := w.c.a, w.c.b
	for _, n := range []int{w.pad, 4} {
		i, j := w.i-int((w.s.addr+uint64(w.i))%uint64(n)), w.j-int((w.t.addr+uint64(w.j))%uint64(n))
		if i < 0 || j < 0 || w.i-i != w.j-j || i+n > len(w.x) || j+n > len(w.y) {
			continue
		}
		if n == w.pad {
			p, q := a.word(w.x[i:]), b.word(w.y[j:])
			if w.m.corresponds(p, q, accept) || w.stampLength(i, j) {
				w.i, w.j = i+n, j+n
				return true
			}
			continue
		}
		p, q := uint64(a.order.Uint32(w.x[i:])), uint64(b.order.Uint32(w.y[j:]))
		if p > 0 && q > 0 && (w.m.corresponds(w.s.addr+p, w.t.addr+q, accept) || a.text > 0 && w.m.corresponds(a.text+p, b.text+q, accept)) {
			w.i, w.j = i+n, j+n
			return true
		}
	}
	return false
}

func (w *dataWalk) stampLength(i, j int) bool {
	if i < w.pad || j < w.pad {
		return false
	}
	inStamp := func(o *object, addr uint64, list []span) bool {
		k := o.at(addr)
		return k >= 0 && addr-o.sections[k].addr < o.sections[k].size && within(list, o.sections[k].off+addr-o.sections[k].addr)
	}
	return inStamp(w.c.a, w.c.a.word(w.x[i-w.pad:]), w.c.stampsA) && inStamp(w.c.b, w.c.b.word(w.y[j-w.pad:]), w.c.stampsB)
}

// differ takes note of a difference and finds where the programs agree again:
// at once, or with something put in or left out.
func (w *dataWalk) differ(learning bool) {
	i, j := w.i, w.j
	best, di, dj := resyncReach*2, 0, 0
	for d := 1; d < resyncReach && d < best; d++ {
		switch {
		case equalAt(w.x, i+d, w.y, j+d):
			best, di, dj = d, d, d
		case equalAt(w.x, i+d, w.y, j):
			best, di, dj = d, d, 0
		case equalAt(w.x, i, w.y, j+d):
			best, di, dj = d, 0, d
		}
		if best <= d {
			break
		}
	}
	if di+dj == 0 {
		di, dj = min(resyncEqual, len(w.x)-i), min(resyncEqual, len(w.y)-j)
	}
	w.i, w.j = i+di, j+dj
	w.c.runs++
	if !learning && !(zero(w.x[i:w.i]) && zero(w.y[j:w.j])) {
		w.record(i, w.i, j, w.j)
	}
}

// zero reports whether b is padding.
func zero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// equalAt reports whether a part worth going by is equal; zeros are not.
func equalAt(x []byte, i int, y []byte, j int) bool {
	if i+resyncEqual > len(x) || j+resyncEqual > len(y) {
		return i == len(x) && j == len(y)
	}
	p := x[i : i+resyncEqual]
	return p[0] == y[j] && bytes.Equal(p, y[j:j+resyncEqual])
}

func (w *dataWalk) record(i, iEnd, j, jEnd int) {
	w.c.d.NumData++
	if len(w.c.d.Data) >= maxListed {
		return
	}
	d := DataDiff{
		Section: w.s.name, Offset: int64(i), Symbol: w.c.a.symbolAt(w.s.addr + uint64(i)),
		A: excerpt(w.x, i, iEnd), B: excerpt(w.y, j, jEnd),
	}
	// A variable that holds a text says it.
	if x, ok := w.c.a.stringVar(d.Symbol); ok {
		if y, ok := w.c.b.stringVar(d.Symbol); ok {
			d.A, d.B = x.quoted(), y.quoted()
		}
	}
	w.c.d.Data = append(w.c.d.Data, d)
}

// textVar is what a variable of type string holds.
type textVar struct {
	text string // its beginning, if it is long
	long bool
}

func (v textVar) quoted() string {
	q := strconv.Quote(v.text)
	if v.long {
		q += "…"
	}
	return q
}

// stringVar gives the text of a variable of type string; false if it is none
// as far as can be seen.
func (o *object) stringVar(symbol string) (textVar, bool) {
	addr, ok := o.syms[symbol]
	if !ok || symbol == "" || o.symSizes[symbol] > 0 && o.symSizes[symbol] != uint64(2*o.ptr) {
		return textVar{}, false
	}
	i := o.at(addr)
	if i < 0 || o.sections[i].text {
		return textVar{}, false
	}
	if addr-o.sections[i].addr >= o.sections[i].size {
		return textVar{}, true // starts as zeros
	}
	head := o.load(addr, 2*o.ptr)
	if len(head) < 2*o.ptr {
		return textVar{}, false
	}
	p, n := o.word(head), o.word(head[o.ptr:])
	if n == 0 && p == 0 {
		return textVar{}, true
	}
	text := o.load(p, int(min(n, maxText)))
	if n > 1<<16 || len(text) == 0 || !utf8.Valid(text) {
		return textVar{}, false
	}
	return textVar{string(text), n > maxText}, true
}

// excerpt shows data as text, with what stands around it, or as hex digits.
func excerpt(b []byte, from, to int) string {
	printable := func(c byte) bool { return c < utf8.RuneSelf && unicode.IsPrint(rune(c)) }
	text := true
	if n := len(bytes.TrimRight(b[from:to], "\x00")); n > 0 {
		to = from + n
	}
	for _, c := range b[from:to] {
		text = text && (printable(c) || c == '\n' || c == '\t')
	}
	if !text {
		if to-from > maxText/4 {
			return fmt.Sprintf("% x …", b[from:from+maxText/4])
		}
		return fmt.Sprintf("% x", b[from:to])
	}
	const around = 24
	for n := 0; n < around && from > 0 && printable(b[from-1]); n++ {
		from--
	}
	for n := 0; n < around && to < len(b) && printable(b[to]); n++ {
		to++
	}
	if to-from > maxText {
		return fmt.Sprintf("%q…", b[from:from+maxText])
	}
	return fmt.Sprintf("%q", b[from:to])
}

// symbolAt names the symbol that addr lies in; "" if none does.
func (o *object) symbolAt(addr uint64) string {
	if len(o.syms) == 0 {
		return ""
	}
	if o.byAddr == nil {
		for name := range o.syms {
			o.byAddr = append(o.byAddr, name)
		}
		sort.Slice(o.byAddr, func(i, j int) bool { return o.syms[o.byAddr[i]] < o.syms[o.byAddr[j]] })
	}
	i := sort.Search(len(o.byAddr), func(i int) bool { return o.syms[o.byAddr[i]] > addr }) - 1
	if i < 0 {
		return ""
	}
	name := o.byAddr[i]
	if size := o.symSizes[name]; size > 0 && addr-o.syms[name] >= size {
		return ""
	}
	return name
}
