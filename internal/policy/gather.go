package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/license"
	"github.com/slipway-build/slipway/internal/osv"
)

// Sources say where what others know is found.
type Sources struct {
	Root     string // directory of the repository
	Settings string // directory that a relative database is named from
	ModCache string // as `go env GOMODCACHE`; "" none
	Cache    string // where answers of a database are kept; "" nowhere
	Offline  bool   // ask no server
	// Licenses asks for every licence even if the policy says nothing of them.
	Licenses bool
}

// Gather fills in repo.Known by repo.Policy. A database that cannot be read
// is an error: that nothing was found would mean nothing. Only if it must not
// be asked, and nothing is kept of it, is that a note.
func Gather(ctx context.Context, repo *facts.Repo, s Sources) error {
	p := repo.Policy
	if p == nil {
		p = &facts.Policy{}
	}
	repo.Known = &facts.Known{}
	var err error
	if repo.Known.Published, err = facts.ReadPublished(ctx, repo, s.ModCache); err != nil {
		return err
	}
	if repo.Deps != nil {
		all := s.Licenses || len(p.Licenses.Allow)+len(p.Licenses.Deny) > 0
		if err := licenses(ctx, repo, s, all); err != nil {
			return err
		}
	}
	if p.Database == "" {
		return nil
	}
	location := p.Database
	if !strings.Contains(location, "://") && !filepath.IsAbs(location) {
		location = filepath.Join(s.Settings, filepath.FromSlash(location))
	}
	list, err := osv.Read(ctx, location, modulesOf(repo), osv.Options{Cache: s.Cache, Offline: s.Offline})
	if s.Offline && errors.Is(err, osv.ErrOffline) {
		repo.Notes = append(repo.Notes, facts.Note{Text: i18n.M("facts.note.offline")})
		return nil
	}
	if err != nil {
		return err
	}
	repo.Known.Advisories = &facts.Advisories{List: list}
	return nil
}

// modulesOf gives every module of which a vulnerability would be of interest.
func modulesOf(repo *facts.Repo) []string {
	out := []string{"stdlib", "toolchain"}
	for i := range repo.Modules {
		for _, m := range repo.Selected(&repo.Modules[i]) {
			out = append(out, m.Path)
			if m.Source != "" {
				out = append(out, m.Source)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// licenses reads those of the repository's own modules and of the modules of
// which packages are linked. A module that cannot be read is left out: it may be gone since.
func licenses(ctx context.Context, repo *facts.Repo, s Sources, all bool) error {
	packages := map[string][]string{}
	for _, p := range repo.Deps.Packages {
		packages[p.Module] = append(packages[p.Module], p.Path)
	}
	for i := range repo.Modules {
		root := repo.Modules[i].Root
		files, err := license.Read(filepath.Join(s.Root, filepath.FromSlash(root)), license.Options{Packages: []string{"."}, Copyleft: true})
		if err == nil && len(files) > 0 {
			repo.Known.Licenses = append(repo.Known.Licenses, moduleLicense(root, root, files, true))
		}
	}
	for _, m := range repo.Deps.Modules {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read licences: %w", err)
		}
		linked := packages[m.Name()]
		dir, pos, ok := repo.DirOf(m, s.Root, s.ModCache)
		if !ok || len(linked) == 0 {
			continue
		}
		var dirs []string
		for _, p := range linked {
			dirs = append(dirs, cmp.Or(strings.TrimPrefix(strings.TrimPrefix(p, m.Path), "/"), "."))
		}
		slices.Sort(dirs)
		files, err := license.Read(dir, license.Options{Packages: dirs, Copyleft: !all})
		if err != nil {
			continue
		}
		repo.Known.Licenses = append(repo.Known.Licenses, moduleLicense(m.Name(), pos, files, !all))
	}
	return nil
}

func moduleLicense(name, pos string, files []license.File, partly bool) facts.ModuleLicense {
	out := facts.ModuleLicense{Module: name, Partly: partly}
	for _, f := range files {
		lf := facts.LicenseFile{Pos: facts.Pos{File: path.Join(pos, f.Name), Line: 1, Column: 1}, Percent: f.Percent, Known: f.Known, Choice: f.Choice}
		for i, m := range f.Matches {
			if i == 0 {
				lf.Pos.Line = m.Line
			}
			lf.IDs = append(lf.IDs, m.ID)
		}
		out.Files = append(out.Files, lf)
	}
	return out
}
