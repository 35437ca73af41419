package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// repository makes a repository whose first commit holds a module at its
// root and one below, and gives its directory and the commit.
func repository(t testing.TB) (dir, commit string) {
	t.Helper()
	dir = realTemp(t)
	gitIn(t, dir, "init", "-q")
	write(t, filepath.Join(dir, "go.mod"), "module example.com/app\n")
	write(t, filepath.Join(dir, "main.go"), program)
	write(t, filepath.Join(dir, "sub/go.mod"), "module example.com/app/sub\n")
	write(t, filepath.Join(dir, ".gitignore"), "*.log\n")
	write(t, filepath.Join(dir, ".gitattributes"), ".git_archival.txt export-subst\n")
	write(t, filepath.Join(dir, archiveFile), "node: $Format:%H$\nnode-date: $Format:%cI$\ndescribe-name: $Format:%(describe:tags=true,match=*[0-9]*)$\nref-names: $Format:%D$\n")
	gitIn(t, dir, "add", ".")
	gitIn(t, dir, "commit", "-qm", "one")
	return dir, gitIn(t, dir, "rev-parse", "HEAD")
}

func revisionOf(t testing.TB, o Options) Revision {
	t.Helper()
	r, err := mustOpen(t, o).Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func noteIDs(r Revision) (ids []string) {
	for _, n := range r.Notes {
		ids = append(ids, n.ID)
	}
	return ids
}

func wantNotes(t testing.TB, r Revision, ids ...string) {
	t.Helper()
	if !slices.Equal(noteIDs(r), ids) {
		t.Errorf("notes %v, want %q", r.Notes, ids)
	}
}

// TestSameRevision is what makes a laptop, a CI clone and a tarball of one
// commit give the same bytes.
func TestSameRevision(t *testing.T) {
	dir, commit := repository(t)
	gitIn(t, dir, "tag", "v1.0.0-rc.1")
	gitIn(t, dir, "tag", "-a", "-m", "x", "v1.0.0")
	gitIn(t, dir, "tag", "-a", "-m", "x", "sub/v0.3.0")
	gitIn(t, dir, "tag", "latest")
	away := realTemp(t)
	origin := "file://" + filepath.ToSlash(dir)
	gitIn(t, away, "clone", "-q", origin, "full")
	gitIn(t, away, "clone", "-q", "--depth=1", "--no-tags", origin, "shallow")
	gitIn(t, away, "clone", "-q", "--depth=1", "--branch=v1.0.0-rc.1", origin, "onetag")
	gitIn(t, away, "clone", "-q", "--no-tags", origin, "notags")
	gitIn(t, away, "clone", "-q", "--bare", origin, "bare")
	gitIn(t, filepath.Join(away, "full"), "worktree", "add", "-q", "--detach", filepath.Join(away, "worktree"))
	gitIn(t, filepath.Join(away, "full"), "pack-refs", "--all")
	gitIn(t, dir, "archive", "--prefix=tarball/", "-o", filepath.Join(away, "a.tar"), "HEAD")
	if out, err := exec.Command("tar", "-C", away, "-xf", filepath.Join(away, "a.tar")).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	for _, c := range []struct{ name, from string }{
		{"full", FromClone}, {"shallow", FromRemote}, {"onetag", FromRemote}, {"notags", FromRemote}, {"worktree", FromClone}, {"tarball", FromArchive},
	} {
		for sub, tags := range map[string][]string{"": {"v1.0.0", "v1.0.0-rc.1"}, "sub": {"v0.3.0"}} {
			r := revisionOf(t, options(t, filepath.Join(away, c.name, sub), userEnv(t)))
			want := State{Kind: KindDir, VCS: "git", Revision: commit, Time: commitTime, Tags: tags, TagsFrom: c.from}
			if fmt.Sprintf("%+v", r.State) != fmt.Sprintf("%+v", want) {
				t.Errorf("%s/%s:\n%+v, want\n%+v", c.name, sub, r.State, want)
			}
			if c.from == FromArchive {
				wantNotes(t, r, "source.note.archive")
			} else {
				wantNotes(t, r)
			}
		}
	}
}

func TestTagsElsewhere(t *testing.T) {
	dir, _ := repository(t)
	gitIn(t, dir, "tag", "v1.0.0")
	away := realTemp(t)
	gitIn(t, away, "clone", "-q", "--depth=1", "--no-tags", "file://"+dir, "clone")
	clone := filepath.Join(away, "clone")

	o := options(t, clone, userEnv(t))
	o.Offline = true
	r := revisionOf(t, o)
	wantNotes(t, r, "source.note.offline")
	if !r.Shallow || r.Tags != nil || r.TagsFrom != FromClone {
		t.Errorf("offline: %+v", r)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0") // connects, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, origin := range []string{"git://" + l.Addr().String() + "/x", "https://user:secret@127.0.0.1:1/x.git", filepath.Join(away, "nowhere")} {
		gitIn(t, clone, "remote", "set-url", "origin", origin)
		o = options(t, clone, userEnv(t))
		o.RemoteTimeout = 500 * time.Millisecond
		start := time.Now()
		r = revisionOf(t, o)
		wantNotes(t, r, "source.note.remote")
		if !r.Shallow || r.State.Revision == "" || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %+v after %v", origin, r, time.Since(start))
		}
		if s := r.Notes[0].String(); strings.Contains(s, "secret") {
			t.Errorf("the note tells a password: %s", s)
		}
	}
	gitIn(t, clone, "remote", "remove", "origin")
	r = revisionOf(t, options(t, clone, userEnv(t)))
	wantNotes(t, r)
	if !r.Shallow {
		t.Errorf("no origin: %+v", r)
	}
}

