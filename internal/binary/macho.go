package binary

import (
	"debug/buildinfo"
	"debug/macho"
	"encoding/binary"
	"io"
)

// Bounds of a Mach-O file.
const (
	maxLoads      = 4096
	maxLoadsBytes = 1 << 20 // bytes of all load commands
	maxSlices     = 16      // of a fat file
	machSection64 = 80      // bytes
	machSection32 = 68      // bytes
)

// Load commands and flags that debug/macho does not name (mach-o/loader.h).
const (
	lcIDDylib         = 0xd
	lcLoadDylinker    = 0xe
	lcSourceVersion   = 0x2a
	lcVersionMinMac   = 0x24
	lcVersionMinPhone = 0x25
	lcBuildVersion    = 0x32
	platformMac       = 1
	platformPhone     = 2
	platformPhoneSim  = 7
)

// readMachO reads through a view without the symbol tables and relocations:
// debug/macho would copy the name of each symbol, which nobody asked for.
func (f *File) readMachO(r io.ReaderAt) error {
	view, err := f.machView(r)
	if err != nil {
		return err
	}
	mf, err := macho.NewFile(view)
	if err != nil {
		return err
	}
	f.Format = MachO
	f.BigEndian = mf.ByteOrder == binary.ByteOrder(binary.BigEndian)
	f.Bits = 32
	if mf.Magic == macho.Magic64 {
		f.Bits = 64
	}
	f.Machine = mf.Cpu.String()
	f.Arch = map[macho.Cpu]string{
		macho.CpuAmd64: "amd64", macho.CpuArm64: "arm64", macho.Cpu386: "386", macho.CpuArm: "arm", macho.CpuPpc64: "ppc64",
	}[mf.Cpu]
	f.NX = mf.Flags&macho.FlagAllowStackExecution == 0
	switch {
	case mf.Type == macho.TypeExec && mf.Flags&macho.FlagPIE != 0:
		f.Type = PIE
	case mf.Type == macho.TypeExec:
		f.Type = Exec
	case mf.Type == macho.TypeDylib || mf.Type == macho.TypeBundle:
		f.Type = Shared
	default:
		f.Type = Object
	}
	if err := f.readLoads(mf); err != nil {
		return err
	}
	f.Go, _ = buildinfo.Read(view) // its error says: no Go build information
	if f.OS == "" {
		f.OS = "darwin"
	}
	return f.readMachSections(mf, view)
}

func (f *File) readLoads(mf *macho.File) error {
	bo := mf.ByteOrder
	for _, l := range mf.Loads {
		switch l := l.(type) {
		case *macho.Segment:
			if !inside(l.Offset, l.Filesz, f.Size) {
				return damaged("segment %s lies beyond the end of the file", l.Name)
			}
		case *macho.Dylib:
			f.Needed = append(f.Needed, l.Name)
		case *macho.Rpath:
			f.RPath = append(f.RPath, l.Path)
		case macho.LoadBytes:
			b := l.Raw()
			switch cmd := bo.Uint32(b); {
			case len(b) < 12:
			case cmd == lcLoadDylinker:
				f.Interp = str(b, uint64(bo.Uint32(b[8:])))
			case cmd == lcIDDylib:
				f.SoName = str(b, uint64(bo.Uint32(b[8:])))
			case cmd == lcVersionMinMac, cmd == lcBuildVersion && bo.Uint32(b[8:]) == platformMac:
				f.OS = "darwin"
			case cmd == lcVersionMinPhone, cmd == lcBuildVersion && bo.Uint32(b[8:]) == platformPhone, cmd == lcBuildVersion && bo.Uint32(b[8:]) == platformPhoneSim:
				f.OS = "ios"
			}
		}
	}
	return nil
}

