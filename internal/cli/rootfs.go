package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/rootfs"
)

// rootfsDoc is the result of `slipway rootfs list`, add and remove.
type rootfsDoc struct {
	SchemaVersion int           `json:"schemaVersion"`
	Roots         []rootfs.Kept `json:"roots"`
	// Lost counts what the files of an added one lack, by kind.
	Lost map[rootfs.Loss]int `json:"lost,omitempty"`
}

func (a *app) rootfsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "rootfs",
		Short: a.say(i18n.M("rootfs.short")),
		Long:  a.say(i18n.M("rootfs.long")),
		Args:  a.noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.rootfsAdd(), a.rootfsList(), a.rootfsRemove())
	return c
}

func (a *app) rootfsAdd() *cobra.Command {
	var platform string
	c := &cobra.Command{
		Use:     "add NAME SOURCE",
		Short:   a.say(i18n.M("rootfs.add.short")),
		Long:    a.say(i18n.M("rootfs.add.long")),
		Example: "  slipway rootfs add debian:12-rootfs ./bookworm\n  slipway rootfs add alpine-rootfs alpine-minirootfs.tar.gz\n  slipway rootfs add base oci:dist/oci",
		Args:    a.exactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.addRoot(c.Context(), args[0], args[1], platform)
		},
	}
	c.Flags().StringVar(&platform, "platform", "", a.say(i18n.M("rootfs.flag.platform")))
	return c
}

func (a *app) addRoot(ctx context.Context, name, source, platform string) error {
	o, err := a.rootOptions()
	if err != nil {
		return err
	}
	if platform != "" {
		if o.Platform, err = plan.ParsePlatform(platform); err != nil {
			return err
		}
	}
	// What is wrong with the name is said before a large source is read.
	if err := o.Shelf.Free(name); err != nil {
		return err
	}
	fetched := a.fetching(source, &o.InspectOptions)
	root, err := a.openRoot(ctx, source, o)
	fetched()
	if err != nil {
		return err
	}
	defer root.Close()
	doc := rootfsDoc{SchemaVersion: 1, Lost: map[rootfs.Loss]int{}}
	kept, err := o.Shelf.Add(ctx, name, source, root.Tree, func(_ rootfs.Node, l rootfs.Loss) { doc.Lost[l]++ })
	if err != nil {
		return err
	}
	doc.Roots = []rootfs.Kept{kept}
	t := a.rootsTable(doc.Roots)
	if n := doc.Lost[rootfs.LostOwner]; n > 0 {
		t.Notes = append(t.Notes, i18n.M("rootfs.lost.owner", n))
	}
	if n := doc.Lost[rootfs.LostDevice]; n > 0 {
		t.Notes = append(t.Notes, i18n.M("rootfs.lost.device", n))
	}
	if n := doc.Lost[rootfs.LostCapability]; n > 0 {
		t.Notes = append(t.Notes, i18n.M("rootfs.lost.capability", n))
	}
	t.Notes = append(t.Notes, i18n.M("rootfs.added", name))
	return a.result(doc, t)
}

func (a *app) rootfsList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: a.say(i18n.M("rootfs.list.short")),
		Args:  a.noArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.shelf()
			if err != nil {
				return err
			}
			doc := rootfsDoc{SchemaVersion: 1}
			if doc.Roots, err = s.List(); err != nil {
				return err
			}
			if len(doc.Roots) == 0 {
				doc.Roots = []rootfs.Kept{}
				return a.result(doc, a.say(i18n.M("rootfs.list.none")))
			}
			return a.result(doc, a.rootsTable(doc.Roots))
		},
	}
}

func (a *app) rootfsRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: a.say(i18n.M("rootfs.remove.short")),
		Args:  a.exactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.shelf()
			if err != nil {
				return err
			}
			err = s.Remove(args[0])
			if errors.Is(err, rootfs.ErrNotKept) {
				return fault.UsageError(i18n.M("image_inspect.root.none", args[0]), i18n.M("rootfs.remove.hint"))
			}
			if err != nil {
				return err
			}
			return a.result(rootfsDoc{SchemaVersion: 1, Roots: []rootfs.Kept{}}, a.say(i18n.M("rootfs.removed", args[0])))
		},
	}
}

