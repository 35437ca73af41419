//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestUser(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		root := newRoot(t)
		for _, uid := range []int{0, 65532} {
			spec := Spec{Root: root, UID: uid, GID: uid, Env: []string{"A=1", "B=two words", "PATH=/bin", "HOME=/"}, Dir: "/srv", Hostname: "box"}
			groups := []any(nil)
			if c.groups {
				spec.Groups = []int{1000, 1001}
				groups = []any{1000, 1001}
			}
			got, exit := run(t, c, spec, "id")
			if exit.Code != 0 {
				t.Fatalf("%+v", exit)
			}
			m := got[0].(map[string]any)
			if c.rootless && !c.groups {
				// Those of the user who started slipway show as nobody's.
				groups, _ = m["groups"].([]any)
			}
			delete(m, "cpus")
			if c.docker {
				// Docker adds the name of the host, and to the groups the first
				// one; the order is its own.
				groups, _ = m["groups"].([]any)
				env, _ := m["env"].([]any)
				env = slices.DeleteFunc(env, func(e any) bool { return e == "HOSTNAME=box" })
				slices.SortFunc(env, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
				m["env"] = env
				slices.Sort(spec.Env)
			}
			says(t, got, map[string]any{
				"uid": uid, "euid": uid, "gid": uid, "groups": groups, "env": spec.Env,
				"dir": "/srv", "host": "box", "pid": 1, "ppid": 0, "umask": 0o022,
			})
		}
	})
}

func TestPrivileges(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		for uid, caps := range map[int]string{0: "00000000a80425fb", 65532: "0000000000000000"} {
			got, _ := run(t, c, Spec{Root: newRoot(t), UID: uid, GID: uid}, "status")
			m := got[0].(map[string]any)
			for key, want := range map[string]string{
				"CapEff": caps, "CapPrm": caps, "CapBnd": caps, "CapInh": "0000000000000000", "CapAmb": "0000000000000000",
				"NoNewPrivs": "1", "SigBlk": "0000000000000000", "SigIgn": "0000000000000000", "NSsid": "1",
			} {
				if m[key] != want {
					t.Errorf("uid %d: %s is %v, expected %s", uid, key, m[key], want)
				}
			}
		}
	})
}

func TestDescriptors(t *testing.T) {
	secret, err := os.CreateTemp(t.TempDir(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	each(t, func(t *testing.T, c contender) {
		got, _ := run(t, c, Spec{Root: newRoot(t)}, "fds")
		for fd, to := range got[0].(map[string]any) {
			// The Go runtime's own: its poller, and the limit of processors.
			if fd > "2" && !strings.HasPrefix(to.(string), "anon_inode:") && !strings.HasPrefix(to.(string), "/sys/fs/cgroup/") {
				t.Errorf("descriptor %s is %v", fd, to)
			}
		}
	})
}

func TestReadOnly(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		root := newRoot(t)
		before := hash(t, root)
		got, _ := run(t, c, Spec{Root: root}, "write", "/srv/data", "x", "--", "write", "/new", "x", "--", "write", "/etc/hosts", "x", "--", "write", "/proc/sys/kernel/hostname", "x")
		says(t, got, "EROFS", "EROFS", "EROFS", "EROFS")
		if hash(t, root) != before {
			t.Error("the root was changed")
		}
	})
}

func TestWritable(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		root := newRoot(t)
		before := hash(t, root)
		got, _ := run(t, c, Spec{Root: root, Writable: true}, "write", "/srv/data", "x", "--", "write", "/new", "y", "--", "read", "/srv/data", "--", "read", "/new")
		says(t, got, "ok", "ok", "x", "y")
		if hash(t, root) != before {
			t.Error("the root was changed")
		}
	})
}

func TestTmpfsAndBinds(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		root, other := newRoot(t), newRoot(t)
		if err := os.Chmod(filepath.Join(other, "srv"), 0o777); err != nil {
			t.Fatal(err)
		}
		before := hash(t, root)
		got, _ := run(t, c, Spec{
			Root: root, UID: 65532, GID: 65532, Tmpfs: []string{"/tmp", "/var/lib/app"},
			Binds: []Bind{
				{Source: filepath.Join(other, "srv", "data"), Target: "/deep/down/file"},
				{Source: filepath.Join(other, "srv"), Target: "/shared", Writable: true},
				{Source: filepath.Join(other, "srv"), Target: "/kept"},
			},
		}, "write", "/tmp/a", "1", "--", "write", "/var/lib/app/b", "2", "--", "read", "/tmp/a", "--", "stat", "/tmp",
			"--", "read", "/deep/down/file", "--", "write", "/deep/down/file", "x", "--", "write", "/kept/x", "x", "--", "write", "/shared/x", "from inside")
		says(t, got, "ok", "ok", "1", "dtrwxrwxrwx", "data\n", "EROFS", "EROFS", "ok")
		if hash(t, root) != before {
			t.Error("the root was changed")
		}
		if b, _ := os.ReadFile(filepath.Join(other, "srv", "x")); string(b) != "from inside" {
			t.Errorf("the writable bind holds %q", b)
		}
	})
}

