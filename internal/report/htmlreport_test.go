package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// hostile is what a repository could name its files to take over the page.
const hostile = `"></title></script><script>document.title="taken"</script><img src=x onerror=alert(1)>&'` + "\x00\x1b]8;;\u202e"

// said stands for a message that somebody else's file is part of.
func said(s string) i18n.Message { return i18n.M("check.note", s) }

// samplePage is a page with everything on it.
func samplePage() Page {
	at := func(file string, line int) fault.Pos { return fault.Pos{File: file, Line: line, Column: 3} }
	found := func(id string, s finding.Severity, pos fault.Pos, cost, since string, more ...fault.Pos) PageFinding {
		f := PageFinding{Cost: cost, Known: since != "", Since: since}
		f.ID, f.Severity, f.Pos, f.Entity = id, s, pos, id+" "+pos.File
		f.Message, f.Fix = said("message of "+id), said("mend "+id)
		for _, p := range more {
			f.Evidence = append(f.Evidence, finding.Evidence{Pos: p, Text: said("因为 this stands there")})
		}
		return f
	}
	list := []PageFinding{
		found("IMG001", finding.CannotStart, at("Dockerfile", 12), "automatic", "", at("Dockerfile", 10)),
		found("IMG004", finding.Security, at("Dockerfile", 10), "line", "2026-08-02"),
		found("ENV001", finding.Security, at("Dockerfile", 2), "line", "unknown"),
		found("GO001", finding.StopsBuild, at("Dockerfile", 1), "line", "", at("go.mod", 3)),
		found("WEB003", finding.FailsInProduction, at("cmd/orders/main.go", 20), "design", "2026-11-21"),
		found("K8S001", finding.FailsInProduction, at("deploy/orders.yaml", 9), "line", ""),
		found("CGO003", finding.Waste, at("Makefile", 4), "automatic", ""),
		found("XSS001", finding.Waste, at(hostile, 1), "design", ""),
		found("LIC001", finding.Waste, fault.Pos{}, "design", ""),
	}
	list[1].Advisory = true
	list[7].Message, list[7].Fix = said(hostile), said(hostile)
	p := Page{
		Name: "example.com/orders " + hostile, Version: "v1", When: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		Findings: list, RulesRun: 60, Files: 321, Ignored: 2, Baseline: true, Notes: []string{"deploy/x.yaml: " + hostile},
		Graph: Graph{
			Nodes: []GraphNode{
				{ColumnSource, "cmd/orders", "example.com/orders", []Span{{Dir: "cmd/orders"}, {File: "go.mod"}}},
				{ColumnBuild, "Dockerfile · build", "golang:1.26", []Span{{File: "Dockerfile", First: 1, Last: 9}}},
				{ColumnBuild, "make image", "Makefile", []Span{{File: "Makefile"}}},
				{ColumnRuntime, "scratch", "Dockerfile · " + strings.Repeat("averylongname", 9), []Span{{File: "Dockerfile", First: 10}}},
				{ColumnWorkload, "Deployment 订单服务", "deploy/orders.yaml", []Span{{File: "deploy/orders.yaml"}}},
				{ColumnWorkload, hostile, hostile, nil},
			},
			Edges: []GraphEdge{{0, 1}, {1, 3}, {2, 3}, {3, 4}, {3, 5}},
		},
	}
	for _, f := range list {
		r := PageRule{Bad: "RUN " + hostile, Good: "RUN true"}
		r.ID, r.Slug, r.Severity = f.ID, "slug", f.Severity
		r.Title, r.Why, r.Fix = said("title of "+f.ID), said("why"), said("how")
		p.Rules = append(p.Rules, r)
	}
	p.Rules = append(p.Rules, PageRule{SARIFRule: SARIFRule{ID: "TAG009", Title: said("unseen")}})
	return p
}

