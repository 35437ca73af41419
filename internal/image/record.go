package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A sealed file is two lines: the digest of the second line, and the second
// line, which is JSON. A flipped bit in a diffID would otherwise go unnoticed
// into an image nobody can unpack.

func (c *Cache) readSealed(dir, key string) (body []byte, ok bool) {
	b, err := os.ReadFile(filepath.Join(c.dir, dir, key))
	if err != nil {
		return nil, false
	}
	return unseal(b)
}

func unseal(b []byte) (body []byte, ok bool) {
	sum, body, ok := bytes.Cut(b, []byte("\n"))
	return body, ok && digestBytes(body) == string(sum)
}

func (c *Cache) writeSealed(dir, key string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode cache record: %w", err)
	}
	t, err := c.temp(dir)
	if err != nil {
		return err
	}
	defer t.discard()
	if _, err := fmt.Fprintf(t, "%s\n%s", digestBytes(body), body); err != nil {
		return cacheError(c.dir, err)
	}
	if err := t.commit(filepath.Join(c.dir, dir, key)); err != nil {
		return cacheError(c.dir, err)
	}
	return nil
}

func (c *Cache) readRecord(key string) (pressed, bool) {
	body, ok := c.readSealed(recordDir, key)
	if !ok {
		return pressed{}, false
	}
	var p pressed
	if json.Unmarshal(body, &p) != nil {
		return pressed{}, false
	}
	return p, true
}

func (c *Cache) recordPath(key string) string { return filepath.Join(c.dir, recordDir, key) }

func (c *Cache) forget(key string) { _ = os.Remove(c.recordPath(key)) }

// How long things stay. A layer that no build has used for two weeks is made
// again faster than it is missed.
const (
	keepLayers = 14 * 24 * time.Hour
	keepTemp   = 24 * time.Hour // left behind by a process that was killed
	touchAfter = time.Hour      // precision of the time of last use
	trimEvery  = 24 * time.Hour
)

// touch notes that a record was used. That it cannot be noted is no reason to
// fail: the cache may be read-only.
func (c *Cache) touch(key string) {
	path, now := c.recordPath(key), time.Now()
	if fi, err := os.Stat(path); err == nil && now.Sub(fi.ModTime()) > touchAfter {
		_ = os.Chtimes(path, now, now)
	}
}

// trim removes layers unused for long and the remains of killed processes, at
// most once a day. Blobs of reference bases have no record and stay: a build
// must not need the network again because of a holiday. Errors do not matter:
// what could not be removed is tried again.
func (c *Cache) trim(now time.Time) {
	mark := filepath.Join(c.dir, "trimmed")
	if fi, err := os.Stat(mark); err == nil && now.Sub(fi.ModTime()) < trimEvery {
		return
	}
	if os.MkdirAll(c.dir, 0o777) != nil || os.WriteFile(mark, nil, 0o666) != nil {
		return
	}
	_ = os.Chtimes(mark, now, now)

	used := map[string]bool{}
	var stale []string // digests
	for _, f := range readDir(filepath.Join(c.dir, recordDir)) {
		path := filepath.Join(c.dir, recordDir, f.Name())
		fi, err := f.Info()
		if err != nil {
			continue
		}
		if strings.HasPrefix(f.Name(), tempPrefix) {
			removeOlder(path, fi, now.Add(-keepTemp))
			continue
		}
		p, ok := c.readRecord(f.Name())
		switch {
		case !ok || now.Sub(fi.ModTime()) > keepLayers:
			_ = os.Remove(path)
			stale = append(stale, p.Digest)
		default:
			used[p.Digest] = true
		}
	}
	for _, digest := range stale {
		if path, err := c.blobPath(digest); err == nil && !used[digest] {
			_ = os.Remove(path)
		}
	}
	for _, f := range readDir(filepath.Join(c.dir, blobDir)) {
		if fi, err := f.Info(); err == nil && strings.HasPrefix(f.Name(), tempPrefix) {
			removeOlder(filepath.Join(c.dir, blobDir, f.Name()), fi, now.Add(-keepTemp))
		}
	}
}

func readDir(dir string) []os.DirEntry {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil // nothing there yet
	}
	return list
}

func removeOlder(path string, fi fs.FileInfo, than time.Time) {
	if fi.ModTime().Before(than) {
		_ = os.Remove(path)
	}
}
