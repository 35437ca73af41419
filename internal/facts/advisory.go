package facts

import (
	"strings"

	"golang.org/x/mod/semver"
)

// Advisory is one known vulnerability of one module, from a database in the
// format of OSV (https://ossf.github.io/osv-schema).
type Advisory struct {
	ID      string   `json:"id"` // GO-2024-2687
	Aliases []string `json:"aliases,omitempty"`
	Summary string   `json:"summary,omitempty"`
	Module  string   `json:"module"` // path; stdlib and toolchain for Go itself
	// Ranges are the versions that have it; none: all of them.
	Ranges []VersionRange `json:"ranges,omitempty"`
	// Packages are those that have it; none: all of the module's.
	Packages []AdvisoryPackage `json:"packages,omitempty"`
}

// VersionRange is a range of versions, in semver with a leading v.
type VersionRange struct {
	Introduced   string `json:"introduced"`             // the first that has it; "" from the beginning
	Fixed        string `json:"fixed,omitempty"`        // the first that no longer has it
	LastAffected string `json:"lastAffected,omitempty"` // the last that has it; only without Fixed
}

// AdvisoryPackage is one package that has a vulnerability.
type AdvisoryPackage struct {
	Path    string   `json:"path"`
	Symbols []string `json:"symbols,omitempty"` // none: all of them
	GOOS    []string `json:"goos,omitempty"`    // none: on every system
	GOARCH  []string `json:"goarch,omitempty"`
}

// Affects reports whether a version has the vulnerability, and the first
// later one that has not, "" if there is none yet. A version that is no
// semver, such as a branch, is not judged.
func (a *Advisory) Affects(version string) (fixed string, affected bool) {
	v := strings.TrimSuffix(version, "+incompatible")
	if !semver.IsValid(v) {
		return "", false
	}
	if len(a.Ranges) == 0 {
		return "", true
	}
	for _, r := range a.Ranges {
		switch {
		case r.Introduced != "" && semver.Compare(v, r.Introduced) < 0,
			r.Fixed != "" && semver.Compare(v, r.Fixed) >= 0,
			r.Fixed == "" && r.LastAffected != "" && semver.Compare(v, r.LastAffected) > 0:
		default:
			return r.Fixed, true
		}
	}
	return "", false
}

// Names reports whether the vulnerability is known by this identifier.
func (a *Advisory) Names(id string) bool {
	if a.ID == id {
		return true
	}
	for _, x := range a.Aliases {
		if x == id {
			return true
		}
	}
	return false
}

// GoVersion gives a Go release as the semver that advisories for stdlib use:
// v1.22.3 for go1.22.3, v1.23.0-rc.1 for go1.23rc1. A minor release alone,
// such as 1.22, is no release: "".
func GoVersion(release string) string {
	s := strings.TrimPrefix(release, "go")
	s, _, _ = strings.Cut(s, "-") // go1.22.3-custom
	for _, pre := range []string{"rc", "beta"} {
		if head, n, ok := strings.Cut(s, pre); ok {
			s = head + ".0-" + pre + "." + n
			break
		}
	}
	if v := "v" + s; semver.IsValid(v) && semver.Canonical(v) == v {
		return v
	}
	return ""
}
