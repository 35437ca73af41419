// Package facts reads a Go project once and says what is there: the modules,
// the main packages, the package graph of every target, and what the program
// needs of the system it will run on. Every fact carries its position. It
// judges nothing and decides nothing: that is the business of plan and check.
//
// # Two documents
//
// Facts, defined in this file, is what plan needs of the chosen programs; Read
// asks the go command for it. Repo, defined in repo.go, is what check needs of
// the whole repository: every file that says how the project is built, packed,
// tested and run. ReadRepo reads it in one pass without the go command,
// ReadDeps adds the modules from elsewhere as the module cache or the vendor
// directories hold them, ReadMachine the go command's settings. What cannot be
// read is a Note, never a guess.
//
// # The join
//
// What no single file says is worked out from a Repo when it is asked for, and
// once: Builds (each go build with its stage or job, packages, tags, cgo and
// the stage that runs the result), Runs (each container of a manifest with the
// image and the program in it), Closure (what packages lead to, with the
// chain), Serves (the ports and paths a program listens on), Mains and
// TagUses.
package facts

import (
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// SchemaVersion of the Facts document. A change that a reader could notice
// raises it.
const SchemaVersion = 1

// Pos is a place in a file; File is relative to the project's root where it
// lies below it, else "module@version/path" or "std/path".
type Pos = fault.Pos

// Facts is what is known about one project and the programs chosen in it.
type Facts struct {
	SchemaVersion int        `json:"schemaVersion"`
	Source        Source     `json:"source"`
	Module        Module     `json:"module"`
	Work          *Work      `json:"work,omitempty"`   // nil without go.work
	Vendor        *Vendor    `json:"vendor,omitempty"` // nil without vendor/modules.txt
	GoEnv         GoEnv      `json:"goEnv"`            // this machine
	Programs      []Program  `json:"programs"`         // sorted by package path, then target
	Compilers     []Compiler `json:"compilers,omitempty"`
	Notes         []Note     `json:"notes,omitempty"` // what could not be known
}

// Source is the revision the facts were read from.
type Source struct {
	Kind      string   `json:"kind"`                // "dir" or "module"
	Ref       string   `json:"ref,omitempty"`       // module path@version for a module
	Sum       string   `json:"sum,omitempty"`       // h1: hash of the module zip
	SumDB     bool     `json:"sumDB,omitempty"`     // the zip was held against the checksum database
	VCS       string   `json:"vcs,omitempty"`       // "git" or empty
	Revision  string   `json:"revision,omitempty"`  // full commit hash
	Time      int64    `json:"time,omitempty"`      // commit time, Unix seconds; 0 unknown
	Tags      []string `json:"tags,omitempty"`      // version tags of this module at the revision, newest first, without the module's directory prefix
	Dirty     bool     `json:"dirty,omitempty"`     // the tree differs from the revision
	Shallow   bool     `json:"shallow,omitempty"`   // tags may be missing from this clone
	TagsFrom  string   `json:"tagsFrom,omitempty"`  // "clone", "remote", "archive": where the tags were read
	RemoteURL string   `json:"remoteURL,omitempty"` // origin, without credentials
}

// Module is the main module.
type Module struct {
	Path      string    `json:"path"`
	Pos       Pos       `json:"pos"`                 // of the module line
	Go        Line      `json:"go,omitzero"`         // the go line
	Toolchain Line      `json:"toolchain,omitzero"`  // the toolchain line
	Godebug   []Line    `json:"godebug,omitempty"`   // key=value lines
	Replaces  []Replace `json:"replaces,omitempty"`  // every replace line
	Excludes  []Line    `json:"excludes,omitempty"`  // module@version
	HasGoSum  bool      `json:"hasGoSum,omitempty"`  //
	Dir       string    `json:"dir,omitempty"`       // relative to the repository's root, "" at the root
	License   string    `json:"license,omitempty"`   // file name of the licence at the root, "" none
	ToolLines []Line    `json:"toolLines,omitempty"` // tool directives
}

// Line is a value with the place that states it.
type Line struct {
	Value string `json:"value"`
	Pos   Pos    `json:"pos"`
}

// Replace is one replace line.
type Replace struct {
	Old   string `json:"old"` // path or path@version
	New   string `json:"new"` // directory, or path@version
	Local bool   `json:"local,omitempty"`
	Pos   Pos    `json:"pos"`
}

// Work is go.work.
type Work struct {
	File      string    `json:"file"`
	Go        Line      `json:"go,omitzero"`
	Toolchain Line      `json:"toolchain,omitzero"`
	Uses      []Line    `json:"uses,omitempty"`
	Replaces  []Replace `json:"replaces,omitempty"`
	FromEnv   bool      `json:"fromEnv,omitempty"` // GOWORK named it
}

// Vendor is a vendor directory.
type Vendor struct {
	Pos Pos `json:"pos"` // vendor/modules.txt
}

// GoEnv is the go command of this machine and what the user's environment
// says to it. Secrets never get here.
type GoEnv struct {
	GOROOT      string            `json:"goroot"`
	Version     string            `json:"version"` // go1.26.8
	HostOS      string            `json:"hostOS"`
	HostArch    string            `json:"hostArch"`
	GOTOOLCHAIN string            `json:"gotoolchain"`
	Changed     map[string]string `json:"changed,omitempty"` // GO*, CGO_*, CC, CXX, PKG_CONFIG that differ from the default, from env or GOENV
}

// Compiler is a C compiler found for a target.
type Compiler struct {
	Target string `json:"target"` // os/arch
	CC     string `json:"cc"`
	CXX    string `json:"cxx,omitempty"`
	Musl   bool   `json:"musl,omitempty"`
	From   string `json:"from"` // "path", "env CC", "config"
}

// Note is something that could not be found out.
type Note struct {
	Pos  Pos          `json:"pos,omitzero"`
	Text i18n.Message `json:"text"`
}

// Program is one main package for one target.
type Program struct {
	Package  string         `json:"package"` // import path
	Dir      string         `json:"dir"`     // relative to the module's root, "." at the root
	Name     string         `json:"name"`    // what the binary should be called
	Pos      Pos            `json:"pos"`     // its package clause
	Target   string         `json:"target"`  // os/arch[/variant]
	CgoOn    bool           `json:"cgoOn"`   // the graph below was read with CGO_ENABLED=1
	Packages int            `json:"packages"`
	Modules  []Dep          `json:"modules,omitempty"`  // that provide at least one linked package; sorted
	Cgo      []Cgo          `json:"cgo,omitempty"`      // packages outside std that need cgo
	StdCgo   []string       `json:"stdCgo,omitempty"`   // std packages that use cgo when it is on: net, os/user, runtime/cgo, plugin …
	Tags     []Tag          `json:"tags,omitempty"`     // custom build tags that files of the linked packages mention
	Embeds   []Embed        `json:"embeds,omitempty"`   // of the main module
	Needs    []Need         `json:"needs,omitempty"`    // of the system it runs on
	Stamps   []Stamp        `json:"stamps,omitempty"`   // variables that look like a version stamp
	Ports    []Port         `json:"ports,omitempty"`    // constant listen addresses in the main module
	Debug    []Line         `json:"debug,omitempty"`    // //go:debug lines of the main package
	Excluded []ExcludedFile `json:"excluded,omitempty"` // files of the main package dropped by a build constraint that is a custom tag
}

// Dep is a module that is linked into the program.
type Dep struct {
	Path    string `json:"path"`
	Version string `json:"version,omitempty"`
	Sum     string `json:"sum,omitempty"`
	Replace string `json:"replace,omitempty"` // directory or path@version
}

// Cgo is a package that imports "C", with the import chain that brings it.
type Cgo struct {
	Package string   `json:"package"`
	Pos     Pos      `json:"pos"`            // of import "C"
	Chain   []Step   `json:"chain"`          // from the main package to Package
	Libs    []string `json:"libs,omitempty"` // -l names in #cgo LDFLAGS and pkg-config names
	// Required is set when the package cannot do its work with CGO_ENABLED=0:
	// it has no file for that case, or Stub. Otherwise it falls back to Go.
	Required bool `json:"required"`
	// Stub is what the package says at run time when it was built without
	// cgo, such as "… requires cgo to work. This is a stub"; nil if it does
	// not say so.
	Stub *Line `json:"stub,omitempty"`
}

// Step is one import: Package is imported at Pos by the step before.
type Step struct {
	Package string `json:"package"`
	Pos     Pos    `json:"pos,omitzero"` // zero for the main package itself
}

// Tag is a build tag that is neither an OS, an architecture, a Go release nor
// one the toolchain sets.
type Tag struct {
	Name string `json:"name"`
	Pos  Pos    `json:"pos"`
	On   bool   `json:"on"` // it was set when the graph was read
}

// Embed is a //go:embed pattern of the main module.
type Embed struct {
	Pattern string `json:"pattern"`
	Pos     Pos    `json:"pos"`
	Files   int    `json:"files"`
}

// NeedKind is something a program wants of the system it runs on.
type NeedKind string

// What programs need.
const (
	NeedRoots   NeedKind = "ca-roots"       // verifies TLS servers against the system's roots
	NeedZones   NeedKind = "time-zones"     // time.LoadLocation
	NeedTemp    NeedKind = "temp-dir"       // os.CreateTemp, MkdirTemp, TempDir; multipart forms
	NeedUser    NeedKind = "user-lookup"    // os/user
	NeedHome    NeedKind = "home-dir"       // os.UserHomeDir, UserConfigDir, UserCacheDir
	NeedExec    NeedKind = "exec"           // starts other programs
	NeedShell   NeedKind = "shell"          // starts sh, bash
	NeedPlugin  NeedKind = "plugin"         // plugin.Open
	NeedSystemd NeedKind = "systemd-socket" // LISTEN_FDS
	NeedZonesIn NeedKind = "zones-embedded" // time/tzdata is linked: no zone files needed
	NeedRootsIn NeedKind = "roots-embedded" // x509roots/fallback is linked
	NeedMIME    NeedKind = "mime-types"     // mime.TypeByExtension
)

// Certainty says how sure a need is. Being linked is not being called.
type Certainty string

// How a need is known.
const (
	Uses Certainty = "uses" // the main module calls it
	May  Certainty = "may"  // a dependency calls it, or a std package the program uses may
)

// Need is one thing the program wants, with its first and strongest evidence.
type Need struct {
	Kind      NeedKind  `json:"kind"`
	Certainty Certainty `json:"certainty"`
	What      string    `json:"what"` // the call or import, such as time.LoadLocation
	Pos       Pos       `json:"pos"`
	Chain     []Step    `json:"chain,omitempty"` // how the package gets in, for a dependency
	More      int       `json:"more,omitempty"`  // further places not listed
	// Symbols are the linker's names that must be in the binary if the need
	// is real; the self-check looks for them.
	Symbols []string `json:"symbols,omitempty"`
}

// Stamp is a string variable of a linked package of the main module that a
// linker -X can set.
type Stamp struct {
	Var  string `json:"var"`  // importpath.name
	Role string `json:"role"` // "version", "commit", "date"
	Pos  Pos    `json:"pos"`
}

// Port is a constant address the program listens on.
type Port struct {
	Port int `json:"port"`
	Pos  Pos `json:"pos"`
}

// ExcludedFile is a file of the main package that the target's tags leave out.
type ExcludedFile struct {
	Pos        Pos    `json:"pos"`
	Constraint string `json:"constraint"`
}
