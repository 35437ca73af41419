// Package compare measures programs against one another: the same source
// under several toolchains, bases and settings, or finished programs and
// images. It starts each many times, in turns, and says of every difference
// how large it is, how sure, and whether it can be told from noise.
//
// # How times are taken
//
// Cells are never measured one after the other: each round starts every cell
// once, in an order drawn anew from a recorded seed, so that whatever else
// changes on the machine meanwhile falls on all of them alike. The first
// rounds are dropped (the kernel's caches, the processor's clock), and
// nothing else ever is: an outlier is a start somebody waited for. Rounds go
// on until the interval of every median is as narrow as was asked for, and
// are at least as many as the highest percentile needs. When to stop depends
// on the width of intervals alone, never on which cell is ahead, or the test
// that follows would be worth nothing.
//
// A median has the interval of its order statistics, two samples are held
// against each other by the test of Mann and Whitney: both assume nothing of
// the distribution, and both are benchstat's own (golang.org/x/perf/benchmath).
// With several comparisons at once, the level is corrected by Holm's method.
//
// A fixed piece of work is timed between the rounds, a server that does
// nothing is measured among the cells: the one shows the machine's noise, the
// other what the method itself costs.
//
// The package knows sandboxes and samples, and nothing of how programs are
// built; who calls it brings cells that can be started.
package compare

import (
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sizes"
)

// SchemaVersion of the Result document.
const SchemaVersion = 1

// Metric is one thing that is measured.
type Metric string

// What is measured of a start. Times are in nanoseconds, RSS in bytes.
const (
	Listening Metric = "listening" // start → the first connection is accepted
	Ready     Metric = "ready"     // start → the first answer with status 2xx is read
	First     Metric = "first"     // first request → its answer
	Second    Metric = "second"    // second request, on the same connection → its answer
	Exited    Metric = "exited"    // start → the program has ended by itself, with code 0
	Whole     Metric = "whole"     // the same end as Ready, or Exited, but from before the sandbox is made
	CPU       Metric = "cpu"       // processor time of all threads up to Ready or Exited
	RSS       Metric = "rss"       // highest resident memory up to then
	BuildCold Metric = "buildCold" // building with an empty build cache
	BuildWarm Metric = "buildWarm" // building again with everything compiled, so mostly linking
)

// Sizes, in bytes. They are exact.
const (
	BinaryRaw  Metric = "binary"
	BinaryGzip Metric = "gzip"
	BinaryZstd Metric = "zstd"
	ImageSize  Metric = "image"    // configuration and compressed layers
	Unpacked   Metric = "unpacked" // tars of the layers
)

// Result is the result of `slipway compare`. It holds every single
// measurement, so that it can be shown again, continued and put together with
// others.
type Result struct {
	SchemaVersion int       `json:"schemaVersion"`
	Slipway       string    `json:"slipway"`
	Subject       string    `json:"subject"` // as it was named
	Command       []string  `json:"command,omitempty"`
	Began         time.Time `json:"began"`
	Seconds       float64   `json:"seconds"`
	// Incomplete says that the measuring was interrupted; what is here is good.
	Incomplete  bool         `json:"incomplete,omitempty"`
	Axes        []Axis       `json:"axes"`
	Cells       []Cell       `json:"cells"`
	Floor       *Cell        `json:"floor,omitempty"` // a server that does nothing, measured among the cells
	Method      Method       `json:"method"`
	Machine     Machine      `json:"machine"`
	Noise       Noise        `json:"noise"`
	Bandwidths  []Bandwidth  `json:"bandwidths,omitempty"`
	Comparisons []Comparison `json:"comparisons,omitempty"`
}

// Axis is what is varied.
type Axis struct {
	Name   string   `json:"name"` // go, strip, base, cgo, target, compression, tags, cache, subject, or a key or variable
	Values []string `json:"values"`
}

// Cell is one combination of values.
type Cell struct {
	Values []string `json:"values"` // one for each axis
	// Reason says why the cell could not be built or measured; the rest is
	// empty then, or what was known before.
	Reason  *i18n.Message `json:"reason,omitempty"`
	Said    string        `json:"said,omitempty"`   // last words of a program that did not start
	Digest  string        `json:"digest,omitempty"` // sha256:<hex> of the program or the manifest
	Go      string        `json:"go,omitempty"`     // release that built it
	Size    *Size         `json:"size,omitempty"`
	Samples Samples       `json:"samples,omitempty"`
	// Orders is the place of each sample in its round, from 0.
	Orders  []int              `json:"orders,omitempty"`
	Summary map[Metric]Summary `json:"summary,omitempty"`
	Notes   []i18n.Message     `json:"notes,omitempty"`
}

// Samples are the measurements of each metric, in the order they were taken.
type Samples map[Metric][]float64

// Size says how large a cell is, in bytes; 0 means not known.
type Size struct {
	Binary   int64   `json:"binary,omitempty"`
	Gzip     int64   `json:"gzip,omitempty"` // the binary by itself, compressed as our layers are
	Zstd     int64   `json:"zstd,omitempty"`
	Image    int64   `json:"image,omitempty"`    // configuration and compressed layers
	Unpacked int64   `json:"unpacked,omitempty"` // tars of all layers
	Layers   []Layer `json:"layers,omitempty"`
	// Parts says where the bytes of the binary come from.
	Parts *sizes.Report `json:"parts,omitempty"`
}

// Layer is one layer of an image.
type Layer struct {
	Title string `json:"title"`
	Size  int64  `json:"size"`     // bytes, compressed
	Raw   int64  `json:"unpacked"` // bytes of the tar
}

// of gives a size by its metric; ok is false if it is not known.
func (s *Size) of(m Metric) (v float64, ok bool) {
	if s == nil {
		return 0, false
	}
	var n int64
	switch m {
	case BinaryRaw:
		n = s.Binary
	case BinaryGzip:
		n = s.Gzip
	case BinaryZstd:
		n = s.Zstd
	case ImageSize:
		n = s.Image
	case Unpacked:
		n = s.Unpacked
	}
	return float64(n), n > 0
}

// Method says how starts were measured.
type Method struct {
	Runner     string  `json:"runner,omitempty"`
	Until      string  `json:"until,omitempty"` // ready, listening or exit
	Probe      string  `json:"probe,omitempty"`
	Seed       uint64  `json:"seed,omitempty"`
	Warmup     int     `json:"warmup,omitempty"`    // rounds dropped
	Rounds     int     `json:"rounds,omitempty"`    // rounds kept
	MinRuns    int     `json:"minRuns,omitempty"`   //
	MaxRuns    int     `json:"maxRuns,omitempty"`   //
	Precision  float64 `json:"precision,omitempty"` // wanted half-width of the interval of a median, as a part of it
	Confidence float64 `json:"confidence"`          // of intervals
	Alpha      float64 `json:"alpha"`               // of all comparisons of a metric together
	Stopped    Stop    `json:"stopped,omitempty"`   // why the rounds ended
}

// Bandwidth is a line that an image is sent over.
type Bandwidth struct {
	Name string  `json:"name"` // as it was given: 100Mbit
	Bits float64 `json:"bitsPerSecond"`
}

// Transfer is how long size bytes take: computed, without latency and
// protocol.
func (b Bandwidth) Transfer(size int64) time.Duration {
	return time.Duration(float64(size) * 8 / b.Bits * float64(time.Second))
}
