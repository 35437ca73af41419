package facts

import (
	"go/build/constraint"
	"strings"
)

// RepoSchemaVersion of the Repo document. A change that a reader could notice
// raises it.
const RepoSchemaVersion = 1

// Repo is what a project's files say about how it is built, packed, tested
// and run. Unlike Facts it is read without the go command, for the whole
// repository at once. Every path is slash-separated and relative to the
// repository's root, "." being the root itself; the path in every Pos as well.
type Repo struct {
	SchemaVersion int `json:"schemaVersion"`
	// WorkTree says that the root is known to lie in a version-control work
	// tree, Prefix where; "" at its top. Whoever knows the file system above the
	// root fills them in.
	WorkTree    bool         `json:"workTree,omitempty"`
	Prefix      string       `json:"prefix,omitempty"`
	Modules     []RepoModule `json:"modules,omitempty"` // every go.mod, sorted by Root
	Work        *Work        `json:"work,omitempty"`    // go.work at the root
	GoFiles     []GoFile     `json:"goFiles,omitempty"`
	Dockerfiles []Dockerfile `json:"dockerfiles,omitempty"`
	Workflows   []Workflow   `json:"workflows,omitempty"`   // GitHub Actions and GitLab CI
	Scripts     []Script     `json:"scripts,omitempty"`     // *.sh, Makefile
	Pins        []Pin        `json:"pins,omitempty"`        // .go-version, .tool-versions, mise.toml
	EnvFiles    []EnvFile    `json:"envFiles,omitempty"`    // .env, *.env
	Manifests   []Manifest   `json:"manifests,omitempty"`   // Kubernetes objects, in the order of files and documents
	Releases    []Release    `json:"releases,omitempty"`    // goreleaser and ko configuration
	VendorFiles []VendorFile `json:"vendorFiles,omitempty"` // of vendor directories that differ from the module cache, read with Deps
	Deps        *Deps        `json:"deps,omitempty"`        // modules from elsewhere; nil if they were not asked for
	Machine     *Machine     `json:"machine,omitempty"`     // the go command's settings on this machine; nil if they were not asked for
	Policy      *Policy      `json:"policy,omitempty"`      // what the project asks of itself in slipway.yaml
	Installs    []Line       `json:"installs,omitempty"`    // path@version of "go install" and "go run" in README files and docs
	Known       *Known       `json:"known,omitempty"`       // what others say about the modules from elsewhere; nil if nobody was asked
	Ignores     []Ignore     `json:"ignores,omitempty"`     // slipway:ignore ID reason, in any of the files above
	Notes       []Note       `json:"notes,omitempty"`       // what could not be read or known, and why

	memo *repoMemo // what is worked out once; nil for a document that was not read here
}

// RepoModule is one go.mod with what lies beside it.
type RepoModule struct {
	Module
	Root          string         `json:"root"` // directory of go.mod
	Requires      []Require      `json:"requires,omitempty"`
	Sums          []SumLine      `json:"sums,omitempty"`          // go.sum
	VendorModules []VendorModule `json:"vendorModules,omitempty"` // vendor/modules.txt
}

// Require is one require line.
type Require struct {
	Path     string `json:"path"`
	Version  string `json:"version"`
	Indirect bool   `json:"indirect,omitempty"`
	Pos      Pos    `json:"pos"`
}

// SumLine is one line of go.sum. Version ends in /go.mod for the hash of a
// go.mod file.
type SumLine struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Hash    string `json:"hash"`
	Pos     Pos    `json:"pos"`
}

// VendorModule is one module of vendor/modules.txt.
type VendorModule struct {
	Path     string `json:"path"`
	Version  string `json:"version,omitempty"`
	Explicit bool   `json:"explicit,omitempty"` // go.mod requires it
	Pos      Pos    `json:"pos"`
}

