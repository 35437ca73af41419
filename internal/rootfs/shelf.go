package rootfs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Shelf keeps root file systems under names of the user, in a directory of the
// cache:
//
//	root-NAME/root       the files
//	root-NAME/root.json  where they are from, and how many
//
// A root file system appears complete or not at all. Several processes may use
// a shelf at once.
type Shelf struct{ Dir string }

// Kept is a root file system on a shelf.
type Kept struct {
	Name  string    `json:"name"`
	From  string    `json:"from"` // as the user named it
	Added time.Time `json:"added"`
	Files int       `json:"files"` // of any kind, directories included
	Bytes int64     `json:"bytes"` // of the contents of files
	// Owners is set when the files have the owners they are meant to have; else
	// they belong to who added them.
	Owners bool   `json:"owners"`
	Path   string `json:"path"` // directory of the files
}

const (
	shelfEntry = "root-" // so that no name is one that Windows keeps for itself
	shelfTemp  = ".tmp-"
	shelfRoot  = "root"
	shelfAbout = "root.json"
)

// Reserved are the names that mean something else where a base is named.
var Reserved = []string{"assembled", "scratch"}

// A count in the pattern would make it large, and every start of slipway slower.
var shelfName = regexp.MustCompile(`^[a-z0-9][a-z0-9._:+-]*$`)

const maxShelfName = 128 // bytes

// ErrNotKept is the error of a name that is not on the shelf.
var ErrNotKept = errors.New("no such root file system")

// ValidName reports whether a root file system can be kept under a name. A
// name is lower-case, for some file systems do not tell the cases apart.
func ValidName(name string) bool {
	return len(name) <= maxShelfName && shelfName.MatchString(name) && !slices.Contains(Reserved, name) && !strings.HasSuffix(name, ".") &&
		!slices.ContainsFunc([]string{"oci:", "docker:", "oci-archive:", "docker-archive:"}, func(p string) bool { return strings.HasPrefix(name, p) })
}

// place is where a name is kept. A colon, which Windows has another use for,
// is written as a percent sign and its number.
func (s Shelf) place(name string) string {
	return filepath.Join(s.Dir, shelfEntry+strings.ReplaceAll(name, ":", "%3a"))
}

// Free checks that a name can be given, and is not yet.
func (s Shelf) Free(name string) error {
	if !ValidName(name) {
		return fault.UsageError(i18n.M("rootfs.shelf.name", quote(name)), i18n.M("rootfs.shelf.name.hint"))
	}
	if _, err := os.Lstat(s.place(name)); err == nil {
		return fault.UsageError(i18n.M("rootfs.shelf.there", name), i18n.M("rootfs.shelf.there.hint", name))
	}
	return nil
}

// Add unpacks a tree and keeps it under name. One that is kept already is an
// error. lost is called as UnpackOptions.Lost is; it may be nil.
func (s Shelf) Add(ctx context.Context, name, from string, tree *Tree, lost func(Node, Loss)) (kept Kept, err error) {
	if err := s.Free(name); err != nil {
		return Kept{}, err
	}
	if err := os.MkdirAll(s.Dir, 0o777); err != nil {
		return Kept{}, s.fault(err)
	}
	s.sweep()
	temp, err := os.MkdirTemp(s.Dir, shelfTemp)
	if err != nil {
		return Kept{}, s.fault(err)
	}
	release, err := hold(temp)
	if err != nil {
		_ = os.RemoveAll(temp)
		return Kept{}, s.fault(err)
	}
	defer func() {
		release()
		if err != nil {
			_ = RemoveAll(temp)
		}
	}()
	kept = Kept{Name: name, From: from, Added: time.Now().UTC().Truncate(time.Second), Owners: CanKeepOwners()}
	if err := tree.Walk(ctx, func(n Node) error {
		kept.Files++
		kept.Bytes += n.Size
		return nil
	}); err != nil {
		return Kept{}, fmt.Errorf("read root file system: %w", err)
	}
	if err := tree.Unpack(ctx, filepath.Join(temp, shelfRoot), UnpackOptions{Owners: kept.Owners, Lost: lost}); err != nil {
		if pe, ok := errors.AsType[*fs.PathError](err); ok && !errors.Is(err, fs.ErrNotExist) {
			return Kept{}, s.fault(pe)
		}
		return Kept{}, err
	}
	about, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return Kept{}, fmt.Errorf("describe root file system: %w", err)
	}
	if err := os.WriteFile(filepath.Join(temp, shelfAbout), append(about, '\n'), 0o644); err != nil {
		return Kept{}, s.fault(err)
	}
	// Others than who made the directory may look into it.
	if err := os.Chmod(temp, 0o755); err != nil {
		return Kept{}, s.fault(err)
	}
	if err := os.Rename(temp, s.place(name)); err != nil {
		if free := s.Free(name); free != nil {
			return Kept{}, free
		}
		return Kept{}, s.fault(err)
	}
	kept.Path = filepath.Join(s.place(name), shelfRoot)
	return kept, nil
}

