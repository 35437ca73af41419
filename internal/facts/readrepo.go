package facts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/i18n"
)

// Bounds on a repository, far above what is found in the field.
const (
	maxRepoFiles = 200000
	maxGoFile    = 16 << 20 // bytes
	maxTextFile  = 1 << 20  // bytes of any other file
	maxRepoDepth = 60       // directories
	maxIgnores   = 1000     // comments that silence rules, of one file
)

var errNoModule = errors.New("no module line")

// ReadRepo reads the repository that lies in root: one walk, no subprocess,
// no link followed. A file that is broken or too large gives a Note; an error
// means that root could not be read at all or ctx has ended.
func ReadRepo(ctx context.Context, root string) (Repo, error) {
	w := repoWalk{root: root, files: map[string]bool{}}
	if err := w.dir(ctx, ".", 0); err != nil {
		return Repo{}, fmt.Errorf("read repository: %w", err)
	}
	parts := make([]Repo, len(w.jobs))
	near := nearby{root, w.files}
	var eg errgroup.Group
	const batch = 64
	eg.SetLimit(runtime.GOMAXPROCS(0))
	for start := 0; start < len(w.jobs); start += batch {
		eg.Go(func() error {
			var buf []byte // for one file at a time
			for i := start; i < min(start+batch, len(w.jobs)); i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				parts[i], buf = readRepoFile(near, w.jobs[i], buf)
			}
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return Repo{}, fmt.Errorf("read repository: %w", err)
	}
	r := Repo{SchemaVersion: RepoSchemaVersion, Notes: w.notes, memo: &repoMemo{}}
	for i := range parts {
		r.add(&parts[i])
	}
	r.finish(root, w.files)
	return r, nil
}

// readRepoFile reads one file into buf, which it may enlarge and gives back;
// what the file says is in the Repo it gives, which keeps nothing of buf.
func readRepoFile(near nearby, j repoJob, buf []byte) (Repo, []byte) {
	src, err := readLimited(filepath.Join(near.root, filepath.FromSlash(j.path)), j.limit(), buf)
	if err != nil && j.kind == "yaml" {
		return Repo{}, buf // what is so large was not written by hand
	}
	if err != nil {
		return Repo{Notes: []Note{{Pos: Pos{File: j.path}, Text: i18n.M("facts.note.unread", reason(err))}}}, buf
	}
	return parseRepoFile(near, j, src), src
}

// limit is how large the file may be, in bytes.
func (j repoJob) limit() int64 {
	switch j.kind {
	case "go", "go.sum", "vendor":
		return maxGoFile
	case "go.mod":
		return maxModFile
	}
	return maxTextFile
}

func parseRepoFile(near nearby, j repoJob, src []byte) (r Repo) {
	note := func(text i18n.Message) { r.Notes = append(r.Notes, Note{Pos: Pos{File: j.path}, Text: text}) }
	switch j.kind {
	case "go":
		g, err := readGoFile(j.path, src)
		if g.Package == "" {
			note(i18n.M("facts.note.unread", reason(err)))
			return r
		}
		g.ZoneCalls = readZoneCalls(&g, src)
		readCode(&g, src)
		g.readCgoHead(src)
		g.Hosts = readHosts(&g, src)
		r.GoFiles = []GoFile{g}
	case "go.mod":
		m, err := readRepoModule(j.path, src)
		if err != nil {
			note(i18n.M("facts.note.faulty", reason(err)))
		}
		if m.Path == "" {
			return r
		}
		r.Modules = []RepoModule{m}
	case "go.sum":
		r.Modules = []RepoModule{{Root: path.Dir(j.path), Sums: readSums(j.path, string(src)), Module: Module{HasGoSum: true}}}
	case "vendor":
		r.Modules = []RepoModule{{Root: path.Dir(path.Dir(j.path)), VendorModules: readVendorModules(j.path, string(src))}}
	case "go.work":
		var err error
		if r.Work, err = parseWork(j.path, src); err != nil {
			note(i18n.M("facts.note.faulty", reason(err)))
		}
	case "docker":
		d := readDockerfile(j.path, src)
		if d.Err != "" {
			note(i18n.M("facts.note.unread", d.Err))
		}
		r.Dockerfiles = []Dockerfile{d}
	case "github", "gitlab":
		read := readGitHub
		if j.kind == "gitlab" {
			read = readGitLab
		}
		w, beside, err := read(j.path, src, near)
		r.Ignores = beside
		if err != nil {
			note(i18n.M("facts.note.unread", reason(err)))
			return r
		}
		r.Workflows = []Workflow{w}
	case "make":
		sc := readMakefile(j.path, string(src))
		sc.make = &makefile{src: string(src)}
		r.Scripts = []Script{sc}
	case "sh":
		if !tellingScript(src) {
			r.Scripts = []Script{{Path: j.path, Kind: "sh"}}
			break
		}
		cs, ok := readShell(shellText{src: string(src), at: func(l, c int) Pos { return Pos{File: j.path, Line: l, Column: c} }})
		if !ok {
			note(i18n.M("facts.note.shell"))
		}
		r.Scripts = []Script{{Path: j.path, Kind: "sh", Commands: cs}}
	case "yaml":
		r.Manifests = readManifests(j.path, src)
		if r.Manifests == nil {
			return r
		}
	case "goreleaser", "ko":
		read := readGoreleaser
		if j.kind == "ko" {
			read = readKo
		}
		var err error
		if r.Releases, err = read(j.path, src); err != nil {
			note(i18n.M("facts.note.unread", reason(err)))
		}
	case "pin":
		r.Pins = readPins(j.path, path.Base(j.path), string(src))
	case "doc":
		r.Installs = readInstalls(j.path, src)
	case "env":
		r.EnvFiles = []EnvFile{readEnvFile(j.path, string(src))}
	}
	if j.kind != "go.sum" && j.kind != "vendor" {
		own := readIgnores(j.path, src)
		if len(own) == maxIgnores {
			note(i18n.M("facts.note.ignores", maxIgnores))
		}
		r.Ignores = append(r.Ignores, own...)
	}
	return r
}

// reason is an error without the machine's own path in it.
func reason(err error) string {
	if err == nil {
		return ""
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}

// add takes over what one file says.
func (r *Repo) add(p *Repo) {
	r.Modules = append(r.Modules, p.Modules...)
	if p.Work != nil {
		r.Work = p.Work
	}
	r.GoFiles = append(r.GoFiles, p.GoFiles...)
	r.Dockerfiles = append(r.Dockerfiles, p.Dockerfiles...)
	r.Workflows = append(r.Workflows, p.Workflows...)
	r.Scripts = append(r.Scripts, p.Scripts...)
	r.Pins = append(r.Pins, p.Pins...)
	r.EnvFiles = append(r.EnvFiles, p.EnvFiles...)
	r.Manifests = append(r.Manifests, p.Manifests...)
	r.Releases = append(r.Releases, p.Releases...)
	r.Installs = append(r.Installs, p.Installs...)
	r.Ignores = append(r.Ignores, p.Ignores...)
	r.Notes = append(r.Notes, p.Notes...)
}

// finish puts together what several files say of one thing.
func (r *Repo) finish(root string, files map[string]bool) {
	byRoot := map[string]*RepoModule{}
	for i := range r.Modules {
		if m := &r.Modules[i]; m.Path != "" {
			byRoot[m.Root] = m
		}
	}
	for _, part := range r.Modules {
		m := byRoot[part.Root]
		if m == nil || part.Path != "" {
			continue
		}
		if part.HasGoSum {
			m.Sums, m.HasGoSum = part.Sums, true
		}
		if part.VendorModules != nil {
			m.VendorModules = part.VendorModules
		}
	}
	r.Modules = slices.DeleteFunc(r.Modules, func(m RepoModule) bool { return m.Path == "" })
	slices.SortFunc(r.Modules, func(a, b RepoModule) int { return cmp.Compare(a.Root, b.Root) })
	owner := map[string]string{}
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		m, ok := owner[g.Dir]
		if !ok {
			if found := r.ModuleAt(g.Dir); found != nil {
				m = found.Root
			}
			owner[g.Dir] = m
		}
		g.Module = m
		g.settleHeaders(files)
	}
	once := map[Pos]bool{} // two workflows may use one action
	r.Ignores = slices.DeleteFunc(r.Ignores, func(g Ignore) bool {
		again := once[g.Pos]
		once[g.Pos] = true
		return again
	})
	r.joinManifests()
	for i := range r.Dockerfiles {
		d := &r.Dockerfiles[i]
		d.Context = r.contextOf(d, files)
		d.Ignore = readDockerignore(root, d, files)
	}
}

// ModuleAt gives the module that a directory of the repository belongs to, nil
// if none.
func (r *Repo) ModuleAt(dir string) *RepoModule {
	dir = path.Clean(dir)
	for {
		for i := range r.Modules {
			if r.Modules[i].Root == dir {
				return &r.Modules[i]
			}
		}
		if dir == "." || dir == "/" || strings.HasPrefix(dir, "../") || dir == ".." {
			return nil
		}
		dir = path.Dir(dir)
	}
}
