package cli

import (
	"fmt"
	"path"
	"slices"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/report"
)

// manyPackages is from how many packages on a build is drawn with its module
// in their place.
const manyPackages = 4

// checkGraph draws the join: which package is compiled where, onto which base,
// and what runs it.
func checkGraph(r *facts.Repo) report.Graph {
	g := grapher{repo: r, at: map[string]int{}, joined: map[[2]int]bool{}}
	for _, b := range r.Builds() {
		if b.Module == nil {
			continue // of something else, as far as can be known
		}
		build := g.build(b)
		for _, n := range g.sources(b) {
			g.join(n, build)
		}
		if b.Runtime != nil && b.Docker != nil {
			g.join(build, g.stage(b.Docker, b.Runtime, report.ColumnRuntime))
		}
	}
	for _, p := range r.Packs() {
		// Only where a program of the repository is in it.
		if n, ok := g.at[stageKey(p.Docker, p.Stage, report.ColumnRuntime)]; ok {
			if p.Script != nil {
				g.join(g.script(p.Script, p.Pos), n)
			} else {
				g.join(g.job(p.Workflow, p.Job), n)
			}
		}
	}
	for _, run := range r.Runs() {
		switch {
		case run.Certain != facts.Yes || run.Build == nil && run.Stage == nil:
		case run.Docker != nil:
			g.join(g.stage(run.Docker, run.Stage, report.ColumnRuntime), g.workload(run.Manifest))
		case run.Build != nil: // ko
			ko := g.node("ko", report.GraphNode{Column: report.ColumnBuild, Title: "ko", Detail: run.Base.Pos.File})
			for _, n := range g.sources(*run.Build) {
				g.join(n, ko)
			}
			base := run.Base.Raw
			if base == "" {
				base = "ko"
			}
			on := g.node("ko "+base, report.GraphNode{Column: report.ColumnRuntime, Title: base, Detail: run.Base.Pos.File})
			g.join(ko, on)
			g.join(on, g.workload(run.Manifest))
		}
	}
	return g.out
}

// grapher collects the nodes, each of them once.
type grapher struct {
	repo   *facts.Repo
	out    report.Graph
	at     map[string]int
	joined map[[2]int]bool
}

func (g *grapher) node(key string, n report.GraphNode) int {
	i, ok := g.at[key]
	if !ok {
		i = len(g.out.Nodes)
		g.at[key] = i
		g.out.Nodes = append(g.out.Nodes, n)
	}
	return i
}

func (g *grapher) join(from, to int) {
	if e := [2]int{from, to}; !g.joined[e] {
		g.joined[e] = true
		g.out.Edges = append(g.out.Edges, report.GraphEdge{From: from, To: to})
	}
}

// sources are the packages a build compiles, or their module if they are many.
func (g *grapher) sources(b facts.Build) []int {
	mod := report.Span{File: path.Join(b.Module.Root, "go.mod")}
	if len(b.Packages) == 0 || len(b.Packages) >= manyPackages {
		detail := mod.File
		if n := len(b.Packages); n > 0 {
			detail = fmt.Sprintf("%s · %d ×", mod.File, n)
		}
		spans := []report.Span{mod, {File: path.Join(b.Module.Root, "go.sum")}}
		for _, d := range b.Packages {
			spans = append(spans, report.Span{Dir: d})
		}
		return []int{g.node(fmt.Sprint("module ", b.Module.Root, len(b.Packages)), report.GraphNode{Column: report.ColumnSource, Title: b.Module.Path, Detail: detail, Spans: spans})}
	}
	var out []int
	for _, d := range b.Packages {
		title := d
		if d == b.Module.Root {
			title = path.Base(b.Module.Path)
		}
		out = append(out, g.node("package "+d, report.GraphNode{Column: report.ColumnSource, Title: title, Detail: b.Module.Path, Spans: []report.Span{{Dir: d}, mod}}))
	}
	return out
}

// build is the place that compiles.
func (g *grapher) build(b facts.Build) int {
	switch {
	case b.Docker != nil && b.Stage != nil:
		return g.stage(b.Docker, b.Stage, report.ColumnBuild)
	case b.Workflow != nil && b.Job != nil:
		return g.job(b.Workflow, b.Job)
	case b.Script != nil:
		return g.script(b.Script, b.Go.Pos)
	case b.Release != nil:
		return g.node("release "+b.Release.Path+b.Release.ID.Value, report.GraphNode{
			Column: report.ColumnBuild, Title: b.Release.Tool + " " + b.Release.ID.Value, Detail: b.Release.Path,
			Spans: []report.Span{{File: b.Release.Path}},
		})
	}
	return g.node("where "+b.Where, report.GraphNode{Column: report.ColumnBuild, Title: b.Where})
}

func stageKey(d *facts.Dockerfile, s *facts.Stage, column int) string {
	return fmt.Sprint("stage ", column, " ", d.Path, " ", s.Index)
}

// stage is a stage as what compiles, or as what is run on its base.
func (g *grapher) stage(d *facts.Dockerfile, s *facts.Stage, column int) int {
	span := report.Span{File: d.Path, First: s.Pos.Line}
	if s.Index+1 < len(d.Stages) {
		span.Last = d.Stages[s.Index+1].Pos.Line - 1
	}
	name := s.Name
	if name == "" {
		name = fmt.Sprint(s.Index)
	}
	n := report.GraphNode{Column: column, Title: s.Base.Raw, Detail: name + " · " + d.Path, Spans: []report.Span{span}}
	if column == report.ColumnBuild {
		n.Title, n.Detail = d.Path, name+" · "+s.Base.Raw
	}
	return g.node(stageKey(d, s, column), n)
}

func (g *grapher) job(w *facts.Workflow, j *facts.Job) int {
	span := report.Span{File: w.Path, First: j.Pos.Line}
	for i := range w.Jobs {
		if at := w.Jobs[i].Pos.Line; at > span.First && (span.Last == 0 || at <= span.Last) {
			span.Last = at - 1
		}
	}
	return g.node("job "+w.Path+" "+j.ID, report.GraphNode{Column: report.ColumnBuild, Title: j.ID, Detail: w.Path, Spans: []report.Span{span}})
}

// script is the target of a makefile that the line belongs to, or the script.
func (g *grapher) script(s *facts.Script, at facts.Pos) int {
	target := ""
	span := report.Span{File: s.Path}
	for name, cs := range s.Targets {
		if !slices.ContainsFunc(cs, func(c facts.Command) bool { return c.Pos == at }) || target != "" && name > target {
			continue
		}
		target, span.First, span.Last = name, at.Line, at.Line
		for _, c := range cs {
			span.First, span.Last = min(span.First, c.Pos.Line), max(span.Last, c.Pos.Line)
		}
	}
	n := report.GraphNode{Column: report.ColumnBuild, Title: path.Base(s.Path), Detail: s.Path, Spans: []report.Span{span}}
	if target != "" {
		n.Title = "make " + target
	}
	return g.node("script "+s.Path+" "+target, n)
}

func (g *grapher) workload(m *facts.Manifest) int {
	span := report.Span{File: m.Path, First: m.Pos.Line}
	for i := range g.repo.Manifests {
		o := &g.repo.Manifests[i]
		if o.Path == m.Path && o.Pos.Line > span.First && (span.Last == 0 || o.Pos.Line <= span.Last) {
			span.Last = o.Pos.Line - 1
		}
	}
	return g.node(fmt.Sprint("workload ", m.Path, m.Pos.Line), report.GraphNode{
		Column: report.ColumnWorkload, Title: m.Kind + " " + m.Name.Value, Detail: m.Path, Spans: []report.Span{span},
	})
}
