package check

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/policy"
)

// sameAgain holds that a second run prints what the first did: a rule that goes
// through a map in its own order would not.
func sameAgain(t *testing.T, repo *facts.Repo, res Result) {
	t.Helper()
	first, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Run(repo, nil)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := json.Marshal(again); err != nil || !bytes.Equal(first, second) {
		t.Errorf("two runs differ: %v\n%s\n%s", err, first, second)
	}
}

// TestRules reads testdata/<ID>.txtar, which holds small repositories: below
// bad/ what the rule finds, below good/ the same mended, below near/ what
// looks like it and is right. The file want of each lists `ID path:line`.
// What lies below bad.modcache/ and so on is the module cache of that
// repository; without one, nothing is known of modules from elsewhere.
func TestRules(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(filepath.Join("testdata", r.ID+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			root := t.TempDir()
			want := map[string][]string{}
			for _, f := range a.Files {
				dir, name, ok := strings.Cut(f.Name, "/")
				if !ok || !slices.Contains([]string{"bad", "good", "near"}, strings.TrimSuffix(dir, ".modcache")) {
					t.Fatalf("%s is in none of bad/, good/, near/", f.Name)
				}
				if name == "want" {
					want[dir] = strings.FieldsFunc(string(f.Data), func(r rune) bool { return r == '\n' })
					continue
				}
				path := filepath.Join(root, filepath.FromSlash(f.Name))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, f.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if len(want["bad"]) == 0 || len(want["good"])+len(want["near"]) > 0 {
				t.Fatalf("want must list findings for bad/ and none for good/ and near/")
			}
			for _, dir := range []string{"bad", "good", "near"} {
				repo, err := facts.ReadRepo(context.Background(), filepath.Join(root, dir))
				if err != nil {
					t.Fatalf("%s: %v", dir, err)
				}
				if len(repo.GoFiles)+len(repo.Modules)+len(repo.Dockerfiles)+len(repo.Workflows)+len(repo.Scripts)+len(repo.EnvFiles) == 0 {
					t.Errorf("%s/ is empty", dir)
				}
				cache := filepath.Join(root, dir+".modcache")
				if _, err := os.Stat(cache); err == nil {
					if err := facts.ReadDeps(context.Background(), &repo, filepath.Join(root, dir), cache); err != nil {
						t.Fatalf("%s: %v", dir, err)
					}
				}
				knowing(t, &repo, filepath.Join(root, dir), cache)
				repo.WorkTree = true
				res, err := Run(&repo, nil)
				if err != nil {
					t.Fatal(err)
				}
				sameAgain(t, &repo, res)
				got := []string{}
				for _, f := range res.Findings {
					if f.ID != r.ID {
						continue
					}
					got = append(got, fmt.Sprintf("%s %s:%d", f.ID, f.Pos.File, f.Pos.Line))
					if f.Entity == "" || f.Message.IsZero() || f.Severity == "" || f.Fix.IsZero() {
						t.Errorf("%s: an incomplete finding: %+v", dir, f)
					}
				}
				slices.Sort(got)
				slices.Sort(want[dir])
				if !slices.Equal(got, want[dir]) {
					t.Errorf("%s/ has\n\t%s\nwant\n\t%s", dir, strings.Join(got, "\n\t"), strings.Join(want[dir], "\n\t"))
				}
			}
		})
	}
}

// knowing fills in the policy of slipway.yaml and what it asks for.
func knowing(t *testing.T, repo *facts.Repo, dir, cache string) {
	t.Helper()
	s, err := config.Load(config.Input{Dir: dir, Base: dir})
	if err != nil {
		t.Fatal(err)
	}
	repo.Policy = policy.Of(s)
	if err := policy.Gather(context.Background(), repo, policy.Sources{Root: dir, Settings: dir, ModCache: cache}); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
}
