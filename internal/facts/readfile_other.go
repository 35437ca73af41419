//go:build !unix

package facts

import (
	"fmt"
	"io"
	"os"
	"slices"
)

// readLimited reads a file into buf if it fits there.
func readLimited(name string, limit int64, buf []byte) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > limit {
		return nil, fmt.Errorf("larger than %d bytes, or no regular file", limit)
	}
	n := int(fi.Size())
	b := slices.Grow(buf[:0], n)[:n]
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, err
	}
	return b, nil
}