func TestDirty(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(dir string)
		sub     bool // of the nested module
		changed []string
	}{
		{"clean", func(string) {}, false, nil},
		{"ignored", func(d string) { write(t, d+"/x.log", "") }, false, nil},
		{"results", func(d string) { write(t, d+"/dist/app", "") }, false, nil},
		{"results deeper", func(d string) { write(t, d+"/out/bin/app", "") }, false, nil},
		{"touched", func(d string) { os.Chtimes(d+"/main.go", time.Now(), time.Now().Add(time.Hour)) }, false, nil},
		{"edited", func(d string) { write(t, d+"/main.go", "package main\n") }, false, []string{"main.go"}},
		{"staged", func(d string) { write(t, d+"/main.go", "package main\n"); gitIn(t, d, "add", ".") }, false, []string{"main.go"}},
		{"removed", func(d string) { os.Remove(d + "/main.go") }, false, []string{"main.go"}},
		{"untracked", func(d string) { write(t, d+"/a b.go", "package main\n") }, false, []string{"a b.go"}},
		{"untracked beside results", func(d string) { write(t, d+"/out/bin/app", ""); write(t, d+"/out/x", "") }, false, []string{"out/"}},
		{"unusual name", func(d string) { write(t, d+"/é\t.go", "package main\n") }, false, []string{"é\t.go"}},
		{"outside the module", func(d string) { write(t, d+"/main.go", "package main\n") }, true, nil},
		{"inside the module", func(d string) { write(t, d+"/sub/x.go", "package sub\n") }, true, []string{"sub/x.go"}},
	} {
		dir, commit := repository(t)
		c.change(dir)
		o := options(t, dir, userEnv(t))
		if c.sub {
			o.Dir = filepath.Join(dir, "sub")
		}
		o.Exclude = []string{filepath.Join(dir, "out/bin"), "../elsewhere"}
		tree := mustOpen(t, o)
		tree.Exclude("dist")
		r, err := tree.Revision(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Dirty != (c.changed != nil) || !slices.Equal(r.Changed, c.changed) || r.State.Revision != commit {
			t.Errorf("%s: dirty %v changed %q revision %s, want %q", c.name, r.Dirty, r.Changed, r.State.Revision, c.changed)
		}
	}
}

