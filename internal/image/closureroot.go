package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
)

// sysroot is a directory seen as a root directory: links in it, absolute ones
// too, lead to places in it and never to this machine's own files.
type sysroot struct{ dir string }

func newSysroot(dir string) *sysroot { return &sysroot{dir} }

// host is where a path without links lies on this disk.
func (s *sysroot) host(real string) string { return filepath.Join(s.dir, filepath.FromSlash(real)) }

// rootLink is a symbolic link of the sysroot; the directories above it are real.
type rootLink struct{ path, target string }

var errLinks = errors.New("too many symbolic links")

// resolve gives the path without links that p leads to, and the links on the
// way (path_resolution(7)). What it leads to exists.
func (s *sysroot) resolve(p string) (real string, links []rootLink, err error) {
	real, rest := "/", canonical(p)
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			real = path.Dir(real)
			continue
		}
		next := path.Join(real, name)
		fi, err := os.Lstat(s.host(next))
		if err != nil {
			return "", nil, err
		}
		if fi.Mode()&os.ModeSymlink == 0 {
			real = next
			continue
		}
		if len(links) == linkDepth {
			return "", nil, fmt.Errorf("%s: %w", p, errLinks)
		}
		target, err := os.Readlink(s.host(next))
		if err != nil {
			return "", nil, err
		}
		links = append(links, rootLink{next, filepath.ToSlash(target)})
		rest = filepath.ToSlash(target) + "/" + rest
		if strings.HasPrefix(rest, "/") {
			real = "/"
		}
	}
	return real, links, nil
}

// maxLoader bounds the files of the loader that are read; bytes.
const maxLoader = 8 << 20

func (s *sysroot) read(p string) ([]byte, error) {
	real, _, err := s.resolve(p)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(s.host(real))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: not a regular file", p)
	}
	return io.ReadAll(io.LimitReader(f, maxLoader))
}

// systemDirs is how glibc keeps the directories it searches: one after the
// other, each closed by a slash and a NUL (elf/dl-load.c, system_dirs).
var systemDirs = regexp.MustCompile(`(?:/[A-Za-z0-9_.+/-]*lib[A-Za-z0-9_.+/-]*/\x00)+`)

// loaderDirs reads from the interpreter which directories it searches by
// itself; distributions differ.
func (s *sysroot) loaderDirs(interp string) ([]string, error) {
	b, err := s.read(interp)
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
	if t := triplets[f.Arch]; t != "" {
		out = append(out, "/lib/"+t, "/usr/lib/"+t)
	}
	if f.Bits == 64 {
		out = append(out, "/lib64", "/usr/lib64")
	}
	return append(out, "/lib", "/usr/lib")
}

// ldSoConf gives the directories of /etc/ld.so.conf (ldconfig(8)).
func (s *sysroot) ldSoConf() []string {
	var out []string
	s.readConf("/etc/ld.so.conf", map[string]bool{}, &out)
	return out
}

func (s *sysroot) readConf(file string, seen map[string]bool, out *[]string) {
	if seen[file] {
		return
	}
	seen[file] = true
	b, err := s.read(file)
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
			for _, f := range s.glob(pattern) {
				s.readConf(f, seen, out)
			}
		}
	}
}

// glob gives the sorted files that match; only the last element may hold
// wildcards, as is usual.
func (s *sysroot) glob(pattern string) []string {
	dir, base := path.Split(pattern)
	real, _, err := s.resolve(dir)
	if err != nil {
		return nil
	}
	list, err := os.ReadDir(s.host(real))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range list {
		if ok, err := path.Match(base, e.Name()); ok && err == nil {
			out = append(out, path.Join(real, e.Name()))
		}
	}
	return out
}

var muslDefault = []string{"/lib", "/usr/local/lib", "/usr/lib"}

// muslDirs reads where musl looks: /etc/ld-musl-<arch>.path, which then must
// be in the image as well, or its own list (musl, ldso/dynlink.c).
func (l *loader) muslDirs(ctx context.Context, interp string) error {
	arch := strings.TrimSuffix(strings.TrimPrefix(path.Base(interp), "ld-musl-"), ".so.1")
	conf := "/etc/ld-musl-" + arch + ".path"
	b, err := l.root.read(conf)
	if err != nil {
		l.setSystem(muslDefault)
		return nil
	}
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
	return l.take(ctx, l.root, conf, path.Base(interp))
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
