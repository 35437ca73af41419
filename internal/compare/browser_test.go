package compare

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/testkit"
)

// inspect looks into the frames, each of which holds the page as it is, in a
// width of its own, and writes down what is wrong.
const inspect = `
const wrong = [];
addEventListener("load", () => {
  for (const frame of document.querySelectorAll("iframe")) {
    const d = frame.contentDocument, w = d.documentElement.clientWidth, at = frame.title + ": ";
    if (d.documentElement.scrollWidth > w) wrong.push(at + "the page is " + d.documentElement.scrollWidth + " wide");
    for (const e of d.querySelectorAll("body *")) {
      if (e.closest(".scroll")) continue;
      const r = e.getBoundingClientRect();
      if (r.width > 0 && (r.right > w + 0.5 || r.left < -0.5)) wrong.push(at + e.tagName + " " + r.left + ".." + r.right);
    }
    for (const t of d.querySelectorAll("svg text")) {
      const r = t.getBoundingClientRect(), s = t.closest("svg").getBoundingClientRect();
      if (r.right > s.right + 1 || r.left < s.left - 1) wrong.push(at + "text leaves its picture: " + t.textContent);
    }
    // The style and the script are let in by their hashes.
    if (frame.contentWindow.getComputedStyle(d.querySelector(".facts")).listStyleType !== "none") wrong.push(at + "no style");
    const button = d.querySelectorAll("#numbers th button")[0];
    button.click();
    const first = [...d.querySelectorAll("#numbers tbody tr")].map(r => Number(r.children[1].dataset.sort)).filter(v => v >= 0);
    if (button.closest("th").getAttribute("aria-sort") !== "ascending" || first.some((v, i) => i > 0 && v < first[i - 1])) wrong.push(at + "not sorted: " + first);
    d.querySelector("#numbers tbody tr").focus();
    if (frame.title.includes("380") && !d.querySelector("svg .row.on") && d.hasFocus()) wrong.push(at + "nothing is lit");
  }
  document.body.innerHTML = "<pre>wrong: " + wrong.length + "</pre>";
  document.querySelector("pre").append("\n" + wrong.join("\n"));
});`

func TestPageInBrowser(t *testing.T) {
	testkit.NeedE2E(t, "chromium")
	r := sample()
	for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
		var page bytes.Buffer
		if err := (Page{Result: r, Lang: l}).Write(&page); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		b.WriteString("<!DOCTYPE html><meta charset=utf-8><body>")
		for _, width := range []int{380, 900, 1400} {
			fmt.Fprintf(&b, `<iframe title="%s %d" width="%d" height="900" srcdoc="%s"></iframe>`, l, width, width, html.EscapeString(page.String()))
		}
		b.WriteString("<script>" + inspect + "</script>")
		file := filepath.Join(t.TempDir(), "frames.html")
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, scheme := range []string{"0", "1"} { // dark, light
			cmd := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
				"--user-data-dir="+t.TempDir(), "--blink-settings=preferredColorScheme="+scheme, "--window-size=1500,1000", "--virtual-time-budget=5000", "--dump-dom", "file://"+file)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			m := regexp.MustCompile(`(?s)<pre>(wrong: \d+.*?)</pre>`).FindSubmatch(out)
			if m == nil {
				t.Fatalf("%s: the page was not looked at: %.300s", l, out)
			}
			if !bytes.HasPrefix(m[1], []byte("wrong: 0\n")) {
				t.Errorf("%s: %s", l, m[1])
			}
		}
	}
}
