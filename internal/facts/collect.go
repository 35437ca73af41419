package facts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/gotool"
)

// ReadOptions says what Read looks at.
type ReadOptions struct {
	Go        *gotool.Go
	Root      string   // directory of go.mod, absolute
	WorkFile  string   // go.work in effect, "" none
	WorkEnv   bool     // GOWORK named it
	Platforms []string // os/arch[/variant] whose C compilers are looked for
}

// Read reads what stands in the project's own files and what this machine's go
// command says of itself: no package graph yet. It starts no subprocess.
func Read(o ReadOptions) (Facts, error) {
	f := Facts{SchemaVersion: SchemaVersion}
	var err error
	if f.Module, err = readModule(o.Root); err != nil {
		return Facts{}, err
	}
	if o.WorkFile != "" {
		display := o.WorkFile
		if rel, err := filepath.Rel(o.Root, o.WorkFile); err == nil {
			display = filepath.ToSlash(rel)
		}
		if f.Work, err = readWork(o.WorkFile, display); err != nil {
			return Facts{}, err
		}
		f.Work.FromEnv = o.WorkEnv
	}
	f.Vendor = hasVendor(o.Root)
	s := o.Go.Settings
	f.GoEnv = GoEnv{GOROOT: s.GOROOT, Version: s.Version, HostOS: s.HostOS, HostArch: s.HostArch, GOTOOLCHAIN: s.GOTOOLCHAIN, Changed: s.Changed}
	f.Compilers = findCompilers(o.Go.LookPath, f.GoEnv, o.Platforms)
	return f, nil
}

// TargetOptions is one platform to read the package graph for.
type TargetOptions struct {
	Platform string            // os/arch[/variant]
	CgoOn    bool              //
	Recipe   map[string]string // GOOS, GOARCH, …: every Go variable of the build
}

// GraphOptions says which programs are read and how.
type GraphOptions struct {
	Go       *gotool.Go
	Root     string   // directory of go.mod, absolute
	WorkFile string   // go.work in effect, "" none
	Patterns []string // relative to Root
	Tags     []string
	Targets  []TargetOptions
	MemoDir  string // where what was read is remembered; "" nowhere
	Std      string // identity of the standard library, such as go1.26.8
}

// Graph is what Graph found.
type Graph struct {
	Programs []Program
	// Inputs has, for each target, a digest over every byte of the project's
	// own files that is compiled or embedded: equal digests, with equal plans,
	// mean that a build would give the same programs.
	Inputs map[string]string
}

// ReadGraph reads the package graph of the chosen programs for every target.
// It runs `go list` once per target, and not at all where no file that the
// graph depends on has changed since last time.
func ReadGraph(ctx context.Context, o GraphOptions) (Graph, error) {
	found := make([][]Program, len(o.Targets))
	inputs := make([]string, len(o.Targets))
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(2)
	for i, t := range o.Targets {
		eg.Go(func() error {
			c := &collector{opts: o}
			var err error
			found[i], inputs[i], err = c.target(ctx, t)
			return err
		})
	}
	if err := eg.Wait(); err != nil {
		return Graph{}, err
	}
	g := Graph{Programs: slices.Concat(found...), Inputs: map[string]string{}}
	for i, t := range o.Targets {
		g.Inputs[t.Platform] = inputs[i]
	}
	slices.SortStableFunc(g.Programs, func(a, b Program) int { return strings.Compare(a.Package, b.Package) })
	return g, nil
}

// collector reads one target.
type collector struct {
	opts GraphOptions
}