func TestProvided(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		spec := Spec{
			Root: newRoot(t), UID: 65532, GID: 65532, Hostname: "h", Nameservers: []string{"10.0.0.53", "10.0.0.54"},
			Search: []string{"svc.cluster.local", "cluster.local"}, Hosts: []Host{{IP: "10.1.2.3", Names: []string{"db", "db.local"}}},
		}
		got, _ := run(t, c, spec, "read", "/etc/resolv.conf", "--", "read", "/etc/hosts", "--", "read", "/etc/hostname", "--", "dev",
			"--", "list", "/dev", "--", "stdout", "--", "read", "/proc/1/comm", "--", "read", "/proc/kcore", "--", "stat", "/dev/shm")
		if hosts, _ := got[1].(string); c.docker && strings.Contains(hosts, "127.0.0.1\tlocalhost\n") && strings.Contains(hosts, "10.1.2.3\tdb.local\n") {
			got[1] = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.0.1\th\n10.1.2.3\tdb db.local\n" // in its own words
		}
		says(t, got,
			"search svc.cluster.local cluster.local\nnameserver 10.0.0.53\nnameserver 10.0.0.54\n",
			"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.0.1\th\n10.1.2.3\tdb db.local\n",
			"h\n", "0 EOF true",
			[]string{"fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"},
			"by name", "guest\n", got[7], "dtrwxrwxrwx")
		if got[7] != "" && got[7] != "EACCES" && got[7] != "ENOENT" {
			t.Errorf("/proc/kcore: %v", got[7])
		}
	})
}

func TestWithout(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		if !c.without {
			_, err := c.Prepare(within(t), Spec{Root: newRoot(t), Args: []string{"/bin/guest"}, Without: []string{"/dev/null"}})
			if !errors.Is(err, ErrUnsupported) {
				t.Fatalf("error %v", err)
			}
			return
		}
		root := newRoot(t)
		before := hash(t, root)
		for _, w := range Provided {
			probe := w
			if w == "/proc" || w == "/sys" {
				probe = w + "/self"
				if w == "/sys" {
					probe = w + "/class"
				}
			}
			got, _ := run(t, c, Spec{Root: root, Without: []string{w}}, "stat", probe)
			says(t, got, "ENOENT")
			got, _ = run(t, c, Spec{Root: root}, "stat", probe)
			if got[0] == "ENOENT" {
				t.Errorf("%s is not there even when it is not left out", probe)
			}
		}
		got, exit := run(t, c, Spec{Root: root, Without: Provided}, "list", "/etc")
		if exit.Code != 0 || len(got) != 1 || got[0] != nil {
			t.Errorf("without everything: %v %+v", got, exit)
		}
		if hash(t, root) != before {
			t.Error("the root was changed")
		}
		_, err := c.Prepare(within(t), Spec{Root: root, Args: []string{"/bin/guest"}, Without: []string{"/bin/guest"}})
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("without a file that is not provided: %v", err)
		}
	})
}

func TestExit(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		root := newRoot(t)
		for _, code := range []int{0, 1, 77, 255} {
			_, exit := run(t, c, Spec{Root: root}, "exit", fmt.Sprint(code))
			if exit.Code != code || exit.Signal != "" || exit.OOM {
				t.Errorf("exit %d: %+v", code, exit)
			}
		}
		b, out := launch(t, c, Spec{Root: root}, "catch")
		out.await(t, `"ready"`)
		if err := b.Signal(os.Kill); err != nil {
			t.Error(err)
		}
		exit, err := b.Wait(within(t))
		if err != nil || exit.Code != -1 || exit.Signal != "SIGKILL" || exit.OOM {
			t.Errorf("killed: %+v, %v", exit, err)
		}
		if exit.MaxRSS < 1<<20 || exit.MaxRSS > 1<<30 || exit.At.IsZero() {
			t.Errorf("killed: %+v", exit)
		}
		if b.Signal(os.Kill) == nil {
			t.Error("a signal to what has ended is no error")
		}
	})
}

