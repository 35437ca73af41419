package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// User is who runs a program, as numbers.
type User struct {
	UID    int    `json:"uid"`
	GID    int    `json:"gid"`
	Groups []int  `json:"groups,omitempty"` // supplementary
	Name   string `json:"name,omitempty"`   // of passwd; empty if it is not there
	Home   string `json:"home,omitempty"`   // of passwd; empty if it is not there
}

// ErrUser is the error of a user or group that is named and is not in the tree.
var ErrUser = errors.New("no such user or group")

// maxUsers bounds passwd and group; bytes.
const maxUsers = 4 << 20

// User resolves the user of an image's configuration, USER or USER:GROUP, each
// a name or a number, against /etc/passwd and /etc/group as container runtimes
// do (OCI image specification, config.md, "User"; moby/sys/user,
// GetExecUser): a number needs no entry, and has group 0 without one. An empty
// string is root.
func (t *Tree) User(spec string) (User, error) {
	name, group, grouped := strings.Cut(spec, ":")
	if name == "" {
		name = "0"
	}
	uid, numeric, err := number(name)
	if err != nil {
		return User{}, err
	}
	u := User{UID: uid}
	known := false
	if err := t.lines("/etc/passwd", 7, func(f []string) bool {
		id, gid := field(f[2]), field(f[3])
		if id < 0 || gid < 0 || f[0] != name && (!numeric || id != uid) {
			return true
		}
		u, known = User{UID: id, GID: gid, Name: f[0], Home: f[5]}, true
		return false
	}); err != nil {
		return User{}, err
	}
	if !known && !numeric {
		return User{}, fmt.Errorf("%w: %s is not in /etc/passwd", ErrUser, strconv.Quote(name))
	}
	if grouped && group != "" {
		gid, numeric, err := number(group)
		if err != nil {
			return User{}, err
		}
		known := numeric
		u.GID = gid
		if err := t.lines("/etc/group", 4, func(f []string) bool {
			id := field(f[2])
			if id < 0 || f[0] != group && (!numeric || id != gid) {
				return true
			}
			u.GID, known = id, true
			return false
		}); err != nil {
			return User{}, err
		}
		if !known {
			return User{}, fmt.Errorf("%w: %s is not in /etc/group", ErrUser, strconv.Quote(group))
		}
		return u, nil
	}
	if u.Name == "" {
		return u, nil
	}
	err = t.lines("/etc/group", 4, func(f []string) bool {
		if id := field(f[2]); id >= 0 && slices.Contains(strings.Split(f[3], ","), u.Name) && !slices.Contains(u.Groups, id) {
			u.Groups = append(u.Groups, id)
		}
		return true
	})
	return u, err
}

// number reads a user or group that may be a number. One that is out of range
// is an error, for the kernel would take it for another.
func number(s string) (int, bool, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, false, nil
	}
	if n < 0 || n > 1<<31-1 {
		return 0, false, fmt.Errorf("%w: %d is not a number from 0 to %d", ErrUser, n, 1<<31-1)
	}
	return int(n), true, nil
}

// field reads a number of a line; -1 if it is none.
func field(s string) int {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
	if err != nil || n < 0 {
		return -1
	}
	return int(n)
}

// lines calls f with the fields of every line that has that many, until it
// returns false. A file that is not there has no lines.
func (t *Tree) lines(file string, fields int, f func([]string) bool) error {
	b, err := t.ReadFile(file, maxUsers)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if parts := strings.Split(line, ":"); len(parts) >= fields && !strings.HasPrefix(line, "#") && !f(parts) {
			return nil
		}
	}
	return nil
}
