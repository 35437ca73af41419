package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

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

// fetcher looks for the module of one package, with the go command run in a
// module that needs nothing.
type fetcher struct {
	o               Options
	dir             string // of that module
	arg, pkg, query string // pkg@query is what arg asks for
	all             string // "..." if packages below pkg are meant too
	proxy           string // GOPROXY, "" for the user's
	direct          bool   // all proxies have said that there is no such module

	without []string // module versions that exist but have no such package
	offline bool     // a module is not in the cache, and nobody was asked
}

// find goes from what costs least to what costs most.
func (f *fetcher) find(ctx context.Context) (*Tree, error) {
	all := candidates(f.pkg)
	// A version that is in the cache and holds the package answers without
	// asking anyone about longer paths. Their modules, if there were any,
	// would not be part of its zip.
	if cached := slices.DeleteFunc(slices.Clone(all), func(m string) bool { return !f.cached(m) }); len(cached) > 0 {
		if t, err := f.search(ctx, cached); t != nil || err != nil {
			return t, err
		}
	}
	// The proxies come before the repositories. Otherwise every path that is
	// longer than the module's would have the repository cloned to see that
	// there is no such module in it, or fail where only proxies can be reached.
	if proxies, ok := f.proxies(); ok && !f.o.Offline {
		f.proxy = proxies
		if t, err := f.search(ctx, all); t != nil || err != nil {
			return t, err
		}
		f.proxy, f.direct = "", true
	}
	if len(f.without) == 0 {
		if t, err := f.search(ctx, all); t != nil || err != nil {
			return t, err
		}
	}
	return nil, f.unknown(ctx)
}

// proxies gives GOPROXY without a final "direct", if that is only reached
// when all proxies say that they do not have a module.
func (f *fetcher) proxies() (string, bool) {
	p, ok := strings.CutSuffix(f.o.Go.Settings.Env["GOPROXY"], ",direct")
	return p, ok && !strings.Contains(p, "|")
}

// cached reports whether exactly the version asked for is in the module cache.
func (f *fetcher) cached(mod string) bool {
	if f.query != semver.Canonical(f.query) && f.query != semver.Canonical(f.query)+"+incompatible" {
		return false
	}
	p, perr := module.EscapePath(mod)
	v, verr := module.EscapeVersion(f.query)
	return perr == nil && verr == nil &&
		isFile(filepath.Join(f.o.Go.Settings.Env["GOMODCACHE"], "cache", "download", filepath.FromSlash(p), "@v", v+".zip"))
}

// search tries modules, which are in order of falling length. A nil Tree
// without an error means that none of them provides the package.
func (f *fetcher) search(ctx context.Context, modules []string) (*Tree, error) {
	for _, mod := range modules {
		d, err := f.download(ctx, mod)
		if err != nil {
			return nil, err
		}
		switch v := judge(d, f.o.Offline); v {
		case fetched:
			sub := strings.TrimPrefix(strings.TrimPrefix(f.pkg, mod), "/")
			if isDir(filepath.Join(d.Dir, filepath.FromSlash(sub))) {
				return f.tree(ctx, d, sub)
			}
			if ref := d.Path + "@" + d.Version; !slices.Contains(f.without, ref) {
				f.without = append(f.without, ref)
			}
		case absent:
		case notCached:
			f.offline = true
		case trouble:
			if f.direct {
				return nil, f.noRepository(ctx, d.Error)
			}
			return nil, refusal(v, mod+"@"+f.query, d.Error)
		default:
			return nil, refusal(v, mod+"@"+f.query, d.Error)
		}
	}
	return nil, nil
}

func (f *fetcher) goRun(ctx context.Context, args ...string) ([]byte, error) {
	recipe := map[string]string{"GOFLAGS": "-mod=mod", "GOWORK": "off", "GOTOOLCHAIN": "local"}
	if f.proxy != "" {
		recipe["GOPROXY"] = f.proxy
	}
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
func (f *fetcher) download(ctx context.Context, mod string) (download, error) {
	out, err := f.goRun(ctx, "mod", "download", "-json", mod+"@"+f.query)
	var d download
	failed, ran := errors.AsType[*gotool.Error](err)
	switch {
	case errors.Is(err, errFetchTimeout):
		return d, fault.New(nil, i18n.M("source.module.timeout", mod+"@"+f.query, f.o.FetchTimeout), i18n.M("source.module.outage.hint"))
	case err != nil && !ran:
		return d, fmt.Errorf("download %s@%s: %w", mod, f.query, err)
	case json.Unmarshal(out, &d) != nil || d.Error == "" && ran:
		if !ran {
			return d, fmt.Errorf("read the answer of go mod download for %s@%s", mod, f.query)
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

// unknown says why there is no tree.
func (f *fetcher) unknown(ctx context.Context) error {
	tried := strings.Join(candidates(f.pkg), " ")
	if len(f.without) > 0 {
		return fault.UsageError(i18n.M("source.module.nopackage", f.pkg, strings.Join(f.without, " ")), i18n.M("source.module.nopackage.hint"))
	}
	if f.offline {
		return fault.New(nil, i18n.M("source.module.offline", f.arg), i18n.M("source.module.offline.hint", tried))
	}
	// If a module has other versions, the version is what is wrong.
	if m := f.versions(ctx); m.Path != "" {
		return fault.UsageError(i18n.M("source.version.absent", m.Path, f.query), i18n.M("source.version.absent.hint", strings.Join(m.Versions, " ")))
	}
	return fault.UsageError(i18n.M("source.module.absent", f.arg), i18n.M("source.module.absent.hint", tried))
}

// noRepository says that the proxies have no such module and that nobody else
// could be asked.
func (f *fetcher) noRepository(ctx context.Context, text string) error {
	e := fault.New(nil, i18n.M("source.module.direct", f.arg), i18n.M("source.module.direct.hint"))
	if m := f.versions(ctx); m.Path != "" {
		e.Hint = i18n.M("source.module.direct.versions", m.Path, strings.Join(m.Versions, " "))
	}
	e.Detail = text
	return e
}

// moduleVersions is what `go list -m -versions -json` prints.
type moduleVersions struct {
	Path     string
	Versions []string
}

// versions gives the newest versions, newest first, of the longest of the
// modules that has any. It serves a hint, so whatever goes wrong gives none.
func (f *fetcher) versions(ctx context.Context) moduleVersions {
	const newest = 5
	if proxies, ok := f.proxies(); ok {
		f.proxy = proxies
	}
	out, err := f.goRun(ctx, append([]string{"list", "-m", "-e", "-versions", "-json=Path,Versions"}, candidates(f.pkg)...)...)
	if err != nil {
		return moduleVersions{}
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var m moduleVersions
		if dec.Decode(&m) != nil {
			return moduleVersions{}
		}
		if n := len(m.Versions); n > 0 {
			m.Versions = m.Versions[max(0, n-newest):]
			slices.Reverse(m.Versions)
			return m
		}
	}
}
