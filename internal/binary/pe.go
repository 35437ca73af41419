package binary

import (
	"bytes"
	"debug/buildinfo"
	"debug/pe"
	"encoding/binary"
	"io"
	"strconv"
	"strings"
)

// Bounds of a PE file. Windows loads no file with more than 96 sections
// (Microsoft PE format, COFF file header).
const (
	maxPESections = 96
	maxPEHeader   = 64 << 10 // bytes before the COFF header
	maxImports    = 1024     // DLLs
	coffHeader    = 20       // bytes
	coffSection   = 40       // bytes
	coffSymbol    = 18       // bytes
)

// readPE reads through a view without COFF symbols: debug/pe would copy the
// name of each out of the string table, which nobody asked for.
func (f *File) readPE(r io.ReaderAt) error {
	start, err := readHead(r, 0, 64)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	at := int64(le.Uint32(start[0x3c:])) // e_lfanew
	if at > maxPEHeader {
		return damaged("the PE header lies at %d", at)
	}
	h, err := readHead(r, at, 4+coffHeader)
	if err != nil || !bytes.HasPrefix(h, []byte("PE\x00\x00")) {
		return ErrFormat // a DOS program
	}
	coff := h[4:]
	nsect, opt := int64(le.Uint16(coff[2:])), int64(le.Uint16(coff[16:]))
	if nsect > maxPESections {
		return damaged("%d sections", nsect)
	}
	table := at + 4 + coffHeader + opt
	head, err := readHead(r, 0, max(table+nsect*coffSection, 96))
	if err != nil {
		return err
	}
	symbols, nsyms := int64(le.Uint32(coff[8:])), int64(le.Uint32(coff[12:]))
	f.Symbols = symbols != 0 && nsyms != 0
	clear(head[at+4+8 : at+4+16])
	for i := range nsect {
		s := head[table+i*coffSection:]
		clear(s[24:28]) // relocations, which only object files have
		clear(s[32:34])
		if s[0] == '/' {
			f.DWARF = f.DWARF || isDebugInfo(r, string(bytes.TrimRight(s[1:8], "\x00")), symbols+nsyms*coffSymbol)
			s[0] = '.'
		}
	}
	view := &overlay{head, r}
	pf, err := pe.NewFile(view)
	if err != nil {
		return err
	}
	for _, s := range pf.Sections {
		if s.Offset != 0 && !inside(uint64(s.Offset), uint64(s.Size), f.Size) {
			return damaged("section %s lies beyond the end of the file", s.Name)
		}
	}
	f.Format, f.OS = PE, "windows"
	f.Arch, f.Bits, f.Machine = peMachine(pf.Machine)
	f.Type = Exec
	imports := f.readOptional(pf)
	if pf.Characteristics&pe.IMAGE_FILE_DLL != 0 {
		f.Type = Shared
	}
	f.Needed = peImports(pf, imports)
	f.Go, _ = buildinfo.Read(view) // its error says: no Go build information
	if f.Go == nil {
		return nil
	}
	f.funcNames = pePclnNames(pf)
	if t := pf.Section(".text"); t != nil {
		f.GoBuildID = rawBuildID(t)
	}
	return nil
}

// isDebugInfo reports whether the long section name at the decimal offset of
// the string table is that of DWARF.
func isDebugInfo(r io.ReaderAt, offset string, table int64) bool {
	n, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return false
	}
	b := make([]byte, 13)
	m, _ := r.ReadAt(b, table+n)
	name := string(b[:m])
	return strings.HasPrefix(name, ".debug_info\x00") || strings.HasPrefix(name, ".zdebug_info\x00")
}

// readOptional reads the hardening bits and gives the import directory.
func (f *File) readOptional(pf *pe.File) pe.DataDirectory {
	var bits uint16
	var dirs []pe.DataDirectory
	switch h := pf.OptionalHeader.(type) {
	case *pe.OptionalHeader64:
		bits, dirs = h.DllCharacteristics, h.DataDirectory[:min(int(h.NumberOfRvaAndSizes), len(h.DataDirectory))]
	case *pe.OptionalHeader32:
		bits, dirs = h.DllCharacteristics, h.DataDirectory[:min(int(h.NumberOfRvaAndSizes), len(h.DataDirectory))]
	}
	f.NX = bits&pe.IMAGE_DLLCHARACTERISTICS_NX_COMPAT != 0
	if bits&pe.IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE != 0 {
		f.Type = PIE
	}
	if len(dirs) <= pe.IMAGE_DIRECTORY_ENTRY_IMPORT {
		return pe.DataDirectory{}
	}
	return dirs[pe.IMAGE_DIRECTORY_ENTRY_IMPORT]
}

// peImports gives the DLL names of the import directory: records of 20 bytes
// with the address of the name at 12, closed by a record of zeros.
func peImports(pf *pe.File, dir pe.DataDirectory) []string {
	var out []string
	for i := uint32(0); i < maxImports && dir.VirtualAddress != 0; i++ {
		rec := peAt(pf, dir.VirtualAddress+i*20, 20)
		if len(rec) < 20 {
			break
		}
		rva := binary.LittleEndian.Uint32(rec[12:])
		if rva == 0 {
			break
		}
		if name := str(peAt(pf, rva, 256), 0); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// peAt gives up to n bytes at a relative virtual address.
func peAt(pf *pe.File, rva, n uint32) []byte {
	for _, s := range pf.Sections {
		if s.Offset != 0 && rva >= s.VirtualAddress && rva-s.VirtualAddress < s.Size {
			b := make([]byte, n)
			m, _ := s.ReadAt(b, int64(rva-s.VirtualAddress))
			return b[:m]
		}
	}
	return nil
}

func peMachine(m uint16) (arch string, bits int, name string) {
	switch m {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		return "amd64", 64, "AMD64"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		return "arm64", 64, "ARM64"
	case pe.IMAGE_FILE_MACHINE_I386:
		return "386", 32, "I386"
	case pe.IMAGE_FILE_MACHINE_ARMNT:
		return "arm", 32, "ARMNT"
	case pe.IMAGE_FILE_MACHINE_RISCV64:
		return "riscv64", 64, "RISCV64"
	}
	return "", 0, strconv.Itoa(int(m))
}
