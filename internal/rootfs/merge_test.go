package rootfs

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
)

// ent is an entry of a tar for tests: a directory if the name ends with a
// slash, a link with ln, a hard link with hard, else a file with body.
type ent struct {
	name, body, ln, hard string
	mode                 int64
	uid, gid             int
	kind                 byte
	pax                  map[string]string
}

func tarOf(t testing.TB, list ...ent) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range list {
		if e.kind == tar.TypeXGlobalHeader {
			if err := w.WriteHeader(&tar.Header{Typeflag: e.kind, PAXRecords: e.pax}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		h := &tar.Header{Name: e.name, Mode: e.mode, Uid: e.uid, Gid: e.gid, Typeflag: e.kind, PAXRecords: e.pax}
		switch {
		case e.kind != 0:
		case e.ln != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.ln
		case e.hard != "":
			h.Typeflag, h.Linkname = tar.TypeLink, e.hard
		case strings.HasSuffix(e.name, "/"):
			h.Typeflag = tar.TypeDir
		default:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e.body))
		}
		if h.Mode == 0 {
			h.Mode = 0o644
			if h.Typeflag == tar.TypeDir {
				h.Mode = 0o755
			}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(w, e.body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func layerOf(name string, raw []byte) Layer {
	return Layer{Name: name, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(raw)), nil
	}}
}

// layers makes a layer of each list.
func layers(t testing.TB, lists ...[]ent) []Layer {
	t.Helper()
	var out []Layer
	for i, l := range lists {
		out = append(out, layerOf(fmt.Sprintf("l%d", i), tarOf(t, l...)))
	}
	return out
}

func mergeOf(t testing.TB, lists ...[]ent) *Tree {
	t.Helper()
	tree, err := Merge(t.Context(), layers(t, lists...), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

// show gives the tree as lines: path, kind and what it holds.
func show(t testing.TB, tree *Tree) string {
	t.Helper()
	var b strings.Builder
	err := tree.Walk(t.Context(), func(n Node) error {
		if n.Path == "/" {
			return nil
		}
		fmt.Fprintf(&b, "%d %s %o", n.Layer, n.Path, n.Mode.Perm())
		switch n.Kind {
		case Regular:
			body, err := tree.ReadFile(n.Path, 1<<20)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " = %s", body)
		case Symlink:
			fmt.Fprintf(&b, " -> %s", n.Link)
		case Dir:
			b.WriteString("/")
		default:
			fmt.Fprintf(&b, " (%s)", n.Kind)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMergeFollowsTheSpecification(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		layers [][]ent
		want   string
	}{
		"addition": {[][]ent{{{name: "a", body: "1"}}, {{name: "./b", body: "2"}}}, "0 /a 644 = 1\n1 /b 644 = 2\n"},
		"example of the specification": {
			[][]ent{
				{{name: "./"}, {name: "./etc/"}, {name: "./etc/my-app-config", body: "c"}, {name: "./bin/"}, {name: "./bin/my-app-binary", body: "b"}, {name: "./bin/my-app-tools", body: "t"}},
				{{name: "./etc/my-app.d/"}, {name: "./etc/my-app.d/default.cfg", body: "d"}, {name: "./bin/my-app-tools", body: "T"}, {name: "./etc/.wh.my-app-config"}},
			},
			"0 /bin 755/\n0 /bin/my-app-binary 644 = b\n1 /bin/my-app-tools 644 = T\n0 /etc 755/\n1 /etc/my-app.d 755/\n1 /etc/my-app.d/default.cfg 644 = d\n",
		},
		"opaque before": {
			[][]ent{{{name: "a/b/c/bar", body: "1"}}, {{name: "a/"}, {name: "a/.wh..wh..opq"}, {name: "a/b/c/foo", body: "2"}}},
			"1 /a 755/\n1 /a/b 755/\n1 /a/b/c 755/\n1 /a/b/c/foo 644 = 2\n",
		},
		"opaque behind": {
			[][]ent{{{name: "a/b/c/bar", body: "1"}}, {{name: "a/b/c/foo", body: "2"}, {name: "a/.wh..wh..opq"}}},
			"0 /a 755/\n1 /a/b 755/\n1 /a/b/c 755/\n1 /a/b/c/foo 644 = 2\n",
		},
		"whiteout of a directory":     {[][]ent{{{name: "d/x", body: "1"}, {name: "e", body: "2"}}, {{name: ".wh.d"}}}, "0 /e 644 = 2\n"},
		"whiteout of its own layer":   {[][]ent{{{name: "a", body: "1"}}, {{name: "a", body: "2"}, {name: ".wh.a"}}}, "1 /a 644 = 2\n"},
		"whiteout of nothing":         {[][]ent{{{name: "a", body: "1"}}, {{name: "d/.wh.x"}, {name: "a/.wh.x"}}}, "0 /a 644 = 1\n"},
		"whiteout of an upper layer":  {[][]ent{{{name: ".wh.a"}}, {{name: "a", body: "1"}}}, "1 /a 644 = 1\n"},
		"notes of AUFS":               {[][]ent{{{name: ".wh..wh.plnk/"}, {name: ".wh..wh.plnk/1.2", body: "x"}, {name: ".wh..wh.aufs"}, {name: "a", body: "1"}}}, "0 /a 644 = 1\n"},
		"directories become one":      {[][]ent{{{name: "d/", mode: 0o700}, {name: "d/a", body: "1"}}, {{name: "d/", mode: 0o1777}, {name: "d/b", body: "2"}}}, "1 /d 777/\n0 /d/a 644 = 1\n1 /d/b 644 = 2\n"},
		"implied directory keeps":     {[][]ent{{{name: "d/", mode: 0o1777}}, {{name: "d/b", body: "2"}}}, "0 /d 777/\n1 /d/b 644 = 2\n"},
		"file for a directory":        {[][]ent{{{name: "d/a", body: "1"}}, {{name: "d", body: "2"}}}, "1 /d 644 = 2\n"},
		"directory for a file":        {[][]ent{{{name: "d", body: "2"}}, {{name: "d/"}}}, "1 /d 755/\n"},
		"entry below a lower file":    {[][]ent{{{name: "d", body: "2"}}, {{name: "d/x", body: "1"}}}, "1 /d 755/\n1 /d/x 644 = 1\n"},
		"link for a directory":        {[][]ent{{{name: "lib/a", body: "1"}}, {{name: "lib", ln: "usr/lib"}}}, "1 /lib 777 -> usr/lib\n"},
		"directory for a link":        {[][]ent{{{name: "lib", ln: "usr/lib"}, {name: "usr/lib/a", body: "1"}}, {{name: "lib/b", body: "2"}}}, "1 /lib 755/\n1 /lib/b 644 = 2\n0 /usr 755/\n0 /usr/lib 755/\n0 /usr/lib/a 644 = 1\n"},
		"link of its own layer":       {[][]ent{{{name: "lib", ln: "usr/lib"}, {name: "lib/b", body: "2"}}}, "0 /lib 777 -> usr/lib\n0 /usr 755/\n0 /usr/lib 755/\n0 /usr/lib/b 644 = 2\n"},
		"absolute link of its own":    {[][]ent{{{name: "d/e/lib", ln: "/usr/lib"}, {name: "d/e/lib/b", body: "2"}}}, "0 /d 755/\n0 /d/e 755/\n0 /d/e/lib 777 -> /usr/lib\n0 /usr 755/\n0 /usr/lib 755/\n0 /usr/lib/b 644 = 2\n"},
		"link with .. inside":         {[][]ent{{{name: "d/lib", ln: "../usr"}, {name: "d/lib/b", body: "2"}}}, "0 /d 755/\n0 /d/lib 777 -> ../usr\n0 /usr 755/\n0 /usr/b 644 = 2\n"},
		"hard link":                   {[][]ent{{{name: "a", body: "1", mode: 0o600}, {name: "b", hard: "a"}}}, "0 /a 600 = 1\n0 /b 600 = 1\n"},
		"hard link to a lower layer":  {[][]ent{{{name: "d/a", body: "1"}}, {{name: "b", hard: "d/a"}, {name: "d/a", body: "2"}}}, "1 /b 644 = 1\n0 /d 755/\n1 /d/a 644 = 2\n"},
		"hard link to a link":         {[][]ent{{{name: "a", ln: "x"}, {name: "b", hard: "/a"}}}, "0 /a 777 -> x\n0 /b 777 -> x\n"},
		"hard link through a link":    {[][]ent{{{name: "usr/lib/a", body: "1"}, {name: "lib", ln: "usr/lib"}}, {{name: "b", hard: "lib/a"}}}, "1 /b 644 = 1\n0 /lib 777 -> usr/lib\n0 /usr 755/\n0 /usr/lib 755/\n0 /usr/lib/a 644 = 1\n"},
		"names from the root":         {[][]ent{{{name: "/app/x", body: "1"}}}, "0 /app 755/\n0 /app/x 644 = 1\n"},
		"the same twice":              {[][]ent{{{name: "d/"}, {name: "d/a", body: "1"}, {name: "./d/"}, {name: "d//a", body: "1"}}}, "0 /d 755/\n0 /d/a 644 = 1\n"},
		"a directory twice":           {[][]ent{{{name: "d/", mode: 0o700}, {name: "d/", mode: 0o711}}}, "0 /d 711/\n"},
		"devices and pipes are known": {[][]ent{{{name: "dev/null", kind: tar.TypeChar, mode: 0o666}, {name: "p", kind: tar.TypeFifo}}}, "0 /dev 755/\n0 /dev/null 666 (device)\n0 /p 644 (fifo)\n"},
		"long names":                  {[][]ent{{{name: strings.Repeat("d/", 100) + strings.Repeat("n", 200), body: "1"}}}, ""},
		"global header":               {[][]ent{{{kind: tar.TypeXGlobalHeader, pax: map[string]string{"comment": "x"}}, {name: "a", body: "1"}}}, "0 /a 644 = 1\n"},
		"empty":                       {[][]ent{{}, {}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := show(t, mergeOf(t, c.layers...))
			if name == "long names" {
				if !strings.HasSuffix(got, strings.Repeat("n", 200)+" 644 = 1\n") {
					t.Error(got)
				}
				return
			}
			if got != c.want {
				t.Errorf("got:\n%swant:\n%s", got, c.want)
			}
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("d/", maxDepth+1)
	for name, c := range map[string]struct {
		layers [][]ent
		says   string
	}{
		"escape":                   {[][]ent{{{name: "../../etc/passwd", body: "x"}}}, `entry "../../etc/passwd" leads out of the image`},
		"escape inside":            {[][]ent{{{name: "a/../../b", body: "x"}}}, "leads out"},
		"escape through a link":    {[][]ent{{{name: "out", ln: "../../.."}, {name: "out/etc/passwd", body: "x"}}}, "through a symbolic link that leads out"},
		"links to each other":      {[][]ent{{{name: "a", ln: "b"}, {name: "b", ln: "a"}, {name: "a/x", body: "1"}}}, "too many symbolic links"},
		"hard link out":            {[][]ent{{{name: "p", hard: "../../../etc/passwd"}}}, "leads out of the image with .."},
		"hard link to the machine": {[][]ent{{{name: "p", hard: "/etc/passwd"}}}, `hard link to "/etc/passwd", which is not in this layer`},
		"hard link forward":        {[][]ent{{{name: "p", hard: "q"}, {name: "q", body: "1"}}}, "which is not in this layer"},
		"hard link to a directory": {[][]ent{{{name: "d/"}, {name: "p", hard: "d"}}}, "to the directory"},
		"hard link to a link out":  {[][]ent{{{name: "out", ln: "../../etc"}, {name: "p", hard: "out/passwd"}}}, "leads out"},
		"whiteout of ..":           {[][]ent{{{name: "a/.wh..."}}}, "deletes no name"},
		"whiteout of .":            {[][]ent{{{name: "a/.wh.."}}}, "deletes no name"},
		"whiteout of nothing":      {[][]ent{{{name: "a/.wh."}}}, "deletes no name"},
		"below a whiteout":         {[][]ent{{{name: "a/.wh.b/c", body: "x"}}}, "below an entry that deletes"},
		"twice with other content": {[][]ent{{{name: "a", body: "1"}, {name: "./a", body: "2"}}}, `holds "./a" twice`},
		"twice with another mode":  {[][]ent{{{name: "a", body: "1"}, {name: "a", body: "1", mode: 0o755}}}, "twice"},
		"twice of another kind":    {[][]ent{{{name: "a", body: "1"}, {name: "a", ln: "b"}}}, "twice"},
		"file and directory":       {[][]ent{{{name: "a", body: "1"}, {name: "a/"}}}, "twice"},
		"directory and file":       {[][]ent{{{name: "a/b", body: "1"}, {name: "a", body: "1"}}}, "twice"},
		"file in place of what is used": {
			[][]ent{{{name: "a/x", body: "1"}}, {{name: "a/b", body: "1"}, {name: "a", body: "1"}}}, "twice",
		},
		"below a file":      {[][]ent{{{name: "a", body: "1"}, {name: "a/b", body: "1"}}}, "is no directory in the same layer"},
		"root a link":       {[][]ent{{{name: "/", ln: "x"}}}, "root"},
		"deep":              {[][]ent{{{name: deep + "x", body: "1"}}}, "directories deep"},
		"deep by links":     {[][]ent{{{name: strings.Repeat("d/", 200)}, {name: "l", ln: strings.Repeat("d/", 200)}, {name: "l/" + strings.Repeat("e/", 100)}}}, "directories deep"},
		"long name":         {[][]ent{{{name: strings.Repeat("n", maxName+1), body: "1"}}}, "no file can have"},
		"long path":         {[][]ent{{{name: strings.Repeat("nnnnnnn/", maxPath/8) + "n", body: "1"}}}, "no file can have"},
		"owner":             {[][]ent{{{name: "a", body: "1", uid: 1<<32 + 1}}}, "which no system has"},
		"unknown type":      {[][]ent{{{name: "a", kind: 'Z'}}}, "of type"},
		"long capabilities": {[][]ent{{{name: "a", body: "1", pax: map[string]string{"SCHILY.xattr.security.capability": strings.Repeat("x", 65)}}}}, "capabilities"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, err := Merge(t.Context(), layers(t, c.layers...), Limits{})
			if err == nil {
				t.Fatalf("taken:\n%s", show(t, tree))
			}
			f, ok := errors.AsType[*fault.Error](err)
			if !ok || f.Code != fault.Usage || f.Hint.IsZero() {
				t.Fatalf("%v (%T)", err, err)
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), fmt.Sprintf("layer l%d", len(c.layers)-1)) {
				t.Errorf("says %q, want %q", err, c.says)
			}
		})
	}
}

func TestMergeBounds(t *testing.T) {
	t.Parallel()
	var many []ent
	for i := range 200 {
		many = append(many, ent{name: fmt.Sprintf("d%d/e/f", i)})
	}
	big := layers(t, []ent{{name: "zeros", body: strings.Repeat("\x00", 3<<20)}, {name: "more", body: strings.Repeat("x", 1<<20)}})
	for name, c := range map[string]struct {
		layers []Layer
		limits Limits
		says   string
	}{
		"entries":         {layers(t, many), Limits{Entries: 300}, "more than 300 files"},
		"names":           {layers(t, []ent{{name: strings.Repeat("n", 200)}, {name: "l", ln: strings.Repeat("x", 2000)}}), Limits{Names: 2100}, "names"},
		"bytes":           {big, Limits{Bytes: 3<<20 + 1<<19}, "larger than the 3 MiB"},
		"claimed size":    {[]Layer{layerOf("l0", claims(t, 1<<40))}, Limits{}, "claims to be 1099511627776 bytes"},
		"holes":           {[]Layer{layerOf("l0", sparse(1<<30))}, Limits{}, "sparse file"},
		"cut":             {[]Layer{layerOf("l0", tarOf(t, ent{name: "a", body: strings.Repeat("x", 5000)})[:2000])}, Limits{}, "not a tar archive"},
		"no tar":          {[]Layer{layerOf("l0", []byte(strings.Repeat("junk", 500)))}, Limits{}, "not a tar archive"},
		"header of a PAX": {[]Layer{layerOf("l0", hugePAX())}, Limits{}, "not a tar archive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := allocated()
			_, err := Merge(t.Context(), c.layers, c.limits)
			if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.Usage || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
			if took := allocated() - before; took > 256<<20 {
				t.Errorf("allocated %d MiB", took>>20)
			}
		})
	}
	if _, err := Merge(t.Context(), big, Limits{Bytes: 16 << 20}); err != nil {
		t.Error(err)
	}
}

// claims is a tar whose only file says it is of that size.
func claims(t testing.TB, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "big", Mode: 0o644, Size: size}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sparse is a tar with a GNU sparse file of one hole.
func sparse(size int64) []byte {
	h := make([]byte, 512)
	copy(h, "hole")
	copy(h[100:], "0000644\x00")
	copy(h[108:], "0000000\x00")
	copy(h[116:], "0000000\x00")
	copy(h[124:], "00000000000\x00")
	copy(h[136:], "00000000000\x00")
	h[156] = tar.TypeGNUSparse
	copy(h[257:], "ustar  \x00")
	copy(h[386:], fmt.Sprintf("%011o\x00", size)) // offset of an empty piece at the end
	copy(h[398:], "00000000000\x00")
	copy(h[483:], fmt.Sprintf("%011o\x00", size))
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return append(h, make([]byte, 1024)...)
}

// hugePAX is a tar whose extended header is 100 MB.
func hugePAX() []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: "x", Typeflag: tar.TypeReg, Size: 100 << 20})
	raw := b.Bytes()
	raw[156] = 'x'
	copy(raw[148:], "        ")
	sum := 0
	for _, c := range raw[:512] {
		sum += int(c)
	}
	copy(raw[148:], fmt.Sprintf("%06o\x00 ", sum))
	return append(raw, make([]byte, 2<<20)...)
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestContentsAreThoseOfTheTarWhereverTheyAreKept(t *testing.T) {
	t.Parallel()
	var list []ent
	for i := range 40 {
		list = append(list, ent{name: fmt.Sprintf("f%02d", i), body: strings.Repeat(fmt.Sprintf("%d,", i), i*20011)})
	}
	ls := layers(t, list[:20], list[20:])
	for _, memory := range []int64{1, 2 << 20, 1 << 30} {
		dir := t.TempDir()
		tree, err := Merge(t.Context(), ls, Limits{Memory: memory, TempDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			got, err := tree.ReadFile("/"+e.name, 1<<30)
			if err != nil || string(got) != e.body {
				t.Errorf("memory %d: %s: %d bytes, %v; want %d", memory, e.name, len(got), err, len(e.body))
			}
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s stays behind", left[0].Name())
		}
	}
}

func TestErrorOfALayersReaderIsReturned(t *testing.T) {
	t.Parallel()
	broken := errors.New("digest differs")
	raw := tarOf(t, ent{name: "a", body: "1"})
	l := Layer{Name: "l0", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(raw), failing{broken})), nil
	}}
	if _, err := Merge(t.Context(), []Layer{l}, Limits{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Merge(ctx, layers(t, []ent{{name: "a"}}), Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestResolve(t *testing.T) {
	t.Parallel()
	list := []ent{
		{name: "usr/lib/libc.so.6", body: "c"}, {name: "lib", ln: "usr/lib"}, {name: "lib64", ln: "/usr/lib"}, {name: "up", ln: "../../../../../usr"},
		{name: "self", ln: "self"}, {name: "d/e", ln: "../lib/./libc.so.6"}, {name: "hang", ln: "nowhere/x"}, {name: "slash", ln: "usr/"},
	}
	dir := t.TempDir()
	trees := map[string]*Tree{"layers": mergeOf(t, list)}
	if runtime.GOOS != "windows" {
		if err := trees["layers"].Unpack(t.Context(), filepath.Join(dir, "root"), UnpackOptions{}); err != nil {
			t.Fatal(err)
		}
		onDisk, err := OpenDir(filepath.Join(dir, "root"))
		if err != nil {
			t.Fatal(err)
		}
		defer onDisk.Close()
		trees["directory"] = onDisk
	}
	for kind, tree := range trees {
		for p, want := range map[string]string{
			"/": "/", "": "/", "/lib/libc.so.6": "/usr/lib/libc.so.6", "lib64/libc.so.6": "/usr/lib/libc.so.6", "/up/lib": "/usr/lib", "/d/e": "/usr/lib/libc.so.6",
			"/lib/../lib": "/usr/lib", "/lib/..": "/usr", "/../../lib": "/usr/lib", "/slash/lib": "/usr/lib", "/lib/": "/usr/lib",
		} {
			if n, err := tree.Resolve(p); err != nil || n.Path != want {
				t.Errorf("%s: %q leads to %q, %v; want %q", kind, p, n.Path, err, want)
			}
		}
		for p, want := range map[string]error{"/self": ErrLinks, "/hang": fs.ErrNotExist, "/x": fs.ErrNotExist, "/usr/lib/libc.so.6/x": nil, "/lib\x00": fs.ErrInvalid} {
			if n, err := tree.Resolve(p); err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%s: %q leads to %q, %v; want %v", kind, p, n.Path, err, want)
			}
		}
		if n, ok := tree.Lookup("/d/../lib64"); !ok || n.Kind != Symlink || n.Path != "/lib64" || n.Link != "/usr/lib" {
			t.Errorf("%s: %+v, %v", kind, n, ok)
		}
		if list, err := tree.ReadDir("/lib64"); err != nil || len(list) != 1 || list[0].Path != "/usr/lib/libc.so.6" {
			t.Errorf("%s: %+v, %v", kind, list, err)
		}
		if _, err := tree.Open("/usr"); err == nil {
			t.Errorf("%s: a directory opened as a file", kind)
		}
	}
}
