package rebuild

import (
	"bytes"
	"encoding/binary"
)

// text compares the functions by name, and reports whether there was a table
// of them to go by.
func (c *comparison) text() bool {
	if len(c.a.funcs) == 0 || len(c.b.funcs) == 0 {
		return c.wholeText()
	}
	// A name may stand for several functions, as wrappers do; the n-th of one
	// program goes with the n-th of the other.
	inB := map[string][]int{}
	for i, f := range c.b.funcs {
		inB[f.name] = append(inB[f.name], i)
	}
	m := c.m
	var doubtful [][2]int
	for i, f := range c.a.funcs {
		list := inB[f.name]
		if len(list) == 0 {
			c.d.NumRemoved++
			c.d.Removed = listed(c.d.Removed, f.name)
			continue
		}
		inB[f.name] = list[1:]
		c.d.Functions++
		g := c.b.funcs[list[0]]
		x, y := code(c.a, f), code(c.b, g)
		// Where the build ID has no note of its own, it looks like a function.
		if bytes.Equal(x, y) || f.name == "go:buildid" || f.name == "go.buildid" {
			continue
		}
		if len(x) == len(y) {
			m.learn(x, y, f.entry, g.entry)
		}
		doubtful = append(doubtful, [2]int{i, list[0]})
	}
	for i, f := range c.b.funcs {
		for _, left := range inB[f.name] {
			if left == i {
				c.d.NumAdded++
				c.d.Added = listed(c.d.Added, f.name)
			}
		}
	}
	for _, p := range doubtful {
		f, g := c.a.funcs[p[0]], c.b.funcs[p[1]]
		x, y := code(c.a, f), code(c.b, g)
		if len(x) == len(y) && m.same(x, y, f.entry, g.entry) {
			c.d.Moved++
			continue
		}
		c.d.NumChanged++
		c.d.Changed = listed(c.d.Changed, f.name)
	}
	return true
}

func listed(list []string, name string) []string {
	if len(list) < maxListed {
		list = append(list, name)
	}
	return list
}

// code gives a function's instructions without the padding after them.
func code(o *object, f fn) []byte {
	b := o.load(f.entry, int(min(f.end-f.entry, 64<<20)))
	switch o.file.Arch {
	case "amd64", "386":
		return bytes.TrimRight(b, "\xcc")
	}
	return bytes.TrimRight(b, "\x00")
}

// wholeText compares text sections as they are.
func (c *comparison) wholeText() bool {
	for _, s := range c.a.sections {
		t, ok := c.other(s)
		if ok && s.text && t.text && !bytes.Equal(c.a.bytes(s), c.b.bytes(t)) {
			n, _ := countDiff(c.a.bytes(s), c.b.bytes(t))
			c.d.CodeBytes += n
		}
	}
	return true
}

// restOfCode compares the instructions that pclntab does not know: those of C,
// and of the linker.
func (c *comparison) restOfCode() {
	if len(c.a.funcs) == 0 || len(c.b.funcs) == 0 {
		return
	}
	for _, s := range c.a.sections {
		t, ok := c.other(s)
		if !ok || !s.text || !t.text {
			continue
		}
		x, y := outside(c.a, s), outside(c.b, t)
		if bytes.Equal(x, y) {
			continue
		}
		if len(x) == len(y) {
			c.m.learn(x, y, s.addr, t.addr)
			if c.m.same(x, y, s.addr, t.addr) {
				continue
			}
		}
		n, _ := countDiff(x, y)
		c.d.CodeBytes += n
	}
}

// outside gives the part of a text section before the first Go function and
// after the last.
func outside(o *object, s section) []byte {
	b := o.bytes(s)
	first, last := o.funcs[0].entry, o.funcs[len(o.funcs)-1].end
	if last <= s.addr || first >= s.addr+s.size {
		return b
	}
	var out []byte
	if first > s.addr {
		out = append(out, b[:first-s.addr]...)
	}
	if last < s.addr+s.size {
		out = append(out, bytes.TrimRight(b[last-s.addr:], "\xcc\x00")...)
	}
	return out
}

// shift is how far a section's content has moved between two programs.
type shift struct {
	section string
	by      int64
}

// matcher tells operands that say where something lies from others.
type matcher struct {
	c      *comparison
	shifts map[shift]int       // how often a shift was seen
	ranges map[string][2]int64 // by section: the least and the most of credible ones
}

func newMatcher(c *comparison) *matcher {
	return &matcher{c: c, shifts: map[shift]int{}, ranges: map[string][2]int64{}}
}

// seen counts a shift.
func (m *matcher) seen(s shift) {
	n := m.shifts[s] + 1
	if m.shifts[s] = n; n != credible {
		return
	}
	r, ok := m.ranges[s.section]
	if !ok {
		r = [2]int64{s.by, s.by}
	}
	m.ranges[s.section] = [2]int64{min(r[0], s.by), max(r[1], s.by)}
}

// credible is how many operands must agree on a shift that nothing else shows.
const credible = 3

