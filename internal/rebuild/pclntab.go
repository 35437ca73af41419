package rebuild

import (
	"bytes"
	"slices"
	"sort"
	"strings"
)

// readPcln reads the table of functions; without one there are none.
func (o *object) readPcln() {
	for _, s := range o.sections {
		if strings.HasSuffix(s.name, "gopclntab") {
			o.pcln, o.pclnAddr = o.bytes(s), s.addr
			break
		}
	}
	if o.pcln == nil {
		o.findPcln()
	}
	if len(o.pcln) < 16 {
		o.pcln = nil
		return
	}
	o.text = o.textStart()
	o.readFuncs()
}

// findPcln looks for the table where it has no section of its own.
func (o *object) findPcln() {
	for _, s := range o.sections {
		if s.text || !s.alloc {
			continue
		}
		b := o.bytes(s)
		for at := 0; at < len(b); {
			i := bytes.Index(b[at:], []byte("\xff\xff\xff\x00\x00"))
			if i < 0 {
				break
			}
			at += i
			if p := at - 1; p >= 0 && (b[p] == 0xf1 || b[p] == 0xf0 || b[p] == 0xfa) && at+7 <= len(b) && (b[p+7] == 4 || b[p+7] == 8) {
				o.pcln, o.pclnAddr = b[p:], s.addr+uint64(p)
				return
			}
			at++
		}
	}
}

// textStart gives the address that pclntab counts from: the symbol, what the
// runtime's own moduledata says (word 22, after the header and six slices), or
// the start of the first text section.
func (o *object) textStart() uint64 {
	found, named := o.syms["runtime.text"]
	want := make([]byte, o.ptr)
	if o.ptr == 4 {
		o.order.PutUint32(want, uint32(o.pclnAddr))
	} else {
		o.order.PutUint64(want, o.pclnAddr)
	}
	for _, s := range o.sections {
		if s.text || !s.alloc || s.size == 0 {
			continue
		}
		b := o.bytes(s)
		for at := 0; at+24*o.ptr <= len(b); at += o.ptr {
			if !bytes.Equal(b[at:at+o.ptr], want) {
				continue
			}
			word := func(i int) uint64 { return o.word(b[at+i*o.ptr:]) }
			if text := word(22); word(20) >= text && word(20) < word(21) && o.at(text) >= 0 && o.sections[o.at(text)].text {
				o.module = s.addr + uint64(at)
				if !named {
					found = text
				}
				return found
			}
		}
	}
	if named {
		return found
	}
	for _, s := range o.sections {
		if s.text && (s.name == ".text" || s.name == "__TEXT,__text") {
			return s.addr
		}
	}
	return 0
}

// readFuncs reads the functions and the names of source files (debug/gosym
// holds the format; it copies names as often as they are named, which would
// let a small file fill the memory, and so it is not used here).
func (o *object) readFuncs() {
	t, ok := o.pclnParts()
	if !ok {
		return
	}
	budget := 2 * len(o.pcln) // bytes of names; no linker lets two functions share many
	for i := range t.nfunc {
		at := 2 * i * t.field
		f := fn{entry: t.base + o.uint(t.funcs[at:], t.field), end: t.base + o.uint(t.funcs[at+2*t.field:], t.field)}
		record := o.uint(t.funcs[at+t.field:], t.field)
		// Entries rise; where they do not, functions would lie over one another.
		if f.end <= f.entry || len(o.funcs) > 0 && f.entry < o.funcs[len(o.funcs)-1].end || record > uint64(len(t.records)) || record+uint64(t.skip)+4 > uint64(len(t.records)) {
			continue
		}
		f.name = cString(t.names, uint64(o.order.Uint32(t.records[record+uint64(t.skip):])))
		if budget -= len(f.name); budget < 0 {
			o.funcs = nil
			return
		}
		o.funcs = append(o.funcs, f)
	}
	for name := range bytes.SplitSeq(t.files, []byte{0}) {
		if len(name) > 0 && len(name) <= maxNameLen {
			o.files = append(o.files, string(name))
		}
	}
	slices.Sort(o.files)
	o.files = slices.Compact(o.files)
}

// maxNameLen bounds the name of a function or file; bytes. Names of generic
// functions hold those of their type arguments.
const maxNameLen = 64 << 10

// cString gives the text at off that ends with a zero byte.
func cString(b []byte, off uint64) string {
	if off >= uint64(len(b)) {
		return ""
	}
	b = b[off:]
	b = b[:min(len(b), maxNameLen)]
	n := bytes.IndexByte(b, 0)
	if n < 0 {
		return ""
	}
	return string(b[:n])
}

// pclnParts is where the tables of pclntab lie.
type pclnParts struct {
	nfunc   int
	field   int    // bytes of a field of funcs: entry, and place of the record, and so on, and the last end
	skip    int    // bytes of a record before the place of its name
	base    uint64 // that entries count from
	funcs   []byte
	records []byte
	names   []byte
	files   []byte // names, each with a zero byte after it; nil in the oldest form
}

// pclnParts reads the header, which has three forms (internal/abi.PCLnTabMagic):
// that of Go 1.2, of 1.16, and of 1.18 and later.
func (o *object) pclnParts() (t pclnParts, ok bool) {
	b := o.pcln
	if len(b) < 8+8*o.ptr || b[7] != byte(o.ptr) {
		return t, false
	}
	word := func(i int) uint64 { return o.word(b[8+i*o.ptr:]) }
	part := func(i int) []byte {
		if off := word(i); off < uint64(len(b)) {
			return b[off:]
		}
		return nil
	}
	nfunc, first := word(0), 3
	switch o.order.Uint32(b) {
	case 0xfffffff0, 0xfffffff1:
		t.field, t.skip, t.base = 4, 4, o.text
	case 0xfffffffa:
		t.field, t.skip, first = o.ptr, o.ptr, 2
	case 0xfffffffb:
		t.field, t.skip = o.ptr, o.ptr
		t.funcs, t.records, t.names = b[8+o.ptr:], b, b
	default:
		return t, false
	}
	if t.funcs == nil {
		t.names, t.funcs, t.records = part(first), part(first+4), part(first+4)
		if from, to := word(first+2), word(first+3); from < to && to <= uint64(len(b)) {
			t.files = b[from:to]
		}
	}
	if nfunc > uint64(len(t.funcs)) || (2*nfunc+1)*uint64(t.field) > uint64(len(t.funcs)) {
		return t, false
	}
	t.nfunc = int(nfunc)
	return t, true
}

// uint reads a number of n bytes.
func (o *object) uint(b []byte, n int) uint64 {
	if n == 4 {
		return uint64(o.order.Uint32(b))
	}
	return o.word(b)
}

// funcAt gives the index of the function that addr lies in, -1 if none.
func (o *object) funcAt(addr uint64) int {
	i := sort.Search(len(o.funcs), func(i int) bool { return o.funcs[i].entry > addr }) - 1
	if i < 0 || addr >= o.funcs[i].end {
		return -1
	}
	return i
}
