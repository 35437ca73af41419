package sizes

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	maxEmbedded   = 1 << 17  // files of one variable
	maxEmbedSets  = 4096     // variables
	maxEmbedProof = 64 << 20 // bytes that are read to be sure of checksums
)

// embeddedFile is where the content of a file lies.
type embeddedFile struct {
	addr uint64
	n    int64
	slot slot
}

// findEmbedded marks the contents of embedded files. A variable of type
// embed.FS leads to a slice of files that stands directly behind its own
// header, so that the header's first word is the address behind it (cmd/compile
// writes it so since Go 1.16; embed.FS, file). Each file has its name, its
// content, and half of a checksum of it: that of one file proves that they are
// what they seem.
func (a *attribution) findEmbedded() error {
	in := a.in
	p := int64(in.ptr)
	var found []embeddedFile
	proof, sets := int64(maxEmbedProof), 0
	for i := range a.layout.parts {
		pt := &a.layout.parts[i]
		if !pt.loaded || pt.Kind != ROData && pt.Kind != Data || pt.Size < 8*p {
			continue
		}
		const chunk = 1 << 18
		buf := make([]byte, min(chunk+3*p, pt.Size))
		for at := int64(0); at < pt.Size; at += chunk {
			b := buf[:min(int64(len(buf)), pt.Size-at)]
			if err := in.fill(b, pt.Offset-in.base+at); err != nil {
				return fmt.Errorf("look for embedded files: %w", err)
			}
			for j := int64(0); j+3*p <= int64(len(b)) && j < chunk; j += p {
				self := pt.addr + uint64(at+j)
				if in.word(b[j:], 0) != self+3*uint64(p) {
					continue
				}
				n := in.word(b[j:], 1)
				if n == 0 || n > maxEmbedded || in.word(b[j:], 2) != n || sets >= maxEmbedSets {
					continue
				}
				list, read, err := a.embeddedSet(self, int64(n), proof)
				if err != nil {
					return err
				}
				proof -= read
				if list != nil {
					sets++
				}
				found = append(found, list...)
			}
		}
	}
	a.markEmbedded(found)
	return nil
}

// embeddedSet reads the n files behind a header; nil if they are none. read is
// how many bytes the proof took.
func (a *attribution) embeddedSet(self uint64, n, budget int64) (list []embeddedFile, read int64, err error) {
	in := a.in
	p := int64(in.ptr)
	entry := 4*p + 16
	off, left, ok := a.layout.file(self + 3*uint64(p))
	if !ok || left < n*entry {
		return nil, 0, nil
	}
	b, err := in.part(off, n*entry)
	if err != nil {
		return nil, 0, err
	}
	owner := a.packageAt(self)
	proved := false
	for ; len(b) > 0; b = b[entry:] {
		nameAt, nameN := in.word(b, 0), in.word(b, 1)
		data, size := in.word(b, 2), in.word(b, 3)
		name, ok, err := a.embeddedName(nameAt, nameN)
		if err != nil || !ok {
			return nil, read, err
		}
		if data == 0 && size == 0 {
			continue // a directory, or an empty file
		}
		dataOff, left, ok := a.layout.file(data)
		if !ok || size == 0 || size > uint64(left) {
			return nil, read, nil
		}
		if !proved && int64(size) <= budget-read {
			content, err := in.part(dataOff, int64(size))
			if err != nil {
				return nil, read, err
			}
			read += int64(size)
			if !sumFits(content, b[4*p:entry]) {
				return nil, read, nil
			}
			proved = true
		}
		dir := owner
		if top, _, ok := strings.Cut(name, "/"); ok {
			dir = path.Join(owner, top)
		}
		list = append(list, embeddedFile{data, int64(size), a.tally.thing(Embedded, cmp.Or(dir, "(files)"))})
	}
	if !proved {
		return nil, read, nil
	}
	return list, read, nil
}

// sumFits says whether half is the first half of a checksum that a Go release
// writes: SHA-256 (to 1.19), its inverse (cmd/internal/notsha256), it with the
// bits of the first byte turned, or, of files of more than 1024 bytes, that of
// the content behind a byte of 1 (cmd/internal/hash, since 1.24).
func sumFits(content, half []byte) bool {
	sum := sha256.Sum256(content)
	if bytes.Equal(sum[:16], half) {
		return true
	}
	if sum[0] ^= 0xff; bytes.Equal(sum[:16], half) {
		return true
	}
	for i := range sum[1:] {
		sum[i+1] ^= 0xff
	}
	if bytes.Equal(sum[:16], half) {
		return true
	}
	h := sha256.New()
	h.Write([]byte{1})
	h.Write(content)
	return bytes.Equal(h.Sum(nil)[:16], half)
}

// embeddedName reads a name and says whether package embed would take it.
func (a *attribution) embeddedName(addr, n uint64) (string, bool, error) {
	off, left, ok := a.layout.file(addr)
	if !ok || n == 0 || n > 4096 || n > uint64(left) {
		return "", false, nil
	}
	b, err := a.in.part(off, int64(n))
	if err != nil {
		return "", false, err
	}
	name := strings.TrimSuffix(string(b), "/")
	return name, fs.ValidPath(name), nil
}

// packageAt gives the package of the variable at an address, as far as the
// marks tell; "" unknown. The marks are sorted.
func (a *attribution) packageAt(addr uint64) string {
	i, ok := slices.BinarySearchFunc(a.marks, addr, func(m mark, addr uint64) int { return cmp.Compare(m.addr, addr) })
	if !ok {
		return ""
	}
	for ; i < len(a.marks) && a.marks[i].addr == addr; i++ {
		if o := a.marks[i].owner; o >= 0 && a.tally.entries[o].origin == "" {
			if name := a.tally.entries[o].name; name != "main" || a.tally.info == nil {
				return name
			}
			return a.tally.info.Path
		}
	}
	return ""
}

// markEmbedded marks contents that lie among the constant strings, where the
// linker puts them; one that several variables have lies there once.
func (a *attribution) markEmbedded(list []embeddedFile) {
	slices.SortStableFunc(list, func(x, y embeddedFile) int {
		return cmp.Or(cmp.Compare(x.addr, y.addr), cmp.Compare(x.n, y.n))
	})
	var marks []mark
	at := uint64(0)
	for _, f := range list {
		if f.addr < at {
			continue
		}
		i, ok := slices.BinarySearchFunc(a.marks, f.addr, func(m mark, addr uint64) int { return cmp.Compare(m.addr, addr) })
		if !ok {
			i--
		}
		if ok {
			for i+1 < len(a.marks) && a.marks[i+1].addr == f.addr {
				i++
			}
		}
		if i < 0 {
			continue
		}
		was, end := a.marks[i].owner, f.addr+uint64(f.n)
		if was < 0 && was != ownSection || i+1 < len(a.marks) && a.marks[i+1].addr < end {
			continue
		}
		marks = append(marks, mark{f.addr, owner(f.slot)}, mark{end, was})
		at = end
	}
	a.marks = append(a.marks, marks...)
}
