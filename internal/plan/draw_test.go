package plan

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/i18n"
)

func draw(t *testing.T, p Plan) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSVG(&b, p, i18n.Chinese); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
	}
}

// crowded is a plan with everything that makes a drawing hard: long paths
// without a place to break, several targets that differ, many facts.
func crowded(t *testing.T) Plan {
	t.Helper()
	f := withCompilers(sqlite(orders()), gcc, crossGCC)
	for i := range f.Programs {
		for j := range 9 {
			f.Programs[i].Needs = append(f.Programs[i].Needs, facts.Need{
				Kind: facts.NeedExec, Certainty: facts.May, What: fmt.Sprintf("exec.Command%d", j),
				Pos: at(strings.Repeat("averyveryverylongdirectorynamewithoutanyseparator", 3)+".go", j),
			})
		}
	}
	p := mustMake(t, f, config.Config{
		Version: "<v1 & 'quotes' and #;`\\>", Build: config.Build{Tags: []string{"debgu", "W" + strings.Repeat("M", 60)}},
		Image: config.Image{Labels: map[string]string{"所有权": strings.Repeat("订单服务由平台团队维护，", 12)}, Env: map[string]string{"A": "\x01"}},
	})
	for len(p.Targets) < 5 {
		p.Targets = append(p.Targets, p.Targets[0])
	}
	return p
}

func TestSVG(t *testing.T) {
	for name, p := range map[string]Plan{"plain": mustMake(t, orders(), config.Config{}), "crowded": crowded(t), "empty": {}} {
		for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
			var b bytes.Buffer
			if err := WriteSVG(&b, p, l); err != nil {
				t.Fatal(err)
			}
			wellFormed(t, b.Bytes())
			s := b.String()
			for _, foreign := range []string{"<image", "<script", "@import", "url(", "href"} {
				if strings.Contains(s, foreign) {
					t.Errorf("%s holds %s", name, foreign)
				}
			}
			if got, want := strings.Count(s, `class="box decision"`), len(p.Decisions); got != want {
				t.Errorf("%s: %d decisions drawn of %d", name, got, want)
			}
			if got := strings.Count(s, `class="box result"`); got != len(p.Targets) {
				t.Errorf("%s: %d results drawn of %d", name, got, len(p.Targets))
			}
		}
	}
	err := WriteSVG(failing{}, Plan{}, i18n.English)
	if !errors.Is(err, errDisk) {
		t.Errorf("a failing writer gives %v", err)
	}
	if err := WriteMermaid(failing{}, Plan{}, i18n.English); !errors.Is(err, errDisk) {
		t.Errorf("a failing writer gives %v", err)
	}
}

var errDisk = errors.New("disk full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errDisk }

// TestMermaid holds the chart against the grammar of what it uses: every line
// is a node, an edge or a style, and no label ends before its quote.
func TestMermaid(t *testing.T) {
	node := `[a-z][0-9]+(f[0-9]+|r[0-9]+)?`
	label := `(\["[^"]*"\]|\(\["[^"]*"\]\))`
	line := regexp.MustCompile(`^  (` + node + label + `(:::[a-z]+)?( --> ` + node + `)?|` + node + ` (-->|==>) ` + node + `|` + node + ` -\.-x ` + node + label + `:::rejected|classDef [a-z]+ [^"]+)$`)
	for name, p := range map[string]Plan{"plain": mustMake(t, orders(), config.Config{}), "crowded": crowded(t)} {
		for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
			var b bytes.Buffer
			if err := WriteMermaid(&b, p, l); err != nil {
				t.Fatal(err)
			}
			_, body, ok := strings.Cut(b.String(), "---\nflowchart LR\n")
			if !ok {
				t.Fatalf("%s: no flowchart:\n%s", name, b.String())
			}
			for s := range strings.Lines(body) {
				if s = strings.TrimSuffix(s, "\n"); !line.MatchString(s) || strings.ContainsAny(s, "`\\&") {
					t.Errorf("%s: line %q", name, s)
				}
			}
			for _, d := range p.Decisions {
				if !strings.Contains(body, "["+mermaidText(d.name(), d.Choice, d.Why.In(l))+"]") {
					t.Errorf("%s: decision %s is missing", name, d.ID)
				}
			}
		}
	}
}

