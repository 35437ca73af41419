package testkit_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestRootsAreWhatTheySay runs the shell of each root file system in it.
func TestRootsAreWhatTheySay(t *testing.T) {
	for name, c := range map[string]struct {
		root func(testing.TB) string
		cmd  string
		want string
	}{
		"debian": {testkit.DebianRoot, ". /etc/os-release && echo $VERSION_CODENAME && ls /lib/*-linux-gnu/libc.so.6", "bookworm"},
		"musl":   {testkit.MuslRoot, "/lib/ld-musl-*.so.1 2>&1 | head -1; ls -d /tmp", "musl libc"},
	} {
		t.Run(name, func(t *testing.T) {
			root := c.root(t)
			if again := c.root(t); again != root || !filepath.IsAbs(root) {
				t.Errorf("%s, then %s", root, again)
			}
			cmd := exec.Command("/bin/sh", "-c", c.cmd)
			cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin"}
			cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
