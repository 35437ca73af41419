package build

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/plan"
)

// recordVersion is raised when the meaning of a record changes.
const recordVersion = 1

// stamp tells whether a file is the one that was left there, without reading
// it. It is only trusted for files in our own cache and for copies of them.
type stamp struct {
	Size  int64  `json:"size"`
	Time  int64  `json:"time"`  // modification, Unix nanoseconds
	Inode uint64 `json:"inode"` // 0 where there are none
}

func stampOf(name string) stamp {
	fi, err := os.Lstat(name)
	if err != nil || !fi.Mode().IsRegular() {
		return stamp{}
	}
	return stamp{fi.Size(), fi.ModTime().UnixNano(), inode(fi)}
}

func (s stamp) is(name string) bool { return s != stamp{} && s == stampOf(name) }

// sameFile reports whether t is the file s was taken of, touched at most: the
// go command sets the time of a binary that it finds up to date, and writes a
// new one under another name first, which gives it another inode.
func (s stamp) sameFile(t stamp) bool {
	return s != stamp{} && s.Inode != 0 && s.Inode == t.Inode && s.Size == t.Size
}

// record is what is known of a linked binary.
type record struct {
	Version  int               `json:"version"`
	Input    string            `json:"input"`  // digest of everything it was built from; "" unknown
	Linked   stamp             `json:"linked"` // the file the go command wrote
	File     string            `json:"file"`   // what users get, relative to the record
	Debug    string            `json:"debug,omitempty"`
	Digest   string            `json:"digest"`
	Size     int64             `json:"size"`
	Check    string            `json:"check"` // what the findings below were made from
	Findings []finding.Finding `json:"findings,omitempty"`
	Placed   map[string]placed `json:"placed,omitempty"` // copies outside the cache, by path
}

type placed struct {
	Digest string `json:"digest"` // of the file it is a copy of
	Stamp  stamp  `json:"stamp"`
}

const recordName = "record.json"

func openRecord(dir string) record {
	b, err := os.ReadFile(filepath.Join(dir, recordName))
	if err != nil {
		return record{}
	}
	var r record
	if json.Unmarshal(b, &r) != nil || r.Version != recordVersion {
		return record{}
	}
	return r
}

// save is best effort: without a record the next build does more work.
func (r record) save(dir string) {
	r.Version = recordVersion
	b, err := json.Marshal(r)
	if err != nil {
		return
	}
	name := filepath.Join(dir, recordName)
	if old, err := os.ReadFile(name); err == nil && string(old) == string(b) {
		return
	}
	f, err := os.CreateTemp(dir, ".record-*")
	if err != nil {
		return
	}
	_, werr := f.Write(b)
	if cerr := f.Close(); werr != nil || cerr != nil || os.Rename(f.Name(), name) != nil {
		os.Remove(f.Name())
	}
}

// checkKey names what a self-check depends on besides the binary itself.
func checkKey(p plan.Plan, t plan.Target, b plan.Binary) string {
	bin, _ := json.Marshal(b)
	img, _ := json.Marshal(t.Image)
	return digestOf(p.Toolchain, string(bin), string(img))
}
