package plan

import (
	"go/version"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// fipsVersion is a release of the Go Cryptographic Module: v1.0.0, or with
// the hash that build info records, v1.0.0-c2097c7c.
var fipsVersion = regexp.MustCompile(`^(v[0-9]+\.[0-9]+)\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// decideFIPS settles GOFIPS140 (go.dev/doc/security/fips140).
func decideFIPS(c config.Config, toolchain string, subjects []subject) (string, Decision, error) {
	d := Decision{ID: "fips", Choice: "off", Why: i18n.M("plan.fips.off")}
	v := c.Build.FIPS
	if v == "" || v == "off" {
		return "off", d, nil
	}
	names := []string{"off", "latest", "certified", "inprocess"}
	if !slices.Contains(names, v) && !fipsVersion.MatchString(v) {
		return "", d, wrongOneOf("build.fips", v, names)
	}
	if version.IsValid(toolchain) && version.Compare(toolchain, "go1.24") < 0 {
		return "", d, fault.UsageError(i18n.M("plan.fips.old", v, toolchain), i18n.M("plan.fips.old.hint"))
	}
	if slices.Contains(c.Build.Tags, "purego") {
		return "", d, wrong("build.tags", "purego", i18n.M("plan.fips.purego.hint"))
	}
	for _, s := range subjects {
		if p := s.platform; noFIPS(p) {
			return "", d, fault.UsageError(i18n.M("plan.fips.target", p), i18n.M("plan.fips.target.hint"))
		}
	}
	d.Choice, d.Why = v, i18n.M("plan.fips.asked")
	d.Facts = []Fact{asked("build.fips", v), said(i18n.M("plan.fact.fips.runtime"))}
	d.reject("off", i18n.M("plan.fips.no.off"))
	return v, d, nil
}

// noFIPS are the platforms on which the module refuses to work
// (crypto/internal/fips140.Supported).
func noFIPS(p Platform) bool {
	return p.Arch == "wasm" || p.OS == "openbsd" || p.OS == "aix" || p.OS == "windows" && p.Arch == "386"
}

// fipsTag is the build tag the go command adds for a frozen module; known is
// false for a name behind which the version depends on the toolchain.
func fipsTag(v string) (tag string, known bool) {
	if m := fipsVersion.FindStringSubmatch(v); m != nil {
		return "fips140" + m[1], true
	}
	return "", v == "off" || v == "latest"
}

// fipsRecorded is what build info will say; "" if that cannot be known here.
func fipsRecorded(v string) string {
	if v == "latest" || strings.Contains(v, "-") {
		return v
	}
	return ""
}