// Get gives what is kept under a name; else the error is ErrNotKept.
func (s Shelf) Get(name string) (Kept, error) {
	if !ValidName(name) {
		return Kept{}, ErrNotKept
	}
	return s.read(s.place(name))
}

func (s Shelf) read(place string) (Kept, error) {
	root := filepath.Join(place, shelfRoot)
	if fi, err := os.Lstat(root); err != nil || !fi.IsDir() {
		return Kept{}, ErrNotKept
	}
	raw, err := os.ReadFile(filepath.Join(place, shelfAbout))
	if err != nil {
		return Kept{}, ErrNotKept
	}
	var k Kept
	if err := json.Unmarshal(raw, &k); err != nil || s.place(k.Name) != place {
		return Kept{}, ErrNotKept
	}
	k.Path = root
	return k, nil
}

// List gives all that is kept, sorted by name.
func (s Shelf) List() ([]Kept, error) {
	list, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.fault(err)
	}
	var out []Kept
	for _, e := range list {
		if !strings.HasPrefix(e.Name(), shelfEntry) {
			continue
		}
		if k, err := s.read(filepath.Join(s.Dir, e.Name())); err == nil {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b Kept) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Remove takes a root file system off the shelf; ErrNotKept if it is not there.
func (s Shelf) Remove(name string) error {
	if !ValidName(name) {
		return ErrNotKept
	}
	if _, err := os.Lstat(s.place(name)); err != nil {
		return ErrNotKept
	}
	s.sweep()
	// Nobody finds one that is half removed.
	temp, err := os.MkdirTemp(s.Dir, shelfTemp)
	if err != nil {
		return s.fault(err)
	}
	if err := os.Rename(s.place(name), filepath.Join(temp, shelfRoot)); err != nil {
		_ = os.Remove(temp)
		if errors.Is(err, fs.ErrNotExist) {
			return ErrNotKept
		}
		return s.fault(err)
	}
	if err := RemoveAll(temp); err != nil {
		return s.fault(err)
	}
	return nil
}

// sweep removes what killed processes left half-made.
func (s Shelf) sweep() {
	list, err := os.ReadDir(s.Dir)
	if err != nil {
		return
	}
	for _, e := range list {
		if !strings.HasPrefix(e.Name(), shelfTemp) {
			continue
		}
		dir := filepath.Join(s.Dir, e.Name())
		if release, err := hold(dir); err == nil {
			// One that was made a moment ago is not held yet.
			if fi, err := os.Stat(dir); err == nil && time.Since(fi.ModTime()) > time.Minute {
				_ = RemoveAll(dir)
			}
			release()
		}
	}
}

func (s Shelf) fault(err error) error {
	return fault.New(err, i18n.M("rootfs.shelf", s.Dir), i18n.M("rootfs.shelf.hint"))
}
