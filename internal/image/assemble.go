package image

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// Job is an image to be made.
type Job struct {
	Target     plan.Target // Image is not nil
	Programs   []Program   // every binary of Target, in the same order
	ProjectDir string      // what plan.File.From, Base.CABundle and the directory of an oci: base are relative to
	Zoneinfo   string      // path of the toolchain's lib/time/zoneinfo.zip
	Cache      *Cache
	Remote     Remote // how the registry of a reference base is reached
	// Progress may be nil. It gets the bytes so far of the stage: "layer" is
	// the tar of all layers made here, "base" what was fetched of a reference
	// base. A layer that came from the cache takes none. It is called by one
	// goroutine at a time.
	Progress func(stage string, bytes int64)
}

// The keys of the annotations that name a reference base (OCI image
// specification, annotations.md).
const (
	annotationBaseName   = "org.opencontainers.image.base.name"
	annotationBaseDigest = "org.opencontainers.image.base.digest"
)

// Assemble makes the image of one target: a layer for each part that changes
// at its own pace (base, libraries, programs, files), the configuration and
// the manifest. The layers lie in the cache; nothing else is written.
func Assemble(ctx context.Context, job Job) (Made, error) {
	img, p := job.Target.Image, job.Target.Platform
	if img == nil || job.Cache == nil {
		return Made{}, fmt.Errorf("make image for %s: no image in the plan, or no cache", p)
	}
	if len(job.Programs) != len(job.Target.Binaries) {
		return Made{}, fmt.Errorf("make image for %s: %d programs for %d binaries of the plan", p, len(job.Programs), len(job.Target.Binaries))
	}
	if p.OS != "linux" && img.Base.Kind != plan.Reference {
		return Made{}, fault.UsageError(i18n.M("image.os", p), i18n.M("image.os.hint"))
	}

	a := assembly{job: job, created: time.Unix(img.Created, 0).UTC(), lower: tree{}, parents: map[string]bool{}}
	annotations := maps.Clone(img.Annotations)
	var base baseImage
	var libraries []Library
	switch img.Base.Kind {
	case plan.Assembled:
	case plan.Closure:
	case plan.Reference:
		var err error
		if base, err = a.reference(ctx); err != nil {
			return Made{}, err
		}
		annotations = nameBase(annotations, img.Base.Ref, base.Digest)
	default:
		return Made{}, fault.UsageError(i18n.M("image.base.kind", img.Base.Kind), i18n.M("image.base.kind.hint"))
	}

	files, err := extraFiles(ctx, job)
	if err != nil {
		return Made{}, err
	}
	surroundings, err := assembled(ctx, job)
	if err != nil {
		return Made{}, err
	}
	if err := a.add(ctx, surroundings); err != nil {
		return Made{}, err
	}
	if img.Base.Kind == plan.Closure {
		var libs content
		if libs, libraries, err = closure(ctx, job, files); err != nil {
			return Made{}, err
		}
		if err := a.add(ctx, libs); err != nil {
			return Made{}, err
		}
	}
	if err := a.add(ctx, programs(img.BinDir, job.Programs)); err != nil {
		return Made{}, err
	}
	if err := a.add(ctx, files); err != nil {
		return Made{}, err
	}

	config := configure(base.Config, len(base.Layers), img, p, a.layers)
	layers := append(append([]Layer{}, base.Layers...), a.layers...)
	made, err := finish(p, config, layers, annotations)
	if err != nil {
		return Made{}, err
	}
	made.BaseDigest = base.Digest
	made.Libraries = libraries
	return made, nil
}

// assembly is an image in the making.
type assembly struct {
	job     Job
	created time.Time
	lower   tree            // of the layers so far
	parents map[string]bool // directories those layers imply by what lies in them
	layers  []Layer
	done    int64 // bytes of the tars of those that were made here
}

