package image

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Bounds of what is inspected.
const (
	maxNesting   = 4        // indexes within indexes
	maxDocuments = 512      // indexes, manifests and configurations
	maxMetadata  = 32 << 20 // bytes of them
	maxLayers    = 512      // of an image; overlay file systems take 128 (moby) to 500 (Linux)
)

// The annotation by which BuildKit tells attestations from images.
const annotationAttests = "vnd.docker.reference.type"

// configTypes are the media types of an image's configuration.
var configTypes = []string{MediaTypeConfig, "application/vnd.docker.container.image.v1+json"}

// foreignTypes are the media types of layers that may not be passed on.
var foreignTypes = map[string]bool{
	"application/vnd.oci.image.layer.nondistributable.v1.tar":      true,
	"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": true,
	"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": true,
	"application/vnd.docker.image.rootfs.foreign.diff.tar":         true,
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":    true,
}

// foundDocument is an index or manifest as it stands there.
type foundDocument struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType"`
	Manifests     []foundDescriptor `json:"manifests"`
	Config        *foundDescriptor  `json:"config"`
	Layers        []foundDescriptor `json:"layers"`
	Annotations   map[string]string `json:"annotations"`
}

type foundDescriptor struct {
	Descriptor
	ArtifactType string   `json:"artifactType"`
	URLs         []string `json:"urls"`
}

// inspection is the reading of all documents of a subject.
type inspection struct {
	x         *Inspected
	seen      map[string]bool // digests of manifests and indexes
	documents int
	bytes     int64
}

// read reads all indexes, manifests and configurations.
func (x *Inspected) read(ctx context.Context) error {
	if s, ok := x.store.(savedStore); ok {
		images, err := s.images(ctx)
		if err != nil {
			return err
		}
		if images != nil {
			x.Images = images
			x.adopt()
			return nil
		}
	}
	tops, err := x.store.tops(ctx)
	if err != nil {
		return err
	}
	in := &inspection{x: x, seen: map[string]bool{}}
	names := map[string][]string{}
	for _, d := range tops {
		if n := d.Annotations[annotationRefName]; n != "" {
			names[d.Digest] = append(names[d.Digest], n)
		}
	}
	for _, d := range tops {
		if err := in.follow(ctx, foundDescriptor{Descriptor: d}, names[d.Digest], 1); err != nil {
			return err
		}
	}
	if len(names) <= 1 && len(in.distinct(tops)) == 1 {
		x.Digest = tops[0].Digest
	}
	if len(x.Images) == 0 {
		if len(x.Missing) > 0 {
			return fault.UsageError(i18n.M("image_inspect.absent", x.Name, x.Missing[0].Digest), i18n.M("image_inspect.absent.hint"))
		}
		return fault.UsageError(i18n.M("image_inspect.empty", x.Name), i18n.M("image_inspect.empty.hint"))
	}
	x.adopt()
	return nil
}

func (x *Inspected) adopt() {
	for i := range x.Images {
		x.Images[i].from = x
	}
}

func (in *inspection) distinct(tops []Descriptor) []string {
	var out []string
	for _, d := range tops {
		if !slices.Contains(out, d.Digest) {
			out = append(out, d.Digest)
		}
	}
	return out
}

// refuseDocument is the error of a document that cannot be used.
func refuseDocument(what i18n.Message) error {
	return fault.UsageError(what, i18n.M("image_inspect.unusable.hint"))
}

