package testkit

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io/fs"
	"testing"
)

// HostileZip is a module zip that breaks one rule of
// https://go.dev/ref/mod#zip-path-size-constraints.
type HostileZip struct {
	Name    string // of the trick
	Module  string
	Version string
	Zip     []byte
	// Says is a part of what the go command says when it refuses the zip.
	// Empty: it does not refuse it; Unpacked then says what it makes of it.
	Says     string
	Unpacked string
}

// GoMod is the go.mod that goes with the zip.
func (h HostileZip) GoMod() string { return "module " + h.Module + "\n\ngo 1.26\n" }

const hostileVersion = "v1.0.0"

// HostileZips makes one zip for every trick. Each holds a program that would
// build if the trick were overlooked.
func HostileZips(t testing.TB) []HostileZip {
	t.Helper()
	all := []HostileZip{
		hostile(t, "escape", "invalid", func(z *zipMaker, prefix string) {
			z.file(prefix+"../../../../evil.txt", "out of the module")
		}),
		hostile(t, "absolute", "unexpected file", func(z *zipMaker, prefix string) {
			z.file("/tmp/evil.txt", "out of the module")
		}),
		hostile(t, "prefix", "unexpected file", func(z *zipMaker, prefix string) {
			z.file("other.test/m@v1.0.0/evil.go", "package evil\n")
		}),
		hostile(t, "backslash", "invalid char", func(z *zipMaker, prefix string) {
			z.file(prefix+`..\..\evil.txt`, "out of the module")
		}),
		hostile(t, "device", "disallowed", func(z *zipMaker, prefix string) {
			z.file(prefix+"con.txt", "a device on Windows")
		}),
		hostile(t, "case", "case-insensitive file name collision", func(z *zipMaker, prefix string) {
			z.file(prefix+"Main.go", "package main\n\nfunc init() { panic(`the other one`) }\n")
		}),
		hostile(t, "twice", "multiple entries for file", func(z *zipMaker, prefix string) {
			z.file(prefix+"main.go", "package main\n\nfunc main() { panic(`the other one`) }\n")
		}),
		hostile(t, "bomb", "too large", func(z *zipMaker, prefix string) {
			z.zeros(prefix+"zeros.bin", 600, 600<<20)
		}),
		hostile(t, "claims-more", "unexpected EOF", func(z *zipMaker, prefix string) {
			z.zeros(prefix+"zeros.bin", 1, 600<<20)
		}),
		hostile(t, "claims-less", "not a valid zip file", func(z *zipMaker, prefix string) {
			z.zeros(prefix+"zeros.bin", 1, 10)
		}),
		{Name: "garbage", Module: "hostile.test/garbage", Version: hostileVersion, Zip: []byte("<html>502 Bad Gateway</html>"), Says: "not a valid zip file"},
	}
	whole := all[0].Zip
	truncated := HostileZip{Name: "truncated", Module: "hostile.test/truncated", Version: hostileVersion, Zip: whole[:len(whole)/2], Says: "not a valid zip file"}
	// The go command makes a plain file of it that holds the link's target.
	symlink := hostile(t, "symlink", "", func(z *zipMaker, prefix string) {
		z.symlink(prefix+"passwd", "/etc/passwd")
	})
	symlink.Unpacked = "passwd"
	return append(all, truncated, symlink)
}

// hostile makes the zip of a small program, with what put adds to it.
func hostile(t testing.TB, name, says string, put func(z *zipMaker, prefix string)) HostileZip {
	t.Helper()
	mod := "hostile.test/" + name
	z := &zipMaker{t: t}
	z.w = zip.NewWriter(&z.buf)
	prefix := mod + "@" + hostileVersion + "/"
	z.file(prefix+"go.mod", "module "+mod+"\n\ngo 1.26\n")
	z.file(prefix+"main.go", "package main\n\nfunc main() {}\n")
	put(z, prefix)
	return HostileZip{Name: name, Module: mod, Version: hostileVersion, Zip: z.bytes(), Says: says}
}

// zipMaker writes a zip without the care modzip.Create takes.
type zipMaker struct {
	t   testing.TB
	buf bytes.Buffer
	w   *zip.Writer
}

func (z *zipMaker) bytes() []byte {
	z.check(z.w.Close())
	return z.buf.Bytes()
}

func (z *zipMaker) check(err error) {
	z.t.Helper()
	if err != nil {
		z.t.Fatalf("make hostile zip: %v", err)
	}
}

func (z *zipMaker) file(name, content string) {
	w, err := z.w.Create(name)
	z.check(err)
	_, err = w.Write([]byte(content))
	z.check(err)
}

func (z *zipMaker) symlink(name, target string) {
	h := &zip.FileHeader{Name: name}
	h.SetMode(fs.ModeSymlink | 0o777)
	w, err := z.w.CreateHeader(h)
	z.check(err)
	_, err = w.Write([]byte(target))
	z.check(err)
}

// zeros writes an entry of mib MiB of zeros that claims to hold claimed bytes.
func (z *zipMaker) zeros(name string, mib int, claimed uint64) {
	block := make([]byte, 1<<20)
	var packed bytes.Buffer
	fw, err := flate.NewWriter(&packed, flate.BestCompression)
	z.check(err)
	_, err = fw.Write(block)
	z.check(err)
	z.check(fw.Flush())
	one := bytes.Clone(packed.Bytes()) // ends on a byte boundary, so that it can be repeated
	packed.Reset()
	sum := uint32(0)
	for range mib {
		packed.Write(one)
		sum = crc32.Update(sum, crc32.IEEETable, block)
	}
	packed.Write([]byte{0x03, 0x00}) // the final block, empty
	w, err := z.w.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Deflate, CRC32: sum,
		CompressedSize64: uint64(packed.Len()), UncompressedSize64: claimed,
	})
	z.check(err)
	_, err = w.Write(packed.Bytes())
	z.check(err)
}