// GoFile is the head of one Go file, everything up to its last import.
type GoFile struct {
	Path      string   `json:"path"`
	Dir       string   `json:"dir"`
	Package   string   `json:"package"`
	Module    string   `json:"module"` // Root of its module, "" if no go.mod lies above it
	Test      bool     `json:"test,omitempty"`
	Generated bool     `json:"generated,omitempty"`
	Imports   []Import `json:"imports,omitempty"`
	Build     string   `json:"build,omitempty"`     // the expression of //go:build
	BuildPos  Pos      `json:"buildPos,omitzero"`   //
	PlusBuild []Line   `json:"plusBuild,omitempty"` // // +build x, as it stands
	// DeadBuild are build lines where the go command does not look for them: the
	// old form without a blank line behind, //go:build after the package clause.
	DeadBuild   []Line `json:"deadBuild,omitempty"`
	SpacedBuild []Line `json:"spacedBuild,omitempty"` // "// go:build x" as it stands, which the go command takes for a comment
	Debugs      []Line `json:"debugs,omitempty"`      // key=value of //go:debug
	HasInit     bool   `json:"hasInit,omitempty"`     // declares func init(); known of files with a build line
	Embeds      []Line `json:"embeds,omitempty"`      // patterns of //go:embed, one each
	Hosts       []Host `json:"hosts,omitempty"`       // hosts of a table that its string literals name; not in tests
	ZoneCalls   []Line `json:"zoneCalls,omitempty"`   // calls of time.LoadLocation, with the zone they look up
	Sites       []Site `json:"sites,omitempty"`       // what the table of sites asks for; not in tests
	Web         *Web   `json:"web,omitempty"`         // what handlers do; nil in a file without any
	// OutsideHeaders are headers of the repository that cgo includes from
	// another directory than the package's own.
	OutsideHeaders []Line `json:"outsideHeaders,omitempty"`

	// CgoTags are the tags that its #cgo lines ask for, systems among them.
	CgoTags []string `json:"cgoTags,omitempty"`

	cgo   *cgoHead          // until OutsideHeaders is known
	exprs []constraint.Expr // its build lines, parsed; nil in a document that was not read here
}

// Import is one import of a Go file.
type Import struct {
	Path string `json:"path"`
	Name string `json:"name,omitempty"` // "_", ".", or another name than the package's own
	Pos  Pos    `json:"pos"`
}

// NotLiteral stands in a Command for what is only known when it runs. A word
// may hold it beside literal text: "-ldflags=-X main.version=\x00". Ask Literal.
const NotLiteral = "\x00"

// Literal reports whether s, a word or value of a Command, is wholly known.
func Literal(s string) bool { return !strings.Contains(s, NotLiteral) }

// Command is one simple command of a shell text.
type Command struct {
	Pos Pos               `json:"pos"`
	Env map[string]string `json:"env,omitempty"` // assignments before it and exported so far; NotLiteral if not known; not to be changed
	Dir string            `json:"dir,omitempty"` // after cd, relative to where the text starts; "" unknown, "." there
	// Offered are the variables of Env that a makefile sets only if its caller
	// does not.
	Offered []string `json:"offered,omitempty"`
	// At is where the text states the variables of Env that are the go
	// command's; ask Stated. Not to be changed.
	At    map[string]Pos `json:"at,omitempty"`
	Words []string       `json:"words"`         // expanded where literal assignments tell the value
	Raw   []Line         `json:"raw,omitempty"` // of a go command: its words as they stand in the file; zero for one that is not one word on one line
}

// GoCommand is a Command that runs the go command.
type GoCommand struct {
	Command
	Verb  string            `json:"verb"`            // build, install, test, run, vet, generate, mod verify, mod download, env -w, …
	Flags map[string]string `json:"flags,omitempty"` // -tags → a,b; "true" for a flag without a value; the last one wins
	Args  []string          `json:"args,omitempty"`  // packages, or what the verb takes
}

// Dockerfile is one Dockerfile.
type Dockerfile struct {
	Path   string          `json:"path"`
	Stages []Stage         `json:"stages,omitempty"`
	Args   map[string]Line `json:"args,omitempty"`   // ARG before the first FROM, with its default
	Ignore []string        `json:"ignore,omitempty"` // lines of its .dockerignore
	// Context is the directory that must be the build context for its COPY
	// lines to find what they name; "" if more than one would do.
	Context string `json:"context,omitempty"`
	Err     string `json:"err,omitempty"` // why it could not be parsed; Stages holds what came before
}

