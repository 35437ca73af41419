package image

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// savedManifest lists the images of an archive of `docker save` (moby,
// image/tarexport).
const savedManifest = "manifest.json"

// savedArchive is such an archive without an OCI index, as Docker before 25
// and others write it. It has no manifests: an image is its configuration, and
// that names the layers by their diffIDs.
type savedArchive struct{ *archiveStore }

var _ savedStore = (*savedArchive)(nil)

// images implements savedStore.
func (s *savedArchive) images(context.Context) ([]InspectedImage, error) {
	r, err := s.open(savedManifest)
	if err != nil {
		return nil, notArchive(s.name, nil)
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return nil, err
	}
	entries, err := readSaved(raw, s.name+" "+savedManifest)
	if err != nil {
		return nil, err
	}
	var out []InspectedImage
	total := int64(0)
	for _, e := range entries {
		img, read, err := s.image(e)
		if err != nil {
			return nil, err
		}
		if total += read; total > maxMetadata {
			return nil, refuseDocument(i18n.M("image_inspect.metadata", s.name, maxMetadata>>20))
		}
		out = append(out, img)
	}
	return out, nil
}

// readSaved reads a manifest.json.
func readSaved(raw []byte, name string) ([]dockerEntry, error) {
	var entries []dockerEntry
	if len(raw) > maxManifest {
		return nil, refuseDocument(i18n.M("image_remote.manifest.large", name))
	}
	if err := strictJSON(raw, &entries); err != nil {
		return nil, refuseDocument(i18n.M("image_remote.manifest.json", name, oneLine(err.Error(), 200)))
	}
	if len(entries) == 0 {
		return nil, fault.UsageError(i18n.M("image_inspect.empty", name), i18n.M("image_inspect.empty.hint"))
	}
	if len(entries) > maxDocuments {
		return nil, refuseDocument(i18n.M("image_inspect.documents", name, maxDocuments))
	}
	for _, e := range entries {
		if len(e.Layers) > maxLayers {
			return nil, refuseDocument(i18n.M("image_inspect.layers", name, len(e.Layers), maxLayers))
		}
	}
	return entries, nil
}

// image reads one image, and says how many bytes its configuration has.
func (s *savedArchive) image(e dockerEntry) (InspectedImage, int64, error) {
	fail := func(err error) (InspectedImage, int64, error) { return InspectedImage{}, 0, err }
	missing := func(file string) error {
		return fault.UsageError(i18n.M("image_inspect.absent", s.name, oneLine(file, 120)), i18n.M("image_inspect.absent.hint"))
	}
	name := s.name + " " + oneLine(e.Config, 120)
	r, err := s.open(archivePath(e.Config))
	if err != nil {
		return fail(missing(e.Config))
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxManifest+1))
	if err != nil {
		return fail(err)
	}
	if len(raw) > maxManifest {
		return fail(refuseDocument(i18n.M("image_remote.manifest.large", name)))
	}
	id := digestBytes(raw)
	// The file is called by its digest: HEX.json, or blobs/sha256/HEX.
	if h := strings.TrimSuffix(path.Base(archivePath(e.Config)), ".json"); validDigest("sha256:"+h) && "sha256:"+h != id {
		return fail(fault.UsageError(i18n.M("image_remote.content", s.name, "sha256:"+h), i18n.M("image_inspect.content.hint")))
	}
	c, err := readConfig(raw, name, len(e.Layers))
	if err != nil {
		return fail(asInput(err))
	}
	img := InspectedImage{Platform: c.platform(), ImageID: id, Config: c.exported(), Names: e.RepoTags, Size: int64(len(raw))}
	for i, file := range e.Layers {
		r, err := s.open(archivePath(file))
		if err != nil {
			return fail(missing(file))
		}
		img.Layers = append(img.Layers, InspectedLayer{
			Descriptor: Descriptor{Size: r.Size()}, DiffID: c.RootFS.DiffIDs[i], file: archivePath(file),
		})
		img.Size += r.Size()
	}
	return img, int64(len(raw)), nil
}

// archivePath is a name as it stands in the index of an archive.
func archivePath(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// tops implements store; there are none.
func (s *savedArchive) tops(context.Context) ([]Descriptor, error) {
	return nil, errors.New("an archive without manifests")
}
