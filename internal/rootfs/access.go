package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// DefaultPath is the PATH that container runtimes give to a program whose
// image names none (moby, oci.DefaultPathEnv; containerd, oci.WithImageConfig).
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Why a program cannot be executed.
var (
	ErrNotFound   = errors.New("no such file")
	ErrNotFile    = errors.New("not a regular file")
	ErrNotAllowed = errors.New("not executable by the user")
	ErrNoSearch   = errors.New("the user may not search the directory")
)

// LookError says why a program cannot be executed. errors.Is tells the four
// reasons above, and ErrLinks.
type LookError struct {
	Name string // as it was asked for
	At   string // file or directory that is in the way; empty if nothing was found
	Node Node   // what is At, if anything is there
	Err  error
}

// Error implements error.
func (e *LookError) Error() string {
	if e.At == "" || e.At == e.Name {
		return fmt.Sprintf("%s: %v", strconv.Quote(e.Name), e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", strconv.Quote(e.Name), e.At, e.Err)
}

// Unwrap gives the reason.
func (e *LookError) Unwrap() error { return e.Err }

// Allows reports whether u has all of the permissions: 4 to read, 2 to write,
// 1 to execute, or to search a directory. Root has them, save that it can
// execute only what somebody can (path_resolution(7), "Bypassing permission
// checks"). Where the owner is not known the answer is that for anybody.
func (n Node) Allows(u User, bits fs.FileMode) bool {
	if u.UID == 0 {
		return bits&1 == 0 || n.Kind == Dir || n.Mode&0o111 != 0
	}
	mode := n.Mode
	switch {
	case n.UID == u.UID:
		mode >>= 6
	case n.GID == u.GID || slices.Contains(u.Groups, n.GID):
		mode >>= 3
	}
	return mode&bits == bits
}

// Reach follows a path as u would: every directory on the way, those of links
// included, must be one that u may search. The error is a *LookError.
func (t *Tree) Reach(p string, u User) (Node, error) {
	var at Node
	it, err := t.walk(p, true, func(dir Node) error {
		if !dir.Allows(u, 1) {
			at = dir
			return ErrNoSearch
		}
		return nil
	})
	if err == nil {
		return it.Node, nil
	}
	e := &LookError{Name: p, At: at.Path, Node: at, Err: err}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		e.Err = pe.Err
	}
	if errors.Is(e.Err, fs.ErrNotExist) || errors.Is(e.Err, errNotDir) {
		e.Err = ErrNotFound
	}
	return Node{}, e
}

// Found is a program that can be executed.
type Found struct {
	Path string // where it was found; may be a link
	Node Node   // the file it leads to
}

// LookPath finds the program that a container runtime would execute for name,
// as user u in the working directory dir (empty: /): a name with a slash is a
// path, any other is searched for in the directories of search, the value of
// PATH; empty means DefaultPath. The error is a *LookError: of a name in
// several directories, that of the first file which is in the way.
func (t *Tree) LookPath(name, search, dir string, u User) (Found, error) {
	if dir == "" {
		dir = "/"
	}
	if name == "" {
		return Found{}, &LookError{Name: name, Err: ErrNotFound}
	}
	if strings.Contains(name, "/") {
		p := name
		if !path.IsAbs(p) {
			p = dir + "/" + p
		}
		f, err := t.executable(p, u)
		if err != nil {
			err.Name = name
			return Found{}, err
		}
		return f, nil
	}
	if search == "" {
		search = DefaultPath
	}
	first := &LookError{Name: name, Err: ErrNotFound}
	for d := range strings.SplitSeq(search, ":") {
		// A relative directory is not searched: Go's exec.LookPath, which runc
		// uses, refuses what it finds there.
		if !path.IsAbs(d) {
			continue
		}
		f, err := t.executable(path.Join(d, name), u)
		if err == nil {
			return f, nil
		}
		if first.Err == ErrNotFound && err.Err != ErrNotFound {
			err.Name = name
			first = err
		}
	}
	return Found{}, first
}

// executable checks one path.
func (t *Tree) executable(p string, u User) (Found, *LookError) {
	n, err := t.Reach(p, u)
	if err != nil {
		var e *LookError
		errors.As(err, &e)
		return Found{}, e
	}
	switch {
	case n.Kind != Regular:
		return Found{}, &LookError{Name: p, At: n.Path, Node: n, Err: ErrNotFile}
	case !n.Allows(u, 1):
		return Found{}, &LookError{Name: p, At: n.Path, Node: n, Err: ErrNotAllowed}
	}
	return Found{Path: path.Clean(p), Node: n}, nil
}