// Stage is one FROM with what follows it.
type Stage struct {
	Index      int             `json:"index"`
	Name       string          `json:"name,omitempty"`
	Pos        Pos             `json:"pos"`
	Base       ImageRef        `json:"base"`
	Parent     int             `json:"parent"` // index of the stage it is FROM, -1 for an image
	Platform   string          `json:"platform,omitempty"`
	Env        map[string]Line `json:"env,omitempty"`  // expanded; with what it inherits from its parent stage
	Args       map[string]Line `json:"args,omitempty"` // ARG with its default
	Workdir    Line            `json:"workdir,omitzero"`
	User       Line            `json:"user,omitzero"` // inherited from the parent stage as well
	Entrypoint *Exec           `json:"entrypoint,omitempty"`
	Cmd        *Exec           `json:"cmd,omitempty"`
	Health     *Exec           `json:"health,omitempty"` // HEALTHCHECK CMD; inherited; nil after NONE
	Copies     []Copy          `json:"copies,omitempty"` // COPY and ADD, its own
	Runs       []Run           `json:"runs,omitempty"`   // its own
	Exposes    []Line          `json:"exposes,omitempty"`
	Last       bool            `json:"last,omitempty"` // the stage a plain build ends in
}

// ImageRef is an image as FROM, COPY --from or a CI job names it.
type ImageRef struct {
	Raw      string `json:"raw"`
	Name     string `json:"name,omitempty"` // without tag and digest, as written: golang, gcr.io/distroless/static
	Tag      string `json:"tag,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Resolved bool   `json:"resolved,omitempty"` // no variable is left in it
	Pos      Pos    `json:"pos"`
}

// Exec is an ENTRYPOINT or CMD.
type Exec struct {
	Shell bool     `json:"shell,omitempty"` // shell form; Args then holds the one string
	Args  []string `json:"args"`
	Pos   Pos      `json:"pos"`
	At    Pos      `json:"at,omitzero"` // where the string of the shell form stands as it is; zero if it goes over lines
}

// Copy is a COPY or an ADD.
type Copy struct {
	Pos       Pos      `json:"pos"`
	From      string   `json:"from,omitempty"` // stage name, stage index or image; "" the build context
	FromStage int      `json:"fromStage"`      // index of the stage, -1 for the context or an image
	Srcs      []string `json:"srcs"`           // a heredoc is "<<NAME"
	Dst       string   `json:"dst"`            // absolute if it can be known
	Add       bool     `json:"add,omitempty"`
	Checksum  string   `json:"checksum,omitempty"` // of ADD --checksum
}

// Run is one RUN.
type Run struct {
	Pos         Pos       `json:"pos"`
	Shell       bool      `json:"shell,omitempty"`    // shell form
	Commands    []Command `json:"commands,omitempty"` // Env holds the stage's ENV and ARG too
	CacheMounts []string  `json:"cacheMounts,omitempty"`
	Binds       []Copy    `json:"binds,omitempty"`   // --mount=type=bind, seen as copies
	Workdir     string    `json:"workdir,omitempty"` // where it runs, absolute; "" not known
	Raw         string    `json:"raw"`
}

// Workflow is one CI configuration.
type Workflow struct {
	Path        string          `json:"path"`
	Kind        string          `json:"kind"` // github, gitlab
	Name        Line            `json:"name,omitzero"`
	On          []Line          `json:"on,omitempty"` // names of the events
	Permissions *Permissions    `json:"permissions,omitempty"`
	Jobs        []Job           `json:"jobs,omitempty"` // in the order of the file
	Env         map[string]Line `json:"env,omitempty"`
}

// Permissions is what a workflow's or job's token may do.
type Permissions struct {
	Pos    Pos             `json:"pos"`
	All    string          `json:"all,omitempty"`    // read-all, write-all
	Scopes map[string]Line `json:"scopes,omitempty"` // contents → write
}

// Job is one job of a CI configuration.
type Job struct {
	ID          string            `json:"id"`
	Pos         Pos               `json:"pos"`
	Image       ImageRef          `json:"image,omitzero"` // the container it runs in
	RunsOn      []string          `json:"runsOn,omitempty"`
	Permissions *Permissions      `json:"permissions,omitempty"`
	Env         map[string]Line   `json:"env,omitempty"` // its own, not the workflow's
	Uses        Line              `json:"uses,omitzero"` // the workflow that it calls in place of steps
	If          Line              `json:"if,omitzero"`
	Steps       []JobStep         `json:"steps,omitempty"`
	Matrix      map[string][]Line `json:"matrix,omitempty"`
	Needs       []string          `json:"needs,omitempty"`
}

// JobStep is one step of a job. A GitLab job has one for each of its
// before_script, script and after_script.
type JobStep struct {
	Pos      Pos             `json:"pos"`
	Via      Pos             `json:"via,omitzero"` // the step that uses the action of this repository of which it is a step; zero if it is the job's own
	Name     string          `json:"name,omitempty"`
	Uses     Line            `json:"uses,omitzero"`
	With     map[string]Line `json:"with,omitempty"`
	GoText   Line            `json:"goText,omitzero"` // go-version of With as it stands in the file, with its quotes; zero for one over several lines
	Env      map[string]Line `json:"env,omitempty"`   // its own
	Run      Line            `json:"run,omitzero"`
	Commands []Command       `json:"commands,omitempty"` // of Run; Env holds the workflow's, job's and step's env too
	Dir      string          `json:"dir,omitempty"`      // working-directory; "" the root
	If       Line            `json:"if,omitzero"`
}

// Script is a shell script or a makefile.
type Script struct {
	Path     string               `json:"path"`
	Kind     string               `json:"kind"`               // sh, make
	Commands []Command            `json:"commands,omitempty"` // all of them; none of a long script that neither builds anything nor sets what a build meets
	Targets  map[string][]Command `json:"targets,omitempty"`  // of a makefile

	make *makefile // nil for a script, and for a document that was not read here
}

// Pin is a Go version stated outside go.mod.
type Pin struct {
	Path    string `json:"path"`
	Tool    string `json:"tool"` // go-version, tool-versions, mise
	Version Line   `json:"version"`
	Text    Line   `json:"text,omitzero"` // Version where it itself stands; zero if that is not known
}

// EnvFile is a file of NAME=value lines.
type EnvFile struct {
	Path string          `json:"path"`
	Vars map[string]Line `json:"vars,omitempty"`
}

// Ignore is a comment that silences one rule on one line.
type Ignore struct {
	ID     string `json:"id"`
	Reason string `json:"reason,omitempty"`
	Pos    Pos    `json:"pos"`
	Target Pos    `json:"target"` // the line it speaks of: its own, or the next if it stands alone
}

// Certain says whether something is so.
type Certain string

// What can be known.
const (
	Yes     Certain = "yes"
	No      Certain = "no"
	Unknown Certain = "unknown"
)

// Build is the join: one go build with everything it meets.
type Build struct {
	Go        GoCommand
	Via       Pos         // the make command that comes to it; zero if none does
	Where     string      // "Dockerfile:3 stage build", "workflow ci.yml job test", "Makefile"
	Module    *RepoModule // the module it compiles; nil unknown
	Packages  []string    // directories of the packages; empty unknown
	Cgo       Certain     // whether cgo is on
	CgoWhy    Pos         // the line that says so; zero for a default
	Tags      []string    // sorted
	TagsKnown bool        // false if -tags holds something not literal
	GOOS      string      // "" the machine's own
	GOARCH    string      //
	Output    string      // where the binary ends, absolute in a Dockerfile; "" unknown
	Docker    *Dockerfile
	Stage     *Stage // the stage it runs in
	Runtime   *Stage // the stage its output is copied to, or built in, and that is run; nil unknown
	Workflow  *Workflow
	Job       *Job
	Script    *Script
	Release   *Release
}
