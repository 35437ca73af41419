// Package report is what a command says while it works and when it ends.
//
// The rules of the output:
//
//   - The result goes to standard output, everything else to standard error.
//   - With JSON, standard output holds exactly one document: the result, which
//     has a schemaVersion, or {"schemaVersion":1,"error":{…}}. Standard error
//     is the same as without.
//   - Progress may be dropped without loss. On a terminal it is a few lines
//     that are redrawn and wiped away at the end; elsewhere it is one line per
//     finished stage.
//   - Escape sequences go only to a terminal, colours only if they are wanted.
//     Text from outside (compilers, files, servers) cannot bring any along.
//   - Lines that others read (path:line:column, digests) are never cut.
//
// The package knows findings and faults, not the stages that make them.
package report

import (
	"io"
	"sync"
	"time"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Options says where and how a Reporter writes.
type Options struct {
	Stdout, Stderr io.Writer
	JSON           bool      // the result is a JSON document
	Lang           i18n.Lang // of everything that is not JSON
	TTY            bool      // Stderr is a terminal that understands ANSI sequences
	StdoutTTY      bool      // Stdout is one
	Color          bool      // colours are wanted; they are used on terminals only
	Width, Height  int       // of the terminal in cells; 0: 80 and 24
	// Size, if not nil, is asked before each redraw instead of Width and
	// Height, so that a resized terminal is drawn right.
	Size func() (width, height int)
	Now  func() time.Time // nil: time.Now
}

// Reporter takes what happens during a command. Its methods may be called
// from several goroutines at once. Close must be called at the end, also
// after Result or Fail.
type Reporter struct {
	o   Options
	now func() time.Time

	mu      sync.Mutex
	tasks   []*task // in the order they began
	live    *live   // nil in a pipe
	written bool    // standard output holds the JSON document
}

// task is one line on a terminal: what is done for one target.
type task struct {
	name    string
	stage   string
	since   time.Time
	bytes   int64
	done    bool
	took    time.Duration
	reused  bool
	note    string
	touched int // order of the last change, for terminals with few lines
}

// New makes a Reporter.
func New(o Options) *Reporter {
	r := &Reporter{o: o, now: o.Now}
	if r.now == nil {
		r.now = time.Now
	}
	if o.TTY {
		r.live = &live{r: r}
	}
	return r
}

// Begin says that a stage of a task has begun: name is the target, such as
// linux/amd64, or "" for what is done once for all; stage is one of the names
// in stages.go.
func (r *Reporter) Begin(name, stage string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.task(name)
	*t = task{name: name, stage: stage, since: r.now(), touched: t.touched}
	r.live.start()
}

// Progress says how many bytes a stage has made so far. What comes after the
// stage's end, or for another stage than the current one, is dropped.
func (r *Reporter) Progress(name, stage string, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.task(name); t.stage == stage && !t.done {
		t.bytes = bytes
	}
}

// Note says in words how far the current stage of a task is, on a terminal
// alone. What comes after the stage's end is dropped.
func (r *Reporter) Note(name, stage, note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.tasks {
		if t.name == name && t.stage == stage && !t.done {
			t.note = note
		}
	}
}

// End says that a stage is finished: how long it took, how many bytes it made
// (0: not worth saying), whether that was reused from an earlier run, and a
// note in the user's words, which may be empty.
func (r *Reporter) End(name, stage string, took time.Duration, bytes int64, note string, reused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.task(name)
	*t = task{
		name: name, stage: stage, since: t.since, bytes: bytes, done: true,
		took: took, reused: reused, note: note, touched: t.touched,
	}
	if r.live == nil {
		r.print(r.stageLine(*t))
	}
}

// task finds or makes the task and marks it as the last one changed.
func (r *Reporter) task(name string) *task {
	last := 0
	var found *task
	for _, t := range r.tasks {
		last = max(last, t.touched)
		if t.name == name {
			found = t
		}
	}
	if found == nil {
		found = &task{name: name, since: r.now()}
		r.tasks = append(r.tasks, found)
	}
	found.touched = last + 1
	return found
}

// Warn says something the user should know, though the work goes on.
func (r *Reporter) Warn(m i18n.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.print(WarningText(m, r.errStyle()))
}

// Finding shows one finding.
func (r *Reporter) Finding(f finding.Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.print(FindingText(f, r.errStyle()))
}

// Result ends the command with its result: v as a JSON document, which must
// be an object with a schemaVersion; or as text, for which v is a Texter, an
// i18n.Message or a string. Nothing is written if v cannot be.
func (r *Reporter) Result(v any) error {
	r.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.o.JSON {
		return r.resultJSON(v)
	}
	return r.resultText(v)
}

// Fail ends the command with an error: in words on standard error, and with
// JSON also as the document on standard output, unless a result is there
// already. A nil error says nothing.
func (r *Reporter) Fail(err error) error {
	r.Close()
	if err == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.print(ErrorText(err, r.errStyle()))
	if r.o.JSON && !r.written {
		return r.failJSON(err)
	}
	return nil
}

// Close wipes the live lines away, gives the cursor back and waits for the
// goroutine that draws. It may be called more than once, and the Reporter may
// be used again.
func (r *Reporter) Close() {
	r.mu.Lock()
	wait := r.live.stop()
	r.mu.Unlock()
	wait()
	r.mu.Lock()
	r.tasks = nil
	r.mu.Unlock()
}

// print puts text, which ends with a newline, on standard error, above the
// live lines. There is nobody to tell if that fails.
func (r *Reporter) print(text string) {
	if r.live != nil {
		text = r.live.wipe() + text
	}
	_, _ = io.WriteString(r.o.Stderr, text)
}

func (r *Reporter) errStyle() Style {
	return Style{Lang: r.o.Lang, Color: r.o.Color && r.o.TTY, Terminal: r.o.TTY}
}

func (r *Reporter) outStyle() Style {
	s := Style{Lang: r.o.Lang, Color: r.o.Color && r.o.StdoutTTY, Terminal: r.o.StdoutTTY}
	if r.o.StdoutTTY {
		s.Width, _ = r.size()
	}
	return s
}

func (r *Reporter) size() (width, height int) {
	width, height = r.o.Width, r.o.Height
	if r.o.Size != nil {
		width, height = r.o.Size()
	}
	if width <= 0 {
		width = 80
	}
	if height <= 0 {
		height = 24
	}
	return width, height
}
