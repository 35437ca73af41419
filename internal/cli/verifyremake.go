package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
	"github.com/slipway-build/slipway/internal/rebuild"
	"github.com/slipway-build/slipway/internal/verify"
)

// remakeImages makes the images of a ship again from its plan, with layers
// compressed anew, and holds them against those that were shipped. The
// programs go in from the ship, for they came out the same; if not, all but
// their layer is compared.
func (a *app) remakeImages(ctx context.Context, o rebuild.Options, s *verify.Opened, same bool) ([]*rebuild.ImageResult, []finding.Finding, error) {
	p := *s.Plan
	wanted := false
	for _, t := range p.Targets {
		wanted = wanted || t.Image != nil
	}
	if !wanted {
		return nil, nil, nil
	}
	tmp, err := os.MkdirTemp(o.TempDir, "slipway-remake-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a directory for images: %w", err)
	}
	defer os.RemoveAll(tmp)
	if o.Source == "" {
		if o.Source, err = a.workDir(); err != nil {
			return nil, nil, err
		}
	}
	x, err := image.Inspect(ctx, "oci:"+s.Dir, image.InspectOptions{TempDir: tmp})
	if err != nil {
		return nil, nil, err
	}
	defer x.Close()
	src, err := rebuild.FindSource(ctx, o, p, tmp)
	if why, ok := rebuild.Refusal(err); ok {
		return a.notRemade(p, why)
	}
	if err != nil {
		return nil, nil, err
	}
	known := rebuild.Shipped{OtherPrograms: !same}
	if known.Compressors, err = compressorsOf(s.Dir); err != nil {
		return nil, nil, err
	}
	job := image.Job{ProjectDir: src.Dir, Remote: a.remote()}
	if job.Zoneinfo, err = zoneinfo(ctx, o.Go, p); err != nil {
		return nil, nil, err
	}
	if job.Cache, err = image.OpenCache(filepath.Join(tmp, "layers")); err != nil {
		return nil, nil, err
	}
	var out []*rebuild.ImageResult
	var found []finding.Finding
	var all []image.Made
	clean := true
	for _, t := range p.Targets {
		if t.Image == nil {
			continue
		}
		r, made, err := a.remake(ctx, job, s, x, t, known)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, made)
		out = append(out, r)
		found = append(found, r.Findings()...)
		clean = clean && r.Verdict == rebuild.Identical
	}
	if clean {
		desc, _, err := image.IndexOf(all, indexMeta(p))
		if err != nil {
			return nil, nil, err
		}
		if s.Digest != "" && desc.Digest != s.Digest {
			found = append(found, rebuild.RuleOtherConfig.On(s.Name, i18n.M("rebuild.found.index", s.Digest, desc.Digest)))
		}
	}
	return out, found, nil
}

// compressorsOf reads from ship.json what compressed each layer, by digest.
func compressorsOf(dir string) (map[string]string, error) {
	name := filepath.Join(dir, "ship.json")
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read what was shipped: %w", err)
	}
	var doc shipDoc
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	out := map[string]string{}
	for _, t := range doc.Targets {
		if t.Image == nil {
			continue
		}
		for _, l := range t.Image.Layers {
			if l.Compressor != "" {
				out[l.Digest] = l.Compressor
			}
		}
	}
	return out, nil
}

// notRemade says of every image of a plan why it was not made again.
func (a *app) notRemade(p plan.Plan, why i18n.Message) ([]*rebuild.ImageResult, []finding.Finding, error) {
	var out []*rebuild.ImageResult
	var found []finding.Finding
	for _, t := range p.Targets {
		if t.Image != nil {
			r := &rebuild.ImageResult{Name: t.Platform.String(), Verdict: rebuild.Unknown, Reason: why}
			out, found = append(out, r), append(found, r.Findings()...)
		}
	}
	return out, found, nil
}

// remake makes the image of one target again.
func (a *app) remake(ctx context.Context, job image.Job, s *verify.Opened, x *image.Inspected, t plan.Target, known rebuild.Shipped) (*rebuild.ImageResult, image.Made, error) {
	job.Target, job.Programs = t, nil
	name := t.Platform.String()
	for _, b := range t.Binaries {
		for _, p := range s.Programs {
			if p.Path != "" && p.Target != nil && p.Target.Platform == t.Platform && p.Planned != nil && p.Planned.Package == b.Package {
				job.Programs = append(job.Programs, image.Program{Binary: b, Path: p.Path, Digest: p.Digest, Size: p.File.Size})
				break
			}
		}
	}
	if len(job.Programs) != len(t.Binaries) {
		return &rebuild.ImageResult{Name: name, Verdict: rebuild.Unknown, Reason: i18n.M("rebuild.why.noimage")}, image.Made{}, nil
	}
	made, err := image.Assemble(ctx, job)
	if err != nil {
		return nil, made, err
	}
	var shipped *image.InspectedImage
	for i := range x.Images {
		if x.Images[i].Platform == t.Platform {
			shipped = &x.Images[i]
		}
	}
	if shipped == nil {
		return &rebuild.ImageResult{Name: name, Verdict: rebuild.Unknown, Reason: i18n.M("rebuild.why.noimage")}, made, nil
	}
	config, err := layoutBlob(s.Dir, shipped.ImageID)
	if err != nil {
		return nil, made, err
	}
	r, err := rebuild.Image(name, shipped, config, made, known)
	return r, made, err
}

// layoutBlob reads a small blob of a ship's layout, which was held against
// its digest when the layout was opened.
func layoutBlob(dir, digest string) ([]byte, error) {
	const most = 8 << 20
	hex, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || strings.ContainsAny(hex, `/\.`) {
		return nil, fault.UsageError(i18n.M("rebuild.why.noimage"), i18n.Message{})
	}
	f, err := os.Open(filepath.Join(dir, "oci", "blobs", "sha256", hex))
	if err != nil {
		return nil, fmt.Errorf("read the image's configuration: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("read the image's configuration: %w", err)
	}
	if !json.Valid(b) {
		return nil, fmt.Errorf("read the image's configuration %s: not JSON", digest)
	}
	return b, nil
}
