package rebuild

import (
	"bytes"
	"debug/gosym"
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

func (o *object) readFuncs() {
	defer func() {
		if recover() != nil { // gosym on a damaged table
			o.funcs, o.files = nil, nil
		}
	}()
	// The counts in the header decide what gosym allocates: of functions, with
	// eight bytes in the table and some forty beside it each, and of files.
	if len(o.pcln) < 8+2*o.ptr || o.pcln[7] != byte(o.ptr) {
		return
	}
	nfunc, nfile := o.word(o.pcln[8:]), o.word(o.pcln[8+o.ptr:])
	if nfunc > uint64(len(o.pcln))/16 || nfile > uint64(len(o.pcln)) {
		return
	}
	t, err := gosym.NewTable(nil, gosym.NewLineTable(o.pcln, o.text))
	if err != nil {
		return
	}
	for i := range t.Funcs {
		f := &t.Funcs[i]
		if f.Sym != nil && f.End > f.Entry {
			o.funcs = append(o.funcs, fn{f.Name, f.Entry, f.End})
		}
	}
	for name := range t.Files {
		o.files = append(o.files, name)
	}
	slices.Sort(o.files)
}

// funcAt gives the index of the function that addr lies in, -1 if none.
func (o *object) funcAt(addr uint64) int {
	i := sort.Search(len(o.funcs), func(i int) bool { return o.funcs[i].entry > addr }) - 1
	if i < 0 || addr >= o.funcs[i].end {
		return -1
	}
	return i
}
