package facts

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds on the comparison of a vendor directory with the module cache.
const (
	maxVendorFiles   = 100000
	maxVendorBytes   = 1 << 30
	maxVendorDrifted = 200 // files that are listed
)

// VendorFile is a file of a vendor directory that its module does not have, or
// has with another content.
type VendorFile struct {
	Module  string `json:"module"` // as vendor/modules.txt names it
	Version string `json:"version"`
	Added   bool   `json:"added,omitempty"` // the module has no such file
	Pos     Pos    `json:"pos"`             // of the first line that differs
}

// readVendorFiles compares the vendor directories of the repository in root
// with the modules in modcache. go mod vendor copies files byte for byte
// (cmd/go/internal/modcmd, vendorPkg); only ends of lines may have been changed
// by version control. A module that is not in the cache is not judged.
func (r *Repo) readVendorFiles(ctx context.Context, root, modcache string) error {
	bytesLeft := int64(maxVendorBytes)
	for i := range r.Modules {
		m := &r.Modules[i]
		if len(m.VendorModules) == 0 || modcache == "" {
			continue
		}
		v := vendorWalk{root: root, dir: path.Join(m.Root, "vendor"), owners: r.vendorOwners(m, modcache), bytes: &bytesLeft}
		if err := v.walk(ctx); err != nil {
			return fmt.Errorf("compare vendor with the module cache: %w", err)
		}
		r.VendorFiles = append(r.VendorFiles, v.out...)
	}
	return nil
}

// vendorOwner is a module of a vendor directory and where its files should
// come from.
type vendorOwner struct {
	path, version string
	dir           string // in the module cache
}

// vendorOwners gives the modules of m's vendor directory that can be compared,
// by path; others have no dir.
func (r *Repo) vendorOwners(m *RepoModule, modcache string) map[string]vendorOwner {
	replaces := slices.Clone(m.Replaces)
	if r.Work != nil {
		replaces = append(replaces, r.Work.Replaces...)
	}
	first := map[string]int{} // the first that matches counts
	for i, rp := range slices.Backward(replaces) {
		first[rp.Old] = i
	}
	out := map[string]vendorOwner{}
	for _, v := range m.VendorModules {
		o := vendorOwner{path: v.Path, version: v.Version}
		from := DepModule{Path: v.Path, Version: v.Version}
		known := v.Version != ""
		at, replaced := first[v.Path]
		if i, ok := first[v.Path+"@"+v.Version]; ok && (!replaced || i < at) {
			at, replaced = i, true
		}
		switch {
		case replaced && replaces[at].Local:
			known = false
		case replaced:
			from.Source, from.Version, _ = cutLast(replaces[at].New, "@")
		}
		if d, err := escapedDir(from); known && err == nil {
			dir := filepath.Join(modcache, filepath.FromSlash(d))
			if fi, err := os.Stat(dir); err == nil && fi.IsDir() {
				o.dir = dir
			}
		}
		out[v.Path] = o
	}
	return out
}

type vendorWalk struct {
	root, dir string
	owners    map[string]vendorOwner
	bytes     *int64 // left to read
	files     int
	out       []VendorFile
}

func (v *vendorWalk) walk(ctx context.Context) error {
	top := filepath.Join(v.root, filepath.FromSlash(v.dir))
	return filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be read is not judged
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(top, name)
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		rel = filepath.ToSlash(rel)
		if v.files++; v.files > maxVendorFiles || len(v.out) >= maxVendorDrifted || *v.bytes <= 0 {
			return fs.SkipAll
		}
		v.file(name, rel)
		return nil
	})
}

// file compares one file with that of its module.
func (v *vendorWalk) file(name, rel string) {
	o, ok := v.owner(rel)
	if !ok || o.dir == "" {
		return
	}
	have, err := v.read(name)
	if err != nil {
		return
	}
	f := VendorFile{Module: o.path, Version: o.version, Pos: Pos{File: path.Join(v.dir, rel), Line: 1, Column: 1}}
	want, err := v.read(filepath.Join(o.dir, filepath.FromSlash(strings.TrimPrefix(rel, o.path+"/"))))
	switch {
	case os.IsNotExist(err):
		f.Added = true
	case err != nil:
		return
	default:
		if bytes.Equal(have, want) {
			return
		}
		if f.Pos.Line = differs(have, want); f.Pos.Line == 0 {
			return
		}
		// Of a file that only ends too early, the last line is the place.
		f.Pos.Line = min(f.Pos.Line, 1+bytes.Count(bytes.TrimSuffix(have, []byte("\n")), []byte("\n")))
	}
	v.out = append(v.out, f)
}

func (v *vendorWalk) read(name string) ([]byte, error) {
	b, err := readLimited(name, maxGoFile, nil)
	*v.bytes -= int64(len(b))
	return b, err
}

// owner gives the module that a file of the vendor directory belongs to.
func (v *vendorWalk) owner(rel string) (vendorOwner, bool) {
	for d := path.Dir(rel); d != "."; d = path.Dir(d) {
		if o, ok := v.owners[d]; ok {
			return o, true
		}
	}
	return vendorOwner{}, false
}

// differs gives the first line in which two texts differ by more than its end,
// 0 if there is none.
func differs(a, b []byte) int {
	for n := 1; len(a) > 0 || len(b) > 0; n++ {
		var x, y []byte
		x, a, _ = bytes.Cut(a, []byte("\n"))
		y, b, _ = bytes.Cut(b, []byte("\n"))
		if !bytes.Equal(bytes.TrimSuffix(x, []byte("\r")), bytes.TrimSuffix(y, []byte("\r"))) {
			return n
		}
	}
	return 0
}
