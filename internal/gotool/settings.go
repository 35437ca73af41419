package gotool

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Settings is what the go command says of this machine.
type Settings struct {
	// Identity stands for the go command's own files on this machine: it
	// changes when Go is installed anew, even in the same version.
	Identity    string
	GOROOT      string
	Version     string            // go1.26.8: of the go command itself, no switch
	HostOS      string            //
	HostArch    string            //
	GOTOOLCHAIN string            // the user's: auto, local, go1.26.8, go1.26.8+auto, path
	Env         map[string]string // values of the variables in forwarded
	// Changed holds the Go variables the user set, by environment or GOENV,
	// with credentials taken out of URLs.
	Changed map[string]string
}

var asked = append([]string{"GOROOT", "GOVERSION", "GOHOSTOS", "GOHOSTARCH", "GOENV"}, forwarded...)

func (g *Go) settings(ctx context.Context, env map[string]string, memoDir string) (Settings, error) {
	identity, err := g.identity()
	if err != nil {
		return Settings{}, err
	}
	memo := memoPath(identity, env, memoDir)
	if s, ok := readMemo(memo); ok {
		return s, nil
	}
	run := maps.Clone(g.machine)
	for _, k := range append([]string{"GOENV", "GOROOT"}, forwarded...) {
		if v, ok := env[k]; ok {
			run[k] = v
		}
	}
	run["GOTOOLCHAIN"] = "local"
	// An empty value would let the GOENV file's count, which may be one that
	// makes the go command refuse to say anything.
	run["GOFLAGS"] = " "
	out, err := g.Run(ctx, filepath.VolumeName(g.Path)+string(filepath.Separator), sortedEnviron(run), append([]string{"env", "-json"}, asked...)...)
	if err != nil {
		detail := ""
		if e, ok := errors.AsType[*Error](err); ok {
			detail = e.Stderr
		}
		f := fault.New(nil, i18n.M("gotool.env", g.Path), i18n.M("gotool.env.hint"))
		f.Detail = detail
		if detail == "" {
			f.Cause = err
		}
		return Settings{}, f
	}
	var v map[string]string
	if err := json.Unmarshal(out, &v); err != nil {
		return Settings{}, fmt.Errorf("read output of %s env: %w", g.Path, err)
	}
	s := Settings{Identity: identity, GOROOT: v["GOROOT"], Version: v["GOVERSION"], HostOS: v["GOHOSTOS"], HostArch: v["GOHOSTARCH"], Env: map[string]string{}, Changed: map[string]string{}}
	for _, k := range forwarded {
		s.Env[k] = v[k]
	}
	file := readEnvFile(v["GOENV"])
	s.GOTOOLCHAIN = firstOf(env["GOTOOLCHAIN"], file["GOTOOLCHAIN"], readEnvFile(filepath.Join(s.GOROOT, "go.env"))["GOTOOLCHAIN"], "auto")
	for _, set := range []map[string]string{file, env} {
		for k, val := range set {
			if isGoVar(k) && val != "" {
				s.Changed[k] = redact(val)
			}
		}
	}
	writeMemo(memo, memoRecord{Settings: s, GOENV: v["GOENV"], Sum: envFileSum(v["GOENV"])})
	return s, nil
}

func isGoVar(k string) bool {
	switch k {
	case "CC", "CXX", "AR", "FC", "PKG_CONFIG", "GCCGO":
		return true
	}
	return strings.HasPrefix(k, "GO") || strings.HasPrefix(k, "CGO_")
}

func firstOf(vs ...string) string {
	for _, v := range vs {
		if v != "" {
			return v
		}
	}
	return ""
}

// redact takes user:password@ out of every URL in a list of them.
func redact(v string) string {
	for from := 0; ; {
		i := strings.Index(v[from:], "://")
		if i < 0 {
			return v
		}
		start := from + i + 3
		end := start + strings.IndexAny(v[start:]+",", "/,|?# ")
		if at := strings.LastIndexByte(v[start:end], '@'); at >= 0 {
			v = v[:start] + "***" + v[start+at:]
			end = start + 4
		}
		from = end
	}
}

// readEnvFile reads a file of KEY=value lines as `go env -w` writes it; a file
// that is not there is empty.
func readEnvFile(name string) map[string]string {
	m := map[string]string{}
	if name == "" || name == "off" {
		return m
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return m
	}
	sc := bufio.NewScanner(bytes.NewReader(b))
	for sc.Scan() {
		k, v, ok := strings.Cut(strings.TrimSpace(sc.Text()), "=")
		if ok && k != "" && k[0] != '#' {
			m[k] = v
		}
	}
	return m
}

func envFileSum(name string) string {
	b, _ := os.ReadFile(name)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

type memoRecord struct {
	Settings Settings
	GOENV    string // path of the user's GOENV file
	Sum      string // sha256 of its content, or of nothing
}

// identity looks at the executable and at VERSION beside it: a distribution
// replaces them together with the standard library.
func (g *Go) identity() (string, error) {
	real, err := filepath.EvalSymlinks(g.Path)
	if err != nil {
		return "", fmt.Errorf("find the go command: %w", err)
	}
	fi, err := os.Stat(real)
	if err != nil {
		return "", fmt.Errorf("find the go command: %w", err)
	}
	h := sha256.New()
	fmt.Fprintln(h, g.Path, real, fi.Size(), fi.ModTime().UnixNano())
	if v, err := os.Stat(filepath.Join(filepath.Dir(filepath.Dir(real)), "VERSION")); err == nil {
		fmt.Fprintln(h, v.Size(), v.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// memoPath names the memo of this executable and environment.
func memoPath(identity string, env map[string]string, dir string) string {
	if dir == "" {
		return ""
	}
	h := sha256.New()
	fmt.Fprintln(h, "v2", identity)
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if isGoVar(k) || slices.Contains(passed, k) && k != "SSH_AUTH_SOCK" {
			fmt.Fprintln(h, k, env[k])
		}
	}
	return filepath.Join(dir, "goenv-"+hex.EncodeToString(h.Sum(nil)[:16])+".json")
}

func readMemo(path string) (Settings, bool) {
	if path == "" {
		return Settings{}, false
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return Settings{}, false
	}
	var r memoRecord
	if json.Unmarshal(b, &r) != nil || r.Settings.Version == "" || r.Sum != envFileSum(r.GOENV) {
		return Settings{}, false
	}
	return r.Settings, true
}

// writeMemo is best effort: a memo that cannot be kept only costs time.
func writeMemo(path string, r memoRecord) {
	if path == "" {
		return
	}
	b, err := json.Marshal(r)
	if err != nil {
		return
	}
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".goenv-*")
	if err != nil {
		return
	}
	_, werr := f.Write(b)
	if cerr := f.Close(); werr != nil || cerr != nil || os.Rename(f.Name(), path) != nil {
		os.Remove(f.Name())
	}
}