// TestDirtyReach follows what the build reads beyond the module itself.
func TestDirtyReach(t *testing.T) {
	dir, _ := repository(t)
	write(t, filepath.Join(dir, "sub/go.mod"), "module example.com/app/sub\n\nreplace example.com/lib => ../lib\n\nreplace example.com/far => ../../far\n")
	write(t, filepath.Join(dir, "lib/go.mod"), "module example.com/lib\n")
	write(t, filepath.Join(dir, "other/go.mod"), "module example.com/other\n")
	gitIn(t, dir, "add", ".")
	gitIn(t, dir, "commit", "-qm", "two")
	sub := filepath.Join(dir, "sub")
	r := revisionOf(t, options(t, sub, userEnv(t)))
	wantNotes(t, r, "source.note.outside")
	if r.Dirty {
		t.Errorf("clean tree: %+v", r)
	}
	write(t, filepath.Join(dir, "other/x.go"), "package other\n")
	if r := revisionOf(t, options(t, sub, userEnv(t))); r.Dirty {
		t.Errorf("a file the build does not read makes it dirty: %+v", r)
	}
	write(t, filepath.Join(dir, "lib/x.go"), "package lib\n")
	if r := revisionOf(t, options(t, sub, userEnv(t))); !slices.Equal(r.Changed, []string{"lib/x.go"}) {
		t.Errorf("a replacement's file is not seen: %+v", r)
	}
	write(t, filepath.Join(dir, "go.work"), "go 1.26\n\nuse ./sub\nuse ./other\n")
	if r := revisionOf(t, options(t, sub, userEnv(t))); !slices.Equal(r.Changed, []string{"go.work", "lib/x.go", "other/x.go"}) {
		t.Errorf("workspace: %+v", r)
	}
}

func TestSubmodule(t *testing.T) {
	lib, commit := repository(t)
	gitIn(t, lib, "tag", "v1.0.0")
	dir, _ := repository(t)
	gitIn(t, dir, "submodule", "--quiet", "add", "file://"+lib, "lib")
	gitIn(t, dir, "commit", "-qm", "two")
	if r := revisionOf(t, options(t, dir, userEnv(t))); r.Dirty {
		t.Errorf("clean submodule: %+v", r)
	}
	in := filepath.Join(dir, "lib")
	if r := revisionOf(t, options(t, in, userEnv(t))); r.State.Revision != commit || !slices.Equal(r.Tags, []string{"v1.0.0"}) {
		t.Errorf("in the submodule: %+v", r)
	}
	write(t, filepath.Join(in, "main.go"), "package main\n")
	if r := revisionOf(t, options(t, dir, userEnv(t))); !slices.Equal(r.Changed, []string{"lib"}) {
		t.Errorf("changed submodule: %+v", r)
	}
}

