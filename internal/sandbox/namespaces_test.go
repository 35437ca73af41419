//go:build linux

package sandbox

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestAnswers(t *testing.T) {
	root := t.TempDir()
	os.Chmod(root, 0o755)
	cmd := exec.Command("go", "build", "-o", filepath.Join(root, "guest"), "./testdata/guest")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	for _, n := range []Namespaces{{}, {Rootless: true}} {
		ctx := context.Background()
		if err := n.Check(ctx); err != nil {
			t.Error(err)
		}
		var out bytes.Buffer
		b, err := n.Prepare(ctx, Spec{Root: root, Args: []string{"/guest", "id", "--", "status", "--", "list", "/", "--", "list", "/proc", "--", "fds", "--", "read", "/proc/self/mountinfo", "--", "addrs", "--", "dev"}, UID: 65532, GID: 65532, Stdout: &out, Stderr: &out})
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := b.Start(ctx); err != nil {
			t.Error(err)
		}
		e, err := b.Wait(ctx)
		t.Logf("%+v %v\n%s", e, err, out.String())
		t.Log(b.Close())
	}
}
