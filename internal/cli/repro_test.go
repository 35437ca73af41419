package cli

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// shipped is what a test wants to know of a ship.
type shipped struct {
	Version string
	Index   struct{ Digest string }
	Targets []struct {
		Platform string
		Binaries []struct{ Name, Path, Digest string }
		Image    *struct {
			Digest string
			Size   int64
			Base   struct{ Kind string }
			Layers []struct{ Title, Digest string }
		}
	}
}

// environ is a clean environment with the machine's own go caches.
func environ(t testing.TB, more map[string]string) []string {
	t.Helper()
	m := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": testkit.Home(t), "SLIPWAY_CACHE": t.TempDir(), "LANG": "C",
		"GOCACHE": goEnv(t, "GOCACHE"), "GOMODCACHE": goEnv(t, "GOMODCACHE"), "GOPROXY": "off",
		// What the checksum database last said is kept here.
		"GOPATH": goEnv(t, "GOPATH"),
	}
	maps.Copy(m, more)
	var env []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		env = append(env, k+"="+m[k])
	}
	return env
}

// slipway runs a command line in dir and gives its standard output.
func slipway(t testing.TB, dir string, env []string, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if code := Run(t.Context(), append([]string{"-C", dir}, args...), env, nil, &out, &errOut); code != 0 {
		t.Fatalf("slipway %s: exit %d\n%s%s", strings.Join(args, " "), code, out.String(), errOut.String())
	}
	return out.String()
}

// ship ships dir and reads ship.json.
func shipDir(t testing.TB, dir string, env []string, args ...string) shipped {
	t.Helper()
	out := filepath.Join(t.TempDir(), "dist")
	slipway(t, dir, env, append([]string{"ship", "--output", out}, args...)...)
	var s shipped
	b, err := os.ReadFile(filepath.Join(out, "ship.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	if s.Index.Digest == "" {
		t.Fatalf("no index in %s", b)
	}
	return s
}

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_DATE=2026-03-04T05:06:07Z", "GIT_COMMITTER_DATE=2026-03-04T05:06:07Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository makes a tagged repository with a program that is stamped, embeds
// a file, and needs roots, zones and a temporary directory.
func repository(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	for name, content := range map[string]string{
		"go.mod":              "module example.com/shop/v2\n\ngo 1.24\n",
		".gitattributes":      ".git_archival.txt export-subst\n",
		".git_archival.txt":   "node: $Format:%H$\nnode-date: $Format:%cI$\ndescribe-name: $Format:%(describe:tags=true,match=*[0-9]*)$\nref-names: $Format:%D$\n",
		"cmd/shop/page.html":  "<p>shop",
		"cmd/shop/version.go": "package main\n\nvar version, commit string\n",
		"cmd/shop/main.go": `package main

import (
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"time"
)

//go:embed page.html
var page string

func main() {
	_, zone := time.LoadLocation("Asia/Shanghai")
	f, temp := os.CreateTemp("", "shop")
	if f != nil {
		os.Remove(f.Name())
	}
	fmt.Println(version, commit, page, zone, temp)
	if len(os.Args) > 1 {
		res, err := http.Get(os.Args[1])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(res.Status)
	}
}
`,
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "init", "-q")
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "first")
	git(t, dir, "tag", "v2.3.4")
	return dir
}

// TestSameBytes ships one commit in every way a team would, and wants one
// digest.
func TestSameBytes(t *testing.T) {
	repo := repository(t)
	args := []string{"--target", "linux/amd64,linux/arm64"}
	want := shipDir(t, repo, environ(t, nil), args...)
	if want.Version != "v2.3.4" {
		t.Fatalf("version %q", want.Version)
	}
	check := func(name string, dir string, env map[string]string, more ...string) {
		t.Run(name, func(t *testing.T) {
			got := shipDir(t, dir, environ(t, env), append(slices.Clone(args), more...)...)
			if got.Index.Digest != want.Index.Digest {
				t.Errorf("index %s, want %s\ngot  %+v\nwant %+v", got.Index.Digest, want.Index.Digest, got.Targets, want.Targets)
			}
		})
	}
	check("again", repo, nil, "--fresh")

	deep := filepath.Join(t.TempDir(), "a", "much", "deeper", "place")
	git(t, ".", "clone", "-q", repo, deep)
	check("another directory", deep, nil)

	shallow := filepath.Join(t.TempDir(), "shallow")
	git(t, ".", "clone", "-q", "--depth", "1", "--no-tags", "file://"+repo, shallow)
	if tags := git(t, shallow, "tag"); tags != "" {
		t.Fatalf("the shallow clone has tags: %s", tags)
	}
	check("shallow clone without tags", shallow, nil)

	check("tarball", extract(t, repo), nil)
	check("another HOME and locale", repo, map[string]string{"HOME": testkit.Home(t), "LC_ALL": "zh_CN.UTF-8", "TZ": "Asia/Shanghai"})
	check("hostile environment", repo, map[string]string{"GOFLAGS": "-race", "GOAMD64": "v3", "CGO_ENABLED": "1", "GOEXPERIMENT": "", "GODEBUG": "http2client=0"})
	check("another build cache", repo, map[string]string{"GOCACHE": t.TempDir()}, "--fresh")
	check("subdirectory", filepath.Join(repo, "cmd", "shop"), nil)
}

