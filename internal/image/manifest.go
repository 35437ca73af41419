package image

import (
	"fmt"
	"maps"
	"slices"

	"github.com/slipway-build/slipway/internal/plan"
)

// manifest is an OCI image manifest (OCI image specification, manifest.md).
type manifest struct {
	Annotations   map[string]string `json:"annotations,omitempty"`
	Config        Descriptor        `json:"config"`
	Layers        []Descriptor      `json:"layers"`
	MediaType     string            `json:"mediaType"`
	SchemaVersion int               `json:"schemaVersion"` // 2
}

// index is an OCI image index (OCI image specification, image-index.md). The
// index.json of a layout has the same form.
type index struct {
	Annotations   map[string]string `json:"annotations,omitempty"`
	Manifests     []Descriptor      `json:"manifests"`
	MediaType     string            `json:"mediaType"`
	SchemaVersion int               `json:"schemaVersion"` // 2
}

// IndexMeta is what an index says beyond its images.
type IndexMeta struct {
	Annotations map[string]string // of the index
	// RefNames become org.opencontainers.image.ref.name annotations in the
	// index.json of a layout, one entry each.
	RefNames []string
}

// annotationRefName names an image within a layout.
const annotationRefName = "org.opencontainers.image.ref.name"

// ociTypes translates the media types of Docker's schema 2, so that a manifest
// of ours is OCI throughout. The blobs are the same.
var ociTypes = map[string]string{
	"application/vnd.docker.image.rootfs.diff.tar":      MediaTypeLayerTar,
	"application/vnd.docker.image.rootfs.diff.tar.gzip": MediaTypeLayerGzip,
	"application/vnd.docker.image.rootfs.diff.tar.zstd": MediaTypeLayerZstd,
}

// finish writes configuration and manifest and puts the image together.
func finish(p plan.Platform, config configFile, layers []Layer, annotations map[string]string) (Made, error) {
	rawConfig, err := canonicalJSON(config)
	if err != nil {
		return Made{}, err
	}
	made := Made{
		Platform: p,
		Layers:   layers,
		Config:   Descriptor{MediaType: MediaTypeConfig, Digest: digestBytes(rawConfig), Size: int64(len(rawConfig))},
		Size:     int64(len(rawConfig)),
	}
	m := manifest{SchemaVersion: 2, MediaType: MediaTypeManifest, Config: made.Config, Layers: []Descriptor{}, Annotations: annotations}
	for _, l := range layers {
		d := l.Descriptor
		if t, ok := ociTypes[d.MediaType]; ok {
			d.MediaType = t
		}
		m.Layers = append(m.Layers, d)
		made.Size += d.Size
	}
	rawManifest, err := canonicalJSON(m)
	if err != nil {
		return Made{}, err
	}
	made.Manifest = Descriptor{
		MediaType: MediaTypeManifest,
		Digest:    digestBytes(rawManifest),
		Size:      int64(len(rawManifest)),
		Platform:  &Platform{Architecture: p.Arch, OS: p.OS, Variant: p.Variant},
	}
	made.Raw = map[string][]byte{made.Config.Digest: rawConfig, made.Manifest.Digest: rawManifest}
	return made, nil
}

// IndexOf gives the index over all images, in their order, and its bytes. Equal
// images give equal bytes.
func IndexOf(made []Made, meta IndexMeta) (Descriptor, []byte, error) {
	ix := index{SchemaVersion: 2, MediaType: MediaTypeIndex, Annotations: meta.Annotations, Manifests: []Descriptor{}}
	for _, m := range made {
		ix.Manifests = append(ix.Manifests, m.Manifest)
	}
	raw, err := canonicalJSON(ix)
	if err != nil {
		return Descriptor{}, nil, fmt.Errorf("make index: %w", err)
	}
	return Descriptor{MediaType: MediaTypeIndex, Digest: digestBytes(raw), Size: int64(len(raw))}, raw, nil
}

// layoutIndex gives the content of a layout's index.json: one entry for every
// name of the index, or one without a name.
func layoutIndex(ix Descriptor, meta IndexMeta) ([]byte, error) {
	top := index{SchemaVersion: 2, MediaType: MediaTypeIndex}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(meta.RefNames))) {
		d := ix
		d.Annotations = maps.Clone(ix.Annotations)
		if d.Annotations == nil {
			d.Annotations = map[string]string{}
		}
		d.Annotations[annotationRefName] = name
		top.Manifests = append(top.Manifests, d)
	}
	if len(top.Manifests) == 0 {
		top.Manifests = []Descriptor{ix}
	}
	return canonicalJSON(top)
}
