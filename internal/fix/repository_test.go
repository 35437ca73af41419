package fix_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/check"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/fix"
)

// FuzzRepository holds, for any small repository and all rules: what is found
// is the same again, lies in a file that is there, and its edits fit the text;
// and none of it takes long. What lies below modcache/ is the module cache.
// The rules' own repositories are where it begins.
func FuzzRepository(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("..", "check", "testdata", "*.txtar"))
	if err != nil || len(names) == 0 {
		f.Fatal("no repositories", err)
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		parts := map[string]*txtar.Archive{}
		for _, file := range a.Files {
			part, rest, _ := strings.Cut(file.Name, "/")
			if rest == "want" {
				continue
			}
			if p, ok := strings.CutSuffix(part, ".modcache"); ok {
				part, rest = p, "modcache/"+rest
			}
			if parts[part] == nil {
				parts[part] = &txtar.Archive{}
			}
			parts[part].Files = append(parts[part].Files, txtar.File{Name: rest, Data: file.Data})
		}
		for _, part := range slices.Sorted(maps.Keys(parts)) {
			f.Add(txtar.Format(parts[part]))
		}
	}
	f.Fuzz(func(t *testing.T, archive []byte) {
		start := time.Now()
		top := t.TempDir()
		lay(t, top, archive)
		dir, cache := filepath.Join(top, "repo"), filepath.Join(top, "modcache")
		found := judgeAll(t, dir, cache)
		if again := judgeAll(t, dir, cache); encoded(t, again) != encoded(t, found) {
			t.Errorf("once\n%s\nand once\n%s", encoded(t, found), encoded(t, again))
		}
		for _, x := range found {
			if x.ID == "" || x.Entity == "" || x.Message.IsZero() {
				t.Errorf("incomplete: %+v", x)
			}
			inFile(t, top, x.ID, x.Pos.File, x.Pos.Line)
			for _, e := range x.Evidence {
				inFile(t, top, x.ID, e.Pos.File, e.Pos.Line)
			}
		}
		p, err := fix.Make(dir, found)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range p.Left {
			if l.Reason.ID == "fix.left.differs" {
				t.Errorf("%s: %s", l.Finding.ID, l.Reason)
			}
		}
		for _, file := range p.Files {
			file.Diff()
		}
		if err := p.Write(dir); err != nil {
			t.Fatal(err)
		}
		judgeAll(t, dir, cache)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// lay writes the files of an archive below top, those that a file system takes.
func lay(t *testing.T, top string, archive []byte) {
	for _, d := range []string{"repo", "modcache"} {
		if err := os.Mkdir(filepath.Join(top, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files := txtar.Parse(archive).Files
	for _, file := range files[:min(len(files), 30)] {
		name := file.Name
		if !strings.HasPrefix(name, "modcache/") {
			name = "repo/" + name
		}
		if !filepath.IsLocal(filepath.FromSlash(file.Name)) || strings.Contains(name, "\x00") {
			continue
		}
		at := filepath.Join(top, filepath.FromSlash(name))
		if os.MkdirAll(filepath.Dir(at), 0o755) == nil {
			_ = os.WriteFile(at, file.Data, 0o644) // a name may be that of a directory
		}
	}
}

func judgeAll(t *testing.T, dir, cache string) []finding.Finding {
	t.Helper()
	repo, err := facts.ReadRepo(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := facts.ReadDeps(t.Context(), &repo, dir, cache); err != nil {
		t.Fatal(err)
	}
	repo.WorkTree = true
	res, err := check.Run(&repo, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res.Findings
}

func encoded(t *testing.T, found []finding.Finding) string {
	b, err := json.MarshalIndent(found, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// inFile holds that a line is there. A file that is not may be one of a
// module, or of the go command itself.
func inFile(t *testing.T, top, rule, file string, line int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, "repo", filepath.FromSlash(file)))
	if err != nil {
		return
	}
	if line < 0 || line > 1+bytes.Count(b, []byte("\n")) {
		t.Errorf("%s: %s has no line %d", rule, file, line)
	}
}
