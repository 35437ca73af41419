package ldso

import (
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
)

// places are the directories for what by needs, in the loader's order.
func (l *Loader) places(by *Object) []Place {
	var out []Place
	if l.musl {
		// musl makes no difference between the two, and asks all ancestors.
		for o := by; o != nil; o = o.By {
			if len(o.File.RunPath) > 0 {
				out = append(out, l.expand(o, o.File.RunPath)...)
			} else {
				out = append(out, l.expand(o, o.File.RPath)...)
			}
		}
	} else {
		for o := by; o != nil && len(by.File.RunPath) == 0; o = o.By {
			if len(o.File.RunPath) == 0 {
				out = append(out, l.expand(o, o.File.RPath)...)
			}
		}
		out = append(out, l.expand(by, by.File.RunPath)...)
	}
	if by.File.NoDefaultLib {
		return out
	}
	for _, d := range l.conf {
		out = append(out, Place{Dir: d, Conf: true})
	}
	for _, d := range l.system {
		out = append(out, Place{Dir: d})
	}
	return out
}

// expand puts in what $ORIGIN and $LIB stand for (ld.so(8), Dynamic string
// tokens). $PLATFORM depends on the machine the program will run on, so a path
// with it is left out, as is a relative one, which depends on the working
// directory.
func (l *Loader) expand(o *Object, list []string) []Place {
	var out []Place
	for _, raw := range list {
		p := strings.NewReplacer("${ORIGIN}", "$ORIGIN", "${LIB}", "$LIB", "${PLATFORM}", "$PLATFORM").Replace(raw)
		if strings.Contains(p, "$PLATFORM") {
			continue
		}
		libs := []string{""}
		if strings.Contains(p, "$LIB") {
			libs = []string{path.Join("lib", Triplet(o.File.Arch)), "lib64", "lib"}
		}
		for _, lib := range libs {
			p := strings.ReplaceAll(p, "$LIB", lib)
			at := Place{As: raw}
			if strings.Contains(p, "$ORIGIN") {
				if o == l.main && l.program.BinDir != "" {
					out = append(out, Place{Dir: path.Clean(strings.ReplaceAll(p, "$ORIGIN", l.program.BinDir)), As: raw})
				}
				at.Outside = o.Outside
				p = strings.ReplaceAll(p, "$ORIGIN", o.Dir)
			}
			if path.IsAbs(p) {
				at.Dir = path.Clean(p)
				out = append(out, at)
			}
		}
	}
	return out
}

// triplets are the names of GNU systems by GOARCH, as Debian uses them.
var triplets = map[string]string{
	"386": "i386-linux-gnu", "amd64": "x86_64-linux-gnu", "arm": "arm-linux-gnueabihf", "arm64": "aarch64-linux-gnu",
	"loong64": "loongarch64-linux-gnu", "mips64le": "mips64el-linux-gnuabi64", "mipsle": "mipsel-linux-gnu",
	"ppc64le": "powerpc64le-linux-gnu", "riscv64": "riscv64-linux-gnu", "s390x": "s390x-linux-gnu",
}

// Triplet is what GNU systems call a processor, by GOARCH, as Debian does;
// empty when there is no such name.
func Triplet(arch string) string { return triplets[arch] }

// maxLoader bounds the files of the loader that are read; bytes.
const maxLoader = 8 << 20

func (l *Loader) text(p string) ([]byte, error) {
	real, _, err := l.fs.Resolve(p)
	if err != nil {
		return nil, err
	}
	f, err := l.fs.Open(real)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, 0, min(f.Size(), maxLoader)))
}

// systemDirs is how glibc keeps the directories it searches: one after the
// other, each closed by a slash and a NUL (elf/dl-load.c, system_dirs).
var systemDirs = regexp.MustCompile(`(?:/[A-Za-z0-9_.+/-]*lib[A-Za-z0-9_.+/-]*/\x00)+`)

