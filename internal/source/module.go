package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
)

// errFetchTimeout is the cause of a context that Options.FetchTimeout ended.
var errFetchTimeout = errors.New("no answer in time")

// download is what `go mod download -json` prints for one module.
type download struct {
	Path, Version, Error, Info, GoMod, Zip, Dir, Sum string
}

func openModule(ctx context.Context, o Options, arg string) (*Tree, error) {
	pkg, query, _ := strings.Cut(arg, "@")
	pkg, all := cutAll(pkg)
	if err := module.CheckImportPath(pkg); err != nil || query == "" || strings.ContainsAny(query, "@ \t\r\n") {
		return nil, fault.UsageError(i18n.M("source.module.arg", arg), i18n.M("source.module.arg.hint"))
	}
	empty, err := os.MkdirTemp("", "slipway-fetch-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the go command: %w", err)
	}
	defer os.RemoveAll(empty)

	f := &fetcher{o: o, dir: empty}
	tried := candidates(pkg)
	var without []string // module versions that exist but have no such package
	offline := false
	for _, mod := range tried {
		d, err := f.download(ctx, mod, query)
		if err != nil {
			return nil, err
		}
		switch v := judge(d, o.Offline); v {
		case fetched:
			sub := strings.TrimPrefix(strings.TrimPrefix(pkg, mod), "/")
			if !isDir(filepath.Join(d.Dir, filepath.FromSlash(sub))) {
				without = append(without, d.Path+"@"+d.Version)
				continue
			}
			return f.tree(ctx, arg, d, sub, all)
		case absent:
		case notCached:
			offline = true
		default:
			return nil, refusal(v, mod+"@"+query, d.Error)
		}
	}
	switch {
	case len(without) > 0:
		return nil, fault.UsageError(i18n.M("source.module.nopackage", pkg, strings.Join(without, " ")), i18n.M("source.module.nopackage.hint"))
	case offline:
		return nil, fault.New(nil, i18n.M("source.module.offline", arg), i18n.M("source.module.offline.hint", strings.Join(tried, " ")))
	}
	return nil, f.unknown(ctx, arg, query, tried)
}

// cutAll takes a trailing /... off a package path.
func cutAll(pkg string) (string, string) {
	if p, ok := strings.CutSuffix(pkg, "/..."); ok {
		return p, "..."
	}
	return pkg, ""
}

// candidates gives the modules that could provide pkg, longest path first.
func candidates(pkg string) []string {
	var out []string
	for p := pkg; p != "." && p != "/"; p = path.Dir(p) {
		switch p {
		case "github.com", "gitlab.com", "bitbucket.org", "golang.org", "golang.org/x", "gopkg.in":
			return out // hosts of modules that are none themselves
		}
		if module.CheckPath(p) == nil {
			out = append(out, p)
		}
	}
	return out
}

// fetcher runs the go command away from any module.
type fetcher struct {
	o   Options
	dir string // empty
}

func (f *fetcher) goRun(ctx context.Context, args ...string) ([]byte, error) {
	recipe := map[string]string{"GOFLAGS": "-mod=mod", "GOWORK": "off", "GOTOOLCHAIN": "local"}
	if f.o.Offline {
		f.cutOff(recipe)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, f.o.FetchTimeout, errFetchTimeout)
	defer cancel()
	return f.o.Go.Run(ctx, f.dir, f.o.Go.Environ(recipe), args...)
}

// cutOff keeps the go command from the network. GOPROXY=off alone does not:
// it still asks the checksum database about a module in the cache that no
// go.sum lists. What the database said before stays readable.
func (f *fetcher) cutOff(recipe map[string]string) {
	const nobody = "http://127.0.0.1:9" // the discard port
	recipe["GOPROXY"] = "off"
	for _, k := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		recipe[k] = nobody
	}
	recipe["NO_PROXY"], recipe["no_proxy"] = "", ""
	// A database with an address of its own may be on this machine, where no
	// proxy is used.
	if key, _, ok := strings.Cut(f.o.Go.Settings.Env["GOSUMDB"], " "); ok {
		recipe["GOSUMDB"] = key + " file:///nonexistent"
	}
}