func (c *collector) target(ctx context.Context, t TargetOptions) ([]Program, string, error) {
	m := c.openMemo(t)
	old, known := m.load()
	if known {
		now, err := takeSnapshot(old.Dirs, old.Extra, old.Files)
		if err != nil {
			return nil, "", err
		}
		if now.Input == old.Input && now.Shape == old.Shape {
			return old.Programs, now.Input, nil
		}
		if now.Shape == old.Shape {
			if g, ok := m.loadGraph(); ok {
				return c.finish(t, m, g, old, now)
			}
		}
	}
	var flags []string
	if len(c.opts.Tags) > 0 {
		flags = append(flags, "-tags="+strings.Join(c.opts.Tags, ","))
	}
	pkgs, err := golist(ctx, c.opts.Go, c.opts.Root, t.Recipe, flags, c.opts.Patterns)
	if err != nil {
		return nil, "", err
	}
	hiddenCgo := func(p *listed) bool {
		_, ok := c.cgoOf(p, t)
		return ok && strings.Contains(p.Error.Err, "build constraints exclude all Go files")
	}
	if err := packageFault(pkgs, hiddenCgo); err != nil {
		return nil, "", err
	}
	rec := record{}
	rec.Dirs, rec.Extra = c.inputs(pkgs)
	now, err := takeSnapshot(rec.Dirs, rec.Extra, old.Files)
	if err != nil {
		return nil, "", err
	}
	g := graphRecord{Packages: pkgs, Deps: c.readDeps(pkgs), Own: old.ownFiles(m)}
	return c.finish(t, m, g, rec, now)
}

// finish reads the project's own files, makes the programs and remembers all.
func (c *collector) finish(t TargetOptions, m memo, g graphRecord, rec record, now snapshot) ([]Program, string, error) {
	own, err := c.readOwn(g, now)
	if err != nil {
		return nil, "", err
	}
	g.Own = own
	rec.Programs = c.programs(t, g, now)
	rec.snapshot = now
	m.save(rec, g)
	return rec.Programs, now.Input, nil
}

// inputs gives the local package directories of the graph and the project
// files beside them that the graph depends on.
func (c *collector) inputs(pkgs []listed) ([]localDir, []string) {
	var dirs []localDir
	extra := []string{filepath.Join(c.opts.Root, "go.mod"), filepath.Join(c.opts.Root, "go.sum"), filepath.Join(c.opts.Root, "vendor", "modules.txt")}
	if w := c.opts.WorkFile; w != "" {
		extra = append(extra, w, strings.TrimSuffix(w, ".work")+".work.sum")
	}
	for i := range pkgs {
		p := &pkgs[i]
		if !p.local(c.opts.Root) {
			continue
		}
		dirs = append(dirs, localDir{Dir: p.Dir, Embed: p.EmbedPatterns})
		if p.Module != nil {
			m := p.Module
			if m.Replace != nil {
				m = m.Replace
			}
			if m.GoMod != "" && !slices.Contains(extra, m.GoMod) {
				extra = append(extra, m.GoMod, strings.TrimSuffix(m.GoMod, ".mod")+".sum")
			}
		}
	}
	return dirs, extra
}

// readOwn gives what each local Go file says, parsing only files whose content
// was not seen before.
func (c *collector) readOwn(g graphRecord, now snapshot) (map[string]ownFile, error) {
	out := make(map[string]ownFile, len(now.Files))
	for i := range g.Packages {
		p := &g.Packages[i]
		if !p.local(c.opts.Root) {
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
			path := filepath.Join(p.Dir, name)
			st, ok := now.Files[path]
			if !ok {
				continue
			}
			if o, ok := g.Own[path]; ok && o.Hash == st.Hash {
				out[path] = o
				continue
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("read source: %w", err)
			}
			out[path] = ownFile{Hash: st.Hash, Facts: readFile(b, true)}
		}
	}
	return out, nil
}

// readDeps gives the uses in the packages outside the project, by file. They
// lie in the read-only module cache and are read once per package graph.
func (c *collector) readDeps(pkgs []listed) map[string]depFacts {
	res := make([]depFacts, len(pkgs))
	var eg errgroup.Group
	eg.SetLimit(4)
	for i := range pkgs {
		p := &pkgs[i]
		if p.Standard || p.Dir == "" {
			continue
		}
		eg.Go(func() error {
			res[i].Tags = c.tagsOf(p)
			if p.local(c.opts.Root) {
				return nil
			}
			for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
				b, err := os.ReadFile(filepath.Join(p.Dir, name))
				if err != nil {
					continue // the compiler will say so
				}
				for _, u := range readFile(b, false).Uses {
					res[i].Uses = append(res[i].Uses, depUse{use: u, File: name})
				}
			}
			return nil
		})
	}
	_ = eg.Wait() // the readers give no errors
	out := map[string]depFacts{}
	for i := range pkgs {
		if len(res[i].Uses) > 0 || len(res[i].Tags) > 0 {
			out[pkgs[i].ImportPath] = res[i]
		}
	}
	return out
}
