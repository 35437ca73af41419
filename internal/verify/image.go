package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/ldso"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// OpenedImage is an image with its files at hand.
type OpenedImage struct {
	Image
	Config    image.Config
	Inspected *image.InspectedImage
	Tree      *rootfs.Tree
	// User is who runs it; UserErr says why that is not known.
	User    rootfs.User
	UserErr error
	// Entry is the program or script that the container runtime executes;
	// EntryErr, a *rootfs.LookError, says why there is none.
	Entry    rootfs.Found
	EntryErr error
	// Started is the program that the entry point starts: Entry, or nil when
	// that is a script or no program at all.
	Started *OpenedProgram
	// Programs are Go programs in the image, Started among them.
	Programs []*OpenedProgram

	setuid []string // files that run as root whoever starts them
}

// ImageOptions say how images are opened.
type ImageOptions struct {
	image.InspectOptions
	Platforms []string // of which alone; empty: all
}

// OpenImage opens the images that a subject names.
func OpenImage(ctx context.Context, subject string, o ImageOptions) (*Opened, error) {
	out := &Opened{Subject: Subject{Name: subject, Kind: KindImage}}
	if err := out.addImages(ctx, subject, o); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}

func (o *Opened) addImages(ctx context.Context, subject string, opts ImageOptions) error {
	x, err := image.Inspect(ctx, subject, opts.InspectOptions)
	if err != nil {
		return err
	}
	o.closers = append(o.closers, x)
	o.Digest = x.Digest
	for _, d := range x.Missing {
		p := ""
		if d.Platform != nil {
			p = d.Platform.OS + "/" + d.Platform.Architecture
		}
		o.notes = append(o.notes, i18n.M("verify.image.missing", d.Digest, p))
	}
	var chosen []*image.InspectedImage
	for i := range x.Images {
		if m := &x.Images[i]; len(opts.Platforms) == 0 || slices.Contains(opts.Platforms, m.Platform.String()) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return fault.UsageError(i18n.M("verify.image.platform", subject, strings.Join(opts.Platforms, ", ")),
			i18n.M("verify.image.platform.hint", platformList(x)))
	}
	images := make([]*OpenedImage, len(chosen))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, m := range chosen {
		g.Go(func() (err error) {
			images[i], err = openImage(gctx, m)
			return err
		})
	}
	err = g.Wait()
	for _, m := range images {
		if m != nil {
			// A tree is closed before what it reads from.
			o.closers = slices.Insert(o.closers, 0, io.Closer(m.Tree))
			o.Images = append(o.Images, m)
		}
	}
	return err
}

func openImage(ctx context.Context, m *image.InspectedImage) (*OpenedImage, error) {
	t, err := m.Tree(ctx, rootfs.Limits{})
	if err != nil {
		return nil, err
	}
	c := m.Config
	img := &OpenedImage{Config: c, Inspected: m, Tree: t, Image: Image{
		Name: m.Platform.String(), Platform: m.Platform.String(), Digest: m.Manifest.Digest, Size: m.Size, User: c.User,
		Entrypoint: c.Entrypoint, Cmd: c.Cmd, Env: masked(c.Env), Workdir: c.Workdir, Ports: c.Ports, StopSignal: c.StopSignal,
		Layers: []image.Descriptor{},
	}}
	if img.Digest == "" {
		img.Digest = m.ImageID
	}
	if c.Healthcheck != nil {
		img.Healthcheck = c.Healthcheck.Test
	}
	for _, l := range m.Layers {
		img.Layers = append(img.Layers, l.Descriptor)
	}
	img.User, img.UserErr = t.User(c.User)
	if m.Platform.OS != "linux" {
		return img, nil // what starts there is decided by other rules
	}
	if args := c.Args(); len(args) > 0 {
		img.Entry, img.EntryErr = t.LookPath(args[0], envOf(c.Env, "PATH"), c.Workdir, img.User)
	}
	if err := img.open(ctx); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return img, nil
}

// maxPrograms bounds how many files of an image are opened to see whether they
// are Go programs.
const maxPrograms = 4096

// open opens the entry point and every Go program of the image.
func (m *OpenedImage) open(ctx context.Context) error {
	seen := 0
	return m.Tree.Walk(ctx, func(n rootfs.Node) error {
		if n.Kind == rootfs.Regular && n.Mode&fs.ModeSetuid != 0 && n.UID == 0 && n.Mode&0o111 != 0 {
			m.setuid = append(m.setuid, n.Path)
		}
		entry := m.EntryErr == nil && n.Path == m.Entry.Node.Path && n.Path != "/"
		if n.Kind != rootfs.Regular || !entry && (n.Mode&0o111 == 0 || n.Size < 64<<10 || seen >= maxPrograms) {
			return nil
		}
		f, err := m.Tree.Open(n.Path)
		if err != nil {
			return err
		}
		defer f.Close()
		var magic [4]byte
		if _, err := f.ReadAt(magic[:], 0); err != nil || string(magic[:]) != "\x7fELF" {
			return nil
		}
		seen++
		b, err := binary.Read(ctx, f, f.Size())
		switch {
		case errors.Is(err, binary.ErrDamaged) || errors.Is(err, binary.ErrFormat):
			return nil
		case err != nil:
			return fmt.Errorf("read %s: %w", n.Path, err)
		case !entry && (b.Go == nil || b.Type == binary.Shared || b.Type == binary.Object):
			return nil
		}
		digest, err := digestOf(ctx, f, f.Size())
		if err != nil {
			return fmt.Errorf("read %s: %w", n.Path, err)
		}
		p := newProgram(m.Platform+":"+n.Path, digest, b, "")
		p.In, p.open = n.Path, func() (ldso.File, error) { return m.Tree.Open(n.Path) }
		m.Programs = append(m.Programs, p)
		if entry {
			m.Started, m.Image.Program = p, p.Name
		}
		return nil
	})
}

// place is the image as a place to run programs in.
func (m *OpenedImage) place() *Place {
	p := NewPlace(m.Name, m.Tree)
	p.Env, p.User, p.Who = m.Config.Env, m.User, m.UserErr == nil
	return p
}

// judge holds the programs of the image and its configuration against its
// files.
func (m *OpenedImage) judge(ctx context.Context, o *Opened) error {
	if m.Inspected.Platform.OS != "linux" {
		o.notes = append(o.notes, i18n.M("verify.image.other", m.Name))
		return nil
	}
	place := m.place()
	for _, p := range m.Programs {
		o.known(p)
		v, found, err := judgePlace(ctx, place, p, p.Name, path.Dir(p.In))
		if err != nil {
			return err
		}
		p.Base, p.findings = v, append(p.findings, found...)
	}
	j := &imageJudge{OpenedImage: m}
	j.run()
	o.findings = append(o.findings, j.found...)
	return nil
}

// known finds what a ship's plan says of a program in its image: it is the
// same file.
func (o *Opened) known(p *OpenedProgram) {
	for _, q := range o.Programs {
		if q.Digest == p.Digest && q.Planned != nil {
			p.Planned, p.Target, p.shipped = q.Planned, q.Target, true
			return
		}
	}
}

// platformList names the platforms of an image.
func platformList(x *image.Inspected) string {
	var names []string
	for _, p := range x.Platforms() {
		names = append(names, p.String())
	}
	return strings.Join(names, ", ")
}
