package image

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Bounds of an archive of images.
const (
	maxArchiveFiles = 1 << 16
	maxArchiveNames = 8 << 20 // bytes of all names
	maxTempDefault  = 16 << 30
)

// section is where the content of a file stands in an archive.
type section struct{ off, size int64 }

// archiveStore is an OCI layout in a tar, or what `docker save` writes.
type archiveStore struct {
	name  string // for people
	file  *os.File
	temp  string // name of the file, if it is to be removed
	files map[string]section
	links map[string]string // of symbolic links, to names in the archive
}

// isArchive reports whether the file begins like an archive of images. It
// reads the names in it until one tells.
func isArchive(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	r, stop, err := decompress(f)
	if err != nil {
		return false
	}
	defer stop()
	tr := tar.NewReader(io.LimitReader(r, 1<<20))
	for range 64 {
		h, err := tr.Next()
		if err != nil {
			return false
		}
		switch n := strings.TrimPrefix(path.Clean(h.Name), "/"); {
		case n == layoutFile, n == indexFile, n == savedManifest, n == "repositories":
			return true
		case strings.HasPrefix(n, "blobs"):
			return true
		case path.Base(n) == "layer.tar", path.Base(n) == "VERSION", strings.HasSuffix(n, ".json") && len(n) == 64+len(".json"):
			return true
		case h.Typeflag == tar.TypeDir && len(n) == 64:
		default:
			return false
		}
	}
	return false
}

// openArchive opens an archive on this disk. One that is compressed is
// unpacked into a temporary file.
func openArchive(ctx context.Context, name string, o InspectOptions) (store, error) {
	f, err := openRegular(name)
	if err != nil {
		e := fault.UsageError(i18n.M("image_inspect.missing", name), i18n.M("image_inspect.missing.hint"))
		e.Cause = errors.Unwrap(err)
		return nil, e
	}
	var magic [4]byte
	if n, err := f.ReadAt(magic[:], 0); err != nil && n == 0 {
		_ = f.Close()
		return nil, notArchive(name, err)
	}
	if !compressed(magic) {
		return indexArchive(ctx, &archiveStore{name: name, file: f})
	}
	defer f.Close()
	in := &hashed{ctx: ctx, r: f, h: noHash{}}
	r, stop, err := decompress(in)
	if err != nil {
		return nil, notArchive(name, err)
	}
	defer stop()
	s, err := tempArchive(name, o, bounded(name, r, in))
	if err != nil {
		return nil, err
	}
	return indexArchive(ctx, s)
}

// compressed reports whether a file that begins so is one that decompress
// knows.
func compressed(magic [4]byte) bool {
	return magic[0] == 0x1f && magic[1] == 0x8b || string(magic[:]) == "\x28\xb5\x2f\xfd"
}

// noHash hashes nothing.
type noHash struct{}

func (noHash) Write(p []byte) (int, error) { return len(p), nil }
func (noHash) Sum(b []byte) []byte         { return b }
func (noHash) Reset()                      {}
func (noHash) Size() int                   { return 0 }
func (noHash) BlockSize() int              { return 1 }

func notArchive(name string, cause error) error {
	e := fault.UsageError(i18n.M("image_inspect.archive", name), i18n.M("image_inspect.archive.hint"))
	e.Cause = cause
	return e
}

// tempArchive copies an archive into a temporary file.
func tempArchive(name string, o InspectOptions, r io.Reader) (*archiveStore, error) {
	limit := o.MaxTemp
	if limit <= 0 {
		limit = maxTempDefault
	}
	f, err := os.CreateTemp(o.TempDir, ".slipway-archive-")
	if err != nil {
		return nil, fault.New(err, i18n.M("image_inspect.temp"), i18n.M("image_inspect.temp.hint"))
	}
	s := &archiveStore{name: name, file: f, temp: f.Name()}
	// Where an open file can do without a name, nothing stays behind whatever
	// happens to this process.
	if os.Remove(s.temp) == nil {
		s.temp = ""
	}
	n, err := io.CopyBuffer(tempWriter{f}, io.LimitReader(r, limit+1), make([]byte, copyChunk))
	if err == nil && n > limit {
		err = fault.UsageError(i18n.M("image_inspect.large", name, limit>>20), i18n.M("image_inspect.large.hint"))
	}
	if err != nil {
		_ = s.close()
		if w, ok := errors.AsType[*cacheWriteError](err); ok {
			return nil, fault.New(w.err, i18n.M("image_inspect.temp"), i18n.M("image_inspect.temp.hint"))
		}
		return nil, err
	}
	return s, nil
}

