// Package config reads slipway.yaml and lays the environment and the command
// line over it. It holds one struct, which is the manual of every setting,
// and it refuses what it does not know. It decides nothing: an empty value
// means "decide from the facts".
//
// Precedence, strongest first: command-line flag, environment variable
// SLIPWAY_<KEY>, slipway.yaml, default.
package config

// FileName is where a project keeps its settings, beside go.mod.
const FileName = "slipway.yaml"

// Config is slipway.yaml. The yaml tag is the key; the dotted path of a key
// (image.stopSignal) names its environment variable
// (SLIPWAY_IMAGE_STOP_SIGNAL), its rule in rules.go and its description in the
// message catalogue (config.key.image.stopSignal). A test holds the three
// together.
type Config struct {
	Main    []string `yaml:"main"`    // main packages, as patterns relative to the module: ., ./cmd/...; default: the only one
	Name    string   `yaml:"name"`    // image name, and name of the binary if there is one program; default: from the import path
	Version string   `yaml:"version"` // version to stamp; default: tag at HEAD, else commit, else module version
	Go      string   `yaml:"go"`      // Go release to build with, such as 1.25.7; default: decided from go.mod and this machine
	Targets []string `yaml:"targets"` // os/arch[/variant]; default: linux/amd64 and linux/arm64
	Output  string   `yaml:"output"`  // directory for the results; default: dist
	Build   Build    `yaml:"build"`
	Image   Image    `yaml:"image"`
	Check   Check    `yaml:"check"`
	Verify  Verify   `yaml:"verify"`
}

// Build says how programs are compiled.
type Build struct {
	CGO     string            `yaml:"cgo"`     // auto, on or off; default: auto
	Tags    []string          `yaml:"tags"`    // build tags, all of them true
	Ldflags []string          `yaml:"ldflags"` // added to the linker flags
	Gcflags []string          `yaml:"gcflags"` // compiler flags for the main module
	Strip   string            `yaml:"strip"`   // on or off; default: on
	Debug   string            `yaml:"debug"`   // on keeps the DWARF as a separate file beside the binary; default: off
	FIPS    string            `yaml:"fips"`    // GOFIPS140: off, latest, certified or a version; default: off
	Env     map[string]string `yaml:"env"`     // GOAMD64, GOARM, GOEXPERIMENT, CGO_CFLAGS …: what changes the bytes
	CC      map[string]string `yaml:"cc"`      // C compiler for a target, by os/arch
	Stamp   map[string]string `yaml:"stamp"`   // variable: value; {version} {commit} {date} are replaced; default: variables that look like a stamp
	Sysroot map[string]string `yaml:"sysroot"` // where the shared libraries of a target are, by os/arch; default: / for this machine's own target
}

// Image says what the image holds beyond the programs.
type Image struct {
	Base        string            `yaml:"base"`        // auto, assembled, closure, or a reference: registry/repo@sha256:…, oci:dir@sha256:…; default: auto
	CABundle    string            `yaml:"caBundle"`    // PEM file added to the public roots
	CARoots     string            `yaml:"caRoots"`     // auto, on or off; default: auto
	Zones       string            `yaml:"zones"`       // auto, on or off; default: auto
	Temp        string            `yaml:"temp"`        // auto, on or off; default: auto
	Shell       string            `yaml:"shell"`       // required says that the image must have a shell, which only a reference base has; default: none
	GlibcMax    string            `yaml:"glibcMax"`    // highest glibc the place it runs offers, such as 2.26; a program that needs more is an error
	User        string            `yaml:"user"`        // uid[:gid] or nonroot or root; default: nonroot (65532:65532)
	Entrypoint  []string          `yaml:"entrypoint"`  // default: the only program
	Cmd         []string          `yaml:"cmd"`         // arguments
	Env         map[string]string `yaml:"env"`         //
	Workdir     string            `yaml:"workdir"`     // default: /
	Ports       []string          `yaml:"ports"`       // 8080 or 8080/tcp; default: constant listen addresses of the program
	Labels      map[string]string `yaml:"labels"`      //
	Annotations map[string]string `yaml:"annotations"` //
	StopSignal  string            `yaml:"stopSignal"`  // default: SIGTERM, unstated
	Healthcheck Healthcheck       `yaml:"healthcheck"` //
	Files       []File            `yaml:"files"`       // extra files
	Compression string            `yaml:"compression"` // gzip or zstd; default: gzip
	Tags        []string          `yaml:"tags"`        // names for the image when it is loaded or pushed; default: the version
}

// Healthcheck is Docker's health check; Kubernetes ignores it.
type Healthcheck struct {
	Cmd         []string `yaml:"cmd"`         // without a shell
	Interval    string   `yaml:"interval"`    // Go duration
	Timeout     string   `yaml:"timeout"`     // Go duration
	StartPeriod string   `yaml:"startPeriod"` // Go duration
	Retries     int      `yaml:"retries"`     // 0: the engine's default
}

// File puts a file or directory of the project into the image.
type File struct {
	From string `yaml:"from" json:"from"`           // relative to slipway.yaml
	To   string `yaml:"to" json:"to"`               // absolute
	Mode string `yaml:"mode" json:"mode,omitempty"` // octal; default: 0644, 0755 for directories and executables
	User string `yaml:"user" json:"user"`           // uid[:gid]; default: 0:0
}
