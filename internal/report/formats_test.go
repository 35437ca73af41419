package report

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

func judged() []finding.Finding {
	text := func(s string) i18n.Message { return i18n.M("report.failure", s) }
	at := func(file string, line, column int) fault.Pos {
		return fault.Pos{File: file, Line: line, Column: column}
	}
	return []finding.Finding{
		{ID: "ENV001", Severity: finding.Security, Pos: at("a b/Dockerfile", 2, 5), Entity: "x", Message: text("100% wrong"), Fix: text("mend\nit"),
			Evidence: []finding.Evidence{{Pos: at("go.mod", 3, 0), Text: text("because")}}},
		{ID: "ENV001", Severity: finding.Security, Pos: at("a b/Dockerfile", 9, 5), Entity: "x", Message: text("again")},
		{ID: "TAG001", Severity: finding.Waste, Pos: at("c,d:e", 0, 0), Entity: "y", Message: text("less"), Advisory: true},
	}
}

func TestAnnotations(t *testing.T) {
	var b bytes.Buffer
	a := Annotations{List: judged(), Below: "sub", Counts: func(f finding.Finding) bool { return f.Pos.Line == 2 }}
	if err := a.WriteText(&b, Style{Lang: i18n.English}); err != nil {
		t.Fatal(err)
	}
	want := `::error file=sub/a b/Dockerfile,line=2,col=5,title=ENV001::100%25 wrong%0Ago.mod:3 because%0Amend%0Ait
::warning file=sub/a b/Dockerfile,line=9,col=5,title=ENV001::again
::notice file=sub/c%2Cd%3Ae,title=TAG001::less
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestFindingsAreGroupedByFile(t *testing.T) {
	var b bytes.Buffer
	f := Findings{List: judged(), Notes: []i18n.Message{i18n.M("report.failure", "three")}}
	if err := f.WriteText(&b, Style{Lang: i18n.English}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"a b/Dockerfile\na b/Dockerfile:2:5 ENV001 security 100% wrong\n  go.mod:3 because\n  fix: mend\nit\n", "TAG001 waste (advice) less"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Count(text, "a b/Dockerfile\n") != 1 || !strings.HasSuffix(text, "\nthree\n") {
		t.Errorf("got\n%s", text)
	}
}

// TestSARIF holds the log against what the schema of SARIF 2.1.0 asks for of
// the parts that are used, and what GitHub's code scanning needs beyond it.
func TestSARIF(t *testing.T) {
	var b bytes.Buffer
	x := SARIF{Version: "v1.0.0", List: judged(), Below: "sub", Rules: []SARIFRule{
		{ID: "ENV001", Slug: "sumdb-off", Severity: finding.Security, Title: i18n.M("report.failure", "t"), Why: i18n.M("report.failure", "w"), Fix: i18n.M("report.failure", "f")},
		{ID: "TAG001", Slug: "tags", Severity: finding.Waste, Title: i18n.M("report.failure", "t"), Why: i18n.M("report.failure", "w"), Fix: i18n.M("report.failure", "f")},
	}}
	if err := x.WriteText(&b, Style{Lang: i18n.English}); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID                   string
						ShortDescription     struct{ Text string }
						FullDescription      struct{ Text string }
						DefaultConfiguration struct{ Level string }
					}
				}
			}
			ColumnKind string
			Results    []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine, StartColumn int }
					}
				}
				RelatedLocations    []struct{ Message struct{ Text string } }
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || log.Schema == "" || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name != "slipway" || log.Runs[0].ColumnKind != "unicodeCodePoints" {
		t.Fatalf("got %+v", log)
	}
	run := log.Runs[0]
	level := regexp.MustCompile("^(none|note|warning|error)$")
	for _, r := range run.Tool.Driver.Rules {
		if r.ID == "" || r.ShortDescription.Text == "" || r.FullDescription.Text == "" || !level.MatchString(r.DefaultConfiguration.Level) {
			t.Errorf("rule %+v", r)
		}
	}
	prints := map[string]bool{}
	for i, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || !level.MatchString(r.Level) || r.Message.Text == "" || len(r.Locations) != 1 {
			t.Errorf("result %d: %+v", i, r)
		}
		for _, p := range r.PartialFingerprints {
			prints[p] = true
		}
	}
	if len(run.Results) != 3 || len(prints) != 3 {
		t.Errorf("%d results with %d fingerprints", len(run.Results), len(prints))
	}
	first, last := run.Results[0], run.Results[2]
	if loc := first.Locations[0].PhysicalLocation; loc.ArtifactLocation.URI != "sub/a%20b/Dockerfile" || loc.Region == nil || loc.Region.StartLine != 2 || loc.Region.StartColumn != 5 {
		t.Errorf("the first is at %+v", loc)
	}
	if len(first.RelatedLocations) != 1 || first.RelatedLocations[0].Message.Text != "because" {
		t.Errorf("the first rests on %+v", first.RelatedLocations)
	}
	if last.Level != "note" || last.Locations[0].PhysicalLocation.Region != nil {
		t.Errorf("the last is %+v", last)
	}
	// An edit above a finding does not make it another.
	x.List[0].Pos.Line = 77
	var moved bytes.Buffer
	if err := x.WriteText(&moved, Style{Lang: i18n.English}); err != nil {
		t.Fatal(err)
	}
	for p := range prints {
		if !strings.Contains(moved.String(), p) {
			t.Errorf("fingerprint %s is gone after an edit", p)
		}
	}
}
