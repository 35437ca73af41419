package trial

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/slipway-build/slipway/internal/testkit"
)

// TestCallsOfAnOrdinaryUser runs the tests that need the world outside once
// more as a user who is not root, on a machine where /dev/net/tun is open to
// all, as udev makes it. (Some containers have it for root alone: so it is made
// anew, in a mount namespace of this command.)
func TestCallsOfAnOrdinaryUser(t *testing.T) {
	testkit.NeedE2E(t, "unshare", "setpriv")
	if os.Geteuid() != 0 {
		return // all of them are that already
	}
	root, err := guestRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "slipway-user-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	const uid = 54322
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "trial.test")
	in, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(binary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "/bin/sh", "-euc", `
		mkdir dev
		mount -t tmpfs -o dev tmpfs dev
		mknod dev/tun c 10 200
		chmod 666 dev/tun
		mount --bind dev/tun /dev/net/tun
		exec setpriv --reuid "$2" --regid "$2" --clear-groups "$1" -test.timeout=2m \
			-test.run 'TestCallsBefore|TestMatrixAsks|TestSurroundings/^(resolv|zone|needs-net)$'
	`, "sh", binary, strconv.Itoa(uid))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir, guestVariable+"="+root)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as uid %d: %v\n%s", uid, err, out)
	}
}
