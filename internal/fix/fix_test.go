package fix_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/fix"
)

func found(id string, edits ...finding.Edit) finding.Finding {
	return finding.Finding{ID: id, Pos: edits[0].Pos, Edits: edits}
}

func edit(file string, line, column int, old, text string) finding.Edit {
	return finding.Edit{Pos: fault.Pos{File: file, Line: line, Column: column}, Old: old, New: text}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		name, in string
		edits    []finding.Edit
		want     string
	}{
		{"replace", "a b c\n", []finding.Edit{edit("f", 1, 3, "b", "x")}, "a x c\n"},
		{"two in a line", "a b c\n", []finding.Edit{edit("f", 1, 5, "c", "zz"), edit("f", 1, 1, "a", "")}, " b zz\n"},
		{"a line goes", "a\n  b\nc\n", []finding.Edit{edit("f", 2, 3, "b", "")}, "a\nc\n"},
		{"a blank line stays", "a\n\nc\n", []finding.Edit{edit("f", 2, 1, "", "b")}, "a\nb\nc\n"},
		{"the last line goes", "a\nb", []finding.Edit{edit("f", 2, 1, "b", "")}, "a\n"},
		{"the only line goes", "a", []finding.Edit{edit("f", 1, 1, "a", "")}, ""},
		{"no line break at the end", "a\nb", []finding.Edit{edit("f", 2, 1, "b", "c")}, "a\nc"},
		{"insert lines", "a\nb\n", []finding.Edit{edit("f", 2, 1, "", "x:\n  y\n")}, "a\nx:\n  y\nb\n"},
		{"carriage returns", "a\r\nb\r\n", []finding.Edit{edit("f", 2, 1, "b", "x\ny")}, "a\r\nx\r\ny\r\n"},
		{"a line with carriage return goes", "a\r\nb\r\n", []finding.Edit{edit("f", 1, 1, "a", "")}, "b\r\n"},
		{"bytes, not letters", "é b\n", []finding.Edit{edit("f", 1, 4, "b", "c")}, "é c\n"},
		{"a byte order mark", "\ufeffa\n", []finding.Edit{edit("f", 1, 4, "a", "c")}, "\ufeffc\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "f"), c.in)
			p, err := fix.Make(dir, []finding.Finding{found("X001", c.edits...)})
			if err != nil || len(p.Left) > 0 || len(p.Files) != 1 {
				t.Fatalf("%+v, %v", p, err)
			}
			if got := p.Files[0].New(); got != c.want {
				t.Fatalf("have %q, want %q", got, c.want)
			}
			applyWithGit(t, c.in, c.want, p.Files[0].Diff())
			if err := p.Write(dir); err != nil {
				t.Fatal(err)
			}
			if got := tree(t, dir); got["f"] != c.want || len(got) != 1 {
				t.Errorf("have %q, want %q", got, c.want)
			}
		})
	}
}

// applyWithGit holds a diff against the program that is to understand it.
func applyWithGit(t *testing.T, in, want, diff string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), in)
	cmd := exec.Command("git", "-c", "core.autocrlf=false", "apply", "--unidiff-zero", "-")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+dir, "GIT_CONFIG_GLOBAL="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s\n%s", err, out, diff)
	}
	if got := tree(t, dir)["f"]; got != want {
		t.Errorf("git apply makes %q, want %q of\n%s", got, want, diff)
	}
}

func TestDiffOfSeveralHunks(t *testing.T) {
	var in, want strings.Builder
	var edits []finding.Edit
	for i := 1; i <= 60; i++ {
		line := strings.Repeat("x", i) + "\n"
		in.WriteString(line)
		switch {
		case i%15 == 0:
			edits = append(edits, edit("f", i, 1, strings.TrimSpace(line), "")) // goes
		case i%20 == 1 || i%20 == 2 || i%20 == 8:
			edits = append(edits, edit("f", i, 1, "x", "y\nz"))
			want.WriteString("y\nz" + line[1:])
		default:
			want.WriteString(line)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), in.String())
	p, err := fix.Make(dir, []finding.Finding{found("X001", edits...)})
	if err != nil || len(p.Files) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if p.Files[0].New() != want.String() {
		t.Fatalf("have\n%s", p.Files[0].New())
	}
	applyWithGit(t, in.String(), want.String(), p.Files[0].Diff())
}

func TestAllEditsOrNone(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "one two three\n")
	write(t, filepath.Join(dir, "b"), "four\n")
	p, err := fix.Make(dir, []finding.Finding{
		found("X003", edit("a", 1, 5, "two", "2"), edit("b", 1, 1, "four", "4")),
		found("X002", edit("a", 1, 1, "one", "1"), edit("b", 1, 1, "five", "5")), // differs in b
		found("X004", edit("a", 1, 5, "two", "2")),                               // the very same edit
		found("X005", edit("a", 1, 5, "two three", "")),                          // comes too late
		found("X006", edit("a", 1, 8, "", "!")),                                  // touches
	})
	if err != nil {
		t.Fatal(err)
	}
	var fixed, left []string
	for _, f := range p.Fixed {
		fixed = append(fixed, f.ID)
	}
	for _, l := range p.Left {
		left = append(left, l.Finding.ID+" "+l.Reason.ID)
	}
	if got := strings.Join(fixed, " "); got != "X003 X004" {
		t.Errorf("fixed: %s", got)
	}
	if got := strings.Join(left, ", "); got != "X002 fix.left.differs, X005 fix.left.overlaps, X006 fix.left.overlaps" {
		t.Errorf("left: %s", got)
	}
	if err := p.Write(dir); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); got["a"] != "one 2 three\n" || got["b"] != "4\n" {
		t.Errorf("have %q", got)
	}
}

func TestStaysInTheRepository(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights there that a user has not")
	}
	top := t.TempDir()
	dir := filepath.Join(top, "repo")
	write(t, filepath.Join(top, "out"), "x\n")
	write(t, filepath.Join(dir, "in"), "x\n")
	write(t, filepath.Join(dir, ".git", "config"), "x\n")
	write(t, filepath.Join(dir, "sub", "f"), "x\n")
	for name, to := range map[string]string{"link": "in", "away": "../out", "dir": "sub", "up": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"../out", filepath.Join(top, "out"), "link", "away", "dir/f", "up/out", ".git/config", "nowhere", "sub", "", "sub/../../out"} {
		p, err := fix.Make(dir, []finding.Finding{found("X001", edit(name, 1, 1, "x", "y"))})
		if err != nil || len(p.Left) != 1 || len(p.Files) != 0 {
			t.Errorf("%q: %+v, %v", name, p, err)
		}
	}
}

func TestKeepsModeAndOthersWork(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "run.sh")
	write(t, name, "go build -a .\n")
	if err := os.Chmod(name, 0o751); err != nil {
		t.Fatal(err)
	}
	p, err := fix.Make(dir, []finding.Finding{found("X001", edit("run.sh", 1, 9, " -a", ""))})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(dir); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o751 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	p, err = fix.Make(dir, []finding.Finding{found("X001", edit("run.sh", 1, 1, "go", "gone"))})
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, "somebody else was here\n")
	if err := p.Write(dir); err == nil {
		t.Error("a file that had changed meanwhile was replaced")
	}
	if got := tree(t, dir); len(got) != 1 || got["run.sh"] != "somebody else was here\n" {
		t.Errorf("have %q", got)
	}
}
