package sizes

import "fmt"

// Kinds of types that are more than a header (internal/abi.Kind).
const (
	kindMask      = 1<<5 - 1
	kindArray     = 17
	kindChan      = 18
	kindFunc      = 19
	kindInterface = 20
	kindMap       = 21
	kindPointer   = 22
	kindSlice     = 23
	kindStruct    = 25
	kindMax       = 26
)

const (
	tflagUncommon   = 1 << 0
	maxTypes        = 4 << 20
	maxTypesBytes   = 128 << 20
	maxNameBytes    = 1 << 16
	swissMaps       = 24 // minor version of Go since which maps have another type
	gcMaskOnDemand  = 1 << 4
	uncommonLen     = 16
	methodLen       = 16
	methodOfIface   = 8
	maxTypeElements = 1 << 16
)

// foundTypes is where the type descriptions end that were found, and where
// their bits for the garbage collector lie; addresses, 0 unknown.
type foundTypes struct{ end, bitsFrom, bitsTo uint64 }

// typeWalk follows type descriptions.
type typeWalk struct {
	a     *attribution
	base  uint64
	b     []byte
	todo  []uint32
	seen  bitset // of places where types begin, in pointers
	named bitset // of places where names begin, in bytes
	found foundTypes
	// bitsLow and bitsHigh are addresses between which the bits lie.
	bitsLow, bitsHigh uint64
	mapSize,
	header int
}

type bitset []uint64

func (s bitset) add(i uint32) (fresh bool) {
	w, m := &s[i/64], uint64(1)<<(i%64)
	fresh = *w&m == 0
	*w |= m
	return fresh
}

// readTypes attributes the type descriptions that can be reached from the list
// for reflection, and their names, to the packages of the types (internal/abi,
// Type and what embeds it). A type without a name of its own belongs to the
// first type with one that it is made of.
func (a *attribution) readTypes() (foundTypes, error) {
	m := a.md
	pt := a.layout.at(m.types)
	if m.types == 0 || pt == nil || m.typelinksCount == 0 || m.typelinksCount > maxTypes {
		return foundTypes{}, nil
	}
	off := pt.Offset + int64(m.types-pt.addr)
	n := min(m.etypes-m.types, uint64(pt.Size)-(m.types-pt.addr))
	if n < 64 || n > maxTypesBytes {
		return foundTypes{}, nil
	}
	links, linksN, ok := a.layout.file(m.typelinks)
	if !ok || linksN < int64(4*m.typelinksCount) {
		return foundTypes{}, nil
	}
	list, err := a.in.part(links, int64(4*m.typelinksCount))
	if err != nil {
		return foundTypes{}, fmt.Errorf("read the list of types: %w", err)
	}
	b, err := a.in.part(off, int64(n))
	if err != nil {
		return foundTypes{}, fmt.Errorf("read types: %w", err)
	}
	p := a.in.ptr
	w := &typeWalk{a: a, base: m.types, b: b, header: 16 + 4*p, seen: make(bitset, len(b)/p/64+1), named: make(bitset, len(b)/64+1)}
	w.bitsLow, w.bitsHigh = w.base, w.base+n
	if ro := a.layout.at(m.rodata); ro != nil && ro != pt {
		w.bitsLow, w.bitsHigh = m.rodata, ro.addr+uint64(ro.Size)
	}
	w.mapSize = 4*p + 8
	if a.tally.goMinor() >= swissMaps {
		w.mapSize = 8 * p
	}
	for i := range m.typelinksCount {
		w.push(a.in.order.Uint32(list[4*i:]))
	}
	for len(w.todo) > 0 {
		at := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		w.visit(at)
	}
	return w.found, nil
}

// push notes a type to look at.
func (w *typeWalk) push(at uint32) {
	if at != 0 && int(at)+w.header <= len(w.b) && int(at)%w.a.in.ptr == 0 && w.seen.add(at/uint32(w.a.in.ptr)) {
		w.todo = append(w.todo, at)
	}
}

