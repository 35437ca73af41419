//go:build linux && amd64

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
	"github.com/slipway-build/slipway/internal/trial"
)

// knownBad is a fault that slipway predicts by opening what has it, and that
// then happens when it runs.
type knownBad struct {
	id, what string
	bad      func(k *badKit) []string // what verify is given
	says     string                   // of the prediction, word for word
	ran      string                   // how the run ends, word for word; empty: it is not run, and a note says why; "-": nothing to run it on
	runID    string                   // of the finding about the run; empty: the run itself ends well
	good     func(k *badKit) []string // what differs from it in one thing; nothing is wrong with it
	miss     string                   // in words
	works    string                   // what the good one prints
}

// TestKnownBad holds each prediction against what happens: the real command
// opens and runs real files made by the real toolchains, the faulty one and the
// one beside it that is right. docs/known-bad.md is what it saw.
func TestKnownBad(t *testing.T) {
	needRoot(t, "gcc", "musl-gcc", "git")
	k := newBadKit(t)
	rows := make([]string, len(knownBads))
	for i, c := range knownBads {
		t.Run(c.id+" "+c.what, func(t *testing.T) {
			kit := *k
			kit.t = t
			says, ran := kit.faulty(&c)
			kit.sound(&c)
			cell := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ") }
			rows[i] = fmt.Sprintf("| %s | %s | %s | %s | %s |\n", c.id, cell(c.what), cell(says), cell(ran), cell(c.miss))
		})
	}
	if t.Failed() || slices.Contains(rows, "") {
		return // some alone were asked for
	}
	page := knownBadHead + strings.Join(rows, "")
	const name = "../../docs/known-bad.md"
	if *update {
		if err := os.WriteFile(name, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page {
		t.Errorf("%s is not what was seen; SLIPWAY_E2E=1 go test ./internal/cli -run TestKnownBad -update writes it anew\n%s", name, page)
	}
}

const knownBadHead = `# Said beforehand, and what happened

Written by ` + "`SLIPWAY_E2E=1 go test ./internal/cli -run TestKnownBad -update`" + `.
For each row the real command opens real files, made by the go command, gcc and
musl-gcc, and says what will go wrong; then it runs them in a sandbox. The last
column differs in one thing: it is opened and run as well, and neither finds
anything that counts.

| Rule | What is wrong | ` + "`slipway verify`" + ` says | ` + "`slipway verify --run`" + ` sees | Right, and silent |
|---|---|---|---|---|
`

// badKit makes what is faulty, and runs the command.
type badKit struct {
	t            *testing.T
	slipway      string
	debian, musl string // root file systems
	env          []string
	dir          string // whose paths are left out of the page
}

func newBadKit(t *testing.T) *badKit {
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	link := filepath.Join(dir, "slipway")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	return &badKit{t: t, slipway: link, debian: testkit.DebianRoot(t), musl: testkit.MuslRoot(t), env: environ(t, nil), dir: dir}
}

// badDoc is what is read of the command's document.
type badDoc struct {
	Findings []struct {
		ID       string
		Advisory bool
		Entity   string
		Message  struct{ Text string }
	}
	Runs []struct {
		Life trial.Life
	}
	Notes []struct{ Text string }
}

func (k *badKit) verify(args []string) (int, *badDoc) {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), k.slipway, append([]string{"verify", "--json"}, args...)...)
	cmd.Dir, cmd.Env = k.dir, k.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) {
		k.t.Fatal(err)
	}
	var doc badDoc
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		k.t.Fatalf("verify %q: %v\n%s%s", args, err, out.Bytes(), errs.Bytes())
	}
	return cmd.ProcessState.ExitCode(), &doc
}

