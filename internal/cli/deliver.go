package cli

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
)

// checkDelivery refuses what can be known to be undeliverable before anything
// is built.
func checkDelivery(p plan.Plan, f shipFlags, remote image.Remote) error {
	wanted := f.ociArchive != "" || f.dockerArchive != "" || f.load || len(f.push) > 0
	if wanted && !slices.ContainsFunc(p.Targets, func(t plan.Target) bool { return t.Image != nil }) {
		return fault.UsageError(i18n.M("cli.noimage"), i18n.M("cli.noimage.hint"))
	}
	for _, ref := range f.push {
		if err := remote.CheckPush(ref); err != nil {
			return err
		}
	}
	return nil
}

// deliver hands the images to whoever else was asked for.
func (a *app) deliver(ctx context.Context, s *session, f shipFlags, doc *shipDoc, images []image.Made, meta image.IndexMeta, remote image.Remote) error {
	names := dockerNames(s.plan)
	if f.ociArchive != "" {
		name := s.abs(f.ociArchive)
		if err := image.WriteOCIArchive(ctx, name, images, meta); err != nil {
			return err
		}
		doc.Run.Archive = append(doc.Run.Archive, name)
	}
	if f.dockerArchive != "" {
		name := s.abs(f.dockerArchive)
		err := writeFile(name, func(w io.Writer) error { return image.WriteDockerArchive(ctx, w, images, names) })
		if err != nil {
			return err
		}
		doc.Run.Archive = append(doc.Run.Archive, name)
	}
	if f.load {
		loaded, err := image.LoadDocker(ctx, a.getenv("DOCKER_HOST"), func(w io.Writer) error {
			return image.WriteDockerArchive(ctx, w, forEngine(images, s.goCmd.Settings.HostArch), names)
		})
		if err != nil {
			return err
		}
		doc.Run.Loaded = loaded
	}
	if len(f.push) > 0 {
		desc, raw, err := image.IndexOf(images, meta)
		if err != nil {
			return err
		}
		for _, ref := range f.push {
			a.rep.Begin(ref, "push")
			start := time.Now()
			var tags []string
			if !strings.Contains(ref[strings.LastIndexByte(ref, '/')+1:], ":") {
				tags = tagsOf(s.plan)
			}
			res, err := remote.Push(ctx, ref, images, desc, raw, nil, tags...)
			if err != nil {
				return err
			}
			a.rep.End(ref, "push", time.Since(start), res.Sent, res.Reference, res.Sent == 0)
			doc.Run.Pushed = append(doc.Run.Pushed, res.Reference)
		}
	}
	return nil
}

// forEngine gives the image a Docker engine on this machine can run, or all
// of them if there is none.
func forEngine(images []image.Made, arch string) []image.Made {
	for _, m := range images {
		if m.Platform.OS == "linux" && m.Platform.Arch == arch {
			return []image.Made{m}
		}
	}
	return images
}

// tagsOf are the tags asked for, otherwise the version. A tag may not hold the
// + of a version (distribution specification, "tag").
func tagsOf(p plan.Plan) []string {
	for _, t := range p.Targets {
		if t.Image != nil && len(t.Image.Tags) > 0 {
			return t.Image.Tags
		}
	}
	return []string{strings.ReplaceAll(p.Version, "+", "-")}
}

// dockerNames are the names an image gets in a Docker engine.
func dockerNames(p plan.Plan) []string {
	for _, t := range p.Targets {
		if t.Image == nil {
			continue
		}
		var out []string
		for _, tag := range tagsOf(p) {
			out = append(out, t.Image.Name+":"+tag)
		}
		return out
	}
	return nil
}