// word reads a pointer at a place among the types.
func (w *typeWalk) word(at int) uint64 {
	if at < 0 || at+w.a.in.ptr > len(w.b) {
		return 0
	}
	return w.a.in.word(w.b[at:], 0)
}

func (w *typeWalk) u32(at int) uint32 {
	if at < 0 || at+4 > len(w.b) {
		return 0
	}
	return w.a.in.order.Uint32(w.b[at:])
}

func (w *typeWalk) u16(at int) int {
	if at < 0 || at+2 > len(w.b) {
		return 0
	}
	return int(w.a.in.order.Uint16(w.b[at:]))
}

// place gives where an address lies among the types.
func (w *typeWalk) place(addr uint64) (uint32, bool) {
	if addr <= w.base || addr-w.base >= uint64(len(w.b)) {
		return 0, false
	}
	return uint32(addr - w.base), true
}

func (w *typeWalk) pushAddr(addr uint64) {
	if at, ok := w.place(addr); ok {
		w.push(at)
	}
}

// shape is what a type has beyond its header.
type shape struct {
	size     int    // bytes with the header
	elems    [2]int // places of pointers to the types it is made of; 0 none
	uncommon int    // place of the part that types with names and methods have; 0 none
}

// shapeOf reads the kind of the type at a place; false if it is no type.
func (w *typeWalk) shapeOf(at int) (s shape, ok bool) {
	p, h := w.a.in.ptr, w.header
	if at+h > len(w.b) {
		return s, false
	}
	flags, kind := w.b[at+2*p+4], w.b[at+2*p+7]&kindMask
	if kind == 0 || kind > kindMax {
		return s, false
	}
	s.size = h
	switch kind {
	case kindArray:
		s.size, s.elems = h+3*p, [2]int{at + h, at + h + p}
	case kindChan:
		s.size, s.elems[0] = h+2*p, at+h
	case kindPointer, kindSlice:
		s.size, s.elems[0] = h+p, at+h
	case kindFunc:
		s.size = h + max(4, p)
	case kindInterface, kindStruct:
		s.size = h + 4*p
	case kindMap:
		s.size, s.elems = h+w.mapSize, [2]int{at + h, at + h + p}
	}
	if flags&tflagUncommon != 0 {
		s.uncommon = at + s.size
		s.size += uncommonLen
	}
	return s, at+s.size <= len(w.b)
}

// visit attributes one type and notes those it is made of.
func (w *typeWalk) visit(at32 uint32) {
	at, p, h := int(at32), w.a.in.ptr, w.header
	s, ok := w.shapeOf(at)
	if !ok {
		return
	}
	pkg := w.pkgOf(at, 0)
	if pkg < 0 {
		pkg = w.a.tally.thing(Shared, "(types)")
	}
	w.name(w.u32(at+h-8), pkg)
	w.push(w.u32(at + h - 4)) // the pointer to it
	for _, e := range s.elems {
		if e != 0 {
			w.pushAddr(w.word(e))
		}
	}
	size := s.size
	switch w.b[at+2*p+7] & kindMask {
	case kindMap:
		w.pushAddr(w.word(at + h + 2*p)) // the type of its buckets
	case kindFunc:
		n := w.u16(at+h) + w.u16(at+h+2)&0x7fff
		w.elements(at+s.size, n, p, func(e int) { w.pushAddr(w.word(e)) })
		size += n * p
	case kindInterface:
		n := w.list(at+h+p, methodOfIface)
		w.elements(at+s.size, n, methodOfIface, func(e int) {
			w.name(w.u32(e), pkg)
			w.push(w.u32(e + 4))
		})
		size += n * methodOfIface
	case kindStruct:
		n := w.list(at+h+p, 3*p)
		w.elements(at+s.size, n, 3*p, func(e int) {
			if name, ok := w.place(w.word(e)); ok {
				w.name(name, pkg)
			}
			w.pushAddr(w.word(e + p))
		})
		size += n * 3 * p
	}
	if s.uncommon != 0 {
		n := w.u16(s.uncommon + 4)
		from := s.uncommon + int(w.u32(s.uncommon+8))
		w.elements(from, n, methodLen, func(e int) {
			w.name(w.u32(e), pkg)
			w.push(w.u32(e + 4))
		})
		size += n * methodLen
	}
	if at+size > len(w.b) {
		return
	}
	w.a.types.add(pkg, int64(size))
	w.found.end = max(w.found.end, w.base+uint64(at+size))
	w.bits(at)
}

