// Package probe asks the surroundings of a process what a Go program in them
// would get: names, connections, certificates, time zones, a place for
// temporary files, a user, limits, signals. Each probe walks the way the
// standard library walks, step by step, and says of every step what was seen,
// how long it took, what that means and what to do.
//
// A probe relies on nothing but the kernel: it works as process 1 of an image
// that holds no other file, without an environment, a home directory or a
// place to write. It changes nothing, save that it makes and removes an empty
// file where it is asked whether files can be made.
//
// Where the standard library keeps its way to itself, the way is walked again
// here from the same files and the answer is held against the library's own:
// a difference is shown, never hidden.
//
// The package knows nothing of images, projects and sandboxes, and draws
// nothing: a Report is data.
package probe

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// SchemaVersion of the Report document.
const SchemaVersion = 1

// Status is what a step came to.
type Status string

// The statuses, worst last.
const (
	Info Status = "info" // a fact, neither good nor bad
	OK   Status = "ok"
	Warn Status = "warn" // works, and will surprise somebody
	Fail Status = "fail" // does not work
)

func (s Status) rank() int {
	switch s {
	case OK:
		return 1
	case Warn:
		return 2
	case Fail:
		return 3
	}
	return 0
}

// Step is one thing that was looked at or tried.
type Step struct {
	Status Status       `json:"status"`
	What   i18n.Message `json:"what"`
	Seen   string       `json:"seen,omitempty"`  // the evidence, as it was found; the same in all languages
	Note   i18n.Message `json:"note,omitzero"`   // what it means
	Fix    i18n.Message `json:"fix,omitzero"`    // what to do
	Millis float64      `json:"millis,omitzero"` // how long it took, in milliseconds; 0: not worth saying
}

// Report is what one probe found out. Exactly one of the typed results is set.
type Report struct {
	SchemaVersion int     `json:"schemaVersion"`
	Probe         string  `json:"probe"`             // dns, tls, …
	Subject       string  `json:"subject,omitempty"` // what it was asked about
	Verdict       Status  `json:"verdict"`           // of the worst step; ok if there is none
	Seconds       float64 `json:"seconds"`
	Steps         []Step  `json:"steps"`

	DNS    *DNS    `json:"dns,omitempty"`
	TLS    *TLS    `json:"tls,omitempty"`
	CA     *CA     `json:"ca,omitempty"`
	TZ     *TZ     `json:"tz,omitempty"`
	Tmp    *Tmp    `json:"tmp,omitempty"`
	User   *User   `json:"user,omitempty"`
	Signal *Signal `json:"signal,omitempty"`
	Net    *Net    `json:"net,omitempty"`

	start time.Time
}

func newReport(probe, subject string) *Report {
	return &Report{SchemaVersion: SchemaVersion, Probe: probe, Subject: subject, Verdict: OK, Steps: []Step{}, start: time.Now()}
}

// add puts a step to the report; its verdict is that of the worst one.
func (r *Report) add(s Step) {
	r.Steps = append(r.Steps, s)
	if s.Status.rank() > r.Verdict.rank() {
		r.Verdict = s.Status
	}
}

func (r *Report) done() Report {
	r.Seconds = time.Since(r.start).Round(10 * time.Microsecond).Seconds()
	return *r
}

// System is what a probe looks at.
type System struct {
	// Root is put before every file that is read, so that the files of a root
	// file system can be looked at from outside of it; empty is this one's.
	// What is asked of the kernel (user, limits, sockets) is always of this
	// process.
	Root string
	Env  []string // as os.Environ gives it
}

// maxFile is the most that is read of a file, in bytes. The largest real one
// is a bundle of root certificates.
const maxFile = 8 << 20

// path gives the place of a file on this machine.
func (s System) path(name string) string {
	if s.Root == "" {
		return name
	}
	return filepath.Join(s.Root, name)
}

// read reads a file of bounded size.
func (s System) read(name string) ([]byte, error) {
	f, err := os.Open(s.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil {
		return nil, err
	} else if fi.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errDirectory}
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// lookup gives a variable of the environment and whether it is set.
func (s System) lookup(key string) (string, bool) {
	for i := len(s.Env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(s.Env[i], "="); ok && k == key {
			return v, true
		}
	}
	return "", false
}

func (s System) getenv(key string) string {
	v, _ := s.lookup(key)
	return v
}

func millis(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

type constError string

func (e constError) Error() string { return string(e) }

const errDirectory = constError("is a directory")

// cause is an error without the name of the file or address it is about, which
// stands beside it.
func cause(err error) string {
	for {
		switch e := err.(type) {
		case *fs.PathError:
			err = e.Err
		case *os.LinkError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		default:
			return err.Error()
		}
	}
}
