// Command ship measures `slipway ship` beside a bare `go build` and, where they
// are in PATH, its peers, on one real program. It prints the Markdown tables of
// docs/benchmarks.md.
//
//	go run ./bench/ship [-rounds 7] [-module github.com/nats-io/nats-server/v2@v2.15.2]
//
// Every variant does the same work in the same round, one after the other, so
// that a change of the machine's speed meets all of them; the first round is
// dropped. Times are wall clock, medians. "Own peak" is the largest resident
// set of the tool's own process (VmHWM), without the go command's.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 7, "counted rounds")
	module := flag.String("module", "github.com/nats-io/nats-server/v2@v2.15.2", "program whose main package is the module's root")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *module); err != nil {
		fmt.Fprintln(os.Stderr, "bench/ship:", err)
		os.Exit(1)
	}
}

// variant is one way to do the work.
type variant struct {
	name string
	args []string // %d is replaced by the work directory
	env  []string
	dir  string // source tree
}

type sample struct {
	wall time.Duration
	peak int64 // bytes
}

type bench struct {
	ctx      context.Context
	work     string
	slipway  string
	ko       string
	variants []variant
	closers  []func()
}

func run(ctx context.Context, rounds int, module string) error {
	work, err := os.MkdirTemp("", "slipway-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b := &bench{ctx: ctx, work: work, slipway: filepath.Join(work, "slipway")}
	if err := b.command(".", nil, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.slipway, "./cmd/slipway"); err != nil {
		return err
	}
	defer func() {
		for _, c := range b.closers {
			c()
		}
	}()
	b.ko, _ = exec.LookPath("ko")
	src, err := b.source(module)
	if err != nil {
		return err
	}
	fi, err := os.Stat(b.slipway)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s, %d CPUs, %s; slipway binary %.1f MB\n\n", module, runtime.Version(), runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly), float64(fi.Size())/1e6)
	b.add(src)
	if err := b.phase("No change", rounds, func(int, string) error { return nil }); err != nil {
		return err
	}
	if err := b.phase("One-line change in package main", rounds, edit); err != nil {
		return err
	}
	if err := b.start(rounds * 3); err != nil {
		return err
	}
	return b.sizes()
}

// source copies the module out of the module cache and makes it a repository.
func (b *bench) source(module string) (string, error) {
	out, err := exec.CommandContext(b.ctx, "go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w", module, err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil {
		return "", err
	}
	dst := filepath.Join(b.work, "src")
	if err := copyTree(m.Dir, dst); err != nil {
		return "", err
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=b", "-c", "user.email=b@b", "commit", "-qm", "source"}, {"tag", "v2.15.2"}} {
		if err := b.command(dst, nil, "git", args...); err != nil {
			return "", err
		}
	}
	return dst, nil
}

// add gives each variant a tree of its own, so that none profits from another.
func (b *bench) add(src string) {
	common := []string{"CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "SLIPWAY_CACHE=" + filepath.Join(b.work, "cache")}
	add := func(name string, env []string, args ...string) {
		dir := filepath.Join(b.work, "tree-"+strconv.Itoa(len(b.variants)))
		if err := copyTree(src, dir); err != nil {
			panic(err)
		}
		b.variants = append(b.variants, variant{name, args, append(slices.Clone(common), env...), dir})
	}
	add("go build -trimpath", nil, "go", "build", "-trimpath", "-o", "out/app", ".")
	add("go build -trimpath -ldflags='-s -w'", nil, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", "out/app", ".")
	add("slipway ship", nil, b.slipway, "ship", "--target", "linux/amd64")
	add("slipway ship --strip off", nil, b.slipway, "ship", "--target", "linux/amd64", "--strip", "off")
	add("slipway ship --compression zstd", nil, b.slipway, "ship", "--target", "linux/amd64", "--compression", "zstd")
	add("slipway ship, two platforms", nil, b.slipway, "ship", "--target", "linux/amd64,linux/arm64")
	if b.ko != "" {
		base, err := b.emptyBase()
		if err != nil {
			fmt.Fprintln(os.Stderr, "ko is left out:", err)
			return
		}
		ko := func(name string, env ...string) {
			add(name, append(env, "KO_DOCKER_REPO=127.0.0.1:1/ko", "KO_DEFAULTBASEIMAGE="+base), b.ko, "build", "--push=false", "--oci-layout-path", "out", "--platform", "linux/amd64", ".")
		}
		ko("ko build --oci-layout-path")
		ko("ko build --oci-layout-path, KOCACHE", "KOCACHE="+filepath.Join(b.work, "kocache"))
	}
}

// phase runs all variants in turn and prints a table.
func (b *bench) phase(title string, rounds int, change func(round int, dir string) error) error {
	got := make([][]sample, len(b.variants))
	for r := range rounds + 1 {
		for i, v := range b.variants {
			if err := change(r, v.dir); err != nil {
				return err
			}
			s, err := b.measure(v)
			if err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
			if r > 0 {
				got[i] = append(got[i], s)
			}
		}
	}
	fmt.Printf("### %s (median of %d)\n\n| variant | ms | min–max | ratio | over bare | own peak |\n|---|---:|---:|---:|---:|---:|\n", title, rounds)
	bare := median(got[0])
	for i, v := range b.variants {
		m := median(got[i])
		lo, hi := slices.MinFunc(got[i], byWall).wall, slices.MaxFunc(got[i], byWall).wall
		var peak int64
		for _, s := range got[i] {
			peak = max(peak, s.peak)
		}
		fmt.Printf("| `%s` | %d | %d–%d | %.2f | %+d ms | %.0f MB |\n", v.name, m.Milliseconds(), lo.Milliseconds(), hi.Milliseconds(), float64(m)/float64(bare), (m - bare).Milliseconds(), float64(peak)/1e6)
	}
	fmt.Println()
	return nil
}

func byWall(a, b sample) int { return int(a.wall - b.wall) }

func median(s []sample) time.Duration {
	s = slices.Clone(s)
	slices.SortFunc(s, byWall)
	return s[len(s)/2].wall
}

// edit changes one line of main.go to something never seen before.
func edit(round int, dir string) error {
	name := filepath.Join(dir, "main.go")
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	const mark = "\nvar benchRound = "
	if i := bytes.Index(b, []byte(mark)); i >= 0 {
		b = b[:i]
	}
	b = append(b, fmt.Sprintf("%s\"%d %d\"\n\nfunc init() { _ = os.Setenv(\"BENCH\", benchRound) }\n", mark, round, time.Now().UnixNano())...)
	return os.WriteFile(name, b, 0o644)
}

// measure runs a variant once and watches its own memory.
func (b *bench) measure(v variant) (sample, error) {
	cmd := exec.CommandContext(b.ctx, v.args[0], v.args[1:]...)
	cmd.Dir, cmd.Env = v.dir, append(os.Environ(), v.env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	done := make(chan int64)
	stop := make(chan struct{})
	go func() {
		var peak int64
		tick := time.NewTicker(3 * time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, highWater(cmd.Process.Pid))
			select {
			case <-tick.C:
			case <-stop:
				done <- peak
				return
			}
		}
	}()
	err := cmd.Wait()
	s := sample{wall: time.Since(start)}
	close(stop)
	s.peak = <-done
	if err != nil {
		return sample{}, fmt.Errorf("%w\n%s", err, out.Bytes())
	}
	return s, nil
}

// highWater gives VmHWM of a process in bytes, 0 once it has ended (proc(5)).
func highWater(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// start measures how long the tools take to say their version.
func (b *bench) start(n int) error {
	fmt.Printf("### Start (median of %d)\n\n| command | ms |\n|---|---:|\n", n)
	cmds := [][]string{{b.slipway, "version"}}
	if b.ko != "" {
		cmds = append(cmds, []string{b.ko, "version"})
	}
	for _, c := range cmds {
		var got []sample
		for range n {
			s, err := b.measure(variant{args: c, dir: b.work})
			if err != nil {
				return err
			}
			got = append(got, s)
		}
		fmt.Printf("| `%s version` | %.1f |\n", filepath.Base(c[0]), float64(median(got).Microseconds())/1e3)
	}
	fmt.Println()
	return nil
}

// sizes adds up the layers that each variant's layout holds.
func (b *bench) sizes() error {
	fmt.Print("### Image bytes: configuration and layers, compressed, linux/amd64\n\n| variant | bytes |\n|---|---:|\n")
	for _, v := range b.variants {
		for _, layout := range []string{"dist/oci", "out"} {
			n, err := layoutSize(filepath.Join(v.dir, layout))
			if err == nil {
				fmt.Printf("| `%s` | %d |\n", v.name, n)
			}
		}
	}
	return nil
}

type manifest struct {
	Manifests []struct {
		Digest   string
		Platform *struct{ Architecture string }
	}
	Config *struct{ Size int64 }
	Layers []struct{ Size int64 }
}

// layoutSize follows an OCI layout to its last linux/amd64 image.
func layoutSize(dir string) (int64, error) {
	var m manifest
	if err := readJSON(filepath.Join(dir, "index.json"), &m); err != nil {
		return 0, err
	}
	for m.Config == nil {
		i := len(m.Manifests) - 1
		for j, d := range m.Manifests {
			if d.Platform != nil && d.Platform.Architecture == "amd64" {
				i = j
			}
		}
		if i < 0 {
			return 0, fs.ErrNotExist
		}
		digest := strings.TrimPrefix(m.Manifests[i].Digest, "sha256:")
		m = manifest{}
		if err := readJSON(filepath.Join(dir, "blobs", "sha256", digest), &m); err != nil {
			return 0, err
		}
	}
	n := m.Config.Size
	for _, l := range m.Layers {
		n += l.Size
	}
	return n, nil
}

func readJSON(name string, v any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func (b *bench) command(dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(b.ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// copyTree copies files and directories with write permission for the owner:
// the module cache has none.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		if e.IsDir() {
			return os.MkdirAll(dst, 0o755)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(dst, content, 0o644)
	})
}
