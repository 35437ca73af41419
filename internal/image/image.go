// Package image makes OCI images: layers, configuration, manifest, one index
// for all platforms, and writes them as an OCI layout, as archives, into a
// Docker engine or to a registry. It needs no Docker and no base image.
//
// Bytes are streamed: no layer is ever held in memory. The same entries and
// the same compressor give the same digest on any machine. A layer is
// compressed once and kept in the user's cache under its content; what comes
// out of the cache is held against its digest before it is used.
//
// The package knows plan, and nothing of how programs are compiled.
//
// This file holds the vocabulary; the other files make the parts.
package image

import (
	"context"
	"io"
	"time"

	"github.com/slipway-build/slipway/internal/plan"
)

// Media types of the OCI image specification v1.1.
const (
	MediaTypeIndex     = "application/vnd.oci.image.index.v1+json"
	MediaTypeManifest  = "application/vnd.oci.image.manifest.v1+json"
	MediaTypeConfig    = "application/vnd.oci.image.config.v1+json"
	MediaTypeLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
	MediaTypeLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd"
	MediaTypeLayerTar  = "application/vnd.oci.image.layer.v1.tar"
)

// Descriptor points at a blob (OCI image specification, descriptor.md).
type Descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"` // sha256:<64 hex digits>
	Size        int64             `json:"size"`   // bytes
	Annotations map[string]string `json:"annotations,omitempty"`
	Platform    *Platform         `json:"platform,omitempty"`
}

// Platform is the platform of a manifest in an index.
type Platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

// Entry is one file, directory or symbolic link of a layer.
type Entry struct {
	Path string // absolute and clean, such as /usr/bin/orders
	Mode int64  // permission bits, with setuid, setgid and sticky as in tar
	UID  int
	GID  int
	Dir  bool
	Link string // target of a symbolic link; empty for anything else
	Size int64  // bytes of a regular file
	// Open gives the content of a regular file. The content is exactly Size
	// bytes; more or fewer is an error of the layer.
	Open func() (io.ReadCloser, error) `json:"-"`
}

// LayerSpec is a layer before it is made.
type LayerSpec struct {
	Title   string // for people: "base", "programs", "files"
	Entries []Entry
	// Key names the content of all entries together (paths, modes and bytes),
	// such as a hash over the digests of the files. Two specs with equal keys
	// must give equal layers. An empty key means: make it, do not remember it.
	Key     string
	Created time.Time // time of every entry
}

// Layer is a finished layer. Path names its compressed blob on this disk.
type Layer struct {
	Descriptor
	Title    string
	DiffID   string // sha256 of the uncompressed tar
	RawSize  int64  // bytes of the uncompressed tar
	Path     string
	Reused   bool   // it came from the cache
	Compress string // compressor and version that made it, such as "zstd-default/2048k klauspost/compress v1.20.3"; empty for a layer of a reference base

	// remake makes or fetches the layer again after its blob was found
	// damaged; nil when that is not possible.
	remake func(context.Context) (Layer, error)
}

// Program is a finished binary that goes into an image.
type Program struct {
	Binary plan.Binary
	Path   string // on this disk
	Digest string // sha256:<hex> of the file
	Size   int64  // bytes
}

// Made is a finished image of one platform.
type Made struct {
	Platform plan.Platform
	Manifest Descriptor // with Platform set
	Config   Descriptor
	Layers   []Layer
	// Raw is the content of the small blobs (manifest and configuration) by digest.
	Raw map[string][]byte
	// Size is what a registry client downloads: configuration and layers.
	Size int64
	// BaseDigest is the manifest digest of a reference base; empty otherwise.
	BaseDigest string
	// Libraries are the files a closure base took from the sysroot.
	Libraries []Library
}

// Library is a file of a closure base.
type Library struct {
	Path   string `json:"path"`   // in the image
	From   string `json:"from"`   // in the sysroot
	Digest string `json:"digest"` // sha256:<hex>
	Why    string `json:"why"`    // "interpreter", or the file that needs it
}