// faulty holds what is said of the faulty one, and what happens when it runs.
func (k *badKit) faulty(c *knownBad) (says, ran string) {
	t := k.t
	args := c.bad(k)
	all := args
	if c.ran != "-" {
		all = append(args[:len(args):len(args)], "--run", "--expect-start", "5s")
	}
	code, doc := k.verify(all)
	if code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	// The run must not be what makes the code: the same is said without it.
	if alone, d := k.verify(args); alone != 3 || len(d.Runs) > 0 {
		t.Errorf("exit code %d without a run, want 3", alone)
	}
	var said []string
	byRun := ""
	for _, f := range doc.Findings {
		said = append(said, f.ID+": "+f.Message.Text)
		switch {
		case f.ID == c.id && !f.Advisory && strings.Contains(f.Message.Text, c.says):
			says = f.Message.Text
		case f.ID >= "BIN040" && f.ID < "BIN060" && !f.Advisory:
			byRun = f.ID
		}
	}
	if says == "" {
		t.Errorf("nobody says %q; what is said: %q", c.says, said)
	}
	if byRun != c.runID {
		t.Errorf("the run finds %q, want %q: %q", byRun, c.runID, said)
	}
	says = k.plain(says)
	if c.ran == "-" {
		return says, "no files of that system are at hand"
	}
	if c.ran == "" {
		if len(doc.Runs) > 0 || len(doc.Notes) == 0 {
			t.Errorf("it ran: %+v", doc.Runs)
		}
		return says, "not tried: " + k.plain(doc.Notes[0].Text)
	}
	if len(doc.Runs) == 0 {
		t.Fatalf("it did not run: %q", doc.Notes)
	}
	l := doc.Runs[0].Life
	got := strings.Join(append([]string{l.Error}, l.Log...), "\n")
	if !strings.Contains(got, c.ran) {
		t.Errorf("the run ends with %q, want %q (%q)", got, c.ran, said)
	}
	quote := "`"
	if strings.Contains(c.ran, quote) {
		quote = "``"
	}
	ran = quote + c.ran + quote
	switch {
	case l.Exit != nil && l.Exit.Signal != "":
		ran += ", ended by " + l.Exit.Signal
	case l.Exit != nil:
		ran += fmt.Sprintf(", exit code %d", l.Exit.Code)
	}
	if byRun != "" {
		ran = byRun + ": " + ran
	}
	return says, ran
}

// sound holds that the good one is opened and run without a word.
func (k *badKit) sound(c *knownBad) {
	t := k.t
	if c.good == nil {
		return
	}
	args := c.good(k)
	if c.ran != "-" {
		args = append(args, "--run", "--expect-start", "5s")
	}
	code, doc := k.verify(args)
	for _, f := range doc.Findings {
		if !f.Advisory || f.ID == c.id {
			t.Errorf("%s: %s says %s", c.miss, f.ID, f.Message.Text)
		}
	}
	if code != 0 {
		t.Errorf("%s: exit code %d", c.miss, code)
	}
	if c.ran == "-" {
		return
	}
	if len(doc.Runs) == 0 {
		t.Fatalf("%s: it did not run: %q", c.miss, doc.Notes)
	}
	l := doc.Runs[0].Life
	if got := strings.Join(l.Log, "\n"); l.Exit == nil || l.Exit.Code != 0 || !strings.Contains(got, c.works) {
		t.Errorf("%s: it prints %q, want %q; %s", c.miss, got, c.works, l.Error)
	}
}

var (
	tempImage = regexp.MustCompile(`oci:/[^ ,;:]*/TestKnownBad[^ ,;:]*`)
	tempPath  = regexp.MustCompile(`/[^ ,;:]*/(TestKnownBad|slipway-ci)[^ ,;:]*/`)
)

// plain leaves the directories of this run out of a text.
func (k *badKit) plain(s string) string {
	return tempPath.ReplaceAllString(tempImage.ReplaceAllString(s, "the image"), "")
}

func (k *badKit) write(dir, name, text string) string {
	k.t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		k.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o755); err != nil {
		k.t.Fatal(err)
	}
	return p
}

func (k *badKit) exec(dir string, env []string, name string, args ...string) {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(append([]string{}, k.env...), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		k.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// program builds a Go program; the first of the words may set variables.
func (k *badKit) program(text string, words ...string) string {
	k.t.Helper()
	dir := k.t.TempDir()
	env := []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOWORK=off"}
	args := []string{"build", "-o", "app"}
	for _, w := range words {
		if strings.HasPrefix(w, "-") {
			args = append(args, w)
		} else {
			env = append(env, w)
		}
	}
	k.write(dir, "go.mod", "module example.com/app\n\ngo 1.26\n")
	k.write(dir, "main.go", text)
	k.exec(dir, env, "go", append(args, ".")...)
	return filepath.Join(dir, "app")
}

// image makes an image that runs /app as nobody.
func (k *badKit) image(config map[string]any, files ...testkit.ImageFile) []string {
	k.t.Helper()
	c := map[string]any{"User": "65532:65532", "Entrypoint": []string{"/app"}, "Labels": map[string]any{"org.opencontainers.image.revision": "3f2a"}}
	for key, v := range config {
		c[key] = v
	}
	return []string{"oci:" + testkit.Layout(k.t, c, files...)}
}

// app is the file /app of an image.
func (k *badKit) app(name string, mode int64) testkit.ImageFile {
	return k.file("/app", name, mode)
}

func (k *badKit) file(at, name string, mode int64) testkit.ImageFile {
	k.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		k.t.Fatal(err)
	}
	return testkit.ImageFile{Path: at, Text: string(b), Mode: mode}
}

// glibc are the files of Debian's C library.
func (k *badKit) glibc() []testkit.ImageFile {
	const loader, libc = "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"
	return []testkit.ImageFile{k.file(loader, k.debian+loader, 0o755), k.file(libc, k.debian+libc, 0o755)}
}
