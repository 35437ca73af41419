package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// linking is what is linked the same way for every target.
type linking struct {
	strip, debug bool
	user         []linkFlag        // build.ldflags
	stamps       map[string]string // variable to value, as build.stamp names them; nil: those of each program
	auto         map[string]string // role to value
}

// decideLink settles symbol tables and stamps.
//
//	strip  debug | linker   files
//	on     off   | -s -w    the program
//	on     on    |          the program, stripped afterwards, and its DWARF beside it
//	off    off   |          the program with its symbol table and DWARF
func decideLink(p Plan, c config.Config, subjects []subject) (linking, []Decision, error) {
	l := linking{strip: c.Build.Strip != "off", debug: c.Build.Debug == "on"}
	var err *fault.Error
	if l.user, err = parseLinkFlags(c.Build.Ldflags); err != nil {
		return l, nil, err
	}
	strip := Decision{ID: "strip", Choice: "-s -w", Why: i18n.M("plan.strip.on")}
	switch {
	case l.debug:
		strip.Choice, strip.Why = "separate", i18n.M("plan.strip.separate")
		strip.Facts = []Fact{asked("build.debug", "on")}
		strip.reject("-s -w", i18n.M("plan.strip.no.dwarf"))
		for _, f := range l.user {
			if f.name == "s" || f.name == "w" {
				return l, nil, wrong("build.ldflags", "-"+f.name, i18n.M("plan.strip.debug.hint"))
			}
		}
	case !l.strip:
		strip.Choice, strip.Why = "off", i18n.M("plan.strip.off")
		strip.Facts = []Fact{asked("build.strip", "off")}
		strip.reject("-s -w", i18n.M("plan.strip.no.asked"))
	default:
		strip.reject("off", i18n.M("plan.strip.no.size"))
	}
	stamp, err := decideStamp(&l, p, c, subjects)
	if err != nil {
		return l, nil, err
	}
	return l, []Decision{strip, stamp}, nil
}

// decideStamp settles which variables the linker sets. Values come from the
// revision, never from a clock.
func decideStamp(l *linking, p Plan, c config.Config, subjects []subject) (Decision, *fault.Error) {
	d := Decision{ID: "stamp", Choice: "-", Why: i18n.M("plan.stamp.none")}
	l.auto = map[string]string{"version": p.Version, "commit": p.Source.Revision}
	if p.Source.Time != 0 {
		l.auto["date"] = timestamp(p.Source.Time)
	}
	seen := map[string]facts.Stamp{}
	for _, s := range subjects {
		for _, prog := range s.programs {
			for _, st := range prog.Stamps {
				seen[st.Var] = st
			}
		}
	}
	var list []string
	if len(c.Build.Stamp) > 0 {
		d.Why = i18n.M("plan.stamp.asked")
		l.stamps = map[string]string{}
		for _, v := range slices.Sorted(maps.Keys(c.Build.Stamp)) {
			value, err := stampValue(v, c.Build.Stamp[v], l.auto)
			if err != nil {
				return d, err
			}
			l.stamps[v] = value
			list = append(list, v+"="+value)
			d.Facts = append(d.Facts, asked("build.stamp."+v, c.Build.Stamp[v]))
			if st, ok := seen[v]; ok {
				d.Facts = append(d.Facts, Fact{st.Pos, i18n.M("plan.fact.stamp", v, st.Role)})
			}
		}
		for _, v := range slices.Sorted(maps.Keys(seen)) {
			if _, ok := l.stamps[v]; !ok {
				d.reject(v, i18n.M("plan.stamp.no.asked"))
			}
		}
	} else {
		for _, v := range slices.Sorted(maps.Keys(seen)) {
			st := seen[v]
			d.Facts = append(d.Facts, Fact{st.Pos, i18n.M("plan.fact.stamp", v, st.Role)})
			if value := l.auto[st.Role]; value != "" {
				list = append(list, v+"="+value)
			} else {
				d.reject(v, i18n.M("plan.stamp.no.value", st.Role))
			}
		}
		if list != nil {
			d.Why = i18n.M("plan.stamp.auto")
		}
	}
	if list != nil {
		d.Choice = strings.Join(list, ", ")
	}
	return d, nil
}

// stampValue fills in {version}, {commit} and {date}.
func stampValue(name, template string, values map[string]string) (string, *fault.Error) {
	key := "build.stamp." + name
	if dot := strings.LastIndexByte(name, '.'); dot <= 0 || dot < strings.LastIndexByte(name, '/') || dot == len(name)-1 || strings.ContainsAny(name, "= \t\n'\"") {
		return "", wrong("build.stamp", name, i18n.M("plan.stamp.var.hint"))
	}
	var b strings.Builder
	for rest := template; ; {
		before, after, open := strings.Cut(rest, "{")
		b.WriteString(before)
		if !open {
			break
		}
		role, tail, closed := strings.Cut(after, "}")
		if !closed || !slices.Contains([]string{"version", "commit", "date"}, role) {
			return "", wrong(key, template, i18n.M("plan.stamp.placeholder.hint"))
		}
		if values[role] == "" {
			return "", wrong(key, template, i18n.M("plan.stamp.unknown.hint", role))
		}
		b.WriteString(values[role])
		rest = tail
	}
	if _, ok := quoteWord(name + "=" + b.String()); !ok {
		return "", wrong(key, template, i18n.M("plan.stamp.quote.hint"))
	}
	return b.String(), nil
}