func TestSignals(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		b, out := launch(t, c, Spec{Root: newRoot(t), UID: 65532, GID: 65532}, "catch")
		out.await(t, `"ready"`)
		for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR2} {
			if err := b.Signal(s); err != nil {
				t.Fatal(err)
			}
			out.await(t, fmt.Sprintf("%q", s.String()))
		}
		if err := b.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if exit, err := b.Wait(within(t)); err != nil || exit.Code != 7 {
			t.Errorf("%+v, %v", exit, err)
		}

		// A program that handles no SIGTERM: Go installs a handler for every
		// signal and dies of it by raising it anew, which the first process of
		// a namespace survives, to end with code 2.
		b, out = launch(t, c, Spec{Root: newRoot(t)}, "addrs", "--", "wait")
		out.await(t, `{"lo":"up|loopback|running"}`)
		if err := b.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		exit, err := b.Wait(within(t))
		if err != nil || exit.Code != 2 || exit.Signal != "" {
			t.Errorf("%+v, %v", exit, err)
		}
	})
}

func TestCancel(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		root := newRoot(t)
		if b, err := c.Prepare(ctx, Spec{Root: root, Args: []string{"/bin/guest"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("prepare: %v %v", b, err)
		}
		b, _ := launch(t, c, Spec{Root: root}, "wait")
		if _, err := b.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("wait: %v", err)
		}
		if err := b.Signal(syscall.Signal(0)); err != nil {
			t.Errorf("the program has ended with the context: %v", err)
		}
		pid := b.Pid()
		for range 2 {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		if exit, err := b.Wait(within(t)); err != nil || exit.Signal != "SIGKILL" {
			t.Errorf("%+v, %v", exit, err)
		}
		if _, err := os.Stat(fmt.Sprint("/proc/", pid)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("process %d: %v", pid, err)
		}
		if _, err := b.Start(within(t)); err == nil {
			t.Error("a closed sandbox starts")
		}
	})
}

func TestNeverStarted(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		b := prepare(t, c, Spec{Root: newRoot(t), Args: []string{"/bin/guest"}})
		if b.Pid() != 0 || b.Signal(os.Interrupt) == nil {
			t.Error("what is not started has a process")
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := b.Start(within(t)); err == nil {
			t.Error("a closed sandbox starts")
		}
	})
}

func TestTime(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		b := prepare(t, c, Spec{Root: newRoot(t), Args: []string{"/bin/guest", "burn", "200"}})
		before := time.Now()
		at, err := b.Start(within(t))
		if err != nil || at.Before(before) || at.After(time.Now()) {
			t.Errorf("started at %v: %v", at, err)
		}
		exit, err := b.Wait(within(t))
		if c.docker && err == nil {
			return // an engine does not tell
		}
		if used := exit.User + exit.System; err != nil || used < 190*time.Millisecond || used > 400*time.Millisecond {
			t.Errorf("%+v, %v", exit, err)
		}
	})
}

func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		root := newRoot(t)
		for _, s := range []Spec{
			{Root: root},
			{Root: filepath.Join(root, "absent"), Args: []string{"/bin/guest"}},
			{Root: filepath.Join(root, "srv", "data"), Args: []string{"/bin/guest"}},
			{Root: root, Args: []string{"/bin/guest"}, Dir: "relative"},
			{Root: root, Args: []string{"/x\x00y"}},
			{Root: root, Args: []string{"/bin/guest"}, Tmpfs: []string{"/a/../b"}},
			{Root: root, Args: []string{"/bin/guest"}, Binds: []Bind{{Source: filepath.Join(root, "absent"), Target: "/y"}}},
			{Root: root, Args: []string{"/bin/guest"}, Dir: "/srv/data"},
		} {
			if b, err := c.Prepare(within(t), s); err == nil {
				t.Errorf("%+v is accepted", s)
				_ = b.Close()
			}
		}
	})
}

// TestHostileRoot has links in the places where something is made.
func TestHostileRoot(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		outside := t.TempDir()
		root := newRoot(t)
		_ = os.RemoveAll(filepath.Join(root, "etc"))
		for _, name := range []string{"etc", "dev", "proc", "sys", "tmp"} {
			if err := os.Symlink(outside, filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		}
		before := hash(t, outside)
		var out buffer
		b, err := c.Prepare(within(t), Spec{Root: root, Args: []string{"/bin/guest", "id"}, Tmpfs: []string{"/tmp"}, Stdout: &out})
		if err == nil {
			_ = b.Close()
		}
		if hash(t, outside) != before {
			t.Error("something was written outside of the root")
		}
		if list, _ := os.ReadDir(outside); len(list) > 0 {
			t.Errorf("%v was made outside of the root", list)
		}
	})
}

func TestNames(t *testing.T) {
	for _, name := range Names() {
		if r, ok := New(name, Options{}); !ok || r.Name() != name {
			t.Errorf("runner %s: %v", name, r)
		}
	}
	if _, ok := New("chroot", Options{}); ok || slices.Contains(Names(), "chroot") {
		t.Error("a runner that does not exist exists")
	}
}