// add makes the layer of c, if there is anything in it.
func (a *assembly) add(ctx context.Context, c content) error {
	c.items = a.lower.place(c.items)
	for _, it := range c.items {
		if it.onDisk != "" && !it.Dir && it.Link == "" && (a.lower[it.Path].Dir || a.parents[it.Path]) {
			return fault.UsageError(i18n.M("image.path.directory", it.Path), i18n.M("image.path.directory.hint", it.Path))
		}
	}
	spec, ok := c.spec(a.created)
	if !ok {
		return nil
	}
	var progress func(int64)
	if report := a.job.Progress; report != nil {
		progress = func(n int64) { report("layer", a.done+n) }
	}
	l, err := a.job.Cache.layer(ctx, spec, a.job.Target.Image.Compression, progress)
	if err != nil {
		return err
	}
	if !l.Reused {
		a.done += l.RawSize
	}
	a.layers = append(a.layers, l)
	a.lower.add(spec.Entries)
	for _, e := range spec.Entries {
		for dir := path.Dir(e.Path); dir != "/" && !a.parents[dir]; dir = path.Dir(dir) {
			a.parents[dir] = true
		}
	}
	return nil
}

// reference fetches the base the plan names and learns its directories.
func (a *assembly) reference(ctx context.Context) (baseImage, error) {
	job := a.job
	name, err := parseReference(job.Target.Image.Base.Ref)
	if err != nil {
		return baseImage{}, err
	}
	l := &puller{remote: job.Remote, name: name.below(job.ProjectDir), cache: job.Cache}
	if report := job.Progress; report != nil {
		l.progress = func(n int64) { report("base", n) }
	}
	base, err := l.base(ctx, job.Target.Platform)
	if err != nil {
		return baseImage{}, err
	}
	if a.lower, err = job.Cache.treeOf(ctx, base.Layers); err != nil {
		return baseImage{}, err
	}
	return base, nil
}

// nameBase says in the annotations which base it was, unless the user did.
func nameBase(annotations map[string]string, ref, digest string) map[string]string {
	if annotations == nil {
		annotations = map[string]string{}
	}
	name, _, _ := strings.Cut(ref, "@")
	if _, stated := annotations[annotationBaseName]; !stated && !strings.HasPrefix(ref, "oci:") {
		annotations[annotationBaseName] = name // a directory of this machine is nobody else's business
	}
	if _, stated := annotations[annotationBaseDigest]; !stated {
		annotations[annotationBaseDigest] = digest
	}
	return annotations
}

// programs gives the layer of the binaries.
func programs(binDir string, list []Program) content {
	c := content{title: "programs"}
	for _, p := range list {
		c.items = append(c.items, item{
			Entry: Entry{
				Path: path.Join(binDir, p.Binary.Name),
				Mode: 0o755,
				Size: p.Size,
				Open: openVerified(p.Path, p.Digest, func() (*os.File, error) { return os.Open(p.Path) }),
			},
			sum: p.Digest,
		})
	}
	return c
}

// closure gives the layer of the interpreter and the shared libraries. Those
// among files are not added again.
func closure(ctx context.Context, job Job, files content) (content, []Library, error) {
	img := job.Target.Image
	spec := closureSpec{Sysroot: img.Base.Sysroot, Programs: job.Programs, BinDir: img.BinDir, NSS: img.Base.NSS, Files: files.onDisk()}
	entries, libraries, err := spec.entries(ctx)
	if err != nil {
		return content{}, nil, err
	}
	digests := map[string]string{}
	for _, l := range libraries {
		digests[l.Path] = l.Digest
	}
	c := content{title: "libraries"}
	for _, e := range entries {
		it := item{Entry: e, sum: digests[e.Path]}
		if !e.Dir && e.Link == "" && it.sum == "" {
			return content{}, nil, fmt.Errorf("make layer libraries: no digest for %s", e.Path)
		}
		c.items = append(c.items, it)
	}
	return c, libraries, nil
}
