package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// onScreen runs f with a Reporter on a terminal and a clock that stands still
// while anything is to do.
func onScreen(t *testing.T, o Options, f func(r *Reporter, s *screen)) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(t, o.Width, o.Height)
		o.TTY, o.Stderr, o.Stdout = true, s, s
		r := New(o)
		f(r, s)
		r.Close()
		if s.cursorHidden() {
			t.Error("the cursor stays hidden")
		}
	})
}

// after lets time pass until the frame at d is drawn.
func after(d time.Duration) {
	time.Sleep(d) // in a synctest bubble: the fake clock
	synctest.Wait()
}

func TestLiveLines(t *testing.T) {
	onScreen(t, Options{Lang: i18n.English, Width: 60, Height: 10}, func(r *Reporter, s *screen) {
		if _, err := io.WriteString(s, "$ slipway ship\n"); err != nil {
			t.Fatal(err)
		}
		r.Begin("", "facts")
		r.End("", "facts", 40*time.Millisecond, 0, "", false)
		r.Begin("linux/amd64", "build")
		r.Begin("linux/arm64", "build")
		s.want("before the first frame", "$ slipway ship")
		after(frame)
		s.want("after one frame", `
$ slipway ship
             read facts  40 ms
linux/amd64  build       100 ms
linux/arm64  build       100 ms`)
		if !s.cursorHidden() {
			t.Error("the cursor is not hidden")
		}
		r.End("linux/amd64", "build", 120*time.Millisecond, 17_400_000, "", true)
		r.Begin("linux/amd64", "layer")
		r.Progress("linux/amd64", "layer", 3_210_000)
		r.Progress("linux/amd64", "build", 99_000_000) // late: dropped
		after(1200 * time.Millisecond)
		s.want("later", `
$ slipway ship
             read facts          40 ms
linux/amd64  compress    3.2 MB  1.2 s
linux/arm64  build               1.3 s`)
		r.Warn(i18n.M("report.interrupted"))
		s.want("after a warning", "$ slipway ship\nslipway: warning: interrupted")
		after(frame)
		r.End("linux/amd64", "layer", 2*time.Second, 7_300_000, "sha256:abc", true)
		after(frame)
		s.want("at the end of a stage", `
$ slipway ship
slipway: warning: interrupted
             read facts          40 ms
linux/amd64  compress    7.3 MB  2.0 s  reused  sha256:abc
linux/arm64  build               1.5 s`)
		if err := r.Result("done"); err != nil {
			t.Fatal(err)
		}
		s.want("at the end", "$ slipway ship\nslipway: warning: interrupted\ndone")
		if s.colors != 0 {
			t.Error("colours nobody asked for")
		}
	})
}

func TestLiveChineseAndNarrow(t *testing.T) {
	onScreen(t, Options{Lang: i18n.Chinese, Width: 24, Height: 6}, func(r *Reporter, s *screen) {
		r.Begin("linux/amd64", "build")
		r.Progress("linux/amd64", "build", 12_300_000)
		r.Begin("订单/arm64", "image")
		after(frame)
		s.want("Chinese", `
linux/amd64  构建  12..
订单/arm64   镜像    ..`)
		r.End("订单/arm64", "image", time.Second, 0, "", false)
		err := r.Fail(fault.UsageError(i18n.M("report.interrupted"), i18n.M("report.unit")))
		if err != nil {
			t.Fatal(err)
		}
		s.want("failed", "slipway: 错误：已中断\nslipway: 提示：1 MB = 10\n^6 字节")
	})
}

func TestLiveMoreTasksThanRows(t *testing.T) {
	onScreen(t, Options{Lang: i18n.English, Width: 40, Height: 4}, func(r *Reporter, s *screen) {
		for i := range 6 {
			r.Begin(fmt.Sprintf("t%d", i), "build")
		}
		r.End("t5", "build", time.Second, 0, "", false)
		after(3 * frame)
		s.want("three rows for six tasks", "t2  build  300 ms\nt3  build  300 ms\nt4  build  300 ms")
	})
}

