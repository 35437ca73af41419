package binary

import (
	"debug/elf"
	"strings"
)

// Bounds of the dynamic section.
const (
	maxDynamic  = 4096     // entries
	maxStrings  = 64 << 20 // bytes of the dynamic string table
	maxVersions = 8192     // version entries in all
	maxSymbols  = 1 << 20  // symbols looked at to name one that needs a version
)

// dynamic is the dynamic section as the loader reads it: by addresses, from
// PT_DYNAMIC. The section table may be absent or lie.
type dynamic struct {
	ef      *elf.File
	size    int64 // of the file
	strtab  []byte
	needed  []string
	rpath   string
	runpath string
	soname  string
	flags   uint64
	flags1  uint64
	bindNow bool
	textRel bool

	glibc, symbol string // highest GLIBC version asked for, and by what
	offered       string // highest GLIBC version defined
}

type dynTag struct {
	tag elf.DynTag
	val uint64
}

func readDynamic(ef *elf.File, size int64) (*dynamic, error) {
	d := &dynamic{ef: ef, size: size}
	tags := d.tags()
	var strAddr, strSize uint64
	for _, t := range tags {
		switch t.tag {
		case elf.DT_STRTAB:
			strAddr = t.val
		case elf.DT_STRSZ:
			strSize = t.val
		}
	}
	if strAddr == 0 {
		return d, nil
	}
	if strSize > maxStrings {
		return nil, damaged("dynamic strings take %d bytes", strSize)
	}
	if d.strtab = d.at(strAddr, strSize); d.strtab == nil {
		return nil, damaged("the dynamic strings lie outside of what is loaded")
	}
	vals := map[elf.DynTag]uint64{}
	for _, t := range tags {
		vals[t.tag] = t.val
		switch t.tag {
		case elf.DT_NEEDED:
			d.needed = append(d.needed, str(d.strtab, t.val))
		case elf.DT_RPATH:
			d.rpath = str(d.strtab, t.val)
		case elf.DT_RUNPATH:
			d.runpath = str(d.strtab, t.val)
		case elf.DT_SONAME:
			d.soname = str(d.strtab, t.val)
		case elf.DT_BIND_NOW:
			d.bindNow = true
		case elf.DT_TEXTREL:
			d.textRel = true
		}
	}
	d.flags, d.flags1 = vals[elf.DT_FLAGS], vals[elf.DT_FLAGS_1]
	if a := vals[elf.DT_VERNEED]; a != 0 {
		d.readNeeds(a, vals[elf.DT_VERNEEDNUM], vals[elf.DT_VERSYM], vals[elf.DT_SYMTAB])
	}
	if a := vals[elf.DT_VERDEF]; a != 0 {
		d.readDefs(a, vals[elf.DT_VERDEFNUM])
	}
	return d, nil
}

func (d *dynamic) tags() []dynTag {
	for _, p := range d.ef.Progs {
		if p.Type != elf.PT_DYNAMIC {
			continue
		}
		entry := uint64(16)
		if d.ef.Class == elf.ELFCLASS32 {
			entry = 8
		}
		b := make([]byte, min(p.Filesz, maxDynamic*entry))
		n, _ := p.ReadAt(b, 0)
		var out []dynTag
		for b = b[:n]; uint64(len(b)) >= entry; b = b[entry:] {
			var t dynTag
			if entry == 8 {
				t = dynTag{elf.DynTag(d.ef.ByteOrder.Uint32(b)), uint64(d.ef.ByteOrder.Uint32(b[4:]))}
			} else {
				t = dynTag{elf.DynTag(d.ef.ByteOrder.Uint64(b)), d.ef.ByteOrder.Uint64(b[8:])}
			}
			if t.tag == elf.DT_NULL {
				break
			}
			out = append(out, t)
		}
		return out
	}
	return nil
}

// at gives n bytes at a virtual address, or nil.
func (d *dynamic) at(addr, n uint64) []byte {
	for _, p := range d.ef.Progs {
		if p.Type != elf.PT_LOAD || addr < p.Vaddr || addr-p.Vaddr >= p.Filesz || n > p.Filesz-(addr-p.Vaddr) {
			continue
		}
		b := make([]byte, n)
		if m, _ := p.ReadAt(b, int64(addr-p.Vaddr)); m != len(b) {
			return nil
		}
		return b
	}
	return nil
}

// upTo gives the bytes from addr to the end of its segment, at most n.
func (d *dynamic) upTo(addr, n uint64) []byte {
	for _, p := range d.ef.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return d.at(addr, min(n, p.Filesz-(addr-p.Vaddr)))
		}
	}
	return nil
}

