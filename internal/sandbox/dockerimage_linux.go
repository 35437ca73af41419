package sandbox

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// dockerLabel is on every container and image of ours; its value names the
// run that owns it.
const dockerLabel = "slipway.sandbox"

// dockerImages are the images that sandboxes of this process use, by engine
// and directory, each imported once as long as somebody uses it.
type dockerImages struct {
	mu    sync.Mutex
	users map[string]*dockerImage
}

type dockerImage struct {
	name  string
	users int
	once  sync.Once
	err   error
}

var imported = dockerImages{users: map[string]*dockerImage{}}

// use imports what write writes as a tar archive, unless it is there.
func (i *dockerImages) use(ctx context.Context, d *dockerAPI, key, marker string, write func(*tar.Writer) error) (name string, release func() error, err error) {
	key = d.address + "\x00" + key
	i.mu.Lock()
	image := i.users[key]
	if image == nil {
		image = &dockerImage{name: "slipway-sandbox:" + strings.ToLower(rand.Text())}
		i.users[key] = image
	}
	image.users++
	i.mu.Unlock()
	image.once.Do(func() { image.err = importImage(ctx, d, image.name, marker, write) })
	release = func() error {
		i.mu.Lock()
		defer i.mu.Unlock()
		if image.users--; image.users > 0 {
			return nil
		}
		delete(i.users, key)
		return gone(d.call(context.Background(), http.MethodDelete, "/images/"+image.name, url.Values{"force": {"1"}}, nil, nil))
	}
	return image.name, release, image.err
}

// importImage makes an image of one layer.
func importImage(ctx context.Context, d *dockerAPI, name, marker string, write func(*tar.Writer) error) error {
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := tar.NewWriter(w)
		err := write(t)
		if err == nil {
			err = t.Close()
		}
		_ = w.CloseWithError(err)
	}()
	repo, tag, _ := strings.Cut(name, ":")
	changes := "LABEL " + dockerLabel + "=" + marker
	err := d.call(ctx, http.MethodPost, "/images/create", url.Values{"fromSrc": {"-"}, "repo": {repo}, "tag": {tag}, "changes": {changes}}, r, nil)
	_ = r.Close()
	<-done
	if err != nil {
		return fmt.Errorf("import a root file system: %w", err)
	}
	// The engine answers 200 before it has read anything.
	if err := d.call(ctx, http.MethodGet, "/images/"+name+"/json", nil, nil, nil); err != nil {
		return fmt.Errorf("import a root file system: %w", err)
	}
	return nil
}

// tarDirectory writes a directory as it is. Devices are left out: an engine
// provides its own.
func tarDirectory(root string) func(*tar.Writer) error {
	return func(w *tar.Writer) error {
		return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			fi, err := d.Info()
			if err != nil {
				return err
			}
			link := ""
			switch mode := fi.Mode(); {
			case mode&fs.ModeSymlink != 0:
				if link, err = os.Readlink(name); err != nil {
					return err
				}
			case !mode.IsRegular() && !mode.IsDir():
				return nil
			}
			h, err := tar.FileInfoHeader(fi, link)
			if err != nil {
				return err
			}
			h.Name, h.Format = filepath.ToSlash(rel), tar.FormatPAX
			h.Uname, h.Gname = "", ""
			if fi.IsDir() {
				h.Name += "/"
			}
			if err := w.WriteHeader(h); err != nil || !fi.Mode().IsRegular() {
				return err
			}
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.CopyN(w, f, fi.Size())
			return err
		})
	}
}

// pausePath is where the program that holds a network open lies.
const pausePath = "/slipway-pause"

// tarPause writes an image with that program alone.
func tarPause(w *tar.Writer) error {
	p, err := pauseProgram(runtime.GOARCH)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: pausePath[1:], Mode: 0o755, Size: int64(len(p)), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = w.Write(p)
	return err
}

// pauseProgram is the smallest program that waits for ever, by ppoll(2) of
// nothing: an ELF header, one segment and a few instructions.
func pauseProgram(arch string) ([]byte, error) {
	const load, headers = 0x400000, 64 + 56
	var machine byte
	var code []byte
	switch arch {
	case "amd64":
		machine = 62
		code = []byte{
			0x31, 0xff, 0x31, 0xf6, 0x31, 0xd2, 0x45, 0x31, 0xd2, // xor edi,edi; esi; edx; r10d
			0xb8, 0x0f, 0x01, 0x00, 0x00, // mov eax, 271
			0x0f, 0x05, // syscall
			0xeb, 0xee, // back to the beginning
		}
	case "arm64":
		machine = 183
		code = []byte{
			0x00, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x80, 0xd2, 0x02, 0x00, 0x80, 0xd2, 0x03, 0x00, 0x80, 0xd2, // mov x0..x3, 0
			0x28, 0x09, 0x80, 0xd2, // mov x8, 73
			0x01, 0x00, 0x00, 0xd4, // svc 0
			0xfa, 0xff, 0xff, 0x17, // back to the beginning
		}
	default:
		return nil, fmt.Errorf("a network of its own in docker on %s: %w", arch, ErrUnsupported)
	}
	var b bytes.Buffer
	put := func(size int, values ...uint64) {
		for _, v := range values {
			for i := range size {
				b.WriteByte(byte(v >> (8 * i)))
			}
		}
	}
	b.WriteString("\x7fELF\x02\x01\x01")
	b.Write(make([]byte, 9))
	put(2, 2, uint64(machine))          // executable
	put(4, 1)                           // version
	put(8, load+headers, 64, 0)         // entry, program headers, section headers
	put(4, 0)                           // flags
	put(2, 64, 56, 1, 64, 0, 0)         // sizes and counts
	put(4, 1, 5)                        // PT_LOAD, readable and executable
	put(8, 0, load, load)               // from the beginning of the file
	size := uint64(headers + len(code)) //
	put(8, size, size, 0x10000)         // all of it, aligned for every page size
	b.Write(code)
	return b.Bytes(), nil
}
