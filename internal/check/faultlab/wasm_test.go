package faultlab

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// guest compiles the main package in dir for wasip1.
func guest(t *testing.T, dir string) []byte {
	t.Helper()
	code, err := os.ReadFile(build(t, dir, []string{"GOOS=wasip1", "GOARCH=wasm"}, "."))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func runGuest(ctx context.Context, code []byte, config wazero.ModuleConfig) error {
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	_, err := r.InstantiateWithConfig(ctx, code, config)
	return err
}

// TestWasmListen shows what WASM001 says: the guest listens, and nobody is
// there. The guest ends when its standard input does.
func TestWasmListen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, dir, `-- go.mod --
module example.com/guest

go 1.26
-- main.go --
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	ln, err := net.Listen("tcp", os.Getenv("INSIDE"))
	if err != nil {
		panic(err)
	}
	fmt.Println("listening on", ln.Addr())
	io.Copy(io.Discard, os.Stdin)
	_, err = net.Dial("tcp", os.Getenv("OUTSIDE"))
	fmt.Println("dial:", err)
}
`)
	in, toGuest := io.Pipe()
	fromGuest, out := io.Pipe()
	done := make(chan error, 1)
	code := guest(t, dir)
	outside, inside := listen(t), listen(t)
	defer outside.Close()
	inside.Close() // a free port, for the guest
	config := wazero.NewModuleConfig().WithStdin(in).WithStdout(out).WithStderr(os.Stderr).
		WithEnv("INSIDE", inside.Addr().String()).WithEnv("OUTSIDE", outside.Addr().String())
	go func() {
		err := runGuest(t.Context(), code, config)
		out.CloseWithError(io.EOF)
		done <- err
	}()
	lines := bufio.NewScanner(fromGuest)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "listening on") {
		t.Fatalf("the guest says %q: %v", lines.Text(), <-done)
	}
	if c, err := net.Dial("tcp", inside.Addr().String()); err == nil {
		c.Close()
		t.Error("the guest's listener can be reached")
	}
	if c, err := net.Dial("tcp", outside.Addr().String()); err != nil {
		t.Error(err)
	} else {
		c.Close()
	}
	toGuest.Close()
	if !lines.Scan() || lines.Text() == "dial: <nil>" {
		t.Errorf("the guest reaches a listener outside: %q", lines.Text())
	}
	if err := <-done; err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
		t.Error(err)
	}
	observedRule(t, "WASM001")
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// TestWasmProcess runs bad/ of WASM002, which prints what exec says.
func TestWasmProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	layRule(t, dir, "WASM002", "bad")
	var out bytes.Buffer
	if err := runGuest(t.Context(), guest(t, dir), wazero.NewModuleConfig().WithStdout(&out).WithEnv("PATH", os.Getenv("PATH"))); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got == "<nil>" || got == "" {
		t.Errorf("exec in a guest says %q", got)
	}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		equal(t, "exec outside of one", works(t, dir, nil, build(t, dir, nil, ".")), "<nil>")
	}
	observedRule(t, "WASM002")
}

// TestWasmHost shows the clock and the random bytes that a guest gets by
// default, and those with the options that WASM003 asks for.
func TestWasmHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, dir, `-- go.mod --
module example.com/guest

go 1.26
-- main.go --
package main

import (
	"crypto/rand"
	"fmt"
	"time"
)

func main() { fmt.Println(time.Now().Year(), rand.Text()) }
`)
	code := guest(t, dir)
	run := func(config wazero.ModuleConfig) (year, text string) {
		var out bytes.Buffer
		if err := runGuest(t.Context(), code, config.WithStdout(&out)); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
			t.Fatal(err)
		}
		year, text, _ = strings.Cut(strings.TrimSpace(out.String()), " ")
		if len(text) < 20 {
			t.Fatalf("the guest says %q", out.String())
		}
		return year, text
	}
	year, a := run(wazero.NewModuleConfig())
	_, b := run(wazero.NewModuleConfig())
	now := time.Now().Format("2006")
	if a != b || year == now {
		t.Errorf("without options the guest has year %s and random text %s, then %s", year, a, b)
	}
	full := wazero.NewModuleConfig().WithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader)
	year, a = run(full)
	if _, b = run(full); a == b || year != now {
		t.Errorf("with options the guest has year %s and random text %s, then %s", year, a, b)
	}
	observedRule(t, "WASM003")
}
