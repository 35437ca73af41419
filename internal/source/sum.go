package source

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// sumError is a downloaded module whose files are not those of its hash.
type sumError struct {
	name      string // zip file or extracted directory
	want, got string // got is empty when the files cannot be hashed
	why       error
}

func (e *sumError) Error() string { return e.name + " was changed: " + e.detail() }

func (e *sumError) detail() string {
	if e.why != nil {
		return e.why.Error()
	}
	return fmt.Sprintf("want %s\nhave %s", e.want, e.got)
}

// checkDownload holds the zip and the extracted files of a module in the
// cache against the hash that the go command gave, and the checksum database
// confirmed. The go command itself never looks at either again once they are
// in the cache.
func checkDownload(ctx context.Context, d download) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var zipErr, dirErr error
	var wg sync.WaitGroup
	wg.Go(func() { zipErr = checkSum(d.Zip, d.Sum, func() (string, error) { return hashZip(ctx, d.Zip) }) })
	dirErr = checkSum(d.Dir, d.Sum, func() (string, error) { return hashDir(ctx, d.Dir, d.Path+"@"+d.Version) })
	if dirErr != nil {
		cancel()
	}
	wg.Wait()
	if dirErr != nil {
		return dirErr
	}
	return zipErr
}

func checkSum(name, want string, hash func() (string, error)) error {
	got, err := hash()
	if err != nil {
		// Only what the system says of a file is trouble; everything else is
		// said by the bytes.
		if _, ok := errors.AsType[*fs.PathError](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return &sumError{name: name, want: want, why: err}
	}
	if got != want {
		return &sumError{name: name, want: want, got: got}
	}
	return nil
}

// errUnhashable is a file that no module zip can hold.
var errUnhashable = errors.New("not a file of a module")

// file is one file of a module, named as in the zip: path@version/name.
type file struct {
	name string
	open func() (io.ReadCloser, error)
}

// hashDir gives the h1: hash of an extracted module.
func hashDir(ctx context.Context, dir, prefix string) (string, error) {
	var files []file
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		// Opening a pipe would wait for ever, following a link leaves the module.
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s: %w", rel, errUnhashable)
		}
		files = append(files, file{prefix + "/" + filepath.ToSlash(rel), func() (io.ReadCloser, error) { return os.Open(name) }})
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("hash %s: %w", dir, err)
	}
	return hash1(ctx, files)
}

// hashZip gives the h1: hash of a module zip.
func hashZip(ctx context.Context, name string) (string, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return "", fmt.Errorf("hash %s: %w", name, err)
	}
	defer z.Close()
	files := make([]file, len(z.File))
	for i, f := range z.File {
		files[i] = file{f.Name, f.Open}
	}
	return hash1(ctx, files)
}

// hash1 is dirhash.Hash1 of golang.org/x/mod with the files hashed on all
// processors: the SHA-256 of the sorted lines "<sha256 of file>  <name>".
func hash1(ctx context.Context, files []file) (string, error) {
	for _, f := range files {
		if strings.Contains(f.name, "\n") {
			return "", fmt.Errorf("%q: %w", f.name, errUnhashable)
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	sums := make([][sha256.Size]byte, len(files))
	errs := make([]error, len(files))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			buf := make([]byte, 64<<10)
			for i := range next {
				sums[i], errs[i] = files[i].hash(ctx, buf)
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	wg.Wait()
	h := sha256.New()
	for i, f := range files {
		if errs[i] != nil {
			return "", fmt.Errorf("hash %s: %w", f.name, errs[i])
		}
		fmt.Fprintf(h, "%x  %s\n", sums[i], f.name)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

func (f file) hash(ctx context.Context, buf []byte) (sum [sha256.Size]byte, err error) {
	if err := ctx.Err(); err != nil {
		return sum, err
	}
	r, err := f.open()
	if err != nil {
		return sum, err
	}
	defer r.Close()
	h := sha256.New()
	// Hiding WriteTo keeps the copy in the worker's buffer.
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{r}, buf); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