// learn counts the shifts that operands of x and y ask for.
func (m *matcher) learn(x, y []byte, atX, atY uint64) {
	m.walk(x, y, atX, atY, func(s shift) bool {
		m.seen(s)
		return true
	})
}

// same reports whether x and y differ in places only.
func (m *matcher) same(x, y []byte, atX, atY uint64) bool {
	return m.walk(x, y, atX, atY, m.credible)
}

// credible reports whether others have moved as far, or, for a short string
// between longer ones, some less far and some farther.
func (m *matcher) credible(s shift) bool {
	if m.shifts[s] >= credible {
		return true
	}
	r := m.ranges[s.section]
	return r[0] < s.by && s.by < r[1]
}

func (m *matcher) walk(x, y []byte, atX, atY uint64, accept func(shift) bool) bool {
	switch m.c.a.file.Arch {
	case "amd64", "386":
		return m.walkX86(x, y, atX, atY, accept)
	case "arm64":
		return m.walkARM64(x, y, atX, atY, accept)
	}
	return bytes.Equal(x, y)
}

// walkX86 explains every difference by four bytes that, as a displacement from
// the instruction's end, lead to the same thing in both programs. Where the
// instruction ends is not known, but it ends alike in both.
func (m *matcher) walkX86(x, y []byte, atX, atY uint64, accept func(shift) bool) bool {
	all := true
next:
	for i := 0; i < len(x); {
		if x[i] == y[i] {
			i++
			continue
		}
		for from := i; from >= max(0, i-3); from-- {
			if from+4 > len(x) {
				continue
			}
			dx, dy := int64(int32(binary.LittleEndian.Uint32(x[from:]))), int64(int32(binary.LittleEndian.Uint32(y[from:])))
			tx, ty := uint64(int64(atX)+int64(from)+4+dx), uint64(int64(atY)+int64(from)+4+dy)
			if m.corresponds(tx, ty, accept) || m.c.a.file.Arch == "386" && m.corresponds(uint64(uint32(dx)), uint64(uint32(dy)), accept) {
				i = from + 4
				continue next
			}
		}
		all = false
		i++
	}
	return all
}

// walkARM64 masks the immediates of instructions that address by the program
// counter, and of those that add the rest of an address to a page
// (Arm Architecture Reference Manual, C4.1).
func (m *matcher) walkARM64(x, y []byte, atX, atY uint64, accept func(shift) bool) bool {
	paged := uint32(0) // registers that hold a page, by bit
	for i := 0; i+4 <= len(x); i += 4 {
		p, q := binary.LittleEndian.Uint32(x[i:]), binary.LittleEndian.Uint32(y[i:])
		isPage := p&0x9f000000 == 0x90000000
		if p != q {
			switch {
			case p&0x7c000000 == 0x14000000 && p&^0x3ffffff == q&^0x3ffffff: // B, BL
				tx := uint64(int64(atX) + int64(i) + int64(int32(p<<6))>>4)
				ty := uint64(int64(atY) + int64(i) + int64(int32(q<<6))>>4)
				if !m.corresponds(tx, ty, accept) {
					return false
				}
			case isPage && p&0x9f00001f == q&0x9f00001f: // ADRP
			case p&0x1f000000 == 0x11000000 && p&^0x3ffc00 == q&^0x3ffc00 && paged>>(p>>5&31)&1 == 1: // ADD immediate
			case p&0x3b000000 == 0x39000000 && p&^0x3ffc00 == q&^0x3ffc00 && paged>>(p>>5&31)&1 == 1: // load or store, unsigned offset
			default:
				return false
			}
		}
		if isPage {
			paged |= 1 << (p & 31)
		}
	}
	return true
}

// corresponds reports whether two addresses name the same thing: the same
// place in a function of the same name, or the same content in sections of
// the same name, or a place that has moved as others there have.
func (m *matcher) corresponds(x, y uint64, accept func(shift) bool) bool {
	a, b := m.c.a, m.c.b
	i, j := a.near(x), b.near(y)
	if i < 0 || j < 0 {
		return false
	}
	s, t := a.sections[i], b.sections[j]
	if s.name != t.name {
		return false
	}
	if s.text {
		f, g := a.funcAt(x), b.funcAt(y)
		if f < 0 || g < 0 {
			return f < 0 && g < 0 && accept(shift{s.name, int64(y - x)})
		}
		return a.funcs[f].name == b.funcs[g].name && x-a.funcs[f].entry == y-b.funcs[g].entry
	}
	// As long as a constant that instructions load; zeros are everywhere.
	const enough = 8
	if p, q := a.load(x, enough), b.load(y, enough); len(p) == enough && bytes.Equal(p, q) && !bytes.Equal(p, make([]byte, enough)) {
		m.seen(shift{s.name, int64(y - x)})
		return true
	}
	if y-t.addr == x-s.addr {
		return true
	}
	const short = 2 // "0x"
	if p, q := a.load(x, short), b.load(y, short); !bytes.Equal(p, q) {
		// What it points to may be a pointer itself, and have moved.
		by := shift{s.name, int64(y - x)}
		return accept(by) && m.shifts[by] >= credible
	}
	return accept(shift{s.name, int64(y - x)})
}
