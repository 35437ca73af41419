package image

import (
	"path"
	"strings"
)

// tree is what a layer must know of the layers below it: their directories and
// symbolic links. A layer that names /tmp again changes the permissions of
// /tmp, and one that makes /lib a directory where a base has a link to usr/lib
// hides the libraries of that base.
type tree map[string]Entry

// place moves the items to where they end up when the links of the lower
// layers are followed, and gives the directories above them the permissions
// those have below.
func (t tree) place(items []item) []item {
	out := make([]item, 0, len(items))
	have := map[string]bool{}
	for _, it := range items {
		if it.Dir {
			it.Path = t.follow(it.Path)
		} else {
			it.Path = path.Join(t.follow(path.Dir(it.Path)), path.Base(it.Path))
		}
		if below, ok := t[it.Path]; ok && it.implied && below.Dir {
			it.Mode, it.UID, it.GID = below.Mode, below.UID, below.GID
		}
		if it.Path == "/" {
			continue // the root belongs to the engine
		}
		have[it.Path] = true
		out = append(out, it)
	}
	for _, it := range out {
		for dir := path.Dir(it.Path); dir != "/"; dir = path.Dir(dir) {
			if have[dir] {
				continue
			}
			have[dir] = true
			if below, ok := t[dir]; ok && below.Dir {
				out = append(out, item{Entry: below})
			}
		}
	}
	return out
}

// add lays the entries of one layer over the tree.
func (t tree) add(entries []Entry) {
	for _, e := range entries {
		if e.Dir || e.Link != "" {
			t[e.Path] = e
		} else {
			delete(t, e.Path)
		}
	}
}

// linkDepth is how many links a path may lead through, as on Linux.
const linkDepth = 40

// follow resolves the links in an absolute, clean path. A path with too many
// is left as it is: no engine could unpack into it either.
func (t tree) follow(p string) string {
	done, links := "/", 0
	for rest := strings.Split(p, "/"); len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, name)
		e, ok := t[next]
		if !ok || e.Link == "" {
			done = next
			continue
		}
		if links++; links > linkDepth {
			return p
		}
		if path.IsAbs(e.Link) {
			done = "/"
		}
		rest = append(strings.Split(e.Link, "/"), rest...)
	}
	return done
}
