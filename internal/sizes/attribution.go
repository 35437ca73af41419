package sizes

import (
	"fmt"

	"github.com/slipway-build/slipway/internal/binary"
)

// attribution is one run over a file.
type attribution struct {
	in      *input
	layout  *layout
	tally   *tally
	md      moduledata
	text    uint64 // address of runtime.text
	cgo     bool   // C may be in it
	symbols bool
	// carriers says that the symbols tell where types and strings begin;
	// gcbits is where the bits of the garbage collector do.
	carriers bool
	gcbits   uint64
	marks    []mark

	code, tables, types sums
}

// sums counts bytes by slot, for sharing out what they are a part of.
type sums struct {
	by    []int64
	total int64
}

func (s *sums) add(at slot, n int64) {
	for int(at) >= len(s.by) {
		s.by = append(s.by, make([]int64, int(at)+1)...)
	}
	s.by[at] += n
	s.total += n
}

func (a *attribution) run(f *binary.File) error {
	cgo, _ := f.Setting("CGO_ENABLED")
	a.cgo = cgo != "0"
	p, err := findPclntab(a.in, a.layout)
	if err != nil {
		return fmt.Errorf("find pclntab: %w", err)
	}
	var foreign slot = -1
	if p == nil {
		a.noGo(f)
	} else {
		if err := a.findModuledata(p); err != nil {
			return err
		}
		if foreign = a.tally.thing(Format, "(alignment)"); a.cgo {
			foreign = a.tally.thing(Foreign, "")
		}
	}
	if err := a.readSymbols(f.Format, p == nil); err != nil {
		return err
	}
	if p != nil {
		if err := a.readGo(p, foreign); err != nil {
			return err
		}
	}
	if p != nil {
		a.sortMarks()
		if err := a.findEmbedded(); err != nil {
			return err
		}
	}
	a.sortMarks()
	later := a.sweep()
	if err := a.share(ownCode, later, &a.code, codePart, Format); err != nil {
		return err
	}
	if err := a.share(ownTables, later, &a.tables, tablePart, Shared); err != nil {
		return err
	}
	return a.share(ownTypes, later, &a.types, typePart, Shared)
}

// share gives the bytes of an owner to the packages that have parts of it, and
// what is left to an origin. Sums that are larger than the whole come from a
// table that lies; then nothing of it is believed.
func (a *attribution) share(o owner, later map[owner]int64, s *sums, part int, rest Origin) error {
	total := later[o]
	if s.total > total {
		rest, s.by, s.total = Unknown, nil, 0
	}
	for at, n := range s.by[:min(len(s.by), len(a.tally.entries))] {
		a.tally.add(slot(at), part, n)
	}
	if left := total - s.total; left > 0 {
		a.tally.add(a.tally.thing(rest, map[int]string{codePart: "(alignment)", tablePart: "(function tables)", typePart: "(types)"}[part]), part, left)
	}
	return nil
}

// noGo marks the code of a program that Go did not link, or whose table of
// functions cannot be read.
func (a *attribution) noGo(f *binary.File) {
	if f.Go != nil {
		return
	}
	c := a.tally.thing(Foreign, "")
	for _, pt := range a.layout.parts {
		if pt.loaded && (pt.Kind == Code || pt.Kind == ROData || pt.Kind == Data) {
			a.mark(pt.addr, owner(c))
		}
	}
}

func (a *attribution) mark(addr uint64, o owner) { a.marks = append(a.marks, mark{addr, o}) }