// readNeeds walks DT_VERNEED (LSB core, symbol versioning): records of 16
// bytes for each library, each with a chain of 16-byte versions.
func (d *dynamic) readNeeds(addr, count, versym, symtab uint64) {
	bo := d.ef.ByteOrder
	b := d.upTo(addr, maxVersions*32)
	left := maxVersions
	var index uint16
	for at := uint64(0); count > 0 && left > 0 && at+16 <= uint64(len(b)); count-- {
		aux := at + uint64(bo.Uint32(b[at+8:]))
		for n := bo.Uint16(b[at+2:]); n > 0 && left > 0 && aux+16 <= uint64(len(b)); n-- {
			left--
			v, ok := glibcVersion(str(d.strtab, uint64(bo.Uint32(b[aux+8:]))))
			if ok && (d.glibc == "" || CompareVersions(v, d.glibc) > 0) {
				d.glibc, index = v, bo.Uint16(b[aux+6:])&0x7fff
			}
			step := uint64(bo.Uint32(b[aux+12:]))
			if step == 0 {
				break
			}
			aux += step
		}
		step := uint64(bo.Uint32(b[at+12:]))
		if step == 0 {
			break
		}
		at += step
	}
	if d.glibc != "" && versym != 0 && symtab != 0 {
		d.symbol = d.symbolOf(index, versym, symtab)
	}
}

// symbolOf gives the first symbol with the version index, or "".
func (d *dynamic) symbolOf(index uint16, versym, symtab uint64) string {
	entry := uint64(24)
	if d.ef.Class == elf.ELFCLASS32 {
		entry = 16
	}
	// Nothing says how many symbols there are; the versions lie before
	// another table, so a number too high only finds symbols that are none.
	vers := d.upTo(versym, 2*maxSymbols)
	for i := uint64(0); i*2+2 <= uint64(len(vers)); i++ {
		if d.ef.ByteOrder.Uint16(vers[i*2:])&0x7fff != index {
			continue
		}
		sym := d.at(symtab+i*entry, 4) // st_name is first in both classes
		if sym == nil {
			return ""
		}
		return str(d.strtab, uint64(d.ef.ByteOrder.Uint32(sym)))
	}
	return ""
}

// readDefs walks DT_VERDEF: records of 20 bytes, whose first auxiliary record
// names the version.
func (d *dynamic) readDefs(addr, count uint64) {
	bo := d.ef.ByteOrder
	b := d.upTo(addr, maxVersions*32)
	left := maxVersions
	for at := uint64(0); count > 0 && left > 0 && at+20 <= uint64(len(b)); count-- {
		left--
		if aux := at + uint64(bo.Uint32(b[at+12:])); aux+8 <= uint64(len(b)) {
			v, ok := glibcVersion(str(d.strtab, uint64(bo.Uint32(b[aux:]))))
			if ok && (d.offered == "" || CompareVersions(v, d.offered) > 0) {
				d.offered = v
			}
		}
		step := uint64(bo.Uint32(b[at+16:]))
		if step == 0 {
			break
		}
		at += step
	}
}

func (f *File) fromDynamic(d *dynamic) {
	f.Needed, f.SoName = d.needed, d.soname
	f.RPath, f.RunPath = splitPath(d.rpath), splitPath(d.runpath)
	f.GlibcNeeded, f.GlibcSymbol, f.GlibcOffered = d.glibc, d.symbol, d.offered
	f.NoDefaultLib = d.flags1&uint64(elf.DF_1_NODEFLIB) != 0
	now := d.bindNow || d.flags&uint64(elf.DF_BIND_NOW) != 0 || d.flags1&uint64(elf.DF_1_NOW) != 0
	f.BindNow = now
	f.TextRel = d.textRel || d.flags&uint64(elf.DF_TEXTREL) != 0
	if f.RELRO == PartialRELRO && now {
		f.RELRO = FullRELRO
	}
	f.Musl = strings.Contains(f.Interp, "/ld-musl-")
	for _, n := range f.Needed {
		f.Musl = f.Musl || strings.HasPrefix(n, "libc.musl-")
	}
}

func splitPath(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ":")
}

// glibcVersion gives 2.34 for GLIBC_2.34. GLIBC_ABI_DT_RELR is what the link
// editor writes for packed relocations, which glibc 2.36 was first to read.
func glibcVersion(name string) (string, bool) {
	v, ok := strings.CutPrefix(name, "GLIBC_")
	switch {
	case !ok:
		return "", false
	case v == "ABI_DT_RELR":
		return "2.36", true
	case v == "" || v[0] < '0' || v[0] > '9':
		return "", false // GLIBC_PRIVATE
	}
	return v, true
}

// CompareVersions orders dotted numbers such as 2.4 and 2.34, as cmp.Compare
// does; a part that is no number counts as 0.
func CompareVersions(a, b string) int {
	for a != "" || b != "" {
		var x, y uint64
		x, a = leadingNumber(a)
		y, b = leadingNumber(b)
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
	}
	return 0
}

func leadingNumber(s string) (n uint64, rest string) {
	part, rest, _ := strings.Cut(s, ".")
	for _, c := range []byte(part) {
		if c < '0' || c > '9' || n > 1<<40 {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	return n, rest
}
