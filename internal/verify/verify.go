// Package verify proves what was built: it opens any Go program or image, ours
// or anybody's, and says what it is and whether it can start where it is meant
// to run. What was seen when it ran, and whether its source gives these bytes
// again, are put into the same report by packages trial and rebuild.
//
// What cannot be known is left unsaid: a finding never rests on a guess.
//
// The package opens and judges; it starts no program and writes nothing.
package verify

import (
	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/image"
	"github.com/slipway-build/slipway/internal/rebuild"
	"github.com/slipway-build/slipway/internal/sizes"
	"github.com/slipway-build/slipway/internal/trial"
)

// SchemaVersion of the Report document.
const SchemaVersion = 1

// Report is the result of `slipway verify`.
type Report struct {
	SchemaVersion int             `json:"schemaVersion"`
	Subjects      []Subject       `json:"subjects"`
	Programs      []Program       `json:"programs"` // of all platforms
	Images        []Image         `json:"images,omitempty"`
	Runs          []*trial.Result `json:"runs,omitempty"` // with --run
	// Rebuilt are images made again from their plans, if that was asked for.
	Rebuilt  []*rebuild.ImageResult `json:"rebuilt,omitempty"`
	Findings []finding.Finding      `json:"findings"`
	Notes    []i18n.Message         `json:"notes,omitempty"` // what could not be known
}

// Kind is what a subject is.
type Kind string

// The kinds.
const (
	KindProgram   Kind = "program"   // a file
	KindDirectory Kind = "directory" // of programs
	KindShip      Kind = "ship"      // what `slipway ship` writes
	KindImage     Kind = "image"     // of one or more platforms
)

// Subject is what was named on the command line.
type Subject struct {
	Name   string `json:"name"` // as it was named
	Kind   Kind   `json:"kind"`
	Digest string `json:"digest,omitempty"` // of the index or manifest of an image
}

// Program is one program that was opened.
type Program struct {
	// Name is what findings call it: its path on this disk, or
	// os/arch:/path for one in an image.
	Name     string      `json:"name"`
	Platform string      `json:"platform"` // os/arch as far as the file says
	Digest   string      `json:"digest"`   // sha256:<hex> of the file
	File     binary.File `json:"file"`
	// Recorded is the version that the plan or the image says it has, where the
	// program itself says none.
	Recorded string   `json:"recordedVersion,omitempty"`
	Embeds   []string `json:"embeds,omitempty"` // what it brings that others take from the system: time-zones, ca-roots
	FIPS     string   `json:"fips140,omitempty"`
	// Sizes says where its bytes come from, and Growth what makes it larger than
	// another program; nil if that was not asked for.
	Sizes  *sizes.Report `json:"sizes,omitempty"`
	Growth *sizes.Diff   `json:"growth,omitempty"`
	Base   *Verdict      `json:"base,omitempty"` // nil: no place was named to run it in
	// Rebuild says whether its source gives its bytes, and Against what differs
	// from another program; nil if that was not asked for.
	Rebuild *rebuild.Result `json:"rebuild,omitempty"`
	Against *rebuild.Result `json:"against,omitempty"`
}

// Verdict says whether a program can start in a place.
type Verdict struct {
	Name   string         `json:"name"`
	Starts Answer         `json:"starts"`
	Why    []i18n.Message `json:"why,omitempty"`
}

// Answer is what is known.
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Image is one image that was opened.
type Image struct {
	Name        string             `json:"name"` // what findings call it: its platform
	Platform    string             `json:"platform"`
	Digest      string             `json:"digest"` // of the manifest
	Size        int64              `json:"size"`   // bytes that a client downloads: configuration and layers
	User        string             `json:"user"`
	Entrypoint  []string           `json:"entrypoint,omitempty"`
	Cmd         []string           `json:"cmd,omitempty"`
	Env         []string           `json:"env,omitempty"` // what seems to be secret is masked
	Workdir     string             `json:"workdir,omitempty"`
	Ports       []string           `json:"ports,omitempty"`
	StopSignal  string             `json:"stopSignal,omitempty"`
	Healthcheck []string           `json:"healthcheck,omitempty"`
	Layers      []image.Descriptor `json:"layers"`
	// Program is the name of the program that the entry point starts; empty if
	// it is none that could be opened.
	Program string `json:"program,omitempty"`
}

// Count is how many findings are at least as bad as a threshold and count.
func (r *Report) Count(threshold finding.Severity) int {
	n := 0
	for _, f := range r.Findings {
		if !f.Advisory && f.Severity.AtLeast(threshold) {
			n++
		}
	}
	return n
}