// readGo marks what the table of functions and the module data tell.
func (a *attribution) readGo(p *pclntab, foreign slot) error {
	l, m := a.layout, a.md
	a.text = m.text
	var textLen uint64
	switch {
	case m.text != 0:
		textLen = m.etext - m.text
	case p.text != 0 && l.at(p.text) != nil:
		pt := l.at(p.text)
		a.text, textLen = p.text, uint64(pt.Size)-(p.text-pt.addr)
	default:
		for _, pt := range l.parts {
			if pt.loaded && pt.Kind == Code && textLen == 0 {
				a.text, textLen = pt.addr, uint64(pt.Size)
			}
		}
	}
	// Code outside of Go's own came from a C compiler.
	for _, pt := range l.parts {
		if pt.loaded && pt.Kind == Code {
			a.mark(pt.addr, owner(foreign))
		}
	}
	a.mark(a.text, ownCode)
	if l.at(a.text) != nil && m.etext > a.text {
		a.mark(m.etext, owner(foreign))
	}
	end := p.addr + uint64(p.n)
	if m.epclntab != 0 {
		end = m.epclntab
	} else if m.tableEnd != 0 && l.at(p.addr).Kind != Tables {
		end = m.tableEnd // in a section that holds more than this table
	}
	a.mark(p.addr, ownTables)
	a.mark(end, ownSection)
	found, err := a.readTypes()
	if err != nil {
		return err
	}
	a.markConstants(found)
	data := a.funcdata(p, found)
	if err := a.readFuncs(p, textLen, data); err != nil {
		return err
	}
	now := slot(-1)
	for _, s := range data {
		if s >= 0 {
			now = s
		}
		if now >= 0 {
			a.tables.add(now, 1)
		}
	}
	return nil
}

// maxFuncdata bounds the function data whose owners are kept, in bytes.
const maxFuncdata = 32 << 20

// funcdata gives room for the owner of each byte of function data, none yet,
// and marks where it lies.
func (a *attribution) funcdata(p *pclntab, t foundTypes) []slot {
	m := a.md
	end := t.bitsFrom
	switch {
	case m.gofunc == 0:
		return nil
	case m.epclntab != 0:
		end = m.findfunctab
	default:
		if a.gcbits != 0 {
			end = a.gcbits
		}
		if pt := a.layout.at(m.gofunc); pt == nil || end < m.gofunc || end-pt.addr > uint64(pt.Size) {
			return nil
		}
		a.mark(m.gofunc, ownTables)
		a.mark(end, owner(a.tally.thing(Shared, gcName)))
	}
	if end <= m.gofunc || end-m.gofunc > maxFuncdata {
		return nil
	}
	data := make([]slot, end-m.gofunc)
	for i := range data {
		data[i] = -1
	}
	return data
}

const gcName = "(live pointers)"

// markConstants marks, in a program without symbols, what lies between the
// types and the other constants. The linker puts them in this order: types,
// strings, function data, bits of the garbage collector, constants
// (cmd/link/internal/sym, SymKind).
func (a *attribution) markConstants(t foundTypes) {
	if t.end == 0 {
		return
	}
	if !a.symbols || !a.carriers {
		a.mark(a.md.types, ownTypes)
		pt := a.layout.at(a.md.types)
		// What the loader has to relocate lies apart: there the strings come
		// first among the other constants.
		if ro := a.layout.at(a.md.rodata); ro != nil && ro != pt && t.bitsFrom > a.md.rodata && t.bitsTo-ro.addr <= uint64(ro.Size) {
			a.mark(a.md.rodata, owner(a.tally.thing(Strings, "")))
			a.mark(t.bitsFrom, owner(a.tally.thing(Shared, gcName)))
			a.mark(t.bitsTo, ownSection)
		}
		next := t.bitsFrom
		if a.md.gofunc > t.end && (next == 0 || a.md.gofunc < next) && a.md.epclntab == 0 {
			next = a.md.gofunc
		}
		if t.end-pt.addr >= uint64(pt.Size) {
			return
		}
		if next > t.end && next-pt.addr < uint64(pt.Size) {
			a.mark(t.end, owner(a.tally.thing(Strings, "")))
		} else {
			a.mark(t.end, ownSection)
		}
		if t.bitsFrom > a.md.types && t.bitsTo-pt.addr <= uint64(pt.Size) {
			a.mark(t.bitsFrom, owner(a.tally.thing(Shared, gcName)))
			a.mark(t.bitsTo, ownSection)
		}
	}
}

// ofSection is where the bytes of a part count that nothing more is known of.
func (a *attribution) ofSection(pt *part) slot {
	switch pt.Kind {
	case Debug:
		return a.tally.thing(DebugInfo, pt.Name)
	case Symbols:
		return a.tally.thing(SymbolData, pt.Name)
	case Headers, Padding, Linking, Notes:
		return a.tally.thing(Format, pt.Name)
	case Tables:
		return a.tally.thing(Shared, pt.Name)
	}
	return a.tally.thing(Unknown, pt.Name)
}
