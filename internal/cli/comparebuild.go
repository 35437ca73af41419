package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/rootfs"
	"github.com/slipway-build/slipway/internal/sandbox"
	"github.com/slipway-build/slipway/internal/verify"
)

// cells builds and opens the cells of a comparison.
type cells struct {
	a        *app
	f        *compareFlags
	r        *compare.Result
	goes     goReleases
	sizes    map[string][2]int64    // gzip and zstd of a program, by digest
	dirs     map[string]image.Layer // of directories as bases, by directory and compression
	roots    *cellRoots
	sessions map[string]*session // the last plan of each subject, for what is asked of it later
}

// built is a cell that can be measured.
type built struct {
	index   int
	spec    cellSpec
	path    string // the program on this disk
	static  bool
	session *session // nil for what was finished already
	bin     plan.Binary
	target  plan.Target
	made    *image.Made
	runner  sandbox.Runner

	// Of an image that was there already:
	root   string // unpacked
	config *image.Config
	user   rootfs.User
	args   []string // what it starts
}

// cell builds or opens one cell and measures its size. What stands against it
// becomes its reason; only what ends the whole comparison is an error.
func (cs *cells) cell(ctx context.Context, i int) (*built, error) {
	c := &cs.r.Cells[i]
	spec, err := cs.f.cellSpecOf(cs.r.Axes, c.Values)
	if err != nil {
		return nil, err
	}
	b := &built{index: i, spec: spec}
	if cs.a.finished(spec.subject) {
		err = cs.open(ctx, c, b)
	} else {
		err = cs.build(ctx, c, b)
	}
	if err == nil {
		return b, nil
	}
	if ctx.Err() != nil {
		return nil, err
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		// What is wrong with the command line is wrong for all cells.
		if strings.HasPrefix(f.Msg.ID, "cli.") || strings.HasPrefix(f.Msg.ID, "config.") {
			return nil, err
		}
		c.Reason, c.Said = &f.Msg, f.Detail
	} else {
		msg := i18n.M("compare.reason", err)
		c.Reason = &msg
	}
	return nil, nil
}

// build plans and builds a cell from source.
func (cs *cells) build(ctx context.Context, c *compare.Cell, b *built) error {
	a := cs.a
	keys := map[string]string{}
	for k, v := range b.spec.keys {
		keys[k] = v
	}
	args := []string{b.spec.subject}
	if b.spec.goLine != "" {
		s := cs.sessions[b.spec.subject]
		if s == nil {
			var err error
			if s, err = a.open(ctx, args, keys); err != nil {
				return err
			}
			cs.sessions[b.spec.subject] = s
		}
		var err error
		if keys["go"], err = cs.goes.resolve(ctx, s, b.spec.goLine); err != nil {
			return err
		}
	}
	dir, err := cs.roots.dirOf(b.spec.base)
	if err != nil {
		return err
	}
	if dir == "" && b.spec.base != "" && b.spec.base != baseScratch {
		keys["image.base"] = b.spec.base
	}
	s, err := a.prepare(ctx, args, keys)
	if err != nil {
		return err
	}
	if n := len(s.plan.Targets[0].Binaries); n != 1 {
		return fault.UsageError(i18n.M("compare.subject.several", b.spec.subject, n), i18n.M("compare.args.hint"))
	}
	b.session, b.target, b.bin = s, s.plan.Targets[0], s.plan.Targets[0].Binaries[0]
	bins, err := build.Run(ctx, build.Options{
		Go: s.goCmd, Root: s.tree.Root, Plan: s.plan, Inputs: s.inputs,
		CacheDir: filepath.Join(s.cache, "build"), Observer: named{a.rep, cs.r.Label(c, a.lang)},
	})
	if err != nil {
		return err
	}
	for _, f := range bins[0].Findings {
		if f.Severity.AtLeast(finding.CannotStart) {
			return fault.UsageError(i18n.M("compare.reason.finding", f.ID, f.Message.In(a.lang)), f.Fix)
		}
	}
	c.Digest, c.Go = bins[0].Digest, s.plan.Toolchain
	b.path, b.static = bins[0].Cached, b.bin.Linkage == plan.Static
	if err := cs.programSize(ctx, c, b.path, bins[0].Digest); err != nil {
		return err
	}
	return cs.imageSize(ctx, c, b, bins[0], dir)
}

// named lets the progress of a build bear the name of its cell.
type named struct {
	build.Observer
	name string
}

func (n named) Begin(_, stage string) { n.Observer.Begin(n.name, stage) }

func (n named) End(_, stage string, took time.Duration, bytes int64, note string, reused bool) {
	n.Observer.End(n.name, stage, took, bytes, note, reused)
}

