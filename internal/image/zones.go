package image

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// zoneDir is where C libraries and Go look for time zones.
const zoneDir = "/usr/share/zoneinfo"

// Bounds of a zoneinfo.zip: Go 1.26's has 598 files, 0.4 MB in all.
const (
	maxZoneArchive = 16 << 20 // bytes of the archive
	maxZoneBytes   = 64 << 20 // bytes of all files
	maxZoneFiles   = 10_000
)

// zoneFile is a file of zoneinfo.zip.
type zoneFile struct {
	name string // such as Africa/Abidjan
	size int64  // bytes
	open func() (io.ReadCloser, error)
}

// readZones lists the files of a zoneinfo.zip. The archive belongs to a
// toolchain that may come from anywhere, so names and sizes are checked.
func readZones(raw []byte) ([]zoneFile, error) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	if len(z.File) > maxZoneFiles {
		return nil, fmt.Errorf("%d files", len(z.File))
	}
	var files []zoneFile
	var total uint64
	seen := map[string]bool{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") && fs.ValidPath(strings.TrimSuffix(f.Name, "/")) {
			continue // directories follow from the files
		}
		if !validZone(f.Name) || !f.Mode().IsRegular() || seen[f.Name] {
			return nil, fault.New(nil, i18n.M("image.zones.name", strconv.Quote(f.Name)), i18n.M("image.zones.hint"))
		}
		seen[f.Name] = true
		total += min(f.UncompressedSize64, math.MaxInt32)
		if total > maxZoneBytes {
			return nil, fault.New(nil, i18n.M("image.zones.large", maxZoneBytes), i18n.M("image.zones.hint"))
		}
		files = append(files, zoneFile{name: f.Name, size: int64(f.UncompressedSize64), open: f.Open})
	}
	if len(files) == 0 {
		return nil, errors.New("no files")
	}
	return files, nil
}

// validZone holds a name against what the time zone database uses (theory.html,
// "Names of timezones"), which leaves no room for anything that is not a plain
// path.
func validZone(name string) bool {
	if !fs.ValidPath(name) || name == "." || len(name) > 255 {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	for _, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("/._+-", r):
		default:
			return false
		}
	}
	return true
}

func zonesError(path string, err error) error {
	e := fault.New(err, i18n.M("image.zones"), i18n.M("image.zones.hint"))
	e.Pos.File = path
	return e
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("larger than %d bytes", limit)
	}
	return b, nil
}