func TestWrap(t *testing.T) {
	for name, x := range map[string]struct {
		in   string
		want []string
	}{
		"words":                {"one two three four", []string{"one two", "three four"}},
		"nothing":              {"", nil},
		"spaces only":          {"   ", nil},
		"path":                 {"github.com/acme/orders", []string{"github.com/", "acme/orders"}},
		"no place to break":    {"abcdefghijklmnopqrstuvwxyz", []string{"abcdefghijkl", "mnopqrstuv", "wxyz"}},
		"chinese":              {"没有任何被链接的包使用", []string{"没有任何被链", "接的包使用"}},
		"punctuation hangs on": {"没有任何被链，接的包", []string{"没有任何被", "链，接的包"}},
		"a date stays whole":   {"on day 2026-11-21", []string{"on day", "2026-11-21"}},
		"broken bytes":         {"\xff\xfe", []string{"\xff\xfe"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := wrap(x.in, 6.9)
			if fmt.Sprint(got) != fmt.Sprint(x.want) {
				t.Errorf("%q, want %q", got, x.want)
			}
		})
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("the program uses net/http.DefaultTransport, and 2 more times", 12.0)
	f.Add("没有任何被链接的包使用 C，因此——", 3.0)
	f.Add("a\xffb\x00c", 1.0)
	f.Fuzz(func(t *testing.T, s string, limit float64) {
		if !(limit >= 2 && limit < 1000) || len(s) > 4096 {
			t.Skip()
		}
		lines := wrap(s, limit)
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(s, " ", ""); got != want {
			t.Fatalf("%q lost or gained text: %q", s, lines)
		}
		for _, l := range lines {
			if textWidth(l) > limit+1e-9 {
				t.Fatalf("%q is wider than %v", l, limit)
			}
		}
	})
}

// measure runs in the page: every line of text must lie within the box it
// stands in, and no two boxes may overlap.
const measure = `
const out = [], svg = document.querySelector("svg"), boxes = [...svg.querySelectorAll(".box")];
const view = svg.getBoundingClientRect();
const rects = boxes.map(b => b.querySelector("rect").getBoundingClientRect());
boxes.forEach((b, i) => {
  const r = rects[i];
  if (r.left < view.left || r.right > view.right || r.bottom > view.bottom) out.push("outside the picture: " + b.textContent);
  for (const t of b.querySelectorAll("text")) {
    const q = t.getBoundingClientRect();
    if (q.left < r.left || q.right > r.right || q.top < r.top || q.bottom > r.bottom) out.push("text leaves its box by " + (q.right - r.right) + ": " + t.textContent);
  }
  for (let j = 0; j < i; j++) {
    const s = rects[j];
    if (r.left < s.right && s.left < r.right && r.top < s.bottom && s.top < r.bottom) out.push("boxes overlap: " + b.textContent + " / " + boxes[j].textContent);
  }
});
const title = document.createElement("pre");
title.id = "verdict";
title.textContent = "boxes " + boxes.length + "\n" + out.join("\n");
document.body.append(title);
`

// TestDrawingInBrowser opens the drawings in a real browser, which alone
// knows how wide its fonts are. --dump-dom prints the page after its script
// has run, so that no driver is needed.
func TestDrawingInBrowser(t *testing.T) {
	if os.Getenv("SLIPWAY_E2E") != "1" {
		t.Skip("needs chromium; set SLIPWAY_E2E=1")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]Plan{"plain": mustMake(t, orders(), config.Config{}), "crowded": crowded(t)} {
		for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
			t.Run(name+" "+string(l), func(t *testing.T) {
				var svg bytes.Buffer
				if err := WriteSVG(&svg, p, l); err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				page := filepath.Join(dir, "page.html")
				html := "<!doctype html><meta charset=utf-8><body>" + svg.String() + "<script>" + measure + "</script>"
				if err := os.WriteFile(page, []byte(html), 0o600); err != nil {
					t.Fatal(err)
				}
				cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
					"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+filepath.Join(dir, "profile"),
					"--dump-dom", "file://"+page)
				cmd.WaitDelay = 10 * time.Second
				out, err := cmd.Output()
				if err != nil {
					t.Fatal(err)
				}
				_, verdict, ok := strings.Cut(string(out), `<pre id="verdict">`)
				verdict, _, _ = strings.Cut(verdict, "</pre>")
				if want := fmt.Sprintf("boxes %d", strings.Count(svg.String(), `class="box `)); !ok || strings.TrimSpace(verdict) != want {
					t.Errorf("%s, want %s", verdict, want)
				}
			})
		}
	}
}
