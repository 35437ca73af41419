package binary

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"encoding/binary"
	"io"
)

// Bounds of an ELF header. A linked program has some forty sections and a
// dozen segments; debug/elf copies each section's name out of the table, so
// the product of both is what costs memory.
const (
	maxSections   = 4096
	maxSegments   = 512
	maxNamesBytes = 32 << 20 // sections times bytes of their name table
	maxNote       = 64 << 10 // bytes of a PT_NOTE segment that are read
)

func (f *File) readELF(r io.ReaderAt) error {
	if err := checkELF(r, f.Size); err != nil {
		return err
	}
	ef, err := elf.NewFile(r)
	if err != nil {
		return err
	}
	for _, p := range ef.Progs {
		if p.Type != elf.PT_NULL && !inside(p.Off, p.Filesz, f.Size) {
			return damaged("segment %v lies beyond the end of the file", p.Type)
		}
	}
	f.Format = ELF
	f.Machine = ef.Machine.String()
	f.Bits = 64
	if ef.Class == elf.ELFCLASS32 {
		f.Bits = 32
	}
	f.BigEndian = ef.Data == elf.ELFDATA2MSB
	f.Arch = elfArch(ef)
	notes := f.readSegments(ef)
	dyn, err := readDynamic(ef, f.Size)
	if err != nil {
		return err
	}
	f.fromDynamic(dyn)
	f.Type = elfType(ef, f, dyn)
	for _, s := range ef.Sections {
		switch {
		case s.Type == elf.SHT_SYMTAB && s.Size > 0:
			f.Symbols = true
		case s.Name == ".debug_info" || s.Name == ".zdebug_info":
			f.DWARF = true
		case s.Name == ".gopclntab" || s.Name == ".data.rel.ro.gopclntab":
			if inside(s.Offset, s.FileSize, f.Size) && s.Type == elf.SHT_PROGBITS {
				f.funcNames = pclnNames(r, int64(s.Offset), int64(s.FileSize))
			}
		}
	}
	f.Go, _ = buildinfo.Read(r) // its error says: no Go build information
	f.OS = elfOS(ef, f, notes)
	return nil
}

// checkELF looks at the counts in the header before debug/elf believes them
// (System V ABI, chapter 4, ELF header).
func checkELF(r io.ReaderAt, size int64) error {
	ident, err := readHead(r, 0, 16)
	if err != nil {
		return err
	}
	var bo binary.ByteOrder = binary.LittleEndian
	if ident[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		bo = binary.BigEndian
	}
	is64 := ident[elf.EI_CLASS] == byte(elf.ELFCLASS64)
	n := int64(52)
	if is64 {
		n = 64
	}
	h, err := readHead(r, 0, n)
	if err != nil {
		return err
	}
	tail := h[n-12:] // e_ehsize is at n-12 in both classes
	phnum, shentsize, shnum, shstrndx := bo.Uint16(tail[4:]), bo.Uint16(tail[6:]), bo.Uint16(tail[8:]), bo.Uint16(tail[10:])
	shoff := uint64(bo.Uint32(h[32:]))
	if is64 {
		shoff = bo.Uint64(h[40:])
	}
	switch {
	case phnum > maxSegments:
		return damaged("%d segments", phnum)
	case shnum > maxSections, shnum == 0 && shoff != 0:
		return damaged("%d sections", shnum) // 0 stands for more than 65,000
	case shnum == 0:
		return nil
	case shstrndx >= shnum, !inside(shoff, uint64(shnum)*uint64(shentsize), size):
		return damaged("its section table lies beyond the end of the file")
	}
	at := shoff + uint64(shstrndx)*uint64(shentsize)
	var flags, names uint64
	if is64 {
		s, err := readHead(r, int64(at), 64)
		if err != nil {
			return err
		}
		flags, names = bo.Uint64(s[8:]), bo.Uint64(s[32:])
	} else {
		s, err := readHead(r, int64(at), 40)
		if err != nil {
			return err
		}
		flags, names = uint64(bo.Uint32(s[8:])), uint64(bo.Uint32(s[20:]))
	}
	if flags&uint64(elf.SHF_COMPRESSED) != 0 || names > maxNamesBytes/uint64(shnum) {
		return damaged("the names of its sections take %d bytes", names)
	}
	return nil
}