// follow reads what a descriptor names.
func (in *inspection) follow(ctx context.Context, d foundDescriptor, names []string, depth int) error {
	if !validDescriptor(d.Descriptor, maxManifest) && (d.Size >= 0 || !validDigest(d.Digest)) {
		return refuseDocument(i18n.M("image_remote.manifest.descriptor", in.x.Name))
	}
	if in.seen[d.Digest] {
		return nil
	}
	in.seen[d.Digest] = true
	if !isImageEntry(d) {
		in.x.Others = append(in.x.Others, d.Descriptor)
		return nil
	}
	raw, err := in.fetch(ctx, d.Descriptor)
	if errors.Is(err, fs.ErrNotExist) {
		in.x.Missing = append(in.x.Missing, d.Descriptor)
		return nil
	}
	if err != nil {
		return err
	}
	name := in.x.Name + " " + d.Digest
	doc, err := readFound(raw, name)
	if err != nil {
		return err
	}
	if doc.Manifests == nil {
		return in.image(ctx, d.Descriptor, doc, name, names)
	}
	if depth == maxNesting {
		return refuseDocument(i18n.M("image_inspect.nested", name, maxNesting))
	}
	for _, m := range doc.Manifests {
		if err := in.follow(ctx, m, names, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// isImageEntry tells images and indexes from what else an index can list.
func isImageEntry(d foundDescriptor) bool {
	if d.Annotations[annotationAttests] != "" || d.ArtifactType != "" || d.Platform != nil && d.Platform.OS == "unknown" {
		return false
	}
	switch d.MediaType {
	case "", MediaTypeIndex, MediaTypeManifest, dockerList, dockerManifest:
		return true
	}
	return false
}

// fetch reads a document within the bounds for all of them.
func (in *inspection) fetch(ctx context.Context, d Descriptor) ([]byte, error) {
	if in.documents++; in.documents > maxDocuments {
		return nil, refuseDocument(i18n.M("image_inspect.documents", in.x.Name, maxDocuments))
	}
	raw, err := in.x.store.manifest(ctx, d)
	if err != nil {
		return nil, err
	}
	if in.bytes += int64(len(raw)); in.bytes > maxMetadata {
		return nil, refuseDocument(i18n.M("image_inspect.metadata", in.x.Name, maxMetadata>>20))
	}
	return raw, nil
}

// readFound reads an index or manifest, also one with layers that a build
// could not use.
func readFound(raw []byte, name string) (foundDocument, error) {
	var d foundDocument
	if len(raw) > maxManifest {
		return d, refuseDocument(i18n.M("image_remote.manifest.large", name))
	}
	if err := strictJSON(raw, &d); err != nil {
		return d, refuseDocument(i18n.M("image_remote.manifest.json", name, oneLine(err.Error(), 200)))
	}
	index := d.Manifests != nil
	if index == (d.Config != nil || d.Layers != nil) {
		return d, refuseDocument(i18n.M("image_remote.manifest.neither", name))
	}
	switch d.MediaType {
	case "":
	case MediaTypeIndex, dockerList:
		if !index {
			return d, refuseDocument(i18n.M("image_remote.manifest.type", name, d.MediaType))
		}
	case MediaTypeManifest, dockerManifest:
		if index {
			return d, refuseDocument(i18n.M("image_remote.manifest.type", name, d.MediaType))
		}
	default:
		return d, refuseDocument(i18n.M("image_remote.manifest.type", name, oneLine(d.MediaType, 100)))
	}
	return d, nil
}

// image reads the configuration that a manifest names.
func (in *inspection) image(ctx context.Context, d Descriptor, doc foundDocument, name string, names []string) error {
	if doc.Config == nil || !validDescriptor(doc.Config.Descriptor, maxManifest) {
		return refuseDocument(i18n.M("image_remote.manifest.descriptor", name))
	}
	if doc.ArtifactType != "" || !slices.Contains(configTypes, doc.Config.MediaType) {
		in.x.Others = append(in.x.Others, d)
		return nil
	}
	if len(doc.Layers) > maxLayers {
		return refuseDocument(i18n.M("image_inspect.layers", name, len(doc.Layers), maxLayers))
	}
	raw, err := in.fetch(ctx, doc.Config.Descriptor)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.UsageError(i18n.M("image_inspect.absent", in.x.Name, doc.Config.Digest), i18n.M("image_inspect.absent.hint"))
	}
	if err != nil {
		return err
	}
	c, err := readConfig(raw, name, len(doc.Layers))
	if err != nil {
		return asInput(err)
	}
	img := InspectedImage{
		Platform: c.platform(), Manifest: d, ImageID: doc.Config.Digest, Config: c.exported(),
		Annotations: doc.Annotations, Names: names, Size: doc.Config.Size,
	}
	for i, l := range doc.Layers {
		if !validDescriptor(l.Descriptor, -1) {
			return refuseDocument(i18n.M("image_remote.manifest.descriptor", name))
		}
		_, known := layerTypes[l.MediaType]
		if foreign := foreignTypes[l.MediaType]; !known && !foreign {
			return refuseDocument(i18n.M("image_inspect.layer", name, oneLine(l.MediaType, 100)))
		}
		img.Layers = append(img.Layers, InspectedLayer{Descriptor: l.Descriptor, DiffID: c.RootFS.DiffIDs[i], Foreign: foreignTypes[l.MediaType], URLs: l.URLs})
		img.Size += l.Size
	}
	in.x.Images = append(in.x.Images, img)
	return nil
}

// asInput makes an error about an image one about the user's input: to look at
// the image is all that was asked for.
func asInput(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return refuseDocument(f.Msg)
	}
	return err
}