// TestLiveResize: the lines are wiped though a narrower terminal wraps them.
func TestLiveResize(t *testing.T) {
	width := 60
	var mu sync.Mutex
	size := func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		return width, 10
	}
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(t, 60, 10)
		r := New(Options{Stderr: s, Stdout: s, TTY: true, Lang: i18n.English, Size: size})
		note := strings.Repeat("n", 30)
		r.Begin("a", "build")
		r.End("a", "build", time.Second, 0, note, false)
		after(frame)
		// A terminal that wraps on resizing now shows what follows, with the
		// cursor below it.
		mu.Lock()
		width = 30
		mu.Unlock()
		r.mu.Lock()
		n := newScreen(t, 30, 10)
		if _, err := io.WriteString(n, "above\n"+s.text()+"\n"); err != nil {
			t.Fatal(err)
		}
		r.o.Stderr = n
		r.mu.Unlock()
		after(frame)
		n.want("redrawn", "above\na  build  1.0 s  nnnnnnnnnn..")
		r.Close()
		n.want("wiped", "above")
	})
}

func TestRedrawRateAndConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &countingWriter{}
		r := New(Options{Stderr: w, Stdout: io.Discard, TTY: true, Color: true, Lang: i18n.English})
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				name := fmt.Sprint("task", i)
				r.Begin(name, "build")
				for n := range 2000 {
					r.Progress(name, "build", int64(n))
					if n%500 == 0 {
						time.Sleep(250 * time.Millisecond) // fake clock
					}
				}
				r.End(name, "build", time.Second, 2000, "", false)
			})
		}
		wg.Wait()
		r.Close()
		r.Close()
		if w.n < 5 || w.n > 12 { // one second of work, and the wiping
			t.Errorf("%d writes in a second, want about ten", w.n)
		}
		if strings.Count(w.b.String(), hideCursor) != strings.Count(w.b.String(), showCursor) {
			t.Error("the cursor is hidden and shown different times")
		}
	})
}

type countingWriter struct {
	b bytes.Buffer
	n int
}

func (w *countingWriter) Write(b []byte) (int, error) {
	w.n++
	return w.b.Write(b)
}

func TestPipe(t *testing.T) {
	for lang, want := range map[i18n.Lang]string{
		i18n.English: "read facts  40 ms\nlinux/amd64  build  17.4 MB  1.2 s\nslipway: warning: interrupted\nlinux/amd64  compress  7.3 MB  0 ms  reused  a b\n",
		i18n.Chinese: "读取事实  40 ms\nlinux/amd64  构建  17.4 MB  1.2 s\nslipway: 警告：已中断\nlinux/amd64  压缩  7.3 MB  0 ms  复用  a b\n",
	} {
		var out, errs bytes.Buffer
		r := New(Options{Stdout: &out, Stderr: &errs, Lang: lang, Color: true})
		r.Begin("", "facts")
		r.End("", "facts", 40*time.Millisecond, 0, "", false)
		r.Begin("linux/amd64", "build")
		r.Progress("linux/amd64", "build", 5)
		r.End("linux/amd64", "build", 1200*time.Millisecond, 17_400_000, "", false)
		r.Warn(i18n.M("report.interrupted"))
		r.End("linux/amd64", "layer", 0, 7_300_000, "a\n b", true)
		r.Close()
		if errs.String() != want || out.Len() != 0 {
			t.Errorf("%s: got %q, want %q; stdout %q", lang, errs.String(), want, out.String())
		}
	}
}

func TestBrokenStderrIsNoFailure(t *testing.T) {
	r := New(Options{Stdout: io.Discard, Stderr: failingWriter{}, Lang: i18n.English})
	r.End("", "facts", 0, 0, "", false)
	if err := r.Fail(errors.New("x")); err != nil {
		t.Error(err)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
