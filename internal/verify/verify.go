// Package verify proves what was built: it opens any Go program or image, ours
// or anybody's, and says what it is and whether it can start where it is meant
// to run. What was seen when it ran, and whether its source gives these bytes
// again, are put into the same report by packages trial and rebuild.
//
// The package opens and judges; it starts no program and writes nothing.
package verify

import (
	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/image"
)

// SchemaVersion of the Report document.
const SchemaVersion = 1

// Report is the result of `slipway verify`.
type Report struct {
	SchemaVersion int               `json:"schemaVersion"`
	Subject       string            `json:"subject"`          // as it was named
	Digest        string            `json:"digest,omitempty"` // of the index or manifest of an image
	Programs      []Program         `json:"programs"`         // of all platforms
	Images        []Image           `json:"images,omitempty"`
	Findings      []finding.Finding `json:"findings"`
}

// Program is one program that was opened.
type Program struct {
	// Name is what findings call it: its path on this disk, or
	// os/arch:/path for one in an image.
	Name     string      `json:"name"`
	Platform string      `json:"platform"` // os/arch as far as the file says
	Digest   string      `json:"digest"`   // sha256:<hex> of the file
	File     binary.File `json:"file"`
}

// Image is one image that was opened.
type Image struct {
	Platform   string             `json:"platform"`
	Digest     string             `json:"digest"` // of the manifest
	Size       int64              `json:"size"`   // bytes that a client downloads: configuration and layers
	User       string             `json:"user"`
	Entrypoint []string           `json:"entrypoint,omitempty"`
	Cmd        []string           `json:"cmd,omitempty"`
	Env        []string           `json:"env,omitempty"`
	Workdir    string             `json:"workdir,omitempty"`
	Ports      []string           `json:"ports,omitempty"`
	StopSignal string             `json:"stopSignal,omitempty"`
	Layers     []image.Descriptor `json:"layers"`
	// Program is the name of the program that the entry point starts; empty if
	// it is none that could be opened.
	Program string `json:"program,omitempty"`
}
