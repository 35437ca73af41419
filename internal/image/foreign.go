package image

import (
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// Docker's media types (image manifest version 2, schema 2). They name the
// same documents and bytes as their OCI counterparts.
const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// maxManifest is the largest manifest, index or configuration that is read:
// the size every registry must take (distribution specification, "pushing
// manifests"). No honest one comes near.
const maxManifest = 4 << 20

// layerTypes maps the media types of layers to those of OCI. Layers that must
// not be passed on ("foreign", "nondistributable") are missing on purpose: an
// image made from them could not be pushed.
var layerTypes = map[string]string{
	MediaTypeLayerTar:  MediaTypeLayerTar,
	MediaTypeLayerGzip: MediaTypeLayerGzip,
	MediaTypeLayerZstd: MediaTypeLayerZstd,
	"application/vnd.docker.image.rootfs.diff.tar":      MediaTypeLayerTar,
	"application/vnd.docker.image.rootfs.diff.tar.gzip": MediaTypeLayerGzip,
	"application/vnd.docker.image.rootfs.diff.tar.zstd": MediaTypeLayerZstd,
}

// document is an index or a manifest that someone else made.
type document struct {
	MediaType string       `json:"mediaType"`
	Manifests []Descriptor `json:"manifests"` // of an index
	Config    *Descriptor  `json:"config"`    // of a manifest
	Layers    []Descriptor `json:"layers"`    // of a manifest
}

func (d document) isIndex() bool { return d.Manifests != nil }

// readDocument reads an index or manifest. name is what it is called in
// errors. Everything a later step follows (digests, sizes, media types) is
// checked here.
func readDocument(raw []byte, name string) (document, error) {
	var d document
	bad := func(what i18n.Message) (document, error) { return document{}, fault.New(nil, what, unusable) }
	if len(raw) > maxManifest {
		return bad(i18n.M("image_remote.manifest.large", name))
	}
	if err := strictJSON(raw, &d); err != nil {
		return bad(i18n.M("image_remote.manifest.json", name, oneLine(err.Error(), 200)))
	}
	if d.isIndex() == (d.Config != nil || d.Layers != nil) {
		// Both at once is how one digest is made to mean two images
		// (CVE-2021-41190); neither is Docker's schema 1, or not a manifest.
		return bad(i18n.M("image_remote.manifest.neither", name))
	}
	switch d.MediaType {
	case "":
	case MediaTypeIndex, dockerList:
		if !d.isIndex() {
			return bad(i18n.M("image_remote.manifest.type", name, d.MediaType))
		}
	case MediaTypeManifest, dockerManifest:
		if d.isIndex() {
			return bad(i18n.M("image_remote.manifest.type", name, d.MediaType))
		}
	default:
		return bad(i18n.M("image_remote.manifest.type", name, oneLine(d.MediaType, 100)))
	}
	for _, m := range d.Manifests {
		if !validDescriptor(m, maxManifest) {
			return bad(i18n.M("image_remote.manifest.descriptor", name))
		}
	}
	if d.isIndex() {
		return d, nil
	}
	if d.Config == nil || !validDescriptor(*d.Config, maxManifest) {
		return bad(i18n.M("image_remote.manifest.descriptor", name))
	}
	for i, l := range d.Layers {
		if !validDescriptor(l, -1) {
			return bad(i18n.M("image_remote.manifest.descriptor", name))
		}
		oci, ok := layerTypes[l.MediaType]
		if !ok {
			return bad(i18n.M("image_remote.manifest.layer", name, oneLine(l.MediaType, 100)))
		}
		// The rest of a foreign descriptor (URLs, annotations) says where others
		// got the layer; we have it.
		d.Layers[i] = Descriptor{MediaType: oci, Digest: l.Digest, Size: l.Size}
	}
	return d, nil
}

// validDescriptor checks what is followed. limit is the largest size in
// bytes; below 0 there is none.
func validDescriptor(d Descriptor, limit int64) bool {
	return validDigest(d.Digest) && d.Size >= 0 && (limit < 0 || d.Size <= limit)
}

// platforms lists what an index offers, without attestations and other
// entries that are no images.
func (d document) platforms() []plan.Platform {
	var out []plan.Platform
	for _, m := range d.Manifests {
		if m.Platform == nil || m.Platform.OS == "unknown" || m.Platform.OS == "" {
			continue
		}
		p := normal(plan.Platform{OS: m.Platform.OS, Arch: m.Platform.Architecture, Variant: m.Platform.Variant})
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// choose gives the entry that fits p best, nil if none runs there.
func (d document) choose(p plan.Platform) *Descriptor {
	var best *Descriptor
	level := -1
	for i, m := range d.Manifests {
		if m.Platform == nil {
			continue
		}
		have := plan.Platform{OS: m.Platform.OS, Arch: m.Platform.Architecture, Variant: m.Platform.Variant}
		if l, ok := fits(have, p); ok && l > level {
			best, level = &d.Manifests[i], l
		}
	}
	return best
}

// fits reports whether what is made for have runs on want, and how close it
// comes: higher is better.
func fits(have, want plan.Platform) (int, bool) {
	if have.OS != want.OS || have.Arch != want.Arch {
		return 0, false
	}
	if have.Variant == want.Variant {
		return 1 << 20, true
	}
	h, hok := variantLevel(have)
	w, wok := variantLevel(want)
	if !hok || !wok {
		// A variant nobody has ordered yet: only no variant at all is lower.
		return 0, have.Variant == ""
	}
	return h, h <= w
}

// variantLevel orders the variants of an architecture: a processor runs what
// is made for its own and lower ones. What an absent variant stands for is
// containerd's convention, which registries follow.
func variantLevel(p plan.Platform) (int, bool) {
	v := p.Variant
	if v == "" {
		v = map[string]string{"arm": "v7", "arm64": "v8", "amd64": "v1"}[p.Arch]
	}
	n, err := strconv.Atoi(strings.TrimPrefix(v, "v"))
	return n, err == nil && strings.HasPrefix(v, "v") && n >= 0 && n < 100
}

// readConfig reads the configuration of an image with n layers.
func readConfig(raw []byte, name string, n int) (configFile, error) {
	var c configFile
	bad := func(what i18n.Message) (configFile, error) { return configFile{}, fault.New(nil, what, unusable) }
	if err := strictJSON(raw, &c); err != nil {
		return bad(i18n.M("image_remote.config.json", name, oneLine(err.Error(), 200)))
	}
	if c.OS == "" || c.Architecture == "" {
		return bad(i18n.M("image_remote.config.platform", name))
	}
	if len(c.RootFS.DiffIDs) != n {
		return bad(i18n.M("image_remote.config.layers", name, n, len(c.RootFS.DiffIDs)))
	}
	for _, id := range c.RootFS.DiffIDs {
		if !validDigest(id) {
			return bad(i18n.M("image_remote.config.diffid", name, oneLine(id, 80)))
		}
	}
	return c, nil
}

// unusable is what to do about an image that breaks the specification.
var unusable = i18n.M("image_remote.unusable.hint")

// platform gives what the image of c runs on.
func (c configFile) platform() plan.Platform {
	return normal(plan.Platform{OS: c.OS, Arch: c.Architecture, Variant: c.Variant})
}

// normal leaves out the variant every arm64 processor has, as the plan does.
func normal(p plan.Platform) plan.Platform {
	if p.Arch == "arm64" && p.Variant == "v8" {
		p.Variant = ""
	}
	return p
}
