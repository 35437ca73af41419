package report

import (
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Page is a check as one HTML file that needs nothing else: no server, no
// net, no other file. Everything is in it as markup, so that it can be read
// and printed without its script; the script only filters. The page's own
// policy (Content-Security-Policy) lets nothing run but that script, known by
// its hash, so that not even a mistake in escaping could run a file's text.
type Page struct {
	Name     string    // of the repository
	Version  string    // of slipway
	When     time.Time // now; ages are counted up to it
	Findings []PageFinding
	Rules    []PageRule // of which only those with findings are shown
	RulesRun int
	Files    int
	Ignored  int      // findings that a comment silences
	Baseline bool     // there is one: what it does not hold is new
	Notes    []string // what could not be read or known
	Graph    Graph
}

// PageFinding is a finding with what the page says beside it.
type PageFinding struct {
	finding.Finding
	Cost  string // one of costs
	Known bool   // the baseline holds it
	Since string // day since when, 2006-01-02; "" not known
}

// PageRule is what the page says about a rule.
type PageRule struct {
	SARIFRule
	Bad, Good string // example lines
}

var (
	//go:embed html/page.html
	pageText string
	//go:embed html/page.css
	pageStyle string
	//go:embed html/page.js
	pageScript string
)

// severities and costs are the board's rows and columns, in order.
var (
	severities = []finding.Severity{finding.StopsBuild, finding.CannotStart, finding.FailsInProduction, finding.Security, finding.Waste}
	costs      = []string{"automatic", "line", "design"}
)

type pageView struct {
	Page
	Lang   i18n.Lang
	Words  map[string]string
	Policy string
	CSS    template.CSS
	JS     template.JS
	Date   string

	Tiles    []pageTile
	Board    []boardRow
	Costs    []pageChoice
	Families []pageChoice
	IDs      []pageChoice
	Groups   []pageGroup
	Shown    []pageRuleText
	Drawing  *drawing
	New, Old int
}

type pageTile struct {
	Severity finding.Severity
	Word     string
	Count    int
}

type pageChoice struct {
	Value, Word string
	Count       int
}

type pageGroup struct {
	Key   string // its path as it is
	File  string // as it is shown
	Items []pageItem
}

type pageItem struct {
	PageFinding
	Key      string // anchor
	Family   string
	Nodes    string // of the graph, by number, with spaces between
	Search   string // what the text filter looks at, lower case
	Where    string
	Says     string
	FixText  string
	Age      string
	Word     string // severity
	CostWord string
	Chain    []pageLink
}

type pageLink struct{ Where, Text string }

type pageRuleText struct {
	ID, Slug, Word, Title, Why, Fix, Bad, Good string
	Severity                                   finding.Severity
}

// WriteText writes the page.
func (p Page) WriteText(w io.Writer, s Style) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("parse page: %w", err)
	}
	if err := t.Execute(w, p.view(s.Lang)); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func (p Page) view(l i18n.Lang) pageView {
	words := pageWords(l)
	v := pageView{
		Page: p, Lang: l, Words: words, CSS: template.CSS(pageStyle), JS: template.JS(pageScript),
		Policy: "default-src 'none'; img-src data:; style-src " + policyHash(pageStyle) + "; script-src " + policyHash(pageScript) + "; base-uri 'none'; form-action 'none'",
		Date:   p.When.Format("2006-01-02 15:04"),
	}
	v.Name, v.Notes = clean(p.Name), nil
	for _, n := range p.Notes {
		v.Notes = append(v.Notes, clean(n))
	}
	if l == i18n.Chinese {
		v.Lang = "zh-CN"
	}
	list := slices.Clone(p.Findings)
	slices.SortStableFunc(list, func(a, b PageFinding) int { return strings.Compare(a.Pos.File, b.Pos.File) })
	nodes := p.Graph.marks(list)
	families, ids := map[string]int{}, map[string]int{}
	for i, f := range list {
		it := p.item(i, f, l, words)
		it.Nodes = nodes.of(i)
		families[it.Family]++
		ids[f.ID]++
		if f.Known {
			v.Old++
		} else {
			v.New++
		}
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Key != f.Pos.File {
			v.Groups = append(v.Groups, pageGroup{Key: f.Pos.File, File: clean(f.Pos.File)})
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Items = append(g.Items, it)
	}
	for _, s := range severities {
		tile := pageTile{s, words["severity."+string(s)], 0}
		for _, f := range list {
			if f.Severity == s {
				tile.Count++
			}
		}
		v.Tiles = append(v.Tiles, tile)
	}
	for _, c := range costs {
		v.Costs = append(v.Costs, pageChoice{Value: c, Word: words["cost."+c]})
	}
	v.Families, v.IDs = choices(families), choices(ids)
	v.Board = p.board(list, l, words)
	v.Drawing = p.Graph.draw(list, nodes, words)
	for _, r := range p.Rules {
		if ids[r.ID] > 0 {
			v.Shown = append(v.Shown, pageRuleText{
				ID: r.ID, Slug: r.Slug, Word: words["severity."+string(r.Severity)], Severity: r.Severity,
				Title: r.Title.In(l), Why: r.Why.In(l), Fix: r.Fix.In(l), Bad: clean(r.Bad), Good: clean(r.Good),
			})
		}
	}
	return v
}

func (p Page) item(i int, f PageFinding, l i18n.Lang, words map[string]string) pageItem {
	it := pageItem{
		PageFinding: f, Key: fmt.Sprintf("f%d", i), Family: strings.TrimRight(f.ID, "0123456789"),
		Where: clean(f.Pos.String()), Says: clean(f.Message.In(l)), FixText: clean(f.Fix.In(l)), Age: p.age(f, l),
		Word: words["severity."+string(f.Severity)], CostWord: words["cost."+f.Cost],
	}
	search := []string{f.ID, clean(f.Pos.File), it.Says, clean(f.Entity)}
	for _, e := range f.Evidence {
		link := pageLink{clean(e.Pos.String()), clean(e.Text.In(l))}
		it.Chain = append(it.Chain, link)
		search = append(search, link.Where, link.Text)
	}
	it.Search = strings.ToLower(strings.Join(search, "\n"))
	return it
}

// age says for how long a finding has been put up with.
func (p Page) age(f PageFinding, l i18n.Lang) string {
	if !f.Known {
		if p.Baseline {
			return i18n.M("html.age.new").In(l)
		}
		return ""
	}
	if days, ok := f.days(p.When); ok && days == 0 {
		return i18n.M("html.age.today").In(l)
	} else if ok {
		return i18n.M("html.age.days", days).In(l)
	}
	return i18n.M("html.age.unknown").In(l)
}

// days is how long ago the finding was first put up with.
func (f PageFinding) days(now time.Time) (int, bool) {
	t, err := time.ParseInLocation(time.DateOnly, f.Since, now.Location())
	if !f.Known || err != nil {
		return 0, false
	}
	return max(0, int(now.Sub(t).Hours()/24)), true
}

func choices(counts map[string]int) []pageChoice {
	var out []pageChoice
	for v, n := range counts {
		out = append(out, pageChoice{Value: v, Word: v, Count: n})
	}
	slices.SortFunc(out, func(a, b pageChoice) int { return strings.Compare(a.Value, b.Value) })
	return out
}

// policyHash names an inline script or style in a Content-Security-Policy
// (Content Security Policy Level 3, section 2.3.1).
func policyHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
