// Package rebuild proves where a program comes from: it builds the program
// again, from what is recorded of it, in a clean directory, and holds the
// result against the original to the byte. What is recorded is the plan, or,
// for a program of anybody's, the build information the go command left in it.
//
// When the bytes differ, it says which input differs, and proves that by
// experiment wherever it can: the packages are linked once more with that one
// input taken from the original. Equal bytes then mean that nothing else
// differs, which no amount of comparing could show.
//
// A rebuild that is to prove something must trust nothing that the first build
// could have spoilt. So it compiles into a build cache of its own, which the
// go command would believe blindly, and it hashes every extracted module
// against the sum that stands in the program.
//
// The recorded settings of a program come from whoever made it. Those that
// could make a tool run something else than the Go toolchain are refused.
//
// The package knows images only as far as their layers hold programs, and
// nothing of command lines and reports.
package rebuild

import (
	"time"

	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Verdict is what a rebuild, or a comparison of two programs, came to.
type Verdict string

// The verdicts.
const (
	Identical     Verdict = "identical"      // the same bytes
	SameCode      Verdict = "same-code"      // differs only in what Causes lists; no instruction and no datum beside it
	DifferentCode Verdict = "different-code" // other instructions or other data
	Unknown       Verdict = "unknown"        // could not be found out; Reason says why
)

// Options says how to rebuild.
type Options struct {
	Go  *gotool.Go // required
	Env []string   // KEY=value pairs of the user, for git
	// Source is a directory with the program's source: a git work tree that
	// has the recorded commit, or just the files. Empty: module versions are
	// fetched, and programs built from a checkout cannot be rebuilt.
	Source string
	// SharedCache lets the go command use the user's build cache. It makes the
	// rebuild fast, and believes whatever lies there.
	SharedCache bool
	TempDir     string // for everything that is made; empty: the system's
	// Progress, if not nil, is told what is being done now. It may be called
	// from several goroutines.
	Progress func(stage Stage)
}

// Stage is a step of a rebuild, for progress.
type Stage string

// The stages.
const (
	StageFetch   Stage = "fetch"   // toolchain, module or commit
	StageModules Stage = "modules" // hashing extracted modules
	StageBuild   Stage = "rebuild" // the go command
	StageLink    Stage = "relink"  // an experiment
	StageCompare Stage = "compare"
)

// Result is what rebuilding one program showed.
type Result struct {
	Name    string  `json:"name"` // of the program, as the subject calls it
	Verdict Verdict `json:"verdict"`
	// Reason says why the verdict is unknown, or what it rests on.
	Reason i18n.Message `json:"reason,omitzero"`
	Recipe Recipe       `json:"recipe"`
	// Want and Got are sha256:<hex> of the original and the rebuilt program.
	Want string `json:"want"`
	Got  string `json:"got,omitempty"`
	// Proof says how the verdict same-code was reached: empty, "relinked" when
	// linking with the original's stamps gave its bytes, else "compared".
	Proof string `json:"proof,omitempty"`
	// Guesses are settings that the program does not record and that gave its
	// bytes.
	Guesses []string       `json:"guesses,omitempty"`
	Causes  []Cause        `json:"causes,omitempty"` // first cause first
	Diff    *Diff          `json:"diff,omitempty"`   // nil if identical or unknown
	Notes   []i18n.Message `json:"notes,omitempty"`
	// Modules is how many extracted modules were hashed against the program's
	// own record of them.
	Modules int           `json:"modules,omitempty"`
	Cache   string        `json:"cache"` // "fresh" or "shared"
	Took    time.Duration `json:"took"`  // nanoseconds
}

// CauseKind names the layer a difference lies in.
type CauseKind string

// The layers, in the order in which one explains those after it.
const (
	CauseFormat    CauseKind = "format"
	CauseToolchain CauseKind = "toolchain"
	CauseSetting   CauseKind = "setting"
	CauseContent   CauseKind = "module-content" // files of a module in the module cache
	CauseModule    CauseKind = "module"
	CauseDep       CauseKind = "dependency"
	CauseVCS       CauseKind = "vcs"
	CauseLdflags   CauseKind = "ldflags"
	CausePath      CauseKind = "path"
	CauseCompiler  CauseKind = "c-compiler"
	CauseLinker    CauseKind = "linker"
	CauseBuildID   CauseKind = "build-id"
	CauseCode      CauseKind = "code"
	CauseData      CauseKind = "data"
	CauseConfig    CauseKind = "config" // of an image
)

// Cause is one input or part that differs. A is the original's, B the other's.
type Cause struct {
	Kind CauseKind `json:"kind"`
	// Name says which: the key of a setting, a module path, a function.
	Name string `json:"name,omitempty"`
	A    string `json:"a"`
	B    string `json:"b"`
	// Proved is set when taking this input from the original was part of
	// what gave the original's bytes.
	Proved bool `json:"proved,omitempty"`
}
