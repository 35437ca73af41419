package facts

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Published is what the module cache holds about a required version beside
// the module itself. What is not cached is not known: nothing is fetched.
type Published struct {
	Path    string `json:"path"`
	Version string `json:"version"` // that is required
	Latest  string `json:"latest"`  // the newest of which go.mod is cached
	// Retracted is what the newest go.mod says about Version if it retracts it;
	// its Value is the reason, which may be "".
	Retracted *Line `json:"retracted,omitempty"`
	// Deprecated is what the newest go.mod says about the module as a whole.
	Deprecated *Line `json:"deprecated,omitempty"`
	// Tag is a version tag of the commit that Version, a pseudo-version, names.
	Tag string `json:"tag,omitempty"`
}

// ReadPublished gives what modcache tells of the modules that the go.mod files
// of repo require, leaving out those of which it tells nothing. Retractions
// and deprecations are read from the newest version, as the go command does
// (https://go.dev/ref/mod#go-mod-file-retract).
func ReadPublished(ctx context.Context, repo *Repo, modcache string) ([]Published, error) {
	if modcache == "" {
		return nil, nil
	}
	var out []Published
	seen := map[[2]string]bool{}
	for i := range repo.Modules {
		m := &repo.Modules[i]
		replaced := replacedPaths(m.Replaces)
		if repo.Work != nil {
			for p := range replacedPaths(repo.Work.Replaces) {
				replaced[p] = true
			}
		}
		for _, q := range m.Requires {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("read module cache: %w", err)
			}
			key := [2]string{q.Path, q.Version}
			if seen[key] || replaced[q.Path] {
				continue
			}
			seen[key] = true
			if p := readPublished(q.Path, q.Version, modcache); p.Retracted != nil || p.Deprecated != nil || p.Tag != "" {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b Published) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), semver.Compare(a.Version, b.Version))
	})
	return out, nil
}

// replacedPaths are the modules that are not taken from where they come from.
func replacedPaths(rs []Replace) map[string]bool {
	out := map[string]bool{}
	for _, r := range rs {
		p, _, _ := strings.Cut(r.Old, "@")
		out[p] = true
	}
	return out
}

func readPublished(modPath, version, modcache string) Published {
	p := Published{Path: modPath, Version: version}
	escaped, err := module.EscapePath(modPath)
	if err != nil {
		return p
	}
	dir := filepath.Join(modcache, "cache", "download", filepath.FromSlash(escaped), "@v")
	d, err := os.Open(dir)
	if err != nil {
		return p
	}
	names, _ := d.Readdirnames(maxRepoFiles) // what could be read counts
	d.Close()
	var infos []string
	for _, n := range names {
		v, ext, ok := cutLast(n, ".")
		if !ok || ext != "mod" && ext != "info" {
			continue
		}
		if v, err = module.UnescapeVersion(v); err != nil || !semver.IsValid(v) {
			continue
		}
		switch {
		case ext == "info" && !module.IsPseudoVersion(v):
			infos = append(infos, v)
		case ext == "mod" && newer(v, p.Latest):
			p.Latest = v
		}
	}
	if p.Latest != "" {
		p.readNewest(dir)
	}
	if module.IsPseudoVersion(version) {
		p.Tag = tagOf(dir, version, infos)
	}
	return p
}

// newer reports whether v is what the go command would take for latest rather
// than w: releases before pre-releases before pseudo-versions, then the higher.
func newer(v, w string) bool {
	rank := func(v string) int {
		switch {
		case w == "":
			return 0
		case module.IsPseudoVersion(v):
			return 1
		case semver.Prerelease(v) != "":
			return 2
		}
		return 3
	}
	if w == "" {
		return true
	}
	return cmp.Or(cmp.Compare(rank(v), rank(w)), semver.Compare(v, w)) > 0
}

// readNewest reads the go.mod of the newest version for what it says about
// Version and about the module. A module may retract the version that does so.
func (p *Published) readNewest(dir string) {
	escaped, err := module.EscapeVersion(p.Latest)
	if err != nil {
		return
	}
	src, err := readLimited(filepath.Join(dir, escaped+".mod"), maxModFile, nil)
	if err != nil || !bytes.Contains(src, []byte("retract")) && !bytes.Contains(src, []byte("Deprecated:")) {
		return
	}
	file := p.Path + "@" + p.Latest + "/go.mod"
	f, err := modfile.ParseLax(file, src, nil)
	if err != nil || f.Module == nil || f.Module.Mod.Path != p.Path {
		return
	}
	if f.Module.Deprecated != "" {
		p.Deprecated = &Line{oneLine(f.Module.Deprecated), linePos(file, f.Module.Syntax)}
	}
	for _, r := range f.Retract {
		if semver.Compare(r.Low, p.Version) <= 0 && semver.Compare(p.Version, r.High) <= 0 {
			p.Retracted = &Line{oneLine(r.Rationale), linePos(file, r.Syntax)}
			return
		}
	}
}

// oneLine is a text of others, fit for a message.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	const most = 200
	if rs := []rune(s); len(rs) > most {
		s = string(rs[:most]) + "…"
	}
	return s
}

// tagOf finds a version whose tag is on the commit that a pseudo-version
// names: the go command writes the commit of a tag beside its version.
func tagOf(dir, pseudo string, infos []string) string {
	rev, err := module.PseudoVersionRev(pseudo)
	if err != nil || len(rev) < 12 {
		return ""
	}
	best := ""
	for _, v := range infos {
		escaped, err := module.EscapeVersion(v)
		if err != nil {
			continue
		}
		src, err := readLimited(filepath.Join(dir, escaped+".info"), maxTextFile, nil)
		if err != nil || !bytes.Contains(src, []byte(rev)) {
			continue
		}
		var info struct{ Origin struct{ Hash, Ref string } }
		if json.Unmarshal(src, &info) != nil || !strings.HasPrefix(info.Origin.Hash, rev) || !strings.HasPrefix(info.Origin.Ref, "refs/tags/") {
			continue
		}
		if best == "" || semver.Compare(v, best) > 0 {
			best = v
		}
	}
	return best
}
