package facts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// maxModFile bounds go.mod and go.work, in bytes; the largest known go.mod
// files have about 100 kB.
const maxModFile = 4 << 20

// readModule reads go.mod in root.
func readModule(root string) (Module, error) {
	name := filepath.Join(root, "go.mod")
	b, err := readBounded(name)
	if err != nil {
		return Module{}, err
	}
	f, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		return Module{}, modFault(err, "go.mod")
	}
	if f.Module == nil {
		e := fault.UsageError(i18n.M("facts.gomod.nomodule"), i18n.M("facts.gomod.nomodule.hint"))
		e.Pos = Pos{File: "go.mod", Line: 1}
		return Module{}, e
	}
	m := moduleOf(f, "go.mod")
	if _, err := os.Stat(filepath.Join(root, "go.sum")); err == nil {
		m.HasGoSum = true
	}
	m.License = licenseFile(root)
	return m, nil
}

// moduleOf makes the document of a parsed go.mod that has a module line; file
// is its name in positions.
func moduleOf(f *modfile.File, file string) Module {
	m := Module{Path: f.Module.Mod.Path, Pos: linePos(file, f.Module.Syntax)}
	if f.Go != nil {
		m.Go = Line{f.Go.Version, linePos(file, f.Go.Syntax)}
	}
	if f.Toolchain != nil {
		m.Toolchain = Line{f.Toolchain.Name, linePos(file, f.Toolchain.Syntax)}
	}
	for _, g := range f.Godebug {
		m.Godebug = append(m.Godebug, Line{g.Key + "=" + g.Value, linePos(file, g.Syntax)})
	}
	for _, x := range f.Exclude {
		m.Excludes = append(m.Excludes, Line{x.Mod.String(), linePos(file, x.Syntax)})
	}
	for _, t := range f.Tool {
		m.ToolLines = append(m.ToolLines, Line{t.Path, linePos(file, t.Syntax)})
	}
	m.Replaces = replaces(file, f.Replace)
	return m
}

// readWork reads the go.work file, whose name is shown as display.
func readWork(name, display string) (*Work, error) {
	b, err := readBounded(name)
	if err != nil {
		return nil, err
	}
	return parseWork(display, b)
}

func parseWork(display string, src []byte) (*Work, error) {
	f, err := modfile.ParseWork(display, src, nil)
	if err != nil {
		return nil, modFault(err, display)
	}
	w := &Work{File: display}
	if f.Go != nil {
		w.Go = Line{f.Go.Version, linePos(display, f.Go.Syntax)}
	}
	if f.Toolchain != nil {
		w.Toolchain = Line{f.Toolchain.Name, linePos(display, f.Toolchain.Syntax)}
	}
	for _, u := range f.Use {
		w.Uses = append(w.Uses, Line{u.Path, linePos(display, u.Syntax)})
	}
	w.Replaces = replaces(display, f.Replace)
	return w, nil
}

func replaces(file string, rs []*modfile.Replace) []Replace {
	var out []Replace
	for _, r := range rs {
		out = append(out, Replace{
			Old: r.Old.String(), New: r.New.String(),
			Local: r.New.Version == "",
			Pos:   linePos(file, r.Syntax),
		})
	}
	return out
}

func linePos(file string, l *modfile.Line) Pos {
	if l == nil {
		return Pos{File: file}
	}
	return Pos{File: file, Line: l.Start.Line, Column: l.Start.LineRune}
}

// modFault turns the parser's error list into one user error at the first place.
func modFault(err error, file string) error {
	var list modfile.ErrorList
	if !errors.As(err, &list) || len(list) == 0 {
		return fmt.Errorf("read %s: %w", file, err)
	}
	e := fault.UsageError(i18n.M("facts.gomod.syntax", list[0].Err), i18n.M("facts.gomod.syntax.hint"))
	e.Pos = Pos{File: file, Line: list[0].Pos.Line, Column: list[0].Pos.LineRune}
	return e
}

func readBounded(name string) ([]byte, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if fi.Size() > maxModFile {
		return nil, fault.UsageError(i18n.M("facts.file.large", name, fi.Size(), maxModFile), i18n.Message{})
	}
	return os.ReadFile(name)
}

// licenseFile gives the name of the licence file in root, "" if there is none.
func licenseFile(root string) string {
	es, err := os.ReadDir(root)
	if err != nil {
		return ""
	}
	for _, e := range es {
		n := strings.ToUpper(e.Name())
		if e.Type().IsRegular() && (strings.HasPrefix(n, "LICENSE") || strings.HasPrefix(n, "LICENCE") || strings.HasPrefix(n, "COPYING")) {
			return e.Name()
		}
	}
	return ""
}

// hasVendor reports whether the module or workspace is vendored.
func hasVendor(root string) *Vendor {
	if fi, err := os.Stat(filepath.Join(root, "vendor", "modules.txt")); err == nil && fi.Mode().IsRegular() {
		return &Vendor{Pos: Pos{File: "vendor/modules.txt"}}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return nil
}
