package plan

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// asked is the fact that the user set a key.
func asked(key, value string) Fact {
	return Fact{Text: i18n.M("plan.fact.asked", key, value)}
}

// said is a fact that is no more than a sentence.
func said(text i18n.Message) Fact { return Fact{Text: text} }

// needFact says that a program needs something, and how sure that is.
func needFact(n facts.Need) Fact {
	switch {
	case n.Certainty == facts.Uses && n.More > 0:
		return Fact{n.Pos, i18n.M("plan.fact.uses.more", n.What, n.More)}
	case n.Certainty == facts.Uses:
		return Fact{n.Pos, i18n.M("plan.fact.uses", n.What)}
	case len(n.Chain) > 1:
		return Fact{n.Pos, i18n.M("plan.fact.may.chain", n.What, chain(n.Chain))}
	}
	return Fact{n.Pos, i18n.M("plan.fact.may", n.What)}
}

// needsOf gives the needs of one kind over several programs.
func needsOf(programs []facts.Program, kind facts.NeedKind) []facts.Need {
	var out []facts.Need
	for _, p := range programs {
		for _, n := range p.Needs {
			if n.Kind == kind {
				out = append(out, n)
			}
		}
	}
	return out
}

// needFacts gives one fact for each need, leaving out repetitions.
func needFacts(ns []facts.Need) []Fact {
	var out []Fact
	for _, n := range ns {
		f := needFact(n)
		if !slices.ContainsFunc(out, func(o Fact) bool { return o.Pos == f.Pos && equalMessage(o.Text, f.Text) }) {
			out = append(out, f)
		}
	}
	return out
}

// chain writes an import chain with the place of each import, cutting out the
// middle of a long one.
func chain(steps []facts.Step) string {
	const ends = 3
	var names []string
	for i, s := range steps {
		if len(steps) > 2*ends && i >= ends && i < len(steps)-ends {
			if i == ends {
				names = append(names, "…")
			}
			continue
		}
		name := s.Package
		if p := s.Pos.String(); p != "" {
			name += " (" + p + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, " → ")
}

func binaryDigit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// wrong is the error for a value of slipway.yaml that does not fit.
func wrong(key, value string, hint i18n.Message) *fault.Error {
	return fault.UsageError(i18n.M("plan.wrong", key, value), hint)
}

// wrongOneOf is wrong with the accepted values as its hint.
func wrongOneOf(key, value string, accepted []string) *fault.Error {
	if near := config.Nearest(value, accepted); near != "" {
		return wrong(key, value, i18n.M("plan.nearest", near))
	}
	return wrong(key, value, i18n.M("plan.oneof", strings.Join(accepted, ", ")))
}

// checkConfig refuses values outside the enumerations. Package config has
// done that for a file; a caller may have made its Config by hand.
func checkConfig(c config.Config) error {
	for _, x := range []struct {
		key, value string
		accepted   []string
	}{
		{"build.cgo", c.Build.CGO, []string{"auto", "on", "off"}},
		{"build.strip", c.Build.Strip, []string{"on", "off"}},
		{"build.debug", c.Build.Debug, []string{"on", "off"}},
		{"image.caRoots", c.Image.CARoots, []string{"auto", "on", "off"}},
		{"image.zones", c.Image.Zones, []string{"auto", "on", "off"}},
		{"image.temp", c.Image.Temp, []string{"auto", "on", "off"}},
		{"image.shell", c.Image.Shell, []string{"required"}},
		{"image.compression", c.Image.Compression, []string{"gzip", "zstd"}},
	} {
		if x.value != "" && !slices.Contains(x.accepted, x.value) {
			return wrongOneOf(x.key, x.value, x.accepted)
		}
	}
	if _, ok := quoteWord(c.Version); !ok || strings.TrimSpace(c.Version) != c.Version {
		return wrong("version", c.Version, i18n.M("plan.stamp.quote.hint"))
	}
	if c.Build.Strip == "off" && c.Build.Debug == "on" {
		return wrong("build.debug", "on", i18n.M("plan.debug.unstripped.hint"))
	}
	if c.Image.CARoots == "off" && c.Image.CABundle != "" {
		return wrong("image.caBundle", c.Image.CABundle, i18n.M("plan.roots.bundle.off.hint"))
	}
	return nil
}