// readSegments reads what the kernel reads, and gives the names of the notes.
func (f *File) readSegments(ef *elf.File) map[string]bool {
	notes := map[string]bool{}
	for _, p := range ef.Progs {
		switch p.Type {
		case elf.PT_INTERP:
			b := make([]byte, min(p.Filesz, maxName))
			n, _ := p.ReadAt(b, 0)
			f.Interp = str(b[:n], 0)
		case elf.PT_GNU_STACK:
			f.NX = p.Flags&elf.PF_X == 0
			f.ExecStack = !f.NX
		case elf.PT_LOAD:
			f.WritableCode = f.WritableCode || p.Flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X
		case elf.PT_GNU_RELRO:
			f.RELRO = PartialRELRO
		case elf.PT_NOTE:
			b := make([]byte, min(p.Filesz, maxNote))
			n, _ := p.ReadAt(b, 0)
			f.readNotes(b[:n], ef.ByteOrder, notes)
		}
	}
	return notes
}

// readNotes walks a PT_NOTE segment: namesz, descsz, type, name and desc, each
// of the last two padded to 4 bytes. Go's build ID is type 4 of "Go"
// (cmd/internal/buildid).
func (f *File) readNotes(b []byte, bo binary.ByteOrder, names map[string]bool) {
	for len(b) >= 12 {
		nameSize, descSize, typ := uint64(bo.Uint32(b)), uint64(bo.Uint32(b[4:])), bo.Uint32(b[8:])
		descAt := 12 + (nameSize+3)&^3
		end := descAt + descSize
		if end > uint64(len(b)) {
			return
		}
		name := string(bytes.TrimRight(b[12:12+nameSize], "\x00"))
		names[name] = true
		if name == "Go" && typ == 4 {
			f.GoBuildID = string(b[descAt:end])
		}
		next := (end + 3) &^ 3
		if next > uint64(len(b)) {
			return
		}
		b = b[next:]
	}
}

func elfType(ef *elf.File, f *File, d *dynamic) Type {
	switch ef.Type {
	case elf.ET_EXEC:
		return Exec
	case elf.ET_DYN:
		// A static PIE has no interpreter, and libc.so.6 has one.
		if d.flags1&uint64(elf.DF_1_PIE) != 0 || f.SoName == "" && f.Interp != "" {
			return PIE
		}
		return Shared
	}
	return Object
}

func elfArch(ef *elf.File) string {
	le, is64 := ef.Data == elf.ELFDATA2LSB, ef.Class == elf.ELFCLASS64
	pick := func(cond bool, yes, no string) string {
		if cond {
			return yes
		}
		return no
	}
	switch ef.Machine {
	case elf.EM_X86_64:
		return pick(is64, "amd64", "amd64p32")
	case elf.EM_386:
		return "386"
	case elf.EM_ARM:
		return pick(le, "arm", "armbe")
	case elf.EM_AARCH64:
		return pick(le, "arm64", "arm64be")
	case elf.EM_RISCV:
		return pick(is64, "riscv64", "riscv")
	case elf.EM_LOONGARCH:
		return pick(is64, "loong64", "")
	case elf.EM_PPC64:
		return pick(le, "ppc64le", "ppc64")
	case elf.EM_MIPS:
		return pick(is64, "mips64", "mips") + pick(le, "le", "")
	case elf.EM_S390:
		return pick(is64, "s390x", "s390")
	}
	return ""
}

// elfOS says which system the file is for. Linux leaves its mark only in C
// programs and interpreters, so Go's own word is asked last.
func elfOS(ef *elf.File, f *File, notes map[string]bool) string {
	switch ef.OSABI {
	case elf.ELFOSABI_LINUX:
		return "linux"
	case elf.ELFOSABI_FREEBSD:
		return "freebsd"
	case elf.ELFOSABI_NETBSD:
		return "netbsd"
	case elf.ELFOSABI_OPENBSD:
		return "openbsd"
	case elf.ELFOSABI_SOLARIS:
		return "solaris"
	}
	for _, os := range [...]struct{ note, name string }{
		{"Android", "android"}, {"FreeBSD", "freebsd"}, {"NetBSD", "netbsd"}, {"OpenBSD", "openbsd"}, {"DragonFly", "dragonfly"},
	} {
		if notes[os.note] {
			return os.name
		}
	}
	if goos := f.setting("GOOS"); goos != "" {
		return goos
	}
	if f.GlibcNeeded != "" || f.GlibcOffered != "" || f.Musl || bytes.Contains([]byte(f.Interp), []byte("/ld-linux")) {
		return "linux"
	}
	return ""
}