// loaderDirs reads from the interpreter which directories it searches by
// itself; distributions differ.
func (l *Loader) loaderDirs(interp string) ([]string, error) {
	b, err := l.text(interp)
	if err != nil {
		return nil, fmt.Errorf("read interpreter: %w", err)
	}
	var longest []byte
	for _, m := range systemDirs.FindAll(b, -1) {
		if len(m) > len(longest) {
			longest = m
		}
	}
	var out []string
	for d := range strings.SplitSeq(string(longest), "\x00") {
		if d != "" {
			out = append(out, path.Clean(d))
		}
	}
	return out, nil
}

// defaultDirs are the directories of the loaders in use, for one that does not
// tell its own.
func defaultDirs(f *binary.File) []string {
	var out []string
	if t := Triplet(f.Arch); t != "" {
		out = append(out, "/lib/"+t, "/usr/lib/"+t)
	}
	if f.Bits == 64 {
		out = append(out, "/lib64", "/usr/lib64")
	}
	return append(out, "/lib", "/usr/lib")
}

// ldSoConf gives the directories of /etc/ld.so.conf (ldconfig(8)).
func (l *Loader) ldSoConf() []string {
	var out []string
	l.readConf("/etc/ld.so.conf", map[string]bool{}, &out)
	return out
}

// maxConf is how many files of ld.so.conf are read.
const maxConf = 1000

func (l *Loader) readConf(file string, seen map[string]bool, out *[]string) {
	if seen[file] || len(seen) >= maxConf {
		return
	}
	seen[file] = true
	b, err := l.text(file)
	if err != nil {
		return // ldconfig does not mind either
	}
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n:,", r) })
		if len(words) == 0 || words[0] == "hwcap" {
			continue
		}
		if words[0] != "include" {
			for _, w := range words {
				w, _, _ = strings.Cut(w, "=") // dir=libc6
				if path.IsAbs(w) {
					*out = append(*out, path.Clean(w))
				}
			}
			continue
		}
		for _, pattern := range words[1:] {
			if !path.IsAbs(pattern) {
				pattern = path.Join(path.Dir(file), pattern)
			}
			for _, f := range l.glob(pattern) {
				l.readConf(f, seen, out)
			}
		}
	}
}

// glob gives the sorted files that match; only the last element may hold
// wildcards, as is usual.
func (l *Loader) glob(pattern string) []string {
	dir, base := path.Split(pattern)
	real, _, err := l.fs.Resolve(dir)
	if err != nil {
		return nil
	}
	names, err := l.fs.Names(real)
	if err != nil {
		return nil
	}
	var out []string
	for _, n := range names {
		if ok, err := path.Match(base, n); ok && err == nil {
			out = append(out, path.Join(real, n))
		}
	}
	return out
}

var muslDefault = []string{"/lib", "/usr/local/lib", "/usr/lib"}

// muslDirs reads where musl looks: /etc/ld-musl-<arch>.path, or its own list
// (musl, ldso/dynlink.c).
func (l *Loader) muslDirs(interp string) {
	arch := strings.TrimSuffix(strings.TrimPrefix(path.Base(interp), "ld-musl-"), ".so.1")
	conf := "/etc/ld-musl-" + arch + ".path"
	b, err := l.text(conf)
	if err != nil {
		l.setSystem(muslDefault)
		return
	}
	l.muslConf = conf
	var dirs []string
	for _, d := range strings.FieldsFunc(string(b), func(r rune) bool { return r == ':' || r == '\n' }) {
		if path.IsAbs(d) {
			dirs = append(dirs, path.Clean(d))
		}
	}
	if len(dirs) == 0 {
		dirs = muslDefault
	}
	l.setSystem(dirs)
}

// muslOwn reports whether musl takes the name for itself: it holds what other
// C libraries keep in several files.
func muslOwn(name string) bool {
	rest, ok := strings.CutPrefix(name, "lib")
	if !ok {
		return false
	}
	for _, own := range []string{"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."} {
		if strings.HasPrefix(rest, own) {
			return true
		}
	}
	return false
}