func TestGitTrouble(t *testing.T) {
	dir, commit := repository(t)
	real, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	goDir := filepath.Dir(options(t, dir, userEnv(t)).Go.Path)
	bin := func(script string) string {
		d := t.TempDir()
		write(t, filepath.Join(d, "git"), "#!/bin/sh\n"+script)
		if err := os.Chmod(filepath.Join(d, "git"), 0o755); err != nil {
			t.Fatal(err)
		}
		return "PATH=" + d + string(filepath.ListSeparator) + os.Getenv("PATH")
	}

	onlyGo := t.TempDir()
	if err := os.Symlink(filepath.Join(goDir, "go"), filepath.Join(onlyGo, "go")); err != nil {
		t.Fatal(err)
	}
	r := revisionOf(t, options(t, dir, userEnv(t, "PATH="+onlyGo)))
	wantNotes(t, r, "source.note.nogit")

	owner := bin("GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec " + real + ` "$@"`)
	r = revisionOf(t, options(t, dir, userEnv(t, owner)))
	wantNotes(t, r, "source.note.owner")
	if s := r.Notes[0].String(); !strings.Contains(s, "safe.directory "+dir) || r.State.Revision != "" || r.Dirty {
		t.Errorf("%s: %+v", s, r)
	}
	trust := []string{owner, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=" + dir}
	if r = revisionOf(t, options(t, dir, userEnv(t, trust...))); r.State.Revision != commit {
		t.Errorf("safe.directory from the environment: %+v", r)
	}

	r = revisionOf(t, options(t, dir, userEnv(t, bin(`case "$*" in *status*) echo "fatal: no" >&2; exit 1;; esac; exec `+real+` "$@"`))))
	wantNotes(t, r, "source.note.status")
	if !r.Dirty || r.State.Revision != commit {
		t.Errorf("status fails: %+v", r)
	}

	o := options(t, dir, userEnv(t, bin("exec sleep 60")))
	o.GitTimeout = 100 * time.Millisecond
	r = revisionOf(t, o)
	wantNotes(t, r, "source.note.git")

	unborn := realTemp(t)
	gitIn(t, unborn, "init", "-q")
	write(t, filepath.Join(unborn, "go.mod"), "module example.com/app\n")
	r = revisionOf(t, options(t, unborn, userEnv(t)))
	wantNotes(t, r, "source.note.nocommit")
	if !r.Dirty || r.State.Revision != "" {
		t.Errorf("no commit: %+v", r)
	}

	broken := realTemp(t)
	write(t, filepath.Join(broken, "go.mod"), "module example.com/app\n")
	write(t, filepath.Join(broken, ".git"), "gitdir: ../nowhere\n")
	r = revisionOf(t, options(t, broken, userEnv(t)))
	wantNotes(t, r, "source.note.git")

	ctx, cancel := context.WithCancel(t.Context())
	tree := mustOpen(t, options(t, dir, userEnv(t)))
	cancel()
	if _, err := tree.Revision(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestGitEnvironment(t *testing.T) {
	dir, commit := repository(t)
	gitIn(t, dir, "tag", "v1.2.0")
	other, _ := repository(t)
	write(t, filepath.Join(other, "main.go"), "package other\n")
	gitIn(t, other, "commit", "-qam", "two")
	env := userEnv(t, "GIT_DIR="+other+"/.git", "GIT_WORK_TREE="+other, "GIT_INDEX_FILE="+other+"/.git/index", "LC_ALL=de_DE.UTF-8")
	env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "HOME=") })
	home := t.TempDir()
	env = append(env, "GOPATH="+home, "GOCACHE="+home, "GOMODCACHE="+home)
	// What users and repositories configure does not change the answer.
	for _, kv := range []string{"log.excludeDecoration=refs/tags/*", "log.showSignature=true", "log.decorate=no", "status.short=true", "status.branch=true", "status.showUntrackedFiles=no", "core.fsmonitor=/nonexistent", "log.date=relative", "color.ui=always"} {
		k, v, _ := strings.Cut(kv, "=")
		gitIn(t, dir, "config", k, v)
	}
	gitIn(t, dir, "checkout", "-q", "--detach")
	index, err := os.Stat(filepath.Join(dir, ".git/index"))
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "main.go"), later, later); err != nil {
		t.Fatal(err)
	}
	r := revisionOf(t, options(t, dir, env))
	if r.State.Revision != commit || !slices.Equal(r.Tags, []string{"v1.2.0"}) || r.Dirty || r.Notes != nil {
		t.Errorf("%+v", r)
	}
	after, err := os.Stat(filepath.Join(dir, ".git/index"))
	if err != nil || !after.ModTime().Equal(index.ModTime()) {
		t.Errorf("the index was written: %v, %v", after, err)
	}
	write(t, filepath.Join(dir, "new.go"), "package main\n")
	if r := revisionOf(t, options(t, dir, env)); !slices.Equal(r.Changed, []string{"new.go"}) {
		t.Errorf("status.showUntrackedFiles=no hides %+v", r)
	}
}

func TestRemoteURL(t *testing.T) {
	dir, _ := repository(t)
	gitIn(t, dir, "tag", "v0.0.1") // so that nobody asks the origin
	gitIn(t, dir, "remote", "add", "upstream", "https://example.com/upstream.git")
	gitIn(t, dir, "remote", "add", "origin", "ssh://git@Example.com:2222/Org/app.git")
	if r := revisionOf(t, options(t, dir, userEnv(t))); r.RemoteURL != "https://example.com/Org/app" {
		t.Errorf("remote %q", r.RemoteURL)
	}
}

// BenchmarkRevision reads a repository of 1,000 files and 100 tags.
func BenchmarkRevision(b *testing.B) {
	dir, _ := repository(b)
	for i := range 1000 {
		write(b, filepath.Join(dir, fmt.Sprintf("p%d/f%d.go", i%50, i)), "package p\n")
	}
	gitIn(b, dir, "add", ".")
	gitIn(b, dir, "commit", "-qm", "two")
	for i := range 100 {
		gitIn(b, dir, "tag", fmt.Sprintf("v1.%d.0", i))
	}
	tree := mustOpen(b, options(b, dir, userEnv(b)))
	for b.Loop() {
		r, err := tree.Revision(b.Context())
		if err != nil || len(r.Tags) != 100 || r.Dirty {
			b.Fatalf("%+v, %v", r, err)
		}
	}
}