// stampFlags gives the -X words for one program. The linker knows the main
// package by the name main, whatever its import path is.
func (l linking) stampFlags(prog facts.Program) []string {
	values := l.stamps
	if values == nil {
		values = map[string]string{}
		for _, st := range prog.Stamps {
			if v := l.auto[st.Role]; v != "" {
				values[st.Var] = v
			}
		}
	}
	var out []string
	for _, v := range slices.Sorted(maps.Keys(values)) {
		name := v
		if dot := strings.LastIndexByte(v, '.'); v[:dot] == prog.Package {
			name = "main" + v[dot:]
		}
		out = append(out, "-X", name+"="+values[v])
	}
	return out
}

// decideLinkage settles what kind of file comes out of one program and, with
// that, its linker flags.
//
//	target      cgo  C compiler, C code                 | linkage
//	not linux   any                                     | native
//	linux       off                                     | static
//	linux       on   no linked package uses C           | static
//	linux       on   musl                               | static: -linkmode external -extldflags -static
//	linux       on   glibc, the user links it static    | static
//	linux       on   glibc                              | dynamic
func decideLinkage(c config.Config, s subject, prog facts.Program, l linking, tags []string) (Linkage, []string, []Decision, error) {
	d := Decision{ID: "linkage"}
	ld := Decision{ID: "ldflags", Why: i18n.M("plan.ldflags.sum")}
	var words []string
	if l.strip && !l.debug {
		words = append(words, "-s", "-w")
	}
	words = append(words, l.stampFlags(prog)...)

	std := stdC(prog, tags)
	uses := len(prog.Cgo)+len(std) > 0
	musl := s.platform.OS == "linux" && s.cgo && uses && s.compiler.Musl
	external, static := false, false
	var extld []string
	for _, f := range l.user {
		switch {
		case (f.name == "s" || f.name == "w") && l.strip:
		case f.name == "linkmode" && f.value == "external" && !s.cgo:
			return "", nil, nil, wrong("build.ldflags", strings.Join(f.words, " "), i18n.M("plan.ldflags.external.hint"))
		case f.name == "extldflags" && !s.cgo:
			ld.reject(strings.Join(f.words, " "), i18n.M("plan.ldflags.no.extld"))
		case f.name == "extldflags" && musl:
			extld = append(extld, f.value) // the linker obeys the last one only
		default:
			external = external || f.name == "linkmode" && f.value == "external"
			static = static || f.name == "extldflags" && slices.Contains(strings.Fields(f.value), "-static")
			words = append(words, f.words...)
		}
	}
	switch {
	case s.platform.OS != "linux":
		d.Choice, d.Why = string(Native), i18n.M("plan.linkage.native", s.platform.OS)
	case !s.cgo:
		d.Choice, d.Why = string(Static), i18n.M("plan.linkage.nocgo")
		d.reject("-buildmode=pie", i18n.M("plan.linkage.no.pie"))
	case !uses:
		d.Choice, d.Why = string(Static), i18n.M("plan.linkage.noc")
		d.reject(string(Dynamic), i18n.M("plan.linkage.no.nothing"))
	case musl:
		d.Choice, d.Why = string(Static), i18n.M("plan.linkage.musl")
		if !slices.Contains(strings.Fields(strings.Join(extld, " ")), "-static") {
			extld = append([]string{"-static"}, extld...)
		}
		if !external {
			words = append(words, "-linkmode", "external")
		}
		words = append(words, "-extldflags", strings.Join(extld, " "))
		d.Facts = append(d.Facts, compilerFact(s.compiler))
		d.reject(string(Dynamic), i18n.M("plan.linkage.no.musl"))
	case static && (external || len(prog.Cgo) > 0):
		d.Choice, d.Why = string(Static), i18n.M("plan.linkage.asked")
		d.Facts = append(d.Facts, asked("build.ldflags", strings.Join(c.Build.Ldflags, " ")))
		if len(std) > 0 {
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.nss")))
		}
	default:
		d.Choice, d.Why = string(Dynamic), i18n.M("plan.linkage.glibc")
		d.Facts = append(d.Facts, compilerFact(s.compiler))
		for _, cg := range prog.Cgo {
			d.Facts = append(d.Facts, cgoFact(cg))
		}
		if len(prog.Cgo) == 0 {
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.stdcgo.on", strings.Join(std, ", "))))
		}
		if static {
			d.Facts = append(d.Facts, said(i18n.M("plan.fact.static.noop")))
		}
		d.reject(string(Static), i18n.M("plan.linkage.no.glibc"))
	}
	flags, ok := joinQuoted(words)
	if !ok {
		return "", nil, nil, wrong("build.ldflags", strings.Join(c.Build.Ldflags, " "), i18n.M("plan.ldflags.quote.hint"))
	}
	if len(c.Build.Ldflags) > 0 {
		ld.Facts = append(ld.Facts, asked("build.ldflags", strings.Join(c.Build.Ldflags, " ")))
	}
	ld.Choice = cmp.Or(flags, "-")
	return Linkage(d.Choice), words, []Decision{d, ld}, nil
}

// stdC gives the packages of the standard library that, linked with cgo on,
// bring C along. The tags netgo and osusergo take it out of net and os/user.
func stdC(prog facts.Program, tags []string) []string {
	var out []string
	for _, pkg := range prog.StdCgo {
		if pkg == "plugin" || pkg == "net" && !slices.Contains(tags, "netgo") || pkg == "os/user" && !slices.Contains(tags, "osusergo") {
			out = append(out, pkg)
		}
	}
	return out
}
