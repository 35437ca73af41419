package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

func openModule(ctx context.Context, o Options, arg string) (*Tree, error) {
	pkg, query, _ := strings.Cut(arg, "@")
	pkg, all := cutAll(pkg)
	if err := module.CheckImportPath(pkg); err != nil || query == "" || strings.ContainsAny(query, "@ \t\r\n") {
		return nil, fault.UsageError(i18n.M("source.module.arg", arg), i18n.M("source.module.arg.hint"))
	}
	dir, err := os.MkdirTemp("", "slipway-fetch-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the go command: %w", err)
	}
	defer os.RemoveAll(dir)
	// A go.mod of its own keeps the go command from one further up, should
	// temporary files lie inside some module.
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module slipway.invalid/fetch\n"), 0o644); err != nil {
		return nil, fmt.Errorf("make a module for the go command: %w", err)
	}

	f := &fetcher{o: o, dir: dir, arg: arg, pkg: pkg, query: query, all: all}
	return f.find(ctx)
}

// cutAll takes a trailing /... off a package path.
func cutAll(pkg string) (string, string) {
	if p, ok := strings.CutSuffix(pkg, "/..."); ok {
		return p, "..."
	}
	return pkg, ""
}

// tree checks a download and makes a Tree of it.
func (f *fetcher) tree(ctx context.Context, d download, sub string) (*Tree, error) {
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
	pattern, err := relPattern(d.Dir, filepath.Join(d.Dir, filepath.FromSlash(sub)), f.all)
	if err != nil {
		return nil, err
	}
	env := f.o.Go.Settings.Env
	return &Tree{
		Root: d.Dir, Arg: f.arg, Patterns: []string{pattern}, Kind: KindModule, Ref: ref, Sum: d.Sum,
		SumDB: env["GOSUMDB"] != "off" && !module.MatchPrefixPatterns(env["GONOSUMDB"], d.Path),
		info:  d.Info, o: f.o,
	}, nil
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
