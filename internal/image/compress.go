package image

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The settings below are part of every digest. They were chosen by measuring
// on a stripped 17 MB program (docs/benchmarks.md): gzip 5 is the fastest
// level whose image stays below 7.4 MB with the base around it, and zstd's
// default is the last one whose bytes are not bought with twice the time.
const (
	gzipLevel  = 5
	gzipBlock  = 512 << 10 // bytes compressed independently; fixes the output whatever the core count
	zstdLevel  = zstd.SpeedDefault
	zstdWindow = 2 << 20 // bytes; bounds memory here and for whoever unpacks

	// maxParallel bounds the blocks in flight, and so the memory: each costs
	// about 1.5 MB. More cores than this outrun the hash of the tar.
	maxParallel = 4
)

// Versions of the compressors, for a binary without build information. A test
// holds them against go.mod.
const (
	pgzipVersion    = "v1.3.0"
	compressVersion = "v1.20.3"
)

const (
	pgzipModule    = "github.com/klauspost/pgzip"
	compressModule = "github.com/klauspost/compress"
)

// compressor is one way to compress a layer. Equal IDs give equal bytes.
type compressor struct {
	name      string // gzip or zstd
	id        string // what makes the bytes: settings, modules and their versions
	mediaType string
	open      func(io.Writer) (stream, error)
}

// stream is a running compression. Reset makes it a new one with the same
// settings, and after an error it ends the goroutines.
type stream interface {
	io.WriteCloser
	Reset(io.Writer)
}

func compressorFor(name string) (compressor, error) {
	switch name {
	case "", "gzip":
		return compressor{
			name: "gzip",
			id: fmt.Sprintf("gzip-%d/%dk klauspost/pgzip %s klauspost/compress %s",
				gzipLevel, gzipBlock>>10, moduleVersion(pgzipModule, pgzipVersion), moduleVersion(compressModule, compressVersion)),
			mediaType: MediaTypeLayerGzip,
			open:      openGzip,
		}, nil
	case "zstd":
		return compressor{
			name: "zstd",
			id: fmt.Sprintf("zstd-%s/%dk klauspost/compress %s",
				zstdLevel, zstdWindow>>10, moduleVersion(compressModule, compressVersion)),
			mediaType: MediaTypeLayerZstd,
			open:      openZstd,
		}, nil
	}
	return compressor{}, fault.UsageError(i18n.M("image.compression", strconv.Quote(name)), i18n.M("image.compression.hint"))
}

func openGzip(w io.Writer) (stream, error) {
	z, err := pgzip.NewWriterLevel(w, gzipLevel)
	if err != nil {
		return nil, fmt.Errorf("start gzip: %w", err)
	}
	s := gzipStream{z}
	if err := s.set(); err != nil {
		return nil, fmt.Errorf("start gzip: %w", err)
	}
	return s, nil
}

// gzipStream keeps its settings when it is reset, which pgzip does not.
type gzipStream struct{ *pgzip.Writer }

func (z gzipStream) Reset(w io.Writer) {
	z.Writer.Reset(w)
	_ = z.set() // the same values were taken before
}

func (z gzipStream) set() error {
	// pgzip writes the zero time as a date; only the epoch means "no time"
	// (RFC 1952, MTIME).
	z.ModTime = time.Unix(0, 0)
	return z.SetConcurrency(gzipBlock, min(runtime.GOMAXPROCS(0), maxParallel))
}

func openZstd(w io.Writer) (stream, error) {
	z, err := zstd.NewWriter(w,
		zstd.WithEncoderLevel(zstdLevel),
		zstd.WithWindowSize(zstdWindow),
		// The blocks of one frame follow each other, so that concurrency
		// beyond two brings nothing; the output is the same for any.
		zstd.WithEncoderConcurrency(min(runtime.GOMAXPROCS(0), 2)))
	if err != nil {
		return nil, fmt.Errorf("start zstd: %w", err)
	}
	return z, nil
}

var buildInfo = sync.OnceValue(func() map[string]string {
	versions := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, d := range info.Deps {
		if d.Replace != nil {
			versions[d.Path] = d.Replace.Path + "@" + d.Replace.Version
		} else {
			versions[d.Path] = d.Version
		}
	}
	return versions
})

// moduleVersion is the version of a module linked into this very binary.
func moduleVersion(path, fallback string) string {
	if v := buildInfo()[path]; v != "" {
		return v
	}
	return fallback
}
