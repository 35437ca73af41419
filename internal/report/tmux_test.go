package report

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// demoEnv makes the test binary a command that reports on the terminal it is
// started on, in the language the variable names.
const demoEnv = "REPORT_TEST_DEMO"

func TestMain(m *testing.M) {
	if lang := os.Getenv(demoEnv); lang != "" {
		demo(i18n.Lang(lang))
		return
	}
	os.Exit(m.Run())
}

// demo goes on to its next part at each line of standard input.
func demo(lang i18n.Lang) {
	in := bufio.NewScanner(os.Stdin)
	r := New(Options{
		Stdout: os.Stdout, Stderr: os.Stderr, TTY: true, StdoutTTY: true, Color: true, Lang: lang,
		Width: 50, Height: 12,
		Now: func() time.Time { return time.Unix(0, 0) }, // nothing on the screen may move by itself
	})
	defer r.Close()
	for i := range 3 { // the block must survive scrolling
		fmt.Fprintf(os.Stderr, "earlier line %d\n", i)
	}
	r.Begin("linux/amd64", "build")
	r.Begin("linux/arm64", "build")
	r.Progress("linux/arm64", "build", 3_200_000)
	in.Scan()
	r.Warn(i18n.M("report.interrupted"))
	r.End("linux/amd64", "build", time.Second, 17_400_000, strings.Repeat("构", 40), true)
	in.Scan()
	if err := r.Result(shipTable()); err != nil {
		panic(err)
	}
	in.Scan()
	if err := r.Fail(errors.New("x")); err != nil {
		panic(err)
	}
	in.Scan()
}

// TestTmux holds the screen of a real terminal against what must be on it.
func TestTmux(t *testing.T) {
	if os.Getenv("SLIPWAY_E2E") != "1" {
		t.Skip("needs tmux: set SLIPWAY_E2E=1")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const before = "earlier line 0\nearlier line 1\nearlier line 2\n"
	for lang, screens := range map[i18n.Lang][]string{
		i18n.English: {
			before + "linux/amd64  build          0 ms\nlinux/arm64  build  3.2 MB  0 ms",
			before + "slipway: warning: interrupted\nlinux/amd64  build  17.4 MB  1.0 s  reused  构..\nlinux/arm64  build   3.2 MB  0 ms",
			before + "slipway: warning: interrupted\nplan            build   image  base\nlinux/amd64   17.4 MB  7.3 MB  assembled\n订单/arm64   117.4 MB          closure\nx\n1 MB = 10^6 bytes",
			before + "slipway: warning: interrupted\nplan            build   image  base\nlinux/amd64   17.4 MB  7.3 MB  assembled\n订单/arm64   117.4 MB          closure\nx\n1 MB = 10^6 bytes\nslipway: error: x",
		},
		i18n.Chinese: {
			before + "linux/amd64  构建          0 ms\nlinux/arm64  构建  3.2 MB  0 ms",
			before + "slipway: 警告：已中断\nlinux/amd64  构建  17.4 MB  1.0 s  复用  构构构..\nlinux/arm64  构建   3.2 MB  0 ms",
			before + "slipway: 警告：已中断\n计划             构建    镜像  基础\nlinux/amd64   17.4 MB  7.3 MB  assembled\n订单/arm64   117.4 MB          closure\nx\n1 MB = 10^6 字节",
			before + "slipway: 警告：已中断\n计划             构建    镜像  基础\nlinux/amd64   17.4 MB  7.3 MB  assembled\n订单/arm64   117.4 MB          closure\nx\n1 MB = 10^6 字节\nslipway: 错误：x",
		},
	} {
		t.Run(string(lang), func(t *testing.T) {
			sock := filepath.Join(t.TempDir(), "s")
			tmux := func(args ...string) string {
				t.Helper()
				cmd := exec.Command("tmux", append([]string{"-u", "-f", "/dev/null", "-S", sock}, args...)...)
				cmd.Env = append(os.Environ(), "TERM=xterm-256color")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("tmux %s: %v: %s", args, err, out)
				}
				return strings.TrimRight(string(out), "\n")
			}
			tmux("new-session", "-d", "-x", "50", "-y", "12", "-e", demoEnv+"="+string(lang), "stty -echo; exec "+exe)
			defer tmux("kill-server")
			for i, want := range screens {
				if i > 0 {
					tmux("send-keys", "Enter")
				}
				deadline := time.NewTimer(10 * time.Second)
				tick := time.NewTicker(20 * time.Millisecond)
				for got := ""; got != want; {
					select {
					case <-deadline.C:
						t.Fatalf("screen %d:\n%s\nwant:\n%s", i, got, want)
					case <-tick.C:
						got = trimLines(tmux("capture-pane", "-p"))
					}
				}
				tick.Stop()
				if visible, live := tmux("display-message", "-p", "#{cursor_flag}"), i < 2; (visible == "0") != live {
					t.Errorf("screen %d: cursor visible: %s", i, visible)
				}
			}
		})
	}
}

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
