//go:build linux

package sandbox

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
	cmd := exec.Command(binary, "-test.timeout=2m", "-test.skip=TestAsOrdinaryUser")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir, "SANDBOX_TEST_GUEST="+name)
	cmd.Env = append(cmd.Env, "SLIPWAY_E2E=0") // what is left to test is root's
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("as uid %d: %v\n%s", uid, err, out)
	}
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
