package probe

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Tmp is where a program can put files.
type Tmp struct {
	Places []Place `json:"places"`
}

// Place is one directory that a program expects.
type Place struct {
	Use      string      `json:"use"` // tmp, home, cache, config, work
	Path     string      `json:"path,omitempty"`
	From     string      `json:"from"` // variable or default that names it
	Exists   bool        `json:"exists"`
	Mode     fs.FileMode `json:"mode,omitempty"`
	UID      int         `json:"uid"`
	GID      int         `json:"gid"`
	Writable bool        `json:"writable"`        // an empty file was made and removed
	Error    string      `json:"error,omitempty"` // what a Go program is told
	Mount
}

// Mount is the file system that a place lies on.
type Mount struct {
	Type       string `json:"type,omitempty"`
	FreeBytes  uint64 `json:"freeBytes,omitempty"`
	FreeInodes uint64 `json:"freeInodes,omitempty"`
	Inodes     uint64 `json:"inodes,omitempty"` // 0: the file system does not count them
	ReadOnly   bool   `json:"readOnly,omitempty"`
	NoExec     bool   `json:"noExec,omitempty"`
}

// Places says where this process can write: os.TempDir, the home directory,
// the directories of the XDG base directory specification, and the working
// directory. An empty file is made in each and removed at once.
func Places(ctx context.Context, sys System) Report {
	r := newReport("tmp", "")
	t := &Tmp{}
	r.Tmp = t
	tmp, from := sys.getenv("TMPDIR"), "TMPDIR"
	if tmp == "" {
		tmp, from = "/tmp", "default"
	}
	home := sys.getenv("HOME")
	t.look(sys, "tmp", tmp, from)
	t.look(sys, "home", home, "HOME")
	for _, d := range []struct{ use, env, below string }{{"cache", "XDG_CACHE_HOME", ".cache"}, {"config", "XDG_CONFIG_HOME", ".config"}} {
		switch v := sys.getenv(d.env); {
		case v != "":
			t.look(sys, d.use, v, d.env)
		case home != "":
			t.look(sys, d.use, path.Join(home, d.below), "HOME")
		default:
			t.look(sys, d.use, "", "HOME")
		}
	}
	wd, err := os.Getwd()
	if err != nil {
		t.Places = append(t.Places, Place{Use: "work", From: "getcwd", Error: err.Error()})
	} else if sys.Root == "" {
		t.look(sys, "work", wd, "getcwd")
	}
	for _, p := range t.Places {
		if ctx.Err() == nil {
			r.add(p.step())
		}
	}
	return r.done()
}

func (t *Tmp) look(sys System, use, dir, from string) {
	p := Place{Use: use, Path: dir, From: from, UID: -1, GID: -1}
	defer func() { t.Places = append(t.Places, p) }()
	if dir == "" {
		p.Error = "neither $XDG_CACHE_HOME nor $HOME are defined"
		switch use {
		case "home":
			p.Error = "$HOME is not defined"
		case "config":
			p.Error = "neither $XDG_CONFIG_HOME nor $HOME are defined"
		}
		return
	}
	fi, err := os.Stat(sys.path(dir))
	if err != nil {
		p.Error = err.Error()
		return
	}
	p.Exists, p.Mode = true, fi.Mode()
	p.UID, p.GID = owner(fi)
	p.Mount = mountOf(sys.path(dir))
	f, err := os.CreateTemp(sys.path(dir), "slipway-probe-*")
	if err != nil {
		p.Error = err.Error()
		return
	}
	p.Writable = true
	if err := f.Close(); err != nil {
		p.Error = err.Error()
	}
	if err := os.Remove(f.Name()); err != nil {
		p.Error = err.Error()
	}
}

// lowSpace is the free space below which a temporary directory is worth a
// word, in bytes.
const lowSpace = 16 << 20

// rights writes a mode as ls -l does, which is what people can read.
func rights(m fs.FileMode) string {
	b := []byte("-" + m.Perm().String()[1:])
	if m.IsDir() {
		b[0] = 'd'
	}
	for i, special := range []fs.FileMode{fs.ModeSetuid, fs.ModeSetgid, fs.ModeSticky} {
		if at := 3 * (i + 1); m&special != 0 {
			with, without := byte('s'), byte('S')
			if special == fs.ModeSticky {
				with, without = 't', 'T'
			}
			if b[at] == 'x' {
				b[at] = with
			} else {
				b[at] = without
			}
		}
	}
	return string(b)
}

func (p Place) step() Step {
	st := Step{Status: OK, What: p.what(), Seen: p.Path}
	if !p.Writable {
		st.Seen = p.Error
		switch {
		case p.Use == "tmp":
			st.Status, st.Note, st.Fix = Fail, i18n.M("probe.tmp.none"), i18n.M("probe.tmp.none.fix", p.Path)
		case !p.Exists && p.Use != "work":
			st.Status, st.Note = Info, i18n.M("probe.tmp.absent", p.From)
		default:
			st.Status, st.Note = Info, i18n.M("probe.tmp.readonly")
		}
		return st
	}
	st.Seen = fmt.Sprintf("%s %s %d:%d", p.Path, rights(p.Mode), p.UID, p.GID)
	if p.Type != "" {
		st.Seen += " " + p.Type
	}
	if p.FreeBytes > 0 {
		st.Seen += fmt.Sprintf(" %d MiB", p.FreeBytes>>20)
	}
	if p.Use != "tmp" {
		return st
	}
	switch {
	case p.FreeBytes < lowSpace && p.Type != "":
		st.Status, st.Note = Warn, i18n.M("probe.tmp.full", p.FreeBytes>>20)
	case p.Inodes > 0 && p.FreeInodes < 100:
		st.Status, st.Note = Warn, i18n.M("probe.tmp.inodes", p.FreeInodes)
	case p.Mode.Perm()&0o002 != 0 && p.Mode&fs.ModeSticky == 0:
		st.Status, st.Note, st.Fix = Warn, i18n.M("probe.tmp.sticky"), i18n.M("probe.tmp.sticky.fix", p.Path)
	case p.NoExec:
		st.Note = i18n.M("probe.tmp.noexec")
	}
	return st
}

func (p Place) what() i18n.Message {
	switch p.Use {
	case "tmp":
		return i18n.M("probe.tmp.tmp")
	case "home":
		return i18n.M("probe.tmp.home")
	case "cache":
		return i18n.M("probe.tmp.cache")
	case "config":
		return i18n.M("probe.tmp.config")
	}
	return i18n.M("probe.tmp.work")
}

// Free gives the bytes that are free to this user in a directory, and false if
// that cannot be told.
func Free(dir string) (uint64, bool) {
	m := mountOf(dir)
	return m.FreeBytes, m.Type != ""
}
