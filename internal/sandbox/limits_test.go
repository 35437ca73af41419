//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// limited runs f for the runners that keep limits, and sees to it that the
// others refuse them.
func limited(t *testing.T, refused Spec, f func(t *testing.T, c contender)) {
	t.Helper()
	each(t, func(t *testing.T, c contender) {
		if c.limits {
			f(t, c)
			return
		}
		refused.Root, refused.Args = newRoot(t), []string{"/bin/guest"}
		b, err := c.Prepare(within(t), refused)
		if err == nil {
			_ = b.Close()
			t.Skip("control groups are delegated to this user") // and so limits are kept: other tests hold that
		}
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("a limit that cannot be kept: %v", err)
		}
	})
}

func TestMemoryLimit(t *testing.T) {
	limited(t, Spec{Memory: 64 << 20}, func(t *testing.T, c contender) {
		root := newRoot(t)
		_, exit := run(t, c, Spec{Root: root, Memory: 64 << 20}, "eat", "300")
		if !exit.OOM || exit.Code == 0 {
			t.Errorf("300 MB in 64: %+v", exit)
		}
		got, exit := run(t, c, Spec{Root: root, Memory: 256 << 20}, "eat", "30")
		if exit.OOM || exit.Code != 0 {
			t.Errorf("30 MB in 256: %v %+v", got, exit)
		}
		// Unknown it is when the test binary itself was larger.
		if exit.MaxRSS != 0 && (exit.MaxRSS < 30<<20 || exit.MaxRSS > 256<<20) {
			t.Errorf("30 MB in 256: peak of %d", exit.MaxRSS)
		}
	})
}

func TestPidsLimit(t *testing.T) {
	limited(t, Spec{Pids: 20}, func(t *testing.T, c contender) {
		b, out := launch(t, c, Spec{Root: newRoot(t), Pids: 30}, "bomb")
		time.Sleep(300 * time.Millisecond) // for the bomb to go off
		begin := time.Now()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("closed after %v; %q", took, out.String())
		}
	})
}

func TestCPULimit(t *testing.T) {
	limited(t, Spec{CPUs: 0.5}, func(t *testing.T, c contender) {
		got, exit := run(t, c, Spec{Root: newRoot(t), CPUs: 0.25}, "burn", "150", "--", "id")
		if exit.Code != 0 {
			t.Fatalf("%v %+v", got, exit)
		}
		if ms := got[0].(float64); ms < 300 {
			t.Errorf("150 ms of a quarter of a processor in %v ms", ms)
		}
		// A limit shows in /sys/fs/cgroup, where the Go runtime finds it.
		got, _ = run(t, c, Spec{Root: newRoot(t), CPUs: 1, Memory: 128 << 20}, "id", "--", "list", "/sys/fs/cgroup")
		t.Logf("%v", got)
	})
}

// TestStubborn ends what does not want to end.
func TestStubborn(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		for _, args := range [][]string{
			{"fork", "5", "--", "hang"}, {"fork", "5", "--", "ignore"}, {"ignore"}, {"hang"},
		}[:c.times(4)] {
			b, out := launch(t, c, Spec{Root: newRoot(t), Tmpfs: []string{"/tmp"}}, args...)
			out.await(t, `"ready"`)
			pid := b.Pid()
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("%v: process %d: %v", args, pid, err)
			}
		}
	})
}

func TestParallel(t *testing.T) {
	each(t, func(t *testing.T, c contender) {
		root := newRoot(t)
		done := make(chan string)
		n := 20
		if c.docker {
			n = 3
		}
		for i := range n {
			go func() {
				var out buffer
				b, err := c.Prepare(within(t), Spec{Root: root, Args: []string{"/bin/guest", "exit", fmt.Sprint(i)}, Stdout: &out})
				if err != nil {
					done <- err.Error()
					return
				}
				defer b.Close()
				if _, err := b.Start(within(t)); err != nil {
					done <- err.Error()
					return
				}
				exit, err := b.Wait(within(t))
				if err != nil || exit.Code != i {
					done <- fmt.Sprint(exit, err)
					return
				}
				done <- ""
			}()
		}
		for range n {
			if problem := <-done; problem != "" {
				t.Error(problem)
			}
		}
	})
}
