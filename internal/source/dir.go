package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

func openDir(o Options, args []string) (*Tree, error) {
	t := &Tree{Kind: KindDir, Arg: strings.Join(args, " "), o: o}
	var others []string // module roots of arguments outside the first one's module
	for i, arg := range args {
		dir, rest, err := resolveArg(o.Dir, arg)
		if err != nil {
			return nil, err
		}
		root, err := moduleRoot(o, dir)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			t.Root = root
		} else if root != t.Root {
			others = append(others, root)
		}
		pattern, err := relPattern(t.Root, dir, rest)
		if err != nil {
			return nil, err
		}
		t.Patterns = append(t.Patterns, pattern)
	}
	if err := t.openWork(others); err != nil {
		return nil, err
	}
	t.Repo = findRepo(t.Root)
	return t, nil
}

// resolveArg splits an argument into an existing directory, without symbolic
// links, and the part of a pattern that does not name one.
func resolveArg(wd, arg string) (dir, rest string, err error) {
	slash := filepath.ToSlash(arg)
	if i := strings.Index(slash, "..."); i >= 0 {
		j := strings.LastIndexByte(slash[:i], '/') + 1
		slash, rest = slash[:j], slash[j:]
	}
	dir = filepath.FromSlash(slash)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(wd, dir)
	}
	real, err := filepath.EvalSymlinks(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint := i18n.M("source.arg.missing.hint")
		if looksLikeImportPath(slash) {
			hint = i18n.M("source.arg.module.hint", strings.TrimSuffix(slash, "/"))
		}
		return "", "", fault.UsageError(i18n.M("source.arg.missing", arg), hint)
	case err != nil:
		return "", "", fmt.Errorf("open %s: %w", arg, err)
	case !isDir(real):
		return "", "", fault.UsageError(i18n.M("source.arg.file", arg), i18n.M("source.arg.file.hint", filepath.Dir(arg)))
	}
	return real, rest, nil
}

func looksLikeImportPath(arg string) bool {
	first, _, ok := strings.Cut(arg, "/")
	return ok && strings.Contains(strings.Trim(first, "."), ".")
}

// relPattern words a directory and the rest of a pattern relative to root.
func relPattern(root, dir, rest string) (string, error) {
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return "", fmt.Errorf("find %s from the module's root: %w", dir, err)
	}
	p := path.Join(filepath.ToSlash(rel), rest)
	if p != "." && p != ".." && !strings.HasPrefix(p, "../") {
		p = "./" + p
	}
	return p, nil
}

// moduleRoot finds the directory of the go.mod that governs dir.
func moduleRoot(o Options, dir string) (string, error) {
	root, top := findUp(dir, func(d string) bool {
		// The go command ignores a go.mod in the directory for temporary
		// files, where anyone may put one (go.dev/issue/26708).
		return isFile(filepath.Join(d, "go.mod")) && d != filepath.Clean(os.TempDir())
	})
	if root != "" {
		return root, nil
	}
	hint := i18n.M("source.nomodule.hint")
	if w, err := readWork(o, dir); err == nil && w != nil && len(w.uses) > 0 {
		hint = i18n.M("source.nomodule.work.hint", w.file, strings.Join(relAll(o.Dir, w.uses), " "))
	}
	return "", fault.UsageError(i18n.M("source.nomodule", dir, top), hint)
}

func relAll(from string, dirs []string) []string {
	out := make([]string, len(dirs))
	for i, d := range dirs {
		out[i] = d
		if rel, err := filepath.Rel(from, d); err == nil && filepath.IsLocal(rel) {
			out[i] = "./" + filepath.ToSlash(rel)
		}
	}
	return out
}

// findUp gives the nearest directory at or above dir for which ok holds, or
// "" and the last directory it looked at.
func findUp(dir string, ok func(string) bool) (found, top string) {
	for {
		if ok(dir) {
			return dir, dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", dir
		}
		dir = up
	}
}

func isDir(name string) bool {
	fi, err := os.Stat(name)
	return err == nil && fi.IsDir()
}

func isFile(name string) bool {
	fi, err := os.Stat(name)
	return err == nil && !fi.IsDir()
}
