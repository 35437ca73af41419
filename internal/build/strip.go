package build

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrNotELF says that a binary is of another format.
var ErrNotELF = errors.New("not an ELF file")

// StripELF writes a copy of the ELF file from to the file to without its
// symbol table and DWARF, which no program needs to run: every section that is
// loaded stays at its place, so that the unstripped file describes the copy,
// with the same build IDs (System V ABI, chapter 4).
func StripELF(from, to string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	ef, err := elf.NewFile(src)
	if err != nil {
		var fe *elf.FormatError
		if errors.As(err, &fe) {
			return ErrNotELF
		}
		return err
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := dst.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			os.Remove(to)
		}
	}()
	return stripTo(dst, src, ef)
}

func stripTo(dst io.WriteSeeker, src io.ReaderAt, ef *elf.File) error {
	var names bytes.Buffer
	names.WriteByte(0)
	index := map[int]uint32{} // old section index -> new
	var kept []int
	end := int64(0)
	for i, s := range ef.Sections {
		if i != 0 && s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		index[i] = uint32(len(kept))
		kept = append(kept, i)
		if s.Type != elf.SHT_NOBITS && s.Type != elf.SHT_NULL {
			end = max(end, int64(s.Offset+s.FileSize))
		}
	}
	for _, p := range ef.Progs {
		end = max(end, int64(p.Off+p.Filesz))
	}
	heads := make([]elf.Section64, 0, len(kept)+1)
	for _, i := range kept {
		s := ef.Sections[i]
		h := elf.Section64{Type: uint32(s.Type), Flags: uint64(s.Flags), Addr: s.Addr, Off: s.Offset, Size: s.FileSize, Link: index[int(s.Link)], Info: s.Info, Addralign: s.Addralign, Entsize: s.Entsize}
		if s.Type == elf.SHT_NOBITS {
			h.Size = s.Size
		}
		if s.Flags&elf.SHF_INFO_LINK != 0 {
			h.Info = index[int(s.Info)]
		}
		if i != 0 {
			h.Name = uint32(names.Len())
			names.WriteString(s.Name + "\x00")
		}
		heads = append(heads, h)
	}
	tab := elf.Section64{Name: uint32(names.Len()), Type: uint32(elf.SHT_STRTAB), Off: uint64(end), Addralign: 1}
	names.WriteString(".shstrtab\x00")
	tab.Size = uint64(names.Len())
	heads = append(heads, tab)
	shoff := (end + int64(names.Len()) + 7) &^ 7

	if _, err := io.Copy(dst, io.NewSectionReader(src, 0, end)); err != nil {
		return err
	}
	if _, err := dst.Write(names.Bytes()); err != nil {
		return err
	}
	if _, err := dst.Write(make([]byte, shoff-end-int64(names.Len()))); err != nil {
		return err
	}
	if err := writeSectionHeaders(dst, ef, heads); err != nil {
		return err
	}
	return patchHeader(dst, src, ef, shoff, len(heads))
}

func writeSectionHeaders(w io.Writer, ef *elf.File, heads []elf.Section64) error {
	for _, h := range heads {
		var v any = h
		if ef.Class == elf.ELFCLASS32 {
			v = elf.Section32{Name: h.Name, Type: h.Type, Flags: uint32(h.Flags), Addr: uint32(h.Addr), Off: uint32(h.Off), Size: uint32(h.Size), Link: h.Link, Info: h.Info, Addralign: uint32(h.Addralign), Entsize: uint32(h.Entsize)}
		}
		if err := binary.Write(w, ef.ByteOrder, v); err != nil {
			return err
		}
	}
	return nil
}

// patchHeader points the file header at the new section table.
func patchHeader(dst io.WriteSeeker, src io.ReaderAt, ef *elf.File, shoff int64, n int) error {
	if _, err := dst.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := io.NewSectionReader(src, 0, 64)
	if ef.Class == elf.ELFCLASS32 {
		var h elf.Header32
		if err := binary.Read(r, ef.ByteOrder, &h); err != nil {
			return fmt.Errorf("read file header: %w", err)
		}
		h.Shoff, h.Shnum, h.Shstrndx = uint32(shoff), uint16(n), uint16(n-1)
		return binary.Write(dst, ef.ByteOrder, h)
	}
	var h elf.Header64
	if err := binary.Read(r, ef.ByteOrder, &h); err != nil {
		return fmt.Errorf("read file header: %w", err)
	}
	h.Shoff, h.Shnum, h.Shstrndx = uint64(shoff), uint16(n), uint16(n-1)
	return binary.Write(dst, ef.ByteOrder, h)
}
