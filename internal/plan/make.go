package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// NeedFacts is the error of Make when the package graph of some targets has
// not been read in the way the plan turned out to need it. The caller reads
// it and calls Make again.
type NeedFacts struct {
	Targets []Platform
	CgoOn   bool // the value of CGO_ENABLED to read the graph with
}

func (e *NeedFacts) Error() string {
	names := make([]string, len(e.Targets))
	for i, p := range e.Targets {
		names[i] = p.String()
	}
	return fmt.Sprintf("the package graph of %s is not known with CGO_ENABLED=%s", strings.Join(names, ", "), binaryDigit(e.CgoOn))
}

// subject is one target on its way to a plan.
type subject struct {
	platform Platform
	programs []facts.Program // the graph the build will see, sorted by package
	cgo      bool
	compiler facts.Compiler // zero without cgo
}

// Make decides everything about a build from what is known of the program and
// what the user asked for. It gives a *fault.Error for what only the user can
// settle, and a *NeedFacts when more has to be read first.
func Make(f facts.Facts, c config.Config) (Plan, error) {
	if err := checkConfig(c); err != nil {
		return Plan{}, err
	}
	m := maker{f: f, c: c, p: Plan{SchemaVersion: SchemaVersion, Module: f.Module.Path}}
	if err := m.all(); err != nil {
		return Plan{}, err
	}
	m.p.Decisions = merge(m.ds)
	return m.p, nil
}

// maker carries what several decisions share. The decisions themselves are
// functions of their inputs; see the files named after them.
type maker struct {
	f  facts.Facts
	c  config.Config
	p  Plan
	ds []Decision
}

func (m *maker) add(ds ...Decision) { m.ds = append(m.ds, ds...) }

// addFor records decisions of one target.
func (m *maker) addFor(p Platform, ds ...Decision) {
	for _, d := range ds {
		d.Target = p.String()
		m.add(d)
	}
}

func (m *maker) all() error {
	version, d := decideVersion(m.f, m.c)
	m.add(d)
	m.p.Version = version
	var ds []Decision
	m.p.Source, ds = decideSource(m.f)
	m.add(ds...)

	toolchain, d, err := decideToolchain(m.f, m.c)
	if err != nil {
		return err
	}
	m.add(d)
	m.p.Toolchain = toolchain

	subjects, err := m.subjects()
	if err != nil {
		return err
	}
	names, d, err := decidePrograms(subjects, m.c)
	if err != nil {
		return err
	}
	m.add(d)

	fips, d, err := decideFIPS(m.c, toolchain, subjects)
	if err != nil {
		return err
	}
	m.add(d)
	tags, d, err := decideTags(m.c, subjects)
	if err != nil {
		return err
	}
	m.add(d)
	flags, ds, err := decideFlags(m.f, m.c, toolchain)
	if err != nil {
		return err
	}
	m.add(ds...)
	link, ds, err := decideLink(m.p, m.c, subjects)
	if err != nil {
		return err
	}
	m.add(ds...)

	for _, s := range subjects {
		t := Target{Platform: s.platform}
		for _, prog := range s.programs {
			b := Binary{
				Package: prog.Package, Dir: prog.Dir, Name: fileName(names[prog.Package], s.platform),
				Strip: link.strip, Debug: link.debug, Needs: needKinds(prog),
				Env: Recipe(m.f, m.c, s.platform, toolchain, s.cgo),
			}
			var ld []string
			var ds []Decision
			if b.Linkage, ld, ds, err = decideLinkage(m.c, s, prog, link, tags); err != nil {
				return err
			}
			// Programs of one target differ in linkage only where one of them
			// has no C at all; saying it once per program would drown it.
			for _, d := range ds {
				if !slices.ContainsFunc(m.ds, func(o Decision) bool {
					return o.ID == d.ID && o.Target == s.platform.String() && o.Choice == d.Choice
				}) {
					m.addFor(s.platform, d)
				}
			}
			b.Args = arguments(flags, tags, ld)
			b.Expect = expectations(b, tags, fips, toolchain)
			t.Binaries = append(t.Binaries, b)
		}
		if err := m.image(&t, s, names); err != nil {
			return err
		}
		m.p.Targets = append(m.p.Targets, t)
	}
	return nil
}