// TestSameBytesFromAnotherProcess runs slipway as a process of its own under
// what belongs to a process: the umask, and the processors it may use, which
// decide how many compilers the go command runs at once (-p).
func TestSameBytesFromAnotherProcess(t *testing.T) {
	repo := repository(t)
	// The test binary is slipway when it is called by that name.
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "slipway")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	doc := func(setup string) string {
		t.Helper()
		out := filepath.Join(t.TempDir(), "dist")
		cmd := exec.Command("sh", "-c", setup+` "$@"`, "sh", link, "-C", repo, "ship", "--target", "linux/amd64", "--output", out)
		cmd.Env = environ(t, nil)
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		b, err := os.ReadFile(filepath.Join(out, "ship.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	want := doc("exec")
	setups := []string{"umask 077; exec", "umask 000; exec"}
	if _, err := exec.LookPath("taskset"); err == nil {
		setups = append(setups, "exec taskset -c 0")
	} else if testkit.E2E() {
		t.Error("taskset is missing")
	}
	for _, setup := range setups {
		if got := doc(setup); got != want {
			t.Errorf("%s gives\n%s\nwant\n%s", setup, got, want)
		}
	}
}

// TestFewSubprocesses counts what a ship starts: one `go list` and one `go
// build` for each target, `go env` once in the life of a cache, and nothing at
// all when nothing has changed.
func TestFewSubprocesses(t *testing.T) {
	repo := repository(t)
	bin, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$1\" >>'" + log + "'\nexec '" + real + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	env := environ(t, map[string]string{"PATH": bin + string(os.PathListSeparator) + os.Getenv("PATH")})
	for _, want := range []string{"build build env list list", ""} {
		if err := os.RemoveAll(log); err != nil {
			t.Fatal(err)
		}
		slipway(t, repo, env, "ship", "--target", "linux/amd64,linux/arm64")
		b, _ := os.ReadFile(log)
		got := strings.Fields(string(b))
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("started go %v, want %q", got, want)
		}
	}
}

// TestDirtyIsNeverClean wants another version, and other bytes, once anything
// in the tree differs from the commit.
func TestDirtyIsNeverClean(t *testing.T) {
	repo := repository(t)
	env := environ(t, nil)
	clean := shipDir(t, repo, env, "--target", "linux/amd64")
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(repo, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("cmd/shop/page.html", "<p>changed")
	if d := shipDir(t, repo, env, "--target", "linux/amd64"); d.Version != "v2.3.4+dirty" || d.Index.Digest == clean.Index.Digest {
		t.Errorf("changed file: %s %s", d.Version, d.Index.Digest)
	}
	git(t, repo, "checkout", "-q", ".")
	write("untracked.go", "package shop\n")
	if d := shipDir(t, repo, env, "--target", "linux/amd64"); d.Version != "v2.3.4+dirty" {
		t.Errorf("untracked file: %s", d.Version)
	}
	if err := os.Remove(filepath.Join(repo, "untracked.go")); err != nil {
		t.Fatal(err)
	}
	// What slipway itself writes does not count.
	for range 2 {
		slipway(t, repo, env, "ship", "--target", "linux/amd64")
	}
	b, err := os.ReadFile(filepath.Join(repo, "dist", "ship.json"))
	if err != nil || !bytes.Contains(b, []byte(`"version": "v2.3.4"`)) {
		t.Errorf("own results make the tree dirty: %v\n%s", err, b)
	}
	git(t, repo, "commit", "-q", "--allow-empty", "-m", "second")
	if next := shipDir(t, repo, env, "--target", "linux/amd64", "--set", "main=./cmd/shop"); next.Version == "v2.3.4" {
		t.Errorf("the next commit is still %s", next.Version)
	}
}

// extract unpacks what `git archive` makes of the repository's HEAD.
func extract(t testing.TB, repo string) string {
	t.Helper()
	cmd := exec.Command("git", "archive", "--format=tar", "HEAD")
	cmd.Dir = repo
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := tar.NewReader(bytes.NewReader(out))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(name, 0o755)
		case tar.TypeReg:
			var b []byte
			if b, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(name, b, 0o644)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
