package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/plan"
)

// project writes files into a new directory: content by path, a trailing / for
// a directory, -> for a link. Modes and times are those of this machine.
func project(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o777)
		target, link := strings.CutPrefix(text, "-> ")
		switch {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o777)
		case link:
			err = os.Symlink(target, path)
		default:
			err = os.WriteFile(path, []byte(text), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func filesOf(t testing.TB, dir string, files ...plan.File) (content, error) {
	t.Helper()
	return extraFiles(t.Context(), Job{ProjectDir: dir, Target: plan.Target{Image: &plan.Image{Files: files}}})
}

var someFiles = map[string]string{
	"web/index.html": "<h1>", "web/js/app.js": "1", "web/empty/": "", "web/run.sh": "#!", "web/js/same.js": "-> ../js/app.js",
	"web/dangling": "-> js/none", "conf": "key: value",
}

func TestExtraFiles(t *testing.T) {
	dir := project(t, someFiles)
	if err := os.Chmod(filepath.Join(dir, "web/run.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("web", filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	c, err := filesOf(t, dir,
		plan.File{From: "web", To: "/srv/web"},
		plan.File{From: "current", To: "/private/", Mode: 0o640, UID: 5, GID: 6},
		plan.File{From: "conf", To: "/etc/app/"},
		plan.File{From: filepath.Join(dir, "conf"), To: "/etc/app.conf", Mode: 0o4400})
	if err != nil {
		t.Fatal(err)
	}
	type want struct {
		mode     int64
		uid, gid int
		link     string
	}
	wants := map[string]want{
		"/srv/web": {0o755, 0, 0, ""}, "/srv/web/index.html": {0o644, 0, 0, ""}, "/srv/web/run.sh": {0o755, 0, 0, ""},
		"/srv/web/empty": {0o755, 0, 0, ""}, "/srv/web/js": {0o755, 0, 0, ""}, "/srv/web/js/app.js": {0o644, 0, 0, ""},
		"/srv/web/js/same.js": {0o777, 0, 0, "../js/app.js"}, "/srv/web/dangling": {0o777, 0, 0, "js/none"},
		"/private": {0o750, 5, 6, ""}, "/private/index.html": {0o640, 5, 6, ""}, "/private/run.sh": {0o640, 5, 6, ""},
		"/private/empty": {0o750, 5, 6, ""}, "/private/js": {0o750, 5, 6, ""}, "/private/js/app.js": {0o640, 5, 6, ""},
		"/private/js/same.js": {0o777, 5, 6, "../js/app.js"}, "/private/dangling": {0o777, 5, 6, "js/none"},
		"/etc/app/conf": {0o644, 0, 0, ""}, "/etc/app.conf": {0o4400, 0, 0, ""},
	}
	for _, it := range c.items {
		if got := (want{it.Mode, it.UID, it.GID, it.Link}); got != wants[it.Path] {
			t.Errorf("%s: %+v, want %+v", it.Path, got, wants[it.Path])
		}
		delete(wants, it.Path)
	}
	if len(wants) > 0 {
		t.Errorf("missing: %v", wants)
	}
}

// Another umask, other times, another directory: the same layer. Other bytes:
// another one.
func TestExtraFilesKey(t *testing.T) {
	key := func(files map[string]string, change func(dir string)) string {
		dir := project(t, files)
		change(dir)
		c, err := filesOf(t, dir, plan.File{From: "web", To: "/srv"}, plan.File{From: "conf", To: "/conf"})
		if err != nil {
			t.Fatal(err)
		}
		spec, _ := c.spec(when)
		l := madeLayer(t, openTestCache(t), spec, "gzip")
		return spec.Key + " " + l.Digest
	}
	want := key(someFiles, func(string) {})
	if got := key(someFiles, func(dir string) {
		old := time.Unix(1, 0)
		for _, p := range []string{"web", "web/js", "web/index.html", "conf"} {
			if err := os.Chmod(filepath.Join(dir, p), 0o700&^map[bool]os.FileMode{true: 0o100}[strings.Contains(p, ".") || p == "conf"]); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(filepath.Join(dir, p), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}); got != want {
		t.Errorf("other permissions and times: %s, want %s", got, want)
	}
	if got := key(someFiles, func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, "web/js/app.js"), []byte("2"), 0o666); err != nil {
			t.Fatal(err)
		}
	}); got == want {
		t.Error("other bytes have the same key")
	}
}

func TestExtraFilesRefused(t *testing.T) {
	outside := project(t, map[string]string{"secret": "s"})
	dir := project(t, map[string]string{
		"abs/l": "-> /etc/passwd", "up/l": "-> ../other", "deep/a/l": "-> ../../secret", "sneaky/s": "-> .",
		"sneaky/l": "-> s/../../x", "loop/l": "-> l", "hop/l": "-> m", "hop/m": "-> ../../..", "wh/.wh.x": "",
		"out": "-> " + outside, "x": "",
	})
	for from, id := range map[string]string{
		"abs": "image.files.link", "up": "image.files.link", "deep": "image.files.link", "sneaky": "image.files.link",
		"loop": "image.files.link", "hop": "image.files.link", "none": "image.files.read", "out/secret": "image.files.outside", "out": "image.files.outside",
		"../" + filepath.Base(outside): "image.files.outside", "..": "image.files.outside",
	} {
		_, err := filesOf(t, dir, plan.File{From: from, To: "/srv"})
		if err == nil {
			t.Errorf("%s was taken", from)
			continue
		}
		wantFault(t, err, id, fault.Usage)
	}
	c, err := filesOf(t, dir, plan.File{From: "wh", To: "/srv"})
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := c.spec(when)
	_, err = openTestCache(t).Layer(t.Context(), spec, "gzip")
	wantFault(t, err, "image.path.whiteout", fault.Usage)
}

// A file that changes after it was named must not be remembered under its old
// name.
func TestFileThatChanges(t *testing.T) {
	dir := project(t, map[string]string{"conf": "one"})
	c, err := filesOf(t, dir, plan.File{From: "conf", To: "/conf"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte("two"), 0o666); err != nil {
		t.Fatal(err)
	}
	spec, _ := c.spec(when)
	cache := openTestCache(t)
	_, err = cache.Layer(t.Context(), spec, "gzip")
	wantFault(t, err, "image.bytes", fault.Failed)
	noLitter(t, cache)
}
