package verify

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"

	"github.com/slipway-build/slipway/internal/build"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/plan"
)

// Options say what subjects are judged against.
type Options struct {
	// Plan is what programs are held against, besides what a ship recorded;
	// nil: nothing.
	Plan *plan.Plan
	// Place is where programs of this disk are meant to run; nil: not said.
	Place *Place
}

// Judge looks at what was opened and gives the report.
func Judge(ctx context.Context, subjects []*Opened, o Options) (*Report, error) {
	r := &Report{SchemaVersion: SchemaVersion, Programs: []Program{}, Findings: []finding.Finding{}}
	for _, s := range subjects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.Subjects = append(r.Subjects, s.Subject)
		if o.Plan != nil && s.Plan == nil {
			s.Plan = o.Plan
		}
		for _, p := range s.Programs {
			s.judgePlanned(p)
			judgeProgram(p)
			if err := o.place(ctx, p); err != nil {
				return nil, err
			}
			p.At = len(r.Programs)
			r.Programs = append(r.Programs, p.Program)
			r.Findings = append(r.Findings, p.findings...)
		}
		for _, m := range s.Images {
			if len(subjects) > 1 {
				m.name(s.Name)
			}
			if err := m.judge(ctx, s); err != nil {
				return nil, err
			}
			for _, p := range m.Programs {
				if !p.shipped {
					p.named = m.revision() != ""
					p.record(m.said("version"))
					s.judgePlanned(p)
					judgeProgram(p)
				}
				p.At = len(r.Programs)
				r.Programs = append(r.Programs, p.Program)
				r.Findings = append(r.Findings, p.findings...)
			}
			r.Images = append(r.Images, m.Image)
		}
		r.Findings = append(r.Findings, s.findings...)
		r.Notes = append(r.Notes, s.notes...)
	}
	finding.Sort(r.Findings)
	return r, nil
}

// place says whether a program of this disk can start where it is meant to.
func (o *Options) place(ctx context.Context, p *OpenedProgram) error {
	if o.Place == nil {
		return nil
	}
	abs, err := filepath.Abs(p.Path)
	if err != nil {
		return err
	}
	v, found, err := judgePlace(ctx, o.Place, p, p.Name, filepath.ToSlash(filepath.Dir(abs)))
	if err != nil {
		return err
	}
	p.Base, p.findings = v, append(p.findings, found...)
	return nil
}

// name puts the subject before the names of an image and its programs, when
// there are others that could have the same.
func (m *OpenedImage) name(subject string) {
	m.Name = subject + " " + m.Platform
	for _, p := range m.Programs {
		p.Name = subject + " " + p.Name
	}
	if m.Started != nil {
		m.Image.Program = m.Started.Name
	}
}

// revision is the commit that the image says it was made from.
func (m *OpenedImage) revision() string {
	return m.said("revision")
}

// said is an annotation of the OCI image specification, or the label of the
// same name.
func (m *OpenedImage) said(what string) string {
	key := "org.opencontainers.image." + what
	return cmp.Or(m.Inspected.Annotations[key], m.Config.Labels[key])
}

// record keeps the version that something beside a program names together with
// its commit, unless the program names one.
func (p *OpenedProgram) record(version string) {
	if bi := p.file.Go; p.named && bi != nil && (bi.Main.Version == "" || bi.Main.Version == "(devel)") {
		p.Recorded = version
	}
}

// judgePlanned holds a program against the plan that says something of it.
func (o *Opened) judgePlanned(p *OpenedProgram) {
	if o.Plan == nil {
		return
	}
	if p.Planned == nil {
		p.Target, p.Planned = planned(o.Plan, p)
	}
	if p.Planned == nil {
		o.notes = append(o.notes, i18n.M("verify.unplanned", p.Name))
		return
	}
	p.named = o.Plan.Source.Revision != "" && !o.Plan.Source.Dirty || o.Plan.Source.Module != ""
	p.record(o.Plan.Version)
	for _, f := range build.Judge(*o.Plan, *p.Target, *p.Planned, p.file) {
		f.Entity = p.Name
		p.findings = append(p.findings, f)
	}
}

// planned finds what a plan says of a program: by platform, then by package
// or, for one that does not tell its package, by name.
func planned(pl *plan.Plan, p *OpenedProgram) (*plan.Target, *plan.Binary) {
	var target *plan.Target
	for i := range pl.Targets {
		t := &pl.Targets[i]
		if t.Platform.Arch != p.file.Arch || p.file.OS != "" && t.Platform.OS != p.file.OS {
			continue
		}
		for j := range t.Binaries {
			b := &t.Binaries[j]
			if p.file.Go != nil && p.file.Go.Path == b.Package {
				return t, b
			}
			if p.file.Go == nil && strings.EqualFold(filepath.Base(p.Name), b.Name) {
				return t, b
			}
		}
		target = t
	}
	// The only program of the platform's target is the one that was meant,
	// whatever it says of itself.
	if target != nil && len(target.Binaries) == 1 && strings.EqualFold(filepath.Base(p.Name), target.Binaries[0].Name) {
		return target, &target.Binaries[0]
	}
	return nil, nil
}