// tempWriter marks the errors of writing, to tell them from those of reading.
type tempWriter struct{ f *os.File }

func (w tempWriter) Write(p []byte) (int, error) { return cacheWriter{w.f}.Write(p) }

func (s *archiveStore) close() error {
	err := s.file.Close()
	if s.temp != "" {
		_ = os.Remove(s.temp)
	}
	return err
}

// indexArchive notes where the files of the archive stand, without reading
// them. It closes the store if it fails.
func indexArchive(ctx context.Context, s *archiveStore) (_ store, err error) {
	defer func() {
		if err != nil {
			_ = s.close()
		}
	}()
	size, err := s.file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	s.files, s.links = map[string]section{}, map[string]string{}
	at := io.NewSectionReader(s.file, 0, size)
	tr := tar.NewReader(at)
	names := 0
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, notArchive(s.name, err)
		}
		if names += len(h.Name) + len(h.Linkname); n == maxArchiveFiles || names > maxArchiveNames {
			return nil, fault.UsageError(i18n.M("image_inspect.archive.files", s.name, maxArchiveFiles), i18n.M("image_inspect.archive.hint"))
		}
		if err := s.note(h, at); err != nil {
			return nil, err
		}
	}
	if len(s.files) == 0 {
		return nil, notArchive(s.name, nil)
	}
	if _, ok := s.files[indexFile]; ok {
		return s, nil
	}
	return &savedArchive{s}, nil
}

func (s *archiveStore) note(h *tar.Header, at io.Seeker) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeSymlink:
		s.links[name] = path.Join(path.Dir(name), h.Linkname)
		return nil
	case tar.TypeLink:
		s.links[name] = strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")
		return nil
	default:
		return nil // directories; a sparse file is none that anybody writes here
	}
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return nil
		}
	}
	if _, twice := s.files[name]; twice {
		return refuseDocument(i18n.M("image_inspect.archive.twice", s.name, oneLine(name, 120)))
	}
	off, err := at.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	s.files[name] = section{off, h.Size}
	return nil
}

// open opens a file of the archive. Links between its files are followed;
// Docker before 25 writes some.
func (s *archiveStore) open(name string) (*io.SectionReader, error) {
	for range 8 {
		if at, ok := s.files[name]; ok {
			return io.NewSectionReader(s.file, at.off, at.size), nil
		}
		to, ok := s.links[name]
		if !ok {
			break
		}
		name = to
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (s *archiveStore) blob(digest string) (*io.SectionReader, error) {
	h, err := hexOf(digest)
	if err != nil {
		return nil, err
	}
	return s.open("blobs/sha256/" + h)
}

// tops implements store.
func (s *archiveStore) tops(context.Context) ([]Descriptor, error) {
	r, err := s.open(indexFile)
	if err != nil {
		return nil, err
	}
	return readTops(r, s.name+" "+indexFile)
}

// manifest implements store.
func (s *archiveStore) manifest(_ context.Context, d Descriptor) ([]byte, error) {
	r, err := s.blob(d.Digest)
	if err != nil {
		return nil, err
	}
	return readVerified(s.name, d, r)
}

// layer implements store.
func (s *archiveStore) layer(_ context.Context, l InspectedLayer) (io.ReadCloser, error) {
	var r *io.SectionReader
	var err error
	if l.file != "" {
		r, err = s.open(l.file)
	} else {
		r, err = s.blob(l.Digest)
	}
	if err != nil {
		return nil, err
	}
	return io.NopCloser(r), nil
}
