// Package source opens what slipway is pointed at: a directory of a module or
// workspace on this disk, or a package of a module version from the module
// proxy. It says where the files are, which packages were meant, and of which
// revision they are.
//
// A module version is not trusted because the go command has it in its cache:
// the go command does not look at an extracted module again, so Open hashes
// the zip and the extracted files itself and holds both against the hash that
// the checksum database vouches for.
//
// The same commit gives the same revision, time and tags, whether it is read
// from a full clone, a shallow clone or an exported tarball.
//
// The package reads no Go source and decides no version; it knows nothing of
// facts, plans or images.
package source

import (
	"context"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The kinds of source.
const (
	KindDir    = "dir"    // a directory on this disk
	KindModule = "module" // a module version from the module proxy
)

// Options says where Open starts and what it may use.
type Options struct {
	Dir string     // working directory, absolute
	Go  *gotool.Go // required
	Env []string   // KEY=value pairs of the user; GOWORK is read from it, and git runs in it without its GIT_DIR and the like

	// Offline forbids the network: the module must be in the module cache,
	// and a remote is not asked for tags.
	Offline bool

	// Exclude names directories whose content never makes a tree dirty, such
	// as the one results are written to; relative to the module's root or
	// absolute.
	Exclude []string

	FetchTimeout  time.Duration // for one go command that may use the network; 0 means 3 minutes
	GitTimeout    time.Duration // for one git command on the local repository; 0 means 30 seconds
	RemoteTimeout time.Duration // for asking the origin for its tags; 0 means 5 seconds
}

// Tree is an opened project.
type Tree struct {
	Root     string   // directory of go.mod, absolute, without symbolic links
	Repo     string   // root of the version control working tree that holds Root, "" if there is none
	Arg      string   // the arguments as they were given
	Patterns []string // the packages meant, relative to Root: ".", "./cmd/api", "./cmd/..."; in a workspace also "../x"
	Kind     string   // KindDir or KindModule
	Ref      string   // module path@version, resolved; KindModule only
	Sum      string   // h1: hash of the module zip; KindModule only
	SumDB    bool     // Sum was held against the checksum database
	WorkFile string   // the go.work in effect, absolute; "" without

	work *workFile // of WorkFile
	info string    // file with the version's .info; KindModule only
	o    Options
}

// Open opens the project that args name: nothing for the module around
// o.Dir, directories and patterns of one module or workspace, or exactly one
// path@version, whose version is anything the go command resolves: v1.2.3,
// v1, latest, a branch or a commit. Wrong arguments give a *fault.Error with
// exit code 2; trouble with the network, the proxy or a checksum gives one
// with exit code 1.
func Open(ctx context.Context, o Options, args []string) (*Tree, error) {
	if o.FetchTimeout == 0 {
		o.FetchTimeout = 3 * time.Minute
	}
	if o.GitTimeout == 0 {
		o.GitTimeout = 30 * time.Second
	}
	if o.RemoteTimeout == 0 {
		o.RemoteTimeout = 5 * time.Second
	}
	o.Offline = o.Offline || o.Go.Offline
	if len(args) == 0 {
		args = []string{"."}
	}
	for _, a := range args {
		if !namesModule(o.Dir, a) {
			continue
		}
		if len(args) > 1 {
			return nil, fault.UsageError(i18n.M("source.one", a), i18n.M("source.one.hint"))
		}
		return openModule(ctx, o, a)
	}
	return openDir(o, args)
}

// namesModule tells path@version from a directory that has an @ in its name.
func namesModule(dir, arg string) bool {
	path, _, ok := strings.Cut(arg, "@")
	if !ok || path == "" || path[0] == '.' || filepath.IsAbs(arg) {
		return false
	}
	return !isDir(filepath.Join(dir, arg))
}

func (o Options) env(key string) string {
	for i := len(o.Env) - 1; i >= 0; i-- {
		if k, v, _ := strings.Cut(o.Env[i], "="); k == key {
			return v
		}
	}
	return ""
}
