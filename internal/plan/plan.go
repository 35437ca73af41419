// Package plan turns facts and configuration into a complete statement of what
// will be built, and says why. It is pure: it reads no file, no environment,
// no clock, so that any plan can be made again from its documents.
//
// The plan states everything that changes the bytes. What differs between
// machines without changing bytes (paths of caches, proxies, credentials) is
// not part of it; package gotool adds that when it runs the go command.
//
// This file is the document.
package plan

import (
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// SchemaVersion of the Plan document.
const SchemaVersion = 1

// Plan is everything that decides the bytes of what is built.
type Plan struct {
	SchemaVersion int        `json:"schemaVersion"`
	Module        string     `json:"module"`
	Source        Source     `json:"source"`
	Version       string     `json:"version"`   // stamped; v1.2.3, a pseudo-version, +dirty when the tree was
	Toolchain     string     `json:"toolchain"` // go1.26.8
	Targets       []Target   `json:"targets"`
	Decisions     []Decision `json:"decisions"`
}

// Source is where the bytes come from.
type Source struct {
	Module string `json:"module,omitempty"` // module path@version, for a source from the module proxy
	Sum    string `json:"sum,omitempty"`    // its h1: hash
	// Install is set when Module is built as `go install path@version` does,
	// so that the build info names the module's version and hash. A module
	// with replace or exclude lines cannot be built that way.
	Install  bool   `json:"install,omitempty"`
	Revision string `json:"revision,omitempty"` // commit
	URL      string `json:"url,omitempty"`      // of the repository
	Time     int64  `json:"time"`               // Unix seconds, stamped into files and images
	Dirty    bool   `json:"dirty,omitempty"`
}

// Target is everything made for one platform.
type Target struct {
	Platform Platform `json:"platform"`
	Binaries []Binary `json:"binaries"`
	Image    *Image   `json:"image,omitempty"` // nil: binaries only
}

// Platform is a target as OCI and Go name it.
type Platform struct {
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Variant string `json:"variant,omitempty"` // v7 for arm, v8 for arm64 is left out, v1..v4 for amd64 above v1
}

// String gives os/arch[/variant].
func (p Platform) String() string {
	s := p.OS + "/" + p.Arch
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// Linkage is what kind of executable must come out.
type Linkage string

// The linkages a plan can ask for.
const (
	Static  Linkage = "static"  // no PT_INTERP, no DT_NEEDED
	Dynamic Linkage = "dynamic" // an interpreter and shared libraries
	Native  Linkage = "native"  // whatever is usual on windows, darwin …
)

// Binary is one program for one target.
type Binary struct {
	Package string            `json:"package"`          // import path
	Dir     string            `json:"dir"`              // of the package, relative to the module's root
	Name    string            `json:"name"`             // file name, with .exe on windows
	Args    []string          `json:"args"`             // of go build, without -o and the package
	Env     map[string]string `json:"env"`              // every Go variable that can change the bytes
	Linkage Linkage           `json:"linkage"`          //
	Strip   bool              `json:"strip"`            //
	Debug   bool              `json:"debug,omitempty"`  // keep the DWARF as a separate file
	Needs   []facts.NeedKind  `json:"needs,omitempty"`  // what the base must offer
	Expect  []Expectation     `json:"expect,omitempty"` // what the self-check holds the file against
}

// Expectation is a build setting that must stand in the binary's build info.
type Expectation struct {
	Key   string `json:"key"` // such as GOARCH, CGO_ENABLED, -tags, DefaultGODEBUG
	Value string `json:"value"`
}

// BaseKind is where the files around the programs come from.
type BaseKind string

// The bases.
const (
	Assembled BaseKind = "assembled" // made here from what the facts ask for
	Closure   BaseKind = "closure"   // assembled, plus loader and shared libraries from a sysroot
	Reference BaseKind = "reference" // an existing image
)

// Image is the image of one target.
type Image struct {
	Base        Base              `json:"base"`
	Name        string            `json:"name"` // repository part of the reference, such as orders
	Tags        []string          `json:"tags,omitempty"`
	User        string            `json:"user"` // uid:gid
	Entrypoint  []string          `json:"entrypoint,omitempty"`
	Cmd         []string          `json:"cmd,omitempty"`
	Env         []string          `json:"env,omitempty"` // KEY=value, sorted
	Workdir     string            `json:"workdir"`
	Ports       []string          `json:"ports,omitempty"` // 8080/tcp
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"` // of the manifest and the index
	StopSignal  string            `json:"stopSignal,omitempty"`
	Healthcheck *Healthcheck      `json:"healthcheck,omitempty"`
	Files       []File            `json:"files,omitempty"`
	BinDir      string            `json:"binDir"`      // where the programs lie in the image
	Compression string            `json:"compression"` // gzip or zstd
	Created     int64             `json:"created"`     // Unix seconds
}

// Base states the files below the programs.
type Base struct {
	Kind     BaseKind `json:"kind"`
	Roots    bool     `json:"roots,omitempty"`    // /etc/ssl/certs/ca-certificates.crt
	CABundle string   `json:"caBundle,omitempty"` // PEM file added to it, relative to the project
	Zones    bool     `json:"zones,omitempty"`    // /usr/share/zoneinfo, from the toolchain
	Users    bool     `json:"users,omitempty"`    // /etc/passwd, /etc/group with root and nonroot
	Temp     bool     `json:"temp,omitempty"`     // /tmp 1777
	Home     bool     `json:"home,omitempty"`     // /home/nonroot 0700
	Sysroot  string   `json:"sysroot,omitempty"`  // closure: where the libraries are taken from
	Ref      string   `json:"ref,omitempty"`      // reference: registry/repo@sha256:… or oci:dir@sha256:…
	GlibcMax string   `json:"glibcMax,omitempty"` // highest glibc symbol version allowed
	NSS      bool     `json:"nss,omitempty"`      // closure: glibc name service modules are loaded at run time
}

// Healthcheck is Docker's health check. Durations are in nanoseconds, as in
// the image configuration; 0 means the engine's default.
type Healthcheck struct {
	Cmd         []string `json:"cmd"`
	Interval    int64    `json:"interval,omitempty"`
	Timeout     int64    `json:"timeout,omitempty"`
	StartPeriod int64    `json:"startPeriod,omitempty"`
	Retries     int      `json:"retries,omitempty"`
}

// File is an extra file or directory.
type File struct {
	From string `json:"from"` // relative to the project
	To   string `json:"to"`   // absolute
	Mode uint32 `json:"mode,omitempty"`
	UID  int    `json:"uid,omitempty"`
	GID  int    `json:"gid,omitempty"`
}

// Decision is one choice with its reasons.
type Decision struct {
	ID       string        `json:"id"`               // toolchain, cgo, tags, base …; what `plan explain` takes
	Target   string        `json:"target,omitempty"` // empty: all targets
	Choice   string        `json:"choice"`
	Why      i18n.Message  `json:"why"`
	Facts    []Fact        `json:"facts,omitempty"`
	Rejected []Alternative `json:"rejected,omitempty"`
}

// Fact is a reason with the place it stands.
type Fact struct {
	Pos  fault.Pos    `json:"pos,omitzero"`
	Text i18n.Message `json:"text"`
}

// Alternative is a choice that was not made.
type Alternative struct {
	Choice string       `json:"choice"`
	Why    i18n.Message `json:"why"`
}