// subjects decides targets and cgo together: without a word from the user,
// the targets are those a C compiler can be had for.
func (m *maker) subjects() ([]subject, error) {
	platforms, td, err := decideTargets(m.f, m.c)
	if err != nil {
		return nil, err
	}
	var out []subject
	var cgo []Decision
	var missing [2]NeedFacts // by cgo
	var noCompiler *fault.Error
	for _, p := range platforms {
		off, on := programsOf(m.f, p, false), programsOf(m.f, p, true)
		if off == nil && on == nil {
			want := m.c.Build.CGO == "on"
			missing[index(want)].Targets = append(missing[index(want)].Targets, p)
			continue
		}
		s := subject{platform: p}
		var d Decision
		s.cgo, d, err = decideCgo(m.c, p, off, on)
		if err != nil {
			return nil, err
		}
		if s.cgo {
			var ok bool
			if s.compiler, ok = compilerFor(m.f, m.c, p); !ok {
				e := needsCompiler(p, off, on)
				if len(m.c.Targets) > 0 {
					return nil, e
				}
				if noCompiler == nil {
					noCompiler = e
				}
				td.Rejected = append(td.Rejected, Alternative{p.String(), i18n.M("plan.targets.no.compiler")})
				continue
			}
			d.Facts = append(d.Facts, compilerFact(s.compiler))
		}
		d.Target = p.String()
		cgo = append(cgo, d)
		s.programs = off
		if s.cgo {
			s.programs = on
		}
		if s.programs == nil {
			missing[index(s.cgo)].Targets = append(missing[index(s.cgo)].Targets, p)
			continue
		}
		out = append(out, s)
	}
	for i := range missing {
		if missing[i].Targets != nil {
			missing[i].CgoOn = i == 1
			return nil, &missing[i]
		}
	}
	if len(out) == 0 && noCompiler != nil {
		return nil, noCompiler
	}
	if len(m.c.Targets) == 0 && slices.ContainsFunc(out, func(s subject) bool { return s.cgo }) {
		// The host's own compiler is the one most likely to work.
		slices.SortStableFunc(out, func(a, b subject) int {
			return cmp.Compare(hostRank(m.f, a.platform), hostRank(m.f, b.platform))
		})
	}
	names := make([]string, len(out))
	for i, s := range out {
		names[i] = s.platform.String()
	}
	td.Choice = strings.Join(names, ", ")
	m.add(td)
	m.add(cgo...)
	return out, nil
}

func index(on bool) int {
	if on {
		return 1
	}
	return 0
}

// programsOf gives the programs read for p with cgo on or off, sorted by
// package; nil if there are none. A graph read without the variant serves a
// target with one when nothing better is known.
func programsOf(f facts.Facts, p Platform, cgo bool) []facts.Program {
	var exact, near []facts.Program
	for _, prog := range f.Programs {
		switch {
		case prog.CgoOn != cgo:
		case prog.Target == p.String():
			exact = append(exact, prog)
		case prog.Target == p.OS+"/"+p.Arch:
			near = append(near, prog)
		}
	}
	if exact == nil {
		exact = near
	}
	slices.SortStableFunc(exact, func(a, b facts.Program) int { return cmp.Compare(a.Package, b.Package) })
	return slices.CompactFunc(exact, func(a, b facts.Program) bool { return a.Package == b.Package })
}

func needKinds(p facts.Program) []facts.NeedKind {
	var ks []facts.NeedKind
	for _, n := range p.Needs {
		ks = append(ks, n.Kind)
	}
	slices.Sort(ks)
	return slices.Compact(ks)
}

// merge folds decisions that came out the same, for the same reasons, wherever
// they had to be made into one without a target, and puts those of one ID
// side by side.
func merge(ds []Decision) []Decision {
	var out []Decision
	for i, d := range ds {
		asked, same, first := 0, 0, true
		for j, o := range ds {
			if o.ID == d.ID {
				asked++
			}
			if equalButTarget(d, o) {
				same++
				first = first && j >= i
			}
		}
		if same == asked {
			if !first {
				continue
			}
			d.Target = ""
		}
		out = append(out, d)
	}
	order := map[string]int{}
	for i, d := range out {
		if _, ok := order[d.ID]; !ok {
			order[d.ID] = i
		}
	}
	slices.SortStableFunc(out, func(a, b Decision) int { return cmp.Compare(order[a.ID], order[b.ID]) })
	return out
}

func equalButTarget(a, b Decision) bool {
	return a.ID == b.ID && a.Choice == b.Choice && equalMessage(a.Why, b.Why) &&
		slices.EqualFunc(a.Facts, b.Facts, func(x, y Fact) bool { return x.Pos == y.Pos && equalMessage(x.Text, y.Text) }) &&
		slices.EqualFunc(a.Rejected, b.Rejected, func(x, y Alternative) bool { return x.Choice == y.Choice && equalMessage(x.Why, y.Why) })
}

func equalMessage(a, b i18n.Message) bool { return a.ID == b.ID && slices.Equal(a.Args, b.Args) }
