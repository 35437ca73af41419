package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

func sampleVerify() VerifyPage {
	f := finding.Finding{
		ID: "BIN018", Severity: finding.CannotStart, Entity: "linux/amd64:/app " + hostile, Message: said(hostile), Fix: said(hostile),
		Evidence: []finding.Evidence{{Text: said("因为 " + hostile)}},
	}
	advice := f
	advice.ID, advice.Severity, advice.Advisory = "BIN037", finding.Waste, true
	return VerifyPage{
		Name: "oci:dist " + hostile, Version: "v1", When: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Styles: ".ground{fill:none}",
		Sheet: Sheet{
			Blocks:   []Block{{Head: "linux/amd64:/app", Lines: []Line{{said("file"), strings.Repeat("averylongname", 12)}, {said("环境变量"), hostile}}}},
			Findings: []finding.Finding{f, advice}, Notes: []i18n.Message{said(hostile)}, Verdict: said("findings: 2 " + hostile), Bad: true,
		},
		Rules: []SARIFRule{{ID: "BIN018", Slug: "x", Severity: finding.CannotStart, Title: said("t"), Why: said(hostile), Fix: said("f")}, {ID: "BIN001"}},
		Parts: []PagePart{{
			Title: said("测量"), Picture: `<svg viewBox="0 0 900 300" width="900" height="300" role="img"><title>x</title><rect class="ground" width="900" height="300"/></svg>`,
			Table: &Table{
				Sections: true, Columns: []Column{{Title: said("module")}, {Title: said("bytes"), Right: true}},
				Rows: [][]string{{"modules"}, {"example.com/" + strings.Repeat("long/", 30), "1,234"}, {hostile, "5"}}, Notes: []i18n.Message{said(hostile)},
			},
		}},
	}
}

// Nothing that a file says becomes markup, and the page has no script.
func TestVerifyPage(t *testing.T) {
	for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
		var b strings.Builder
		if err := sampleVerify().WriteText(&b, Style{Lang: l}); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		if strings.Contains(page, "<script") || strings.Contains(page, "<img") || strings.Contains(page, "javascript:") && strings.Contains(page, `href="javascript:`) {
			t.Errorf("%s: what a file says has become markup", l)
		}
		for _, want := range []string{`id="rule-BIN018"`, `href="#rule-BIN018"`, "<svg ", `class="num"`, "colspan=\"2\""} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: no %s", l, want)
			}
		}
		if strings.Contains(page, `id="rule-BIN001"`) {
			t.Error("a rule without findings is shown")
		}
	}
}

func TestVerifyPageInBrowser(t *testing.T) {
	if os.Getenv("SLIPWAY_E2E") != "1" {
		t.Skip("needs chromium; set SLIPWAY_E2E=1")
	}
	b := newBrowser(t)
	for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
		var page strings.Builder
		if err := sampleVerify().WriteText(&page, Style{Lang: l}); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), string(l)+".html")
		if err := os.WriteFile(name, []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int{380, 1400} {
			for _, scheme := range []string{"light", "dark"} {
				b.open("file://"+name, width, scheme)
				if got := b.eval(overflow); got != "[]" {
					t.Errorf("%s %d %s: too wide: %s", l, width, scheme, got)
				}
				// The policy let the style through.
				if got := b.eval(`getComputedStyle(document.querySelector(".sheet dl")).display`); got != `"grid"` {
					t.Errorf("%s %d: no style: %s", l, width, got)
				}
				b.shot(fmt.Sprintf("verify-%s-%d-%s", l, width, scheme))
			}
		}
	}
	if len(b.trouble) > 0 {
		t.Errorf("the browser complains: %q", b.trouble)
	}
}
