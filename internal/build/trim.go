package build

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How long things stay in the cache.
const (
	keepWork   = 24 * time.Hour      // work directories of a process that was killed
	keepBinary = 14 * 24 * time.Hour // binaries no build has asked for; the go command makes them again soon
	touchAfter = time.Hour           // precision of the time of last use
	trimEvery  = 24 * time.Hour      // between two looks at the binaries
)

// workPrefix begins the name of a work directory of the go command.
const workPrefix = "go-"

// trim removes what killed processes and outdated plans left in the cache dir:
// each commit is stamped into its binaries, which makes them new ones. Errors
// do not matter: what could not be removed is tried again.
func trim(dir, tmp string, now time.Time) {
	for _, e := range readDir(tmp) {
		if strings.HasPrefix(e.Name(), workPrefix) {
			removeOlder(filepath.Join(tmp, e.Name()), now.Add(-keepWork))
		}
	}
	mark := filepath.Join(dir, "trimmed")
	if fi, err := os.Stat(mark); err == nil && now.Sub(fi.ModTime()) < trimEvery || os.WriteFile(mark, nil, 0o644) != nil {
		return
	}
	_ = os.Chtimes(mark, now, now)
	for _, e := range readDir(dir) {
		if e.IsDir() && e.Name() != filepath.Base(tmp) {
			removeOlder(filepath.Join(dir, e.Name()), now.Add(-keepBinary))
		}
	}
}

// touch notes that the binary in dir was used.
func touch(dir string, now time.Time) {
	name := filepath.Join(dir, recordName)
	if fi, err := os.Stat(name); err == nil && now.Sub(fi.ModTime()) > touchAfter {
		_ = os.Chtimes(name, now, now)
	}
}

func readDir(dir string) []os.DirEntry {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	return list
}

// removeOlder removes the directory if it was last used before than. The
// record tells; where there is none, the directory itself.
func removeOlder(dir string, than time.Time) {
	fi, err := os.Stat(filepath.Join(dir, recordName))
	if err != nil {
		fi, err = os.Stat(dir)
	}
	if err == nil && fi.ModTime().Before(than) {
		_ = os.RemoveAll(dir)
	}
}
