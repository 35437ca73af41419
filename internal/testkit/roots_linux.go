package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// DebianRoot gives the root file system of a minimal Debian 12, made by
// debootstrap from this machine's own package mirror: the first time in about
// a minute, then from the user's cache. Nobody may change it. Root alone can
// make it.
func DebianRoot(t testing.TB) string {
	t.Helper()
	NeedE2E(t, "debootstrap", "apt-get")
	return cachedRoot(t, "debian-bookworm", makeDebian)
}

// MuslRoot gives a root file system with musl in the place of glibc, and
// busybox for the rest, made of Debian's packages of the two. Nobody may
// change it.
func MuslRoot(t testing.TB) string {
	t.Helper()
	NeedE2E(t, "apt-get", "dpkg-deb")
	return cachedRoot(t, "musl", makeMusl)
}

// cachedRoot gives the directory of that name, which makeRoot fills if it is
// not there. Test binaries that need it at the same time wait for one another.
func cachedRoot(t testing.TB, name string, makeRoot func(dir string) error) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	all := filepath.Join(cache, "slipway-ci")
	if err := os.MkdirAll(all, 0o755); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(all, "root-"+name+"-"+runtime.GOARCH)
	lock, err := os.OpenFile(root+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(root); err == nil {
		return root
	}
	temp := root + ".new" // of a run that was ended
	if err := os.RemoveAll(temp); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := makeRoot(temp); err != nil {
		_ = os.RemoveAll(temp)
		t.Fatalf("make the root file system %s: %v", name, err)
	}
	if err := os.Rename(temp, root); err != nil {
		t.Fatal(err)
	}
	return root
}

func run(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, errs.String())
	}
	return string(out), nil
}

func makeDebian(dir string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("debootstrap needs root")
	}
	sites, err := run("", "apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Codename: bookworm")
	if err != nil {
		return err
	}
	site, _, _ := strings.Cut(sites, "\n")
	if site == "" {
		return fmt.Errorf("apt knows no mirror of Debian 12 (run apt-get update)")
	}
	if _, err := run("", "debootstrap", "--variant=minbase", "bookworm", dir, site); err != nil {
		return err
	}
	for _, again := range []string{"var/cache/apt", "var/lib/apt/lists"} {
		if err := os.RemoveAll(filepath.Join(dir, again)); err != nil {
			return err
		}
	}
	return nil
}

func makeMusl(dir string) error {
	packages, err := os.MkdirTemp("", "slipway-musl-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(packages)
	if err := os.Chmod(packages, 0o777); err != nil { // apt downloads as a user of its own
		return err
	}
	if _, err := run(packages, "apt-get", "-q", "download", "musl", "busybox-static"); err != nil {
		return err
	}
	list, err := filepath.Glob(filepath.Join(packages, "*.deb"))
	if err != nil {
		return err
	}
	for _, deb := range list {
		if _, err := run("", "dpkg-deb", "-x", deb, dir); err != nil {
			return err
		}
	}
	applets, err := run("", filepath.Join(dir, "bin", "busybox"), "--list")
	if err != nil {
		return err
	}
	for a := range strings.FieldsSeq(applets) {
		if err := os.Symlink("busybox", filepath.Join(dir, "bin", a)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "usr/share")); err != nil {
		return err
	}
	for _, d := range []string{"etc", "dev", "proc", "sys", "run", "root", "usr/bin"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	temp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(temp, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(temp, 0o777|os.ModeSticky); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
		"etc/group":  "root:x:0:\nnobody:x:65534:\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