func (f *File) readMachSections(mf *macho.File, r io.ReaderAt) error {
	for _, s := range mf.Sections {
		switch s.Name {
		case "__debug_info", "__zdebug_info":
			f.DWARF = true
		case "__gopclntab":
			if inside(uint64(s.Offset), s.Size, f.Size) {
				f.funcNames = pclnNames(r, int64(s.Offset), int64(s.Size))
			}
		case "__text":
			if f.Go != nil && inside(uint64(s.Offset), s.Size, f.Size) {
				f.GoBuildID = rawBuildID(io.NewSectionReader(r, int64(s.Offset), int64(s.Size)))
			}
		}
	}
	return nil
}

// machView gives r without symbol tables and relocations, and notes whether
// the file has local symbols: undefined ones stay in a stripped program,
// because dyld binds by them.
func (f *File) machView(r io.ReaderAt) (io.ReaderAt, error) {
	h, err := readHead(r, 0, 28)
	if err != nil {
		return nil, err
	}
	var bo binary.ByteOrder = binary.LittleEndian
	if h[0] == 0xfe {
		bo = binary.BigEndian
	}
	start := int64(28)
	if bo.Uint32(h) == macho.Magic64 {
		start = 32
	}
	ncmds, size := bo.Uint32(h[16:]), bo.Uint32(h[20:])
	if ncmds > maxLoads || size > maxLoadsBytes {
		return nil, damaged("%d load commands of %d bytes", ncmds, size)
	}
	head, err := readHead(r, 0, start+int64(size))
	if err != nil {
		return nil, err
	}
	cmds := head[start:]
	for range ncmds {
		if len(cmds) < 8 {
			return nil, damaged("its load commands are cut off")
		}
		cmd, n := macho.LoadCmd(bo.Uint32(cmds)), bo.Uint32(cmds[4:])
		if n < 8 || uint64(n) > uint64(len(cmds)) {
			return nil, damaged("a load command of %d bytes", n)
		}
		switch c := cmds[:n]; cmd {
		case macho.LoadCmdSymtab:
			bo.PutUint32(c, lcSourceVersion)
		case macho.LoadCmdDysymtab:
			f.Symbols = n >= 16 && bo.Uint32(c[12:]) > 0 // nlocalsym
			bo.PutUint32(c, lcSourceVersion)
		case macho.LoadCmdSegment64:
			clearRelocs(c, 72, machSection64, 60)
		case macho.LoadCmdSegment:
			clearRelocs(c, 56, machSection32, 52)
		}
		cmds = cmds[n:]
	}
	return &overlay{head, r}, nil
}

// clearRelocs sets nreloc, at off in each section of a segment command, to 0.
func clearRelocs(cmd []byte, first, section, off int) {
	for at := first; at+section <= len(cmd); at += section {
		clear(cmd[at+off : at+off+4])
	}
}

// readFat reads the programs of a fat file (mach-o/fat.h), whose header is
// big-endian. The magic is also that of Java classes, which have no such count.
func (f *File) readFat(r io.ReaderAt) error {
	h, err := readHead(r, 0, 8)
	if err != nil {
		return err
	}
	be := binary.BigEndian
	n := be.Uint32(h[4:])
	if n == 0 || n > maxSlices {
		return ErrFormat
	}
	entry := int64(20)
	if h[3] == 0xbf {
		entry = 32
	}
	table, err := readHead(r, 8, int64(n)*entry)
	if err != nil {
		return err
	}
	slices := make([]File, 0, n)
	for i := range int64(n) {
		e := table[i*entry:]
		off, size := uint64(be.Uint32(e[8:])), uint64(be.Uint32(e[12:]))
		if entry == 32 {
			off, size = be.Uint64(e[8:]), be.Uint64(e[16:])
		}
		if !inside(off, size, f.Size) || size < 32 {
			return damaged("slice %d lies beyond the end of the file", i)
		}
		s := File{Size: int64(size)}
		if err := s.readMachO(io.NewSectionReader(r, int64(off), int64(size))); err != nil {
			return err
		}
		slices = append(slices, s)
	}
	total := f.Size
	*f = slices[0]
	f.Size, f.Slices = total, slices
	return nil
}
