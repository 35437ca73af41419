package report

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// browser is a Chromium that is driven over a pipe, by the DevTools protocol
// (chromedevtools.github.io/devtools-protocol; --remote-debugging-pipe reads
// messages that end in a zero byte from descriptor 3 and answers on 4). No
// driver and no port are needed.
type browser struct {
	t       *testing.T
	to      *os.File
	from    chan cdpMessage
	next    int
	session string
	trouble []string // what the console and the policy complained about
}

type cdpMessage struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

// newBrowser starts Chromium with one empty page.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "slipway-browser-")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	c.ExtraFiles = []*os.File{theirIn, theirOut}
	c.WaitDelay = 10 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &browser{t: t, to: ourOut, from: make(chan cdpMessage, 1000)}
	t.Cleanup(func() {
		ourOut.Close() // Chromium ends when its pipe does
		_ = c.Wait()
		ourIn.Close()
		os.RemoveAll(profile) // its children may still write into it: not an error
	})
	go func() {
		defer close(b.from)
		r := bufio.NewReader(ourIn)
		for {
			data, err := r.ReadBytes(0)
			if err != nil {
				return
			}
			var m cdpMessage
			if json.Unmarshal(bytes.TrimSuffix(data, []byte{0}), &m) == nil {
				b.from <- m
			}
		}
	}()
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// call sends one command and waits for its answer.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.next++
	m := map[string]any{"id": b.next, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	data, err := json.Marshal(m)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(data, 0)); err != nil {
		b.t.Fatal(err)
	}
	for {
		m := b.read()
		if m.ID != b.next {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

func (b *browser) read() cdpMessage {
	b.t.Helper()
	select {
	case m, ok := <-b.from:
		if !ok {
			b.t.Fatal("the browser is gone")
		}
		switch m.Method {
		case "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Page.javascriptDialogOpening":
			b.trouble = append(b.trouble, m.Method+" "+string(m.Params))
		}
		return m
	case <-time.After(60 * time.Second):
		b.t.Fatal("the browser does not answer")
		return cdpMessage{}
	}
}

// open loads a page in a window of a width and a colour scheme.
func (b *browser) open(url string, width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.call("Page.navigate", map[string]any{"url": "about:blank"}, nil)
	for b.read().Method != "Page.loadEventFired" {
	}
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	for b.read().Method != "Page.loadEventFired" {
	}
}

// eval gives the value of an expression in the page, as JSON.
func (b *browser) eval(expression string) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	if r.Result.Value == nil {
		return "undefined"
	}
	// Chromium escapes what is not ASCII; Go does not.
	var v any
	if err := json.Unmarshal(r.Result.Value, &v); err != nil {
		b.t.Fatal(err)
	}
	out, err := encode(v)
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func (b *browser) key(name, text string) {
	b.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40}
	p := map[string]any{"type": "keyDown", "key": name, "windowsVirtualKeyCode": codes[name]}
	if text != "" {
		p["text"] = text
	}
	b.call("Input.dispatchKeyEvent", p, nil)
	p["type"] = "keyUp"
	delete(p, "text")
	b.call("Input.dispatchKeyEvent", p, nil)
}

func (b *browser) typeText(s string) {
	b.t.Helper()
	for _, r := range s {
		b.key(string(r), string(r))
	}
}

// click presses the mouse in the middle of an element.
func (b *browser) click(selector string) {
	b.t.Helper()
	var at struct{ X, Y float64 }
	where := b.eval(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.scrollIntoView({block: "center", inline: "center"}); const r = e.getBoundingClientRect(); return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()`, selector))
	if err := json.Unmarshal([]byte(where), &at); err != nil {
		b.t.Fatal(err)
	}
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		b.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// shot keeps a picture where SLIPWAY_SHOTS says, for people to look at.
func (b *browser) shot(name string) {
	dir := os.Getenv("SLIPWAY_SHOTS")
	if dir == "" {
		return
	}
	var r struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &r)
	data, err := base64.StdEncoding.DecodeString(r.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), data, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}

// visible are the rules of the findings that are shown.
const visible = `[...document.querySelectorAll("article")].filter(a => a.offsetParent).map(a => a.dataset.rule).join(" ")`

// overflow lists what is wider than the window or than what holds it.
const overflow = `(() => {
  const out = [], w = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > w) out.push("the page: " + document.documentElement.scrollWidth);
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest(".scroll, legend, .chip input")) continue;
    const r = e.getBoundingClientRect();
    if (r.width > 0 && (r.right > w + 0.5 || r.left < -0.5)) out.push(e.tagName + "." + e.className + " " + r.left + ".." + r.right);
  }
  return out;
})()`

// boxes lists what is drawn over its box or over another one.
const boxes = `(() => {
  const out = [], list = [...document.querySelectorAll("#graph .node")].map(n => [n, n.querySelector(".box").getBoundingClientRect()]);
  for (const [n, r] of list) {
    for (const t of n.querySelectorAll(".words text")) {
      const q = t.getBoundingClientRect();
      if (q.left < r.left || q.right > r.right || q.top < r.top || q.bottom > r.bottom) out.push("text leaves its box by " + (q.right - r.right) + ": " + t.textContent);
    }
    for (const [m, s] of list) {
      if (m !== n && r.left < s.right && s.left < r.right && r.top < s.bottom && s.top < r.bottom) out.push("boxes overlap: " + n.textContent);
    }
  }
  return out;
})()`

func TestPageInBrowser(t *testing.T) {
	if os.Getenv("SLIPWAY_E2E") != "1" {
		t.Skip("needs chromium; set SLIPWAY_E2E=1")
	}
	b := newBrowser(t)
	dir := t.TempDir()
	url := map[i18n.Lang]string{}
	for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
		name := filepath.Join(dir, string(l)+".html")
		if err := os.WriteFile(name, []byte(written(t, samplePage(), l)), 0o600); err != nil {
			t.Fatal(err)
		}
		url[l] = "file://" + name
	}
	is := func(what, expression, want string) {
		t.Helper()
		if got := b.eval(expression); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	const hash = `decodeURIComponent(location.hash)`

	for l, u := range url {
		for _, width := range []int{380, 900, 1400} {
			for _, scheme := range []string{"light", "dark"} {
				b.open(u, width, scheme)
				is(fmt.Sprint(l, width, " overflow"), overflow, "[]")
				is(fmt.Sprint(l, width, " boxes"), boxes, "[]")
				b.shot(fmt.Sprintf("%s-%d-%s", l, width, scheme))
			}
		}
	}
	b.open(url[i18n.Chinese], 900, "light")
	is("Chinese", `document.querySelector("#h-graph").innerText`, `"代码如何到达生产"`)
	// A font without these characters would draw each of them as the same box.
	is("Chinese glyphs", `(() => { const c = document.createElement("canvas").getContext("2d", {willReadFrequently: true}); const draw = s => { c.clearRect(0, 0, 99, 99); c.font = "40px " + getComputedStyle(document.body).fontFamily; c.fillText(s, 5, 50); return c.getImageData(0, 0, 99, 99).data.join(); }; return draw("生") !== draw("产"); })()`, "true")

	b.open(url[i18n.English], 1400, "light")
	is("at first", visible, `"LIC001 XSS001 IMG001 IMG004 ENV001 GO001 CGO003 WEB003 K8S001"`)
	is("the title", `document.title.startsWith("example.com/orders")`, "true")
	is("edges", `document.querySelectorAll("#graph path.edge").length`, "5")
	is("the join of the build and its base", `!!document.querySelector('#graph path[data-from="1"][data-to="3"]')`, "true")

	// Text, by keyboard alone.
	b.key("/", "/")
	is("focus", `document.activeElement.name`, `"q"`)
	b.typeText("dockerfile img")
	is("text filter", visible, `"IMG001 IMG004"`)
	is("the count", `document.getElementById("shown").textContent`, `"2 of 9 shown"`)
	is("the address", hash, `"#q=dockerfile+img"`)
	b.key("Escape", "")
	is("escape", `document.getElementById("shown").textContent`, `"9 of 9 shown"`)
	b.typeText("zzz")
	is("nothing fits", `document.getElementById("nothing").hidden`, "false")
	b.key("Escape", "")

	// The chips: focus one by the keyboard and press space.
	b.eval(`document.querySelector("[name=severity][value=waste]").focus()`)
	b.key(" ", " ")
	is("without waste", visible, `"IMG001 IMG004 ENV001 GO001 WEB003 K8S001"`)
	b.click(`[name=advisory]`)
	is("without advice", visible, `"IMG001 ENV001 GO001 WEB003 K8S001"`)
	saved := b.eval(`location.hash.slice(1)`)
	b.click(`button[type=reset]`)
	is("all again", `new Promise(r => setTimeout(() => r(document.getElementById("shown").textContent + location.hash), 20))`, `"9 of 9 shown"`)

	// A box of the graph, by mouse and by keyboard.
	b.click(`#graph [data-node="1"]`)
	is("a box", visible, `"ENV001 GO001"`)
	is("its lines", `[...document.querySelectorAll("#graph .lit")].length`, "4")
	b.eval(`document.querySelector('#graph [data-node="1"]').focus()`)
	b.key("Enter", "\r")
	is("the box again", `document.getElementById("shown").textContent`, `"9 of 9 shown"`)

	// The board and a tile.
	b.click(`.cell[data-severity="fails-in-production"][data-cost="design"]`)
	is("a cell", visible, `"WEB003"`)
	b.click(`.tile[data-tile="security"]`)
	is("a tile", visible, `"IMG004 ENV001"`)

	// Selects: family, rule, state.
	choose := func(name, value string) string {
		return fmt.Sprintf(`(() => { const s = document.querySelector("select[name=%s]"); s.value = %q; s.dispatchEvent(new Event("input", {bubbles: true})); return %s; })()`, name, value, visible)
	}
	b.open(url[i18n.English], 1400, "light")
	is("a family", choose("family", "IMG"), `"IMG001 IMG004"`)
	is("and known", choose("state", "known"), `"IMG004"`)
	is("in the address", hash, `"#family=IMG&state=known"`)

	// The address brings the view back; a broken one breaks nothing.
	b.open(url[i18n.English]+"#"+strings.Trim(saved, `"`), 1400, "light")
	is("from the address", visible, `"IMG001 ENV001 GO001 WEB003 K8S001"`)
	b.open(url[i18n.English]+"#severity=nonsense&node=%22%5D&rule=NO&family=%00&explain=%22", 1400, "light")
	is("a broken address", `document.getElementById("nothing").hidden`, "false")

	// The text of a rule.
	b.open(url[i18n.English], 1400, "light")
	b.click(`a[data-explain="GO001"]`)
	is("a rule's text", `document.getElementById("rule-GO001").open && document.activeElement.parentElement.id`, `"rule-GO001"`)

	// On paper everything is there, and no controls.
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	b.shot("print")
	is("controls on paper", `getComputedStyle(document.getElementById("filters")).display`, `"none"`)

	if len(b.trouble) > 0 {
		t.Errorf("the console is not empty: %s", strings.Join(b.trouble, "\n"))
	}
}
