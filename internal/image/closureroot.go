package image

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-build/slipway/internal/ldso"
)

// sysroot is a directory seen as a root directory: links in it, absolute ones
// too, lead to places in it and never to this machine's own files.
type sysroot struct{ dir string }

func newSysroot(dir string) *sysroot { return &sysroot{dir} }

// host is where a path without links lies on this disk.
func (s *sysroot) host(real string) string { return filepath.Join(s.dir, filepath.FromSlash(real)) }

var errLinks = errors.New("too many symbolic links")

// resolve gives the path without links that p leads to, and the links on the
// way (path_resolution(7)). What it leads to exists.
func (s *sysroot) resolve(p string) (real string, links []ldso.Link, err error) {
	real, rest := "/", path.Clean("/"+p)
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			real = path.Dir(real)
			continue
		}
		next := path.Join(real, name)
		fi, err := os.Lstat(s.host(next))
		if err != nil {
			return "", nil, err
		}
		if fi.Mode()&os.ModeSymlink == 0 {
			real = next
			continue
		}
		if len(links) == linkDepth {
			return "", nil, fmt.Errorf("%s: %w", p, errLinks)
		}
		target, err := os.Readlink(s.host(next))
		if err != nil {
			return "", nil, err
		}
		links = append(links, ldso.Link{Path: next, Target: filepath.ToSlash(target)})
		rest = filepath.ToSlash(target) + "/" + rest
		if strings.HasPrefix(rest, "/") {
			real = "/"
		}
	}
	return real, links, nil
}
