package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// openImage takes an image that is there already: unpacks it, finds what it
// starts, and measures its layers.
func (cs *cells) openImage(ctx context.Context, c *compare.Cell, b *built) (err error) {
	dir, err := cs.a.workDir()
	if err != nil {
		return err
	}
	cache, err := cs.a.cacheDir()
	if err != nil {
		return err
	}
	o := image.InspectOptions{Dir: dir, Remote: cs.a.remote(), DockerHost: cs.a.getenv("DOCKER_HOST"), TempDir: cs.roots.dir}
	if o.Cache, err = image.OpenCache(filepath.Join(cache, "layers")); err != nil {
		return err
	}
	x, err := image.Inspect(ctx, b.spec.subject, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	img, ok := x.For(plan.Platform{OS: "linux", Arch: runtime.GOARCH})
	if !ok {
		return fault.UsageError(i18n.M("compare.reason.platform", "linux/"+runtime.GOARCH), i18n.Message{})
	}
	tree, err := img.Tree(ctx, rootfs.Limits{TempDir: cs.roots.dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	c.Digest = img.Manifest.Digest
	b.spec.target = img.Platform.String()
	b.config = &img.Config
	command := append(slices.Clone(img.Config.Entrypoint), img.Config.Cmd...)
	if len(command) == 0 {
		return fault.UsageError(i18n.M("compare.reason.entry"), i18n.Message{})
	}
	if b.user, err = tree.User(img.Config.User); err != nil {
		return err
	}
	search := ""
	for _, kv := range img.Config.Env {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			search = v
		}
	}
	found, err := tree.LookPath(command[0], search, img.Config.Workdir, b.user)
	if err != nil {
		return err
	}
	if b.root, err = cs.roots.keep(ctx, img.ImageID, tree); err != nil {
		return err
	}
	b.args = append([]string{found.Path}, command[1:]...)
	b.path = filepath.Join(b.root, filepath.FromSlash(found.Node.Path))
	if err := cs.roots.again(b.root, found.Node.Path); err != nil {
		return err
	}
	if err := b.look(c); err != nil {
		return err
	}
	if err := cs.programSize(ctx, c, b.path, c.Digest); err != nil {
		return err
	}
	return imageLayers(ctx, c, img)
}

// imageLayers measures the layers of an image: as they are stored, and their
// tars.
func imageLayers(ctx context.Context, c *compare.Cell, img *image.InspectedImage) error {
	c.Size.Image = img.Size
	for i, l := range img.Layers {
		r, err := img.OpenLayer(ctx, i)
		if err != nil {
			return err
		}
		raw, err := io.Copy(io.Discard, r)
		if cerr := r.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
		size := l.Size
		if size == raw {
			// An engine keeps and saves layers as they are; whoever downloads
			// them gets them compressed.
			if size, err = zipped(ctx, img, i); err != nil {
				return err
			}
			c.Size.Image += size - l.Size
		}
		c.Size.Layers = append(c.Size.Layers, compare.Layer{Title: layerTitle(l, i), Size: size, Raw: raw})
		c.Size.Unpacked += raw
	}
	return nil
}

// zipped is the size of a layer compressed as engines do before they push it.
func zipped(ctx context.Context, img *image.InspectedImage, i int) (int64, error) {
	r, err := img.OpenLayer(ctx, i)
	if err != nil {
		return 0, err
	}
	size, err := image.CompressedSize(ctx, r, "gzip")
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	return size, err
}

// layerTitle is what a layer is called by who made it, else its number.
func layerTitle(l image.InspectedLayer, i int) string {
	if t := l.Annotations["org.opencontainers.image.title"]; t != "" {
		return t
	}
	return "#" + strconv.Itoa(i+1)
}