// list gives the length of a slice in a type.
func (w *typeWalk) list(at, size int) int {
	n := w.word(at + w.a.in.ptr)
	if n > maxTypeElements || int(n)*size > len(w.b) {
		return 0
	}
	return int(n)
}

func (w *typeWalk) elements(from, n, size int, f func(at int)) {
	if from < 0 || n > maxTypeElements || from > len(w.b)-n*size {
		return
	}
	for i := range n {
		f(from + i*size)
	}
}

// bits notes where the bits lie that tell the garbage collector of pointers.
func (w *typeWalk) bits(at int) {
	p := w.a.in.ptr
	pointers, addr := w.word(at+p), w.word(at+3*p+8)
	const program = 1 << 6 // before Go 1.24 the kind said that it is no mask
	if pointers == 0 || w.b[at+2*p+4]&gcMaskOnDemand != 0 || w.b[at+2*p+7]&program != 0 || addr <= w.bitsLow || addr >= w.bitsHigh {
		return
	}
	n := (pointers/uint64(p) + 7) / 8
	if n > 1<<20 {
		return
	}
	if w.found.bitsFrom == 0 || addr < w.found.bitsFrom {
		w.found.bitsFrom = addr
	}
	w.found.bitsTo = max(w.found.bitsTo, addr+n)
}

// name attributes the name at a place: flags, length, text, and a tag if
// there is one (internal/abi.Name).
func (w *typeWalk) name(at uint32, pkg slot) {
	n := w.nameLen(int(at))
	if at == 0 || n == 0 || !w.named.add(at) {
		return
	}
	w.a.types.add(pkg, int64(n))
	w.found.end = max(w.found.end, w.base+uint64(at)+uint64(n))
}

func (w *typeWalk) nameLen(at int) int {
	if at <= 0 || at+2 > len(w.b) {
		return 0
	}
	flags := w.b[at]
	n, c := w.varint(at + 1)
	size := 1 + c + n
	if flags&(1<<1) != 0 { // a tag
		tag, c := w.varint(at + size)
		size += c + tag
	}
	if flags&(1<<2) != 0 { // a package
		size += 4
	}
	if size > maxNameBytes || at+size > len(w.b) {
		return 0
	}
	return size
}

// text gives a name without what surrounds it.
func (w *typeWalk) text(at int) []byte {
	if w.nameLen(at) == 0 {
		return nil
	}
	n, c := w.varint(at + 1)
	return w.b[at+1+c : at+1+c+n]
}

func (w *typeWalk) varint(at int) (v, n int) {
	for n < 3 && at+n < len(w.b) {
		c := w.b[at+n]
		v |= int(c&0x7f) << (7 * n)
		n++
		if c&0x80 == 0 {
			break
		}
	}
	return v, n
}

// pkgOf gives the package of a type; -1 if it has none.
func (w *typeWalk) pkgOf(at, depth int) slot {
	s, ok := w.shapeOf(at)
	if !ok || depth > 8 {
		return -1
	}
	if s.uncommon != 0 {
		path := int(w.u32(s.uncommon))
		if path == 0 {
			return w.a.tally.pkg([]byte("runtime")) // int, error and their like
		}
		name := w.text(path)
		if string(name) == "go.shape" { // made by the compiler for generic code
			return -1
		}
		pkg := w.a.tally.pkg(name)
		if pkg >= 0 {
			w.name(uint32(path), pkg)
		}
		return pkg
	}
	for _, e := range s.elems {
		if e == 0 {
			continue
		}
		if to, ok := w.place(w.word(e)); ok {
			if pkg := w.pkgOf(int(to), depth+1); pkg >= 0 && w.a.tally.entries[pkg].name != "runtime" {
				return pkg
			}
		}
	}
	return -1
}