// download fetches one module version. That it could not be had is no error:
// it stands in the result.
func (f *fetcher) download(ctx context.Context, mod, query string) (download, error) {
	out, err := f.goRun(ctx, "mod", "download", "-json", mod+"@"+query)
	var d download
	failed, ran := errors.AsType[*gotool.Error](err)
	switch {
	case errors.Is(err, errFetchTimeout):
		return d, fault.New(nil, i18n.M("source.module.timeout", mod+"@"+query, f.o.FetchTimeout), i18n.M("source.module.outage.hint"))
	case err != nil && !ran:
		return d, fmt.Errorf("download %s@%s: %w", mod, query, err)
	case json.Unmarshal(out, &d) != nil || d.Error == "" && ran:
		if !ran {
			return d, fmt.Errorf("read the answer of go mod download for %s@%s", mod, query)
		}
		d.Error = failed.Stderr
	}
	// A module for a newer Go is there and checked; which toolchain builds it
	// is decided later.
	if strings.Contains(d.Error, "requires go >= ") && d.Sum != "" {
		d.Error, d.Dir = "", f.cacheDir(d)
	}
	return d, nil
}

// cacheDir gives the directory a module is extracted to
// (go.dev/ref/mod#module-cache), "" if there is none.
func (f *fetcher) cacheDir(d download) string {
	p, perr := module.EscapePath(d.Path)
	v, verr := module.EscapeVersion(d.Version)
	dir := filepath.Join(f.o.Go.Settings.Env["GOMODCACHE"], filepath.FromSlash(p)+"@"+v)
	if perr != nil || verr != nil || !isDir(dir) {
		return ""
	}
	return dir
}

// tree checks a download and makes a Tree of it.
func (f *fetcher) tree(ctx context.Context, arg string, d download, sub, all string) (*Tree, error) {
	ref := d.Path + "@" + d.Version
	if err := checkDownload(ctx, d); err != nil {
		if bad, ok := errors.AsType[*sumError](err); ok {
			e := fault.New(nil, i18n.M("source.module.changed", ref, bad.name), i18n.M("source.module.changed.hint"))
			e.Detail = bad.detail()
			return nil, e
		}
		return nil, fmt.Errorf("check %s: %w", ref, err)
	}
	if !isFile(filepath.Join(d.Dir, "go.mod")) {
		return nil, fault.UsageError(i18n.M("source.module.nomod", ref), i18n.M("source.module.nomod.hint"))
	}
	pattern, err := relPattern(d.Dir, filepath.Join(d.Dir, filepath.FromSlash(sub)), all)
	if err != nil {
		return nil, err
	}
	env := f.o.Go.Settings.Env
	return &Tree{
		Root: d.Dir, Arg: arg, Patterns: []string{pattern}, Kind: KindModule, Ref: ref, Sum: d.Sum,
		SumDB: env["GOSUMDB"] != "off" && !module.MatchPrefixPatterns(env["GONOSUMDB"], d.Path),
		info:  d.Info, o: f.o,
	}, nil
}

// unknown says that no module of tried is there at query. If one of them has
// other versions, the version is what is wrong.
func (f *fetcher) unknown(ctx context.Context, arg, query string, tried []string) error {
	const newest = 5
	out, err := f.goRun(ctx, append([]string{"list", "-m", "-e", "-versions", "-json=Path,Versions"}, tried...)...)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("list versions of %s: %w", arg, err)
		}
		out = nil // the answer that matters is known; only the hint is poorer
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var m struct {
			Path     string
			Versions []string
		}
		if dec.Decode(&m) != nil {
			break
		}
		if n := len(m.Versions); n > 0 {
			last := m.Versions[max(0, n-newest):]
			slices.Reverse(last)
			return fault.UsageError(i18n.M("source.version.absent", m.Path, query), i18n.M("source.version.absent.hint", strings.Join(last, " ")))
		}
	}
	return fault.UsageError(i18n.M("source.module.absent", arg), i18n.M("source.module.absent.hint", strings.Join(tried, " ")))
}

// moduleRevision reads what the proxy said of the version. Unlike the zip,
// none of it is covered by the checksum database.
func (t *Tree) moduleRevision() (Revision, error) {
	r := Revision{State: State{Kind: KindModule, Ref: t.Ref, Sum: t.Sum, SumDB: t.SumDB}}
	b, err := os.ReadFile(t.info)
	if err != nil {
		return r, fmt.Errorf("read .info of %s: %w", t.Ref, err)
	}
	info, err := parseInfo(b)
	if err != nil {
		return r, fmt.Errorf("read .info of %s: %w", t.Ref, err)
	}
	r.Time = info.Time.Unix()
	if info.Time.IsZero() {
		r.Time = 0
	}
	if info.Origin.VCS == "git" && isHash(info.Origin.Hash) {
		r.VCS, r.State.Revision, r.RemoteURL = "git", info.Origin.Hash, normalizeURL(info.Origin.URL)
	}
	return r, nil
}
