package osv

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/semver"

	"github.com/slipway-build/slipway/internal/facts"
)

// entry is the part of an OSV document that is used.
type entry struct {
	ID        string   `json:"id"`
	Withdrawn string   `json:"withdrawn"`
	Aliases   []string `json:"aliases"`
	Summary   string   `json:"summary"`
	Details   string   `json:"details"`
	Affected  []struct {
		Package struct {
			Name      string `json:"name"`
			Ecosystem string `json:"ecosystem"`
		} `json:"package"`
		Ranges []struct {
			Type   string  `json:"type"`
			Events []event `json:"events"`
		} `json:"ranges"`
		Versions  []string `json:"versions"`
		Ecosystem struct {
			Imports []struct {
				Path    string   `json:"path"`
				Symbols []string `json:"symbols"`
				GOOS    []string `json:"goos"`
				GOARCH  []string `json:"goarch"`
			} `json:"imports"`
		} `json:"ecosystem_specific"`
	} `json:"affected"`
}

type event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
}

// decode gives what an OSV document says of the modules, one advisory for
// each part of it.
func decode(data []byte, modules []string) ([]facts.Advisory, error) {
	var e entry
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	if e.ID == "" {
		return nil, fmt.Errorf("it is no OSV document: there is no id")
	}
	if e.Withdrawn != "" {
		return nil, nil
	}
	var out []facts.Advisory
	for _, af := range e.Affected {
		if af.Package.Ecosystem != "Go" || !slices.Contains(modules, af.Package.Name) {
			continue
		}
		a := facts.Advisory{ID: e.ID, Aliases: e.Aliases, Summary: summary(e), Module: af.Package.Name}
		other := false
		for _, r := range af.Ranges {
			if r.Type != "SEMVER" && r.Type != "ECOSYSTEM" {
				other = true // commits of a repository
				continue
			}
			rs, err := ranges(r.Events)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.ID, err)
			}
			a.Ranges = append(a.Ranges, rs...)
		}
		for _, v := range af.Versions {
			c, err := canonical(v)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.ID, err)
			}
			a.Ranges = append(a.Ranges, facts.VersionRange{Introduced: c, LastAffected: c})
		}
		if len(a.Ranges) == 0 && (other || len(af.Ranges) > 0) {
			continue // nothing that a module's version can be held against
		}
		for _, im := range af.Ecosystem.Imports {
			if im.Path != "" {
				a.Packages = append(a.Packages, facts.AdvisoryPackage{Path: im.Path, Symbols: im.Symbols, GOOS: im.GOOS, GOARCH: im.GOARCH})
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// summary is one line that is fit for a terminal.
func summary(e entry) string {
	s := e.Summary
	if s == "" {
		s, _, _ = strings.Cut(strings.TrimSpace(e.Details), "\n")
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s)
	const most = 160
	if rs := []rune(s); len(rs) > most {
		s = string(rs[:most]) + "…"
	}
	return strings.TrimSpace(s)
}

// canonical gives a version of OSV, which has no v, as the go command writes
// it.
func canonical(s string) (string, error) {
	v := "v" + strings.TrimPrefix(s, "v")
	if !semver.IsValid(v) {
		return "", fmt.Errorf("%q is no version", clip(s))
	}
	return strings.TrimSuffix(v, "+incompatible"), nil
}

// ranges pairs the events of one range, which may come in any order.
func ranges(events []event) ([]facts.VersionRange, error) {
	type at struct {
		version string // "" the beginning
		kind    int    // 0 introduced, 1 fixed, 2 last affected
	}
	var all []at
	for _, e := range events {
		for kind, s := range []string{e.Introduced, e.Fixed, e.LastAffected} {
			if s == "" {
				continue
			}
			if kind == 0 && s == "0" {
				all = append(all, at{"", 0})
				continue
			}
			v, err := canonical(s)
			if err != nil {
				return nil, err
			}
			all = append(all, at{v, kind})
		}
	}
	// An invalid version, "", comes before all others. Where one version both
	// ends a range and begins one, the end comes first.
	slices.SortStableFunc(all, func(a, b at) int {
		if c := semver.Compare(a.version, b.version); c != 0 {
			return c
		}
		return min(b.kind, 1) - min(a.kind, 1)
	})
	var out []facts.VersionRange
	open := -1
	for _, e := range all {
		switch {
		case e.kind == 0 && open < 0:
			out = append(out, facts.VersionRange{Introduced: e.version})
			open = len(out) - 1
		case e.kind == 1 && open >= 0:
			out[open].Fixed, open = e.version, -1
		case e.kind == 2 && open >= 0:
			out[open].LastAffected, open = e.version, -1
		}
	}
	return out, nil
}
