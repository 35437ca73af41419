package cli

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/report"
)

// result prints what a command came to: the document with --json, otherwise
// text, which is what report.Reporter.Result can put into words.
func (a *app) result(doc, text any) error {
	if a.json {
		return a.rep.Result(doc)
	}
	return a.rep.Result(text)
}

// shipTable is the table that ends a ship.
func (a *app) shipTable(s *session, d *shipDoc) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Title: i18n.M("cli.table.target")},
		{Title: i18n.M("cli.table.binary"), Right: true},
		{Title: i18n.M("cli.table.image"), Right: true},
		{Title: i18n.M("cli.table.base"), Wrap: true},
		{Title: i18n.M("cli.table.digest")},
		{Title: i18n.M("cli.table.time"), Right: true},
	}}
	for i, st := range d.Targets {
		var size int64
		for _, b := range st.Binaries {
			size += b.Size
		}
		row := []string{st.Platform, report.Bytes(size), "–", "–", short(st.Binaries[0].Digest), report.Duration(st.took)}
		if st.Image != nil {
			row[2] = report.Bytes(st.Image.Size)
			row[3] = a.baseLine(s.plan, s.plan.Targets[i])
			row[4] = short(st.Image.Digest)
		}
		t.Rows = append(t.Rows, row)
	}
	t.Notes = []i18n.Message{i18n.M("cli.ship.version", d.Module, d.Version, d.Toolchain)}
	if d.Index != nil {
		t.Notes = append(t.Notes, i18n.M("cli.ship.index", d.Index.Digest))
	}
	t.Notes = append(t.Notes, i18n.M("cli.ship.output", a.pretty(s, d.Run.Output), report.Duration(time.Duration(d.Run.Seconds*float64(time.Second)))))
	for _, f := range d.Run.Archive {
		t.Notes = append(t.Notes, i18n.M("cli.ship.archive", a.pretty(s, f)))
	}
	for _, r := range d.Run.Loaded {
		t.Notes = append(t.Notes, i18n.M("cli.ship.loaded", r))
	}
	for _, r := range d.Run.Pushed {
		t.Notes = append(t.Notes, i18n.M("cli.ship.pushed", r))
	}
	return t
}

// pretty shows a path relative to where the user is, if that is shorter.
func (a *app) pretty(s *session, path string) string {
	if rel, err := filepath.Rel(s.dir, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

// baseLine says what the base is and what it holds.
func (a *app) baseLine(p plan.Plan, t plan.Target) string {
	b := t.Image.Base
	var parts []string
	add := func(on bool, m i18n.Message) {
		if on {
			parts = append(parts, a.say(m))
		}
	}
	add(b.Roots, i18n.M("cli.base.roots"))
	add(b.Zones, i18n.M("cli.base.zones"))
	add(b.Users, i18n.M("cli.base.users"))
	add(b.Temp, i18n.M("cli.base.temp"))
	add(b.Home, i18n.M("cli.base.home"))
	s := string(b.Kind)
	switch b.Kind {
	case plan.Reference:
		s = b.Ref
	case plan.Closure:
		add(true, i18n.M("cli.base.libs"))
	}
	if len(parts) > 0 {
		s += " (" + strings.Join(parts, ", ") + ")"
	}
	return s
}

// short is a digest for people: enough to tell two apart.
func short(digest string) string {
	if _, hex, ok := strings.Cut(digest, ":"); ok && len(hex) > 12 {
		return hex[:12]
	}
	return digest
}

// writeJSON writes an indented document by rename.
func writeJSON(name string, v any) error {
	return writeFile(name, func(w io.Writer) error { return encodeJSON(w, v) })
}

func encodeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeFile writes a file under a temporary name and renames it. A file that
// already has the content is written all the same: whoever watches it sees one
// change.
func writeFile(name string, content func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return writeFault(name, err)
	}
	// With the name in it, so that what a killed run left of this very file can
	// be told and removed, even among files of the user.
	prefix := ".slipway-tmp-" + filepath.Base(name) + "-"
	removeLeftovers(filepath.Dir(name), prefix)
	f, err := os.CreateTemp(filepath.Dir(name), prefix+"*")
	if err != nil {
		return writeFault(name, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = writeFault(name, err)
		}
	}()
	if err = content(f); err == nil {
		err = f.Chmod(0o644)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

// removeLeftovers removes the temporary files in dir whose names are prefix
// and a number.
func removeLeftovers(dir, prefix string) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range list {
		if rest, ok := strings.CutPrefix(e.Name(), prefix); ok && strings.Trim(rest, "0123456789") == "" {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func writeFault(name string, err error) error {
	return fault.New(err, i18n.M("cli.write", name), i18n.M("cli.write.hint"))
}

// removeOutdated removes binaries of an earlier ship that this one did not
// make. Only files that the earlier ship.json names are touched.
func removeOutdated(output string, now *shipDoc) error {
	b, err := os.ReadFile(filepath.Join(output, "ship.json"))
	if err != nil {
		return nil // the first ship
	}
	var old shipDoc
	if json.Unmarshal(b, &old) != nil {
		return nil
	}
	keep := map[string]bool{}
	for _, p := range now.files() {
		keep[p] = true
	}
	for _, p := range old.files() {
		if keep[p] || !filepath.IsLocal(p) {
			continue
		}
		name := filepath.Join(output, filepath.FromSlash(p))
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			return writeFault(name, err)
		}
		os.Remove(filepath.Dir(name)) // succeeds only if it is empty now
	}
	return nil
}

// files are the paths of all binaries, relative to the output directory.
func (d *shipDoc) files() []string {
	var out []string
	for _, t := range d.Targets {
		for _, b := range t.Binaries {
			out = append(out, b.Path)
			if b.Debug != "" {
				out = append(out, b.Debug)
			}
		}
	}
	return out
}
