package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// workFile is a go.work, with the directories it uses.
type workFile struct {
	file     string
	uses     []string // absolute, without symbolic links
	replaces []string // directories of local replacements, absolute
}

// openWork finds the workspace of t.Root and checks that it holds that module
// and others.
func (t *Tree) openWork(others []string) error {
	w, err := readWork(t.o, t.Root)
	if err != nil {
		return err
	}
	if w == nil {
		if len(others) > 0 {
			return fault.UsageError(i18n.M("source.several", t.Root, others[0]), i18n.M("source.several.hint"))
		}
		return nil
	}
	for _, root := range append([]string{t.Root}, others...) {
		if !slices.Contains(w.uses, root) {
			return &fault.Error{Pos: fault.Pos{File: w.file}, Msg: i18n.M("source.work.unused", root), Hint: i18n.M("source.work.unused.hint", root), Code: fault.Usage}
		}
	}
	t.WorkFile, t.work = w.file, w
	return nil
}

// readWork finds and reads the go.work in effect for dir as the go command
// does; nil if there is none.
func readWork(o Options, dir string) (*workFile, error) {
	file := o.env("GOWORK")
	if file == "" {
		file = o.Go.Settings.Changed["GOWORK"] // go env -w
	}
	switch file {
	case "off":
		return nil, nil
	case "", "auto":
		at, _ := findUp(dir, func(d string) bool { return isFile(filepath.Join(d, "go.work")) })
		if at == "" {
			return nil, nil
		}
		file = filepath.Join(at, "go.work")
	default:
		if !filepath.IsAbs(file) || !isFile(file) {
			return nil, fault.UsageError(i18n.M("source.work.env", file), i18n.M("source.work.env.hint"))
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read go.work: %w", err)
	}
	f, err := modfile.ParseWork(file, b, nil)
	if err != nil {
		return nil, parseFault(file, err)
	}
	w := &workFile{file: file}
	for _, u := range f.Use {
		w.uses = append(w.uses, localDir(filepath.Dir(file), u.Path))
	}
	w.replaces = localReplaces(filepath.Dir(file), f.Replace)
	return w, nil
}

// parseFault points at the first error of a go.mod or go.work.
func parseFault(file string, err error) error {
	e := &fault.Error{Pos: fault.Pos{File: file}, Msg: i18n.M("source.parse", filepath.Base(file)), Code: fault.Usage, Cause: err}
	if list, ok := errors.AsType[modfile.ErrorList](err); ok && len(list) > 0 {
		e.Pos.Line, e.Pos.Column, e.Cause = list[0].Pos.Line, list[0].Pos.LineRune, list[0].Err
	}
	return e
}

func localReplaces(dir string, rs []*modfile.Replace) []string {
	var out []string
	for _, r := range rs {
		if r.New.Version == "" {
			out = append(out, localDir(dir, r.New.Path))
		}
	}
	return out
}

// localDir gives the directory a use or replace line means; one that does not
// exist keeps its name.
func localDir(dir, name string) string {
	name = filepath.FromSlash(name)
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	return name
}

// dirs gives every directory whose files the build can read: the module, the
// other modules of its workspace, and what local replace lines name. A go.mod
// that does not parse is left to those who need what it says.
func (t *Tree) dirs() []string {
	modules, all := []string{t.Root}, []string{}
	if t.work != nil {
		modules = append(modules, t.work.uses...)
		all = append(all, t.work.replaces...)
	}
	for _, dir := range modules {
		all = append(all, dir)
		name := filepath.Join(dir, "go.mod")
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if f, err := modfile.Parse(name, b, nil); err == nil {
			all = append(all, localReplaces(dir, f.Replace)...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// below reports whether name is root or lies in it, and its slash-separated
// path from there, "" for root itself.
func below(root, name string) (string, bool) {
	rel, err := filepath.Rel(root, name)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	if rel == "." {
		return "", true
	}
	return filepath.ToSlash(rel), true
}
