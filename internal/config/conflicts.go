package config

import (
	"slices"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// conflicts refuses settings that cannot both be meant, whatever the project
// is. What depends on the project is for package plan to refuse.
func (s *Settings) conflicts() error {
	c := s.Config
	hc := c.Image.Healthcheck
	own := c.Image.Base == "assembled" || c.Image.Base == "closure"
	for _, x := range []struct {
		both bool
		a, b string // the key that gives way is named first
		why  i18n.Message
	}{
		{c.Image.Base == "closure" && c.Build.CGO == "off", "image.base", "build.cgo", i18n.M("config.conflict.closure")},
		{own && c.Image.Shell == "required", "image.shell", "image.base", i18n.M("config.conflict.shell")},
		{c.Image.CARoots == "off" && c.Image.CABundle != "", "image.caBundle", "image.caRoots", i18n.M("config.conflict.caBundle")},
		{c.Build.Strip == "off" && c.Build.Debug == "on", "build.debug", "build.strip", i18n.M("config.conflict.debug")},
		{hc.Cmd == nil && hc.Interval != "", "image.healthcheck.interval", "image.healthcheck.cmd", i18n.M("config.conflict.healthcheck")},
		{hc.Cmd == nil && hc.Timeout != "", "image.healthcheck.timeout", "image.healthcheck.cmd", i18n.M("config.conflict.healthcheck")},
		{hc.Cmd == nil && hc.StartPeriod != "", "image.healthcheck.startPeriod", "image.healthcheck.cmd", i18n.M("config.conflict.healthcheck")},
		{hc.Cmd == nil && hc.Retries != 0, "image.healthcheck.retries", "image.healthcheck.cmd", i18n.M("config.conflict.healthcheck")},
		{both(c.Check.Licenses.Allow, c.Check.Licenses.Deny), "check.licenses.allow", "check.licenses.deny", i18n.M("config.conflict.licenses")},
	} {
		if x.both {
			a, b := s.Origins[x.a], s.Origins[x.b]
			err := fault.UsageError(i18n.M("config.conflict", s.name(x.a), s.name(x.b)), x.why)
			err.Pos = a.Pos
			if err.Pos.File == "" {
				err.Pos = b.Pos
			}
			return err
		}
	}
	return nil
}

// name is how the user set a key: --cgo, SLIPWAY_BUILD_CGO or build.cgo.
func (s *Settings) name(path string) string {
	if o := s.Origins[path]; o.Name != "" {
		return o.Name
	}
	return path
}

// both reports whether a text stands in a and in b.
func both(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
