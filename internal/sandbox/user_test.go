//go:build linux

package sandbox

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestAsOrdinaryUser runs the other tests once more as a user who is not root.
func TestAsOrdinaryUser(t *testing.T) {
	testkit.NeedE2E(t)
	if os.Geteuid() != 0 {
		return // all of them are that already
	}
	if !userNamespaces() {
		t.Skip("there are no user namespaces here") // contenders fails an end-to-end run then
	}
	name, err := guest()
	if err != nil {
		t.Fatal(err)
	}
	const uid = 54321
	dir, err := os.MkdirTemp("", "slipway-user-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "sandbox.test")
	if err := copyFile(binary, os.Args[0]); err != nil {
		t.Fatal(err)
	}
	again := func(cmd *exec.Cmd) {
		t.Helper()
		cmd.Dir = dir
		// What is left to test of an end-to-end run is root's.
		cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir, "SANDBOX_TEST_GUEST="+name, "SLIPWAY_E2E=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("as uid %d: %v\n%s", uid, err, out)
		}
	}
	cmd := exec.Command(binary, "-test.timeout=2m", "-test.skip=TestAsOrdinaryUser")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	again(cmd)

	// With IDs of its own, which newuidmap gives to known users. That this one
	// is known holds in the mount namespace of this command alone.
	testkit.NeedE2E(t, "newuidmap", "newgidmap", "unshare", "setpriv")
	again(exec.Command("unshare", "--mount", "--propagation", "private", "/bin/sh", "-euc", `
		(cat /etc/passwd; echo "boxer:x:$2:$2::/:/bin/sh") >passwd
		(cat /etc/group; echo "boxer:x:$2:") >group
		echo boxer:300000:65536 >ids
		chmod a+r passwd group ids
		mkdir etc
		mount --bind /etc etc
		mount -t tmpfs tmpfs /etc
		cp -a etc/. /etc/
		cp ids /etc/subuid; cp ids /etc/subgid; cp passwd group /etc
		exec setpriv --reuid "$2" --regid "$2" --clear-groups "$1" -test.timeout=2m -test.run 'TestUser|TestTmpfs|TestWritable|TestOwnNetwork'
	`, "sh", binary, strconv.Itoa(uid)))
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}
