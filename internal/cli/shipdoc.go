package cli

import (
	"time"

	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/plan"
)

// shipSchema is the version of the ship.json document.
const shipSchema = 1

// shipDoc is ship.json: what was made, by digest. It holds no time and no path
// of this machine, so that shipping the same source again gives the same file.
type shipDoc struct {
	SchemaVersion int               `json:"schemaVersion"`
	Slipway       string            `json:"slipway"`
	Module        string            `json:"module"`
	Version       string            `json:"version"`
	Source        plan.Source       `json:"source"`
	Toolchain     string            `json:"toolchain"`
	Index         *image.Descriptor `json:"index,omitempty"` // nil if no target has an image
	Targets       []shipTarget      `json:"targets"`
	Findings      []finding.Finding `json:"findings,omitempty"`

	// Of this run only; not in the file.
	Run *shipRun `json:"run,omitempty"`
}

// shipRun is what one run did.
type shipRun struct {
	Output  string   `json:"output"`            // directory
	Archive []string `json:"archive,omitempty"` // files written on request
	Pushed  []string `json:"pushed,omitempty"`  // references with digest
	Loaded  []string `json:"loaded,omitempty"`  // names in the Docker engine
	Seconds float64  `json:"seconds"`
}

type shipTarget struct {
	Platform string         `json:"platform"`
	Binaries []build.Binary `json:"binaries"`
	Image    *shipImage     `json:"image,omitempty"`
	took     time.Duration
}

type shipImage struct {
	Digest     string          `json:"digest"` // of the manifest
	Size       int64           `json:"size"`   // bytes that a client downloads: configuration and layers
	Base       plan.Base       `json:"base"`
	BaseDigest string          `json:"baseDigest,omitempty"`
	Layers     []shipLayer     `json:"layers"`
	Libraries  []image.Library `json:"libraries,omitempty"`
}

type shipLayer struct {
	Title      string `json:"title"`
	Digest     string `json:"digest"`
	DiffID     string `json:"diffID"`
	Size       int64  `json:"size"`                 // bytes, compressed
	RawSize    int64  `json:"rawSize"`              // bytes of the tar
	Compressor string `json:"compressor,omitempty"` // empty: it came with the base
}

func shipImageOf(m image.Made, t plan.Target) *shipImage {
	s := &shipImage{Digest: m.Manifest.Digest, Size: m.Size, Base: t.Image.Base, BaseDigest: m.BaseDigest, Libraries: m.Libraries}
	for _, l := range m.Layers {
		s.Layers = append(s.Layers, shipLayer{l.Title, l.Digest, l.DiffID, l.Size, l.RawSize, l.Compress})
	}
	return s
}
