package sizes

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// moduledata is what the runtime knows of where things lie; addresses, 0
// unknown (runtime/symtab.go, moduledata).
type moduledata struct {
	addr           uint64
	text, etext    uint64
	findfunctab    uint64
	types, etypes  uint64
	rodata, gofunc uint64
	tableEnd       uint64 // of the records of functions
	epclntab       uint64 // since Go 1.26, which has function data behind pclntab
	typelinks      uint64
	typelinksCount uint64
}

// Words of moduledata. The first 32 have been the same since Go 1.16.
const (
	wordFuncnametab = 1
	wordPclntable   = 13
	wordFindfunctab = 19
	wordText        = 22
	wordEtext       = 23
	wordEnoptrbss   = 31
	wordsRead       = 56
)

// findModuledata finds it by its first word, the address of pclntab.
func (a *attribution) findModuledata(p *pclntab) error {
	in, l := a.in, a.layout
	want := make([]byte, 8)
	if in.ptr == 8 {
		in.order.PutUint64(want, p.addr)
	} else {
		in.order.PutUint32(want, uint32(p.addr))
	}
	want = want[:in.ptr]
	for _, pt := range l.parts {
		if !pt.loaded || pt.Size < wordsRead*int64(in.ptr) || pt.Kind != Data && pt.Kind != ROData && pt.Kind != Tables {
			continue
		}
		const chunk = 1 << 18
		buf := make([]byte, min(chunk+int64(wordsRead*in.ptr), pt.Size))
		for at := int64(0); at < pt.Size; at += chunk {
			b := buf[:min(int64(len(buf)), pt.Size-at)]
			if err := in.fill(b, pt.Offset-in.base+at); err != nil {
				return fmt.Errorf("look for module data: %w", err)
			}
			for from := 0; ; {
				i := bytes.Index(b[from:], want)
				if i < 0 {
					break
				}
				from += i
				if from%in.ptr == 0 && len(b)-from >= wordsRead*in.ptr && a.takeModuledata(p, b[from:]) {
					a.md.addr = pt.addr + uint64(at) + uint64(from)
					return nil
				}
				from++
			}
		}
	}
	return nil
}

// takeModuledata reads the words of what may be module data, and says whether
// it is.
func (a *attribution) takeModuledata(p *pclntab, b []byte) bool {
	word := func(i int) uint64 { return a.in.word(b, i) }
	if word(wordFuncnametab) != p.addr+uint64(p.names) {
		return false
	}
	m := moduledata{text: word(wordText), etext: word(wordEtext), findfunctab: word(wordFindfunctab)}
	m.tableEnd = word(wordPclntable) + word(wordPclntable+1)
	if m.tableEnd < p.addr+uint64(p.funcs) || m.tableEnd-p.addr > uint64(p.n) {
		return false
	}
	if m.etext <= m.text || a.layout.at(m.text) == nil {
		return false
	}
	// Go 1.20 put two words for coverage before end, gcdata and gcbss.
	at := wordEnoptrbss + 4
	if p.magic == pclnGo120 {
		at += 2
	}
	m.types, m.etypes = word(at), word(at+1)
	at += 2
	if p.magic != pclnGo116 {
		m.rodata, m.gofunc = word(at), word(at+1)
		at += 2
		if e := word(at); e > p.addr && e-p.addr <= uint64(p.n) && m.gofunc > p.addr && m.gofunc < e {
			m.epclntab = e
			at++
		}
	}
	at += 3 // textsectmap
	m.typelinks, m.typelinksCount = word(at), word(at+1)
	if m.types >= m.etypes || a.layout.at(m.types) == nil {
		m.types, m.etypes = 0, 0
	}
	if word(at+2) != m.typelinksCount {
		m.typelinks, m.typelinksCount = 0, 0
	}
	a.md = m
	return true
}

// mark says whose the bytes from an address on are.
type mark struct {
	addr uint64
	owner
}

// owner is a slot of the tally, or one of those that are shared out later.
type owner int32

// The owners whose bytes are shared out by what is known inside.
const (
	ownCode owner = -1 - iota
	ownTables
	ownTypes
	ownFuncdata
	ownSection // whatever its section is
)

// sortMarks puts the marks in order; of those at one address the last that was
// made holds.
func (a *attribution) sortMarks() {
	slices.SortStableFunc(a.marks, func(x, y mark) int { return cmp.Compare(x.addr, y.addr) })
}

// sweep gives every byte of the loaded parts to the mark before it, and the
// sums for the owners that are shared out later.
func (a *attribution) sweep() map[owner]int64 {
	later := map[owner]int64{}
	for i := range a.layout.parts {
		pt := &a.layout.parts[i]
		if pt.Size == 0 {
			continue
		}
		if !pt.loaded {
			a.tally.add(a.ofSection(pt), dataPart, pt.Size)
			continue
		}
		give := func(o owner, n uint64) {
			switch {
			case n == 0:
			case o >= 0:
				a.tally.add(slot(o), dataPart, int64(n))
			case o == ownSection:
				a.tally.add(a.ofSection(pt), dataPart, int64(n))
			default:
				later[o] += int64(n)
			}
		}
		end := pt.addr + uint64(pt.Size)
		at, now := pt.addr, ownSection
		from, _ := slices.BinarySearchFunc(a.marks, pt.addr, func(m mark, addr uint64) int {
			if m.addr < addr {
				return -1
			}
			return 1
		})
		for _, m := range a.marks[from:] {
			if m.addr >= end {
				break
			}
			give(now, m.addr-at)
			at, now = m.addr, m.owner
		}
		give(now, end-at)
	}
	return later
}