// programSize measures the program alone.
func (cs *cells) programSize(ctx context.Context, c *compare.Cell, path, digest string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	c.Size = &compare.Size{Binary: fi.Size()}
	if cs.f.wants(measureModules) {
		if c.Size.Parts, err = verify.ReadProgramSizes(ctx, path); err != nil {
			return err
		}
	}
	if !cs.f.wants(measureSize) {
		return nil
	}
	known, ok := cs.sizes[digest]
	for k, name := range []string{"gzip", "zstd"} {
		if ok {
			break
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		known[k], err = image.CompressedSize(ctx, file, name)
		file.Close()
		if err != nil {
			return err
		}
	}
	cs.sizes[digest] = known
	c.Size.Gzip, c.Size.Zstd = known[0], known[1]
	return nil
}

// baseScratch is the base with nothing in it.
const baseScratch = "scratch"

// imageSize makes the image of a cell and measures it.
func (cs *cells) imageSize(ctx context.Context, c *compare.Cell, b *built, bin build.Binary, dir string) error {
	a, s := cs.a, b.session
	if b.target.Image == nil {
		if b.spec.base == "" {
			return nil
		}
		return fault.UsageError(i18n.M("compare.reason.image", b.target.Platform), i18n.Message{})
	}
	if b.spec.base == baseScratch && !b.static {
		return fault.UsageError(i18n.M("compare.reason.scratch"), i18n.Message{})
	}
	zones, err := zoneinfo(ctx, s.goCmd, s.plan)
	if err != nil {
		return err
	}
	cache, err := image.OpenCache(filepath.Join(s.cache, "layers"))
	if err != nil {
		return err
	}
	m, err := image.Assemble(ctx, image.Job{
		Target: b.target, ProjectDir: s.tree.Root, Zoneinfo: zones, Cache: cache, Remote: a.remote(),
		Programs: []image.Program{{Binary: b.bin, Path: bin.Cached, Digest: bin.Digest, Size: bin.Size}},
	})
	if err != nil {
		return err
	}
	b.made = &m
	layers := m.Layers
	if dir != "" || b.spec.base == baseScratch {
		// The program as it is, upon another floor.
		layers = slices.DeleteFunc(slices.Clone(layers), func(l image.Layer) bool { return l.Title != "programs" && l.Title != "files" })
	}
	if dir != "" {
		l, err := cs.dirLayer(ctx, cache, dir, cmp.Or(b.target.Image.Compression, "gzip"))
		if err != nil {
			return err
		}
		layers = append([]image.Layer{l}, layers...)
	}
	c.Size.Image = m.Config.Size
	for i, l := range layers {
		title := l.Title
		if i == 0 && title == "" {
			title = "base"
		}
		c.Size.Layers = append(c.Size.Layers, compare.Layer{Title: title, Size: l.Size, Raw: l.RawSize})
		c.Size.Image += l.Size
		c.Size.Unpacked += l.RawSize
	}
	return nil
}

// dirLayer gives a directory as a layer, compressed once.
func (cs *cells) dirLayer(ctx context.Context, cache *image.Cache, dir, compression string) (image.Layer, error) {
	key := compression + " " + dir
	if l, ok := cs.dirs[key]; ok {
		return l, nil
	}
	spec, err := image.DirLayer(dir, "base", time.Unix(0, 0))
	if err != nil {
		return image.Layer{}, err
	}
	l, err := cache.Layer(ctx, spec, compression)
	if err != nil {
		return image.Layer{}, err
	}
	cs.dirs[key] = l
	return l, nil
}

// open takes a program or an image that is there already.
func (cs *cells) open(ctx context.Context, c *compare.Cell, b *built) error {
	name := cs.a.below(b.spec.subject)
	if fi, err := os.Stat(name); err != nil || !fi.Mode().IsRegular() || image.IsImage(name) {
		return cs.openImage(ctx, c, b)
	}
	var err error
	if b.path, err = filepath.Abs(name); err != nil {
		return err
	}
	if c.Digest, err = fileDigest(b.path); err != nil {
		return err
	}
	if err := b.look(c); err != nil {
		return err
	}
	return cs.programSize(ctx, c, b.path, c.Digest)
}

// look reads from the program itself what it is.
func (b *built) look(c *compare.Cell) error {
	f, err := binary.Open(b.path)
	if err != nil {
		return err
	}
	b.spec.target = f.OS + "/" + f.Arch
	if f.OS == "" { // ELF files seldom say
		b.spec.target = "linux/" + f.Arch
	}
	b.static = f.Interp == "" && len(f.Needed) == 0
	if f.Go != nil {
		c.Go = f.Go.GoVersion
	}
	return nil
}

// runsHere reports whether programs for a target can be started.
func runsHere(target string) bool {
	return target == runtime.GOOS+"/"+runtime.GOARCH || strings.HasPrefix(target, runtime.GOOS+"/"+runtime.GOARCH+"/")
}
