package ldso

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/binary"
)

// files is a root file system in memory, without links.
type files map[string]string

type memFile struct{ *bytes.Reader }

func (memFile) Close() error { return nil }
func (m memFile) Size() int64 {
	return m.Reader.Size()
}

func (f files) Resolve(p string) (string, []Link, error) {
	p = path.Clean("/" + p)
	for name := range f {
		if name == p || strings.HasPrefix(name, strings.TrimSuffix(p, "/")+"/") {
			return p, nil, nil
		}
	}
	return "", nil, fs.ErrNotExist
}

func (f files) Open(real string) (File, error) {
	c, ok := f[real]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return memFile{bytes.NewReader([]byte(c))}, nil
}

func (f files) Names(real string) ([]string, error) {
	var out []string
	for name := range f {
		if path.Dir(name) == real {
			out = append(out, path.Base(name))
		}
	}
	slices.Sort(out)
	return out, nil
}

func TestLdSoConf(t *testing.T) {
	l := &Loader{fs: &files{
		"/etc/ld.so.conf":          "include /etc/ld.so.conf.d/*.conf\n/last # said last\nhwcap 0 x\n",
		"/etc/ld.so.conf.d/b.conf": "/b:/c,/d=libc6\nrelative\n",
		"/etc/ld.so.conf.d/a.conf": "/a\ninclude /etc/ld.so.conf\n",
		"/etc/ld.so.conf.d/x.txt":  "/never\n",
	}}
	if got, want := l.ldSoConf(), []string{"/a", "/b", "/c", "/d", "/last"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMuslPath(t *testing.T) {
	root := &files{"/etc/ld-musl-x86_64.path": "/opt/lib\n/lib:relative\n", "/lib/x": ""}
	l := &Loader{fs: root}
	l.muslDirs("/lib/ld-musl-x86_64.so.1")
	if dirs, home := l.System(); !slices.Equal(dirs, []string{"/opt/lib", "/lib"}) || home != "/lib" || l.MuslConf() == "" {
		t.Errorf("got %q, %q", dirs, home)
	}
}

// Expanding a run path, as ld.so(8) describes it.
func TestExpand(t *testing.T) {
	main := &Object{Dir: "/app/bin", File: &binary.File{Arch: "amd64"}}
	l := &Loader{main: main, program: Program{Dir: "/app/bin"}}
	var got []string
	for _, p := range l.expand(main, []string{"$ORIGIN/../lib", "${ORIGIN}", "/x/$LIB", "/$PLATFORM", "relative"}) {
		got = append(got, p.Dir)
	}
	if want := []string{"/app/lib", "/app/bin", "/x/lib/x86_64-linux-gnu", "/x/lib64", "/x/lib"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzLdSoConf(f *testing.F) {
	for _, s := range []string{"", "/opt/lib\n", "include *.conf\ninclude /etc/*\n", "include ../../../etc/*.conf", "/a:/b,/c=libc6 # x\n\xff\x00", "hwcap 1 x\n//..//../x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, conf string) {
		l := &Loader{fs: &files{"/etc/ld.so.conf": conf, "/etc/other.conf": conf}}
		for _, d := range l.ldSoConf() {
			if !path.IsAbs(d) || path.Clean(d) != d {
				t.Errorf("directory %q", d)
			}
		}
	})
}