func (a *app) rootsTable(list []rootfs.Kept) *report.Table {
	t := &report.Table{Columns: []report.Column{
		{Title: i18n.M("rootfs.table.name")}, {Title: i18n.M("rootfs.table.files"), Right: true},
		{Title: i18n.M("rootfs.table.size"), Right: true}, {Title: i18n.M("rootfs.table.from"), Wrap: true},
	}}
	for _, k := range list {
		t.Rows = append(t.Rows, []string{k.Name, strconv.Itoa(k.Files), report.Bytes(k.Bytes), k.From})
	}
	return t
}

// exactArgs wants that many words on the command line.
func (a *app) exactArgs(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			_, words, _ := strings.Cut(c.Use, " ")
			return fault.UsageError(i18n.M("rootfs.args", c.CommandPath(), words), i18n.M("cli.usage.hint", c.CommandPath()))
		}
		return nil
	}
}

// shelf gives the root file systems that have names.
func (a *app) shelf() (rootfs.Shelf, error) {
	cache, err := a.cacheDir()
	if err != nil {
		return rootfs.Shelf{}, err
	}
	return rootfs.Shelf{Dir: filepath.Join(cache, "rootfs")}, nil
}

// inspectOptions say how images are opened that the command line names.
func (a *app) inspectOptions() (image.InspectOptions, error) {
	dir, err := a.workDir()
	if err != nil {
		return image.InspectOptions{}, err
	}
	cache, err := a.cacheDir()
	if err != nil {
		return image.InspectOptions{}, err
	}
	blobs, err := image.OpenCache(filepath.Join(cache, "layers"))
	if err != nil {
		return image.InspectOptions{}, err
	}
	return image.InspectOptions{Dir: dir, Remote: a.remote(), Cache: blobs, DockerHost: a.getenv("DOCKER_HOST")}, nil
}

// fetching shows how much of a subject was fetched, from the first byte on, and
// gives what ends that.
func (a *app) fetching(name string, o *image.InspectOptions) (done func()) {
	const stage = "fetch"
	var mu sync.Mutex
	var began time.Time
	var most int64
	o.Progress = func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		if began.IsZero() {
			began = time.Now()
			a.rep.Begin(name, stage)
		}
		most = max(most, n)
		a.rep.Progress(name, stage, most)
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if !began.IsZero() {
			a.rep.End(name, stage, time.Since(began), most, "", false)
		}
	}
}

// rootOptions say how root file systems are opened that the command line
// names. The platform is that of Linux on this machine's processor.
func (a *app) rootOptions() (image.RootOptions, error) {
	o, err := a.inspectOptions()
	if err != nil {
		return image.RootOptions{}, err
	}
	s, err := a.shelf()
	if err != nil {
		return image.RootOptions{}, err
	}
	return image.RootOptions{InspectOptions: o, Shelf: s, Platform: plan.Platform{OS: "linux", Arch: runtime.GOARCH}}, nil
}

// openRoot opens the root file system of that name. The assembled one has the
// time zones of this machine's Go, if there is one.
func (a *app) openRoot(ctx context.Context, name string, o image.RootOptions) (*image.Root, error) {
	if cache, err := a.cacheDir(); err == nil && name == string(image.RootAssembled) && o.Zoneinfo == "" {
		if g, err := gotool.Find(ctx, a.env, filepath.Join(cache, "memo")); err == nil {
			zones := filepath.Join(g.Settings.GOROOT, "lib", "time", "zoneinfo.zip")
			if _, err := os.Stat(zones); err == nil {
				o.Zoneinfo = zones
			}
		}
	}
	return image.OpenRoot(ctx, name, o)
}
