package sizes

import (
	"bytes"
	"debug/elf"
	"fmt"

	"github.com/slipway-build/slipway/internal/binary"
)

const (
	maxSymbols     = 8 << 20
	maxSymbolNames = 256 << 20 // bytes
)

// readSymbols marks variables and constants by the symbol table, and functions
// too if withCode is set. Only ELF says how large an object is, so what follows
// one counts as its own until the next begins: alignment, mostly.
func (a *attribution) readSymbols(format binary.Format, withCode bool) error {
	in, st := a.in, a.layout.syms
	if st.off <= 0 || st.n <= 0 || st.len <= 0 || st.len > maxSymbolNames || st.n > in.size || st.off > in.size-1 || st.str > in.size-st.len {
		return nil
	}
	names, err := in.bytes(st.str, st.len)
	if err != nil {
		return fmt.Errorf("read names of symbols: %w", err)
	}
	entry := int64(18)
	n := st.n
	switch format {
	case binary.ELF:
		entry = 16
		if in.ptr == 8 {
			entry = 24
		}
		n /= entry
	case binary.MachO:
		entry = 12
		if in.ptr == 8 {
			entry = 16
		}
		n /= entry
	}
	if n > maxSymbols || n > (in.size-st.off)/entry {
		return nil
	}
	const chunk = 4096
	buf := make([]byte, chunk*entry)
	skip := 0
	for i := int64(0); i < n; i += chunk {
		b := buf[:min(chunk, n-i)*entry]
		if err := in.fill(b, st.off+i*entry); err != nil {
			return fmt.Errorf("read symbols: %w", err)
		}
		for ; len(b) > 0; b = b[entry:] {
			if skip > 0 {
				skip--
				continue
			}
			switch format {
			case binary.ELF:
				a.elfSymbol(b, names, withCode)
			case binary.MachO:
				a.machSymbol(b, names, withCode)
			default:
				skip = int(b[17]) // auxiliary entries
				a.peSymbol(b, names, withCode)
			}
		}
	}
	return nil
}

func (a *attribution) elfSymbol(b, names []byte, withCode bool) {
	o := a.in.order
	var name, shndx uint32
	var value uint64
	var info byte
	if a.in.ptr == 4 {
		name, value, info, shndx = o.Uint32(b), uint64(o.Uint32(b[4:])), b[12], uint32(o.Uint16(b[14:]))
	} else {
		name, info, shndx, value = o.Uint32(b), b[4], uint32(o.Uint16(b[6:])), o.Uint64(b[8:])
	}
	switch t := elf.ST_TYPE(info); {
	case shndx == 0 || shndx >= uint32(elf.SHN_LORESERVE) && shndx != uint32(elf.SHN_XINDEX):
		return
	case t == elf.STT_SECTION || t == elf.STT_FILE || t == elf.STT_TLS:
		return
	}
	a.symbol(cstring(names, uint64(name)), value, withCode)
}

// machSymbol reads an nlist (mach-o/nlist.h). C's names have an underscore in
// front, and so have Go's where an external linker has seen them.
func (a *attribution) machSymbol(b, names []byte, withCode bool) {
	o := a.in.order
	const stab, typeMask, inSection = 0xe0, 0x0e, 0x0e
	if b[4]&stab != 0 || b[4]&typeMask != inSection {
		return
	}
	value := uint64(o.Uint32(b[8:]))
	if a.in.ptr == 8 {
		value = o.Uint64(b[8:])
	}
	name := cstring(names, uint64(o.Uint32(b)))
	a.symbol(bytes.TrimPrefix(name, []byte("_")), value, withCode)
}

// peSymbol reads an entry of the COFF symbol table (PE Format, section 5.4).
func (a *attribution) peSymbol(b, names []byte, withCode bool) {
	o, sections := a.in.order, a.layout.numbered
	section := int(int16(o.Uint16(b[12:])))
	if section < 1 || section > len(sections) || b[16] != 2 && b[16] != 3 { // external, static
		return
	}
	name := cstring(b[:8], 0)
	if o.Uint32(b) == 0 {
		name = cstring(names, uint64(o.Uint32(b[4:])))
	}
	a.symbol(name, sections[section-1]+uint64(o.Uint32(b[8:])), withCode)
}

// symbol marks what begins at an address.
func (a *attribution) symbol(name []byte, addr uint64, withCode bool) {
	if len(name) == 0 || name[0] == '.' || name[0] == '$' && len(name) < 3 {
		return
	}
	pt := a.layout.at(addr)
	if pt == nil || pt.Kind != ROData && pt.Kind != Data && pt.Kind != Tables && (pt.Kind != Code || !withCode) {
		return
	}
	a.symbols = true
	var o owner
	switch string(name) {
	case "type:*", "type.*", "runtime.types", "typerel.*":
		o, a.carriers = ownTypes, true
	case "go:string.*", "go.string.*":
		o = owner(a.tally.thing(Strings, ""))
	case "runtime.gcbits.*":
		a.gcbits = addr
		o = owner(a.tally.thing(Shared, gcName))
	case "runtime.gcdata", "runtime.gcbss", "go:funcdesc", "go:funcdescrel", "go:funcrel.*":
		o = owner(a.tally.thing(Shared, gcName))
	case "go:func.*", "go.func.*":
		o = ownTables
	case "runtime.pclntab", "runtime.findfunctab", "runtime.funcnametab", "runtime.cutab", "runtime.filetab", "runtime.pctab", "runtime.functab", "runtime.pcheader":
		o = ownTables
	case "runtime.typelink", "runtime.itablink", "runtime.textsectionmap":
		o = owner(a.tally.thing(Shared, string(name)))
	case "runtime.rodata", "runtime.noptrdata", "runtime.data", "runtime.epclntab", "runtime.erodata", "runtime.etypes", "runtime.enoptrdata", "runtime.edata", "runtime.egcdata", "runtime.egcbss", "runtime.esymtab", "runtime.symtab":
		// These say where others begin or end, and may share their address.
		return
	default:
		s := a.tally.pkg(packageOf(name))
		if s < 0 && bytes.HasPrefix(name, []byte("go:")) {
			s = a.tally.pkg([]byte("runtime"))
		}
		if s < 0 {
			s = a.unnamed(name)
		}
		o = owner(s)
	}
	a.mark(addr, o)
}

// unnamed is where a symbol without a package counts.
func (a *attribution) unnamed(name []byte) slot {
	// Constants of the compiler, each written once for all who use it.
	if name[0] == '$' || bytes.HasPrefix(name, []byte("type:")) || bytes.HasPrefix(name, []byte("type.")) || bytes.HasPrefix(name, []byte("go.")) || bytes.HasPrefix(name, []byte("gclocals")) {
		return a.tally.thing(Shared, "(constants)")
	}
	if !a.cgo {
		return a.tally.thing(Unknown, "(assembly)")
	}
	return a.tally.thing(Foreign, "")
}