func written(t *testing.T, p Page, l i18n.Lang) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteText(&b, Style{Lang: l}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPageEscapes takes the page apart: only our own elements may
// be in it, whatever the files are called.
func TestPageEscapes(t *testing.T) {
	for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
		s := written(t, samplePage(), l)
		for _, own := range []string{"<script>" + pageScript + "</script>", "<style>" + pageStyle + "</style>"} {
			if strings.Count(s, own) != 1 {
				t.Error("the script or the style is not there to the byte, so its hash will not fit")
			}
			s = strings.Replace(s, own, "", 1)
		}
		counts := map[string]int{}
		d := xml.NewDecoder(strings.NewReader(s))
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			e, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			counts[e.Name.Local]++
			for _, a := range e.Attr {
				key := a.Name.Local
				if strings.HasPrefix(key, "on") || key == "style" {
					t.Errorf("<%s> has %s=%q", e.Name.Local, key, a.Value)
				}
				if (key == "href" || key == "src") && !strings.HasPrefix(a.Value, "#") && a.Value != "data:," {
					t.Errorf("<%s> leads to %q", e.Name.Local, a.Value)
				}
			}
		}
		if counts["script"] != 0 || counts["style"] != 0 || counts["img"] != 0 || counts["article"] != 9 {
			t.Errorf("%v", counts)
		}
		if regexp.MustCompile(`https?:|url\(|@import`).MatchString(strings.ReplaceAll(s, "http-equiv", "")) {
			t.Error("the page names something outside of itself")
		}
	}
}

func TestPageHoldsAll(t *testing.T) {
	en, zh := written(t, samplePage(), i18n.English), written(t, samplePage(), i18n.Chinese)
	if en != written(t, samplePage(), i18n.English) {
		t.Error("two pages of the same differ")
	}
	for _, want := range []string{
		"known for 111 d", "oldest 111 d", "known since today", ">new<", "message of IMG001", "Dockerfile:10:3", "mend IMG004",
		`id="rule-GO001"`, "why", `data-cost="automatic"`, `lang="en"`, "<b>321</b> files read", "cannot start, automatic: 1",
	} {
		if !strings.Contains(en, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, want := range []string{`lang="zh-CN"`, "已知 111 天", "需要设计", "无法启动", "运行环境"} {
		if !strings.Contains(zh, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(en, "unseen") {
		t.Error("a rule without findings is explained")
	}
	if empty := written(t, Page{Name: "x"}, i18n.English); !strings.Contains(empty, "Nothing was found.") || strings.Contains(empty, "<svg") {
		t.Errorf("an empty page: %s", empty)
	}
}

func TestGraphMarks(t *testing.T) {
	p := samplePage()
	marks := p.Graph.marks(p.Findings)
	for i, want := range []string{"3", "3", "1", "0 1", "0", "4", "2", "", ""} {
		if got := marks.of(i); got != want {
			t.Errorf("%s %s touches %q, want %q", p.Findings[i].ID, p.Findings[i].Pos, got, want)
		}
	}
	d := p.Graph.draw(p.Findings, marks, pageWords(i18n.English))
	if len(d.Boxes) != 6 || len(d.Lines) != 5 || len(d.Heads) != 4 {
		t.Fatalf("%d boxes, %d lines, %d heads", len(d.Boxes), len(d.Lines), len(d.Heads))
	}
	for _, b := range d.Boxes {
		if b.Node == 1 && (b.Severity != finding.StopsBuild || b.Count != 2) {
			t.Errorf("the build stage is marked %+v", b)
		}
	}
}

// TestGraphHasRoom: of too many nodes those with findings stay, and no two
// boxes share a place.
func TestGraphHasRoom(t *testing.T) {
	var g Graph
	for i := range 100 {
		g.Nodes = append(g.Nodes, GraphNode{Column: i % 2, Title: fmt.Sprint(i), Spans: []Span{{File: fmt.Sprint("f", i)}}})
		if i%2 == 1 {
			g.Edges = append(g.Edges, GraphEdge{i - 1, i}, GraphEdge{(i * 7) % 100 / 2 * 2, i})
		}
	}
	f := PageFinding{}
	f.Pos.File, f.Severity = "f99", finding.Waste
	list := []PageFinding{f}
	d := g.draw(list, g.marks(list), pageWords(i18n.English))
	if d.Omitted != 100-2*maxRows || len(d.Boxes) != 2*maxRows {
		t.Errorf("%d omitted, %d boxes", d.Omitted, len(d.Boxes))
	}
	seen, found := map[[2]int]bool{}, false
	for _, b := range d.Boxes {
		if seen[[2]int{b.X, b.Y}] || b.X+boxWidth > d.Width || b.Y+boxHeight > d.Height {
			t.Errorf("box %d at %d, %d", b.Node, b.X, b.Y)
		}
		seen[[2]int{b.X, b.Y}] = true
		found = found || b.Node == 99 && b.Count == 1
	}
	if !found {
		t.Error("the node with a finding is left out")
	}
}
