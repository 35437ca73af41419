package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The messages are borrowed from other areas: tests have no catalogue.
var (
	mistake = &fault.Error{
		Pos:  fault.Pos{File: "slipway.yaml", Line: 3, Column: 8},
		Msg:  i18n.M("config.value.bad", "build.cgo", `"yes"`),
		Hint: i18n.M("config.oneOf", "auto, on, off"),
		Code: fault.Usage,
	}
	compile = fault.New(errors.New("exit status 1"), i18n.M("config.file.unreadable"), i18n.Message{})
)

// withDetail is what a compiler said.
func withDetail() error {
	c := *compile
	c.Detail = "# example.com/x\r\n./main.go:3:1: syntax error\x1b[31m\n\n"
	return &c
}

func TestErrorText(t *testing.T) {
	detailed := withDetail()
	for _, tc := range []struct {
		name   string
		err    error
		en, zh string
	}{
		{"fault", mistake,
			"slipway: error: slipway.yaml:3:8: build.cgo: \"yes\" is not a valid value\nslipway: hint: write one of: auto, on, off\n",
			"slipway: 错误：slipway.yaml:3:8: build.cgo：\"yes\" 不是有效的值\nslipway: 提示：可以写：auto, on, off\n"},
		{"wrapped", fmt.Errorf("build linux/arm64: %w", detailed),
			"slipway: error: build linux/arm64: cannot read the configuration: exit status 1\n# example.com/x\n./main.go:3:1: syntax error\\x1b[31m\n",
			"slipway: 错误：build linux/arm64: 无法读取配置: exit status 1\n# example.com/x\n./main.go:3:1: syntax error\\x1b[31m\n"},
		{"two causes", fmt.Errorf("%w (%w)", errors.New("read"), fs.ErrClosed), "slipway: error: read (file already closed)\n", ""},
		{"joined", fmt.Errorf("ship: %w", errors.Join(fmt.Errorf("a: %w", detailed), errors.Join(fmt.Errorf("b: %w", detailed), fs.ErrClosed))),
			"slipway: error: a: cannot read the configuration: exit status 1\n# example.com/x\n./main.go:3:1: syntax error\\x1b[31m\nslipway: error: b: cannot read the configuration: exit status 1\nslipway: error: file already closed\n", ""},
		{"plain", errors.New("read layer: \u202eevil\x07"), "slipway: error: read layer: \\u202eevil\\x07\n", "slipway: 错误：read layer: \\u202eevil\\x07\n"},
		{"interrupted", fmt.Errorf("build: %w", context.Canceled), "slipway: error: interrupted\n", "slipway: 错误：已中断\n"},
	} {
		if got := ErrorText(tc.err, Style{Lang: i18n.English}); got != tc.en {
			t.Errorf("%s:\n got %q\nwant %q", tc.name, got, tc.en)
		}
		if got := ErrorText(tc.err, Style{Lang: i18n.Chinese}); tc.zh != "" && got != tc.zh {
			t.Errorf("%s:\n got %q\nwant %q", tc.name, got, tc.zh)
		}
	}
	if got, want := ErrorText(errors.New("x"), Style{Lang: i18n.English, Color: true}), "slipway: \x1b[1;31merror:\x1b[0m x\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFindingText(t *testing.T) {
	f := finding.Finding{
		ID: "BIN001", Severity: finding.CannotStart, Pos: fault.Pos{File: "main.go", Line: 3, Column: 5},
		Message: i18n.M("report.interrupted"),
		Evidence: []finding.Evidence{
			{Pos: fault.Pos{File: "go.mod", Line: 7}, Text: i18n.M("report.reused")},
			{Text: i18n.M("report.unit")},
		},
		Fix: i18n.M("config.form.flag"),
	}
	for l, want := range map[i18n.Lang]string{
		i18n.English: `
main.go:3:5 BIN001 cannot-start interrupted
  go.mod:7 reused
  1 MB = 10^6 bytes
  fix: write one flag per item
`,
		i18n.Chinese: `
main.go:3:5 BIN001 cannot-start 已中断
  go.mod:7 复用
  1 MB = 10^6 字节
  修复：每项写一个参数
`,
	} {
		if got := FindingText(f, Style{Lang: l}); got != want[1:] {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	}
	f.Pos, f.Entity, f.Evidence, f.Fix = fault.Pos{}, "linux/amd64/orders", nil, i18n.Message{}
	if got, want := FindingText(f, Style{Lang: i18n.English}), "linux/amd64/orders BIN001 cannot-start interrupted\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func shipTable() *Table {
	return &Table{
		Columns: []Column{
			{Title: i18n.M("report.stage.plan")}, {Title: i18n.M("report.stage.build"), Right: true},
			{Title: i18n.M("report.stage.image"), Right: true}, {Title: i18n.M("report.stage.base")},
		},
		Rows: [][]string{
			{"linux/amd64", Bytes(17_412_345), Bytes(7_349_999), "assembled"},
			{"订单/arm64", Bytes(117_412_345), "", "closure"},
			{"x"},
		},
		Notes: []i18n.Message{UnitNote()},
	}
}

func TestTable(t *testing.T) {
	for name, tc := range map[string]struct {
		s    Style
		want string
	}{
		"English": {Style{Lang: i18n.English}, `
plan            build   image  base
linux/amd64   17.4 MB  7.3 MB  assembled
订单/arm64   117.4 MB          closure
x
1 MB = 10^6 bytes
`},
		"Chinese": {Style{Lang: i18n.Chinese, Width: 80}, `
计划             构建    镜像  基础
linux/amd64   17.4 MB  7.3 MB  assembled
订单/arm64   117.4 MB          closure
x
1 MB = 10^6 字节
`},
		"narrow": {Style{Lang: i18n.Chinese, Width: 39}, `
计划  linux/amd64
构建  17.4 MB
镜像  7.3 MB
基础  assembled

计划  订单/arm64
构建  117.4 MB
基础  closure

计划  x
1 MB = 10^6 字节
`},
	} {
		var b bytes.Buffer
		if err := shipTable().WriteText(&b, tc.s); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != tc.want[1:] {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, tc.want[1:])
		}
	}
	var plain, colored bytes.Buffer
	if err := shipTable().WriteText(&colored, Style{Lang: i18n.Chinese, Color: true}); err != nil {
		t.Fatal(err)
	}
	if err := shipTable().WriteText(&plain, Style{Lang: i18n.Chinese}); err != nil {
		t.Fatal(err)
	}
	for _, sgr := range []string{"\x1b[1m", "\x1b[2m", "\x1b[0m"} {
		if !strings.Contains(colored.String(), sgr) {
			t.Errorf("no %q in a coloured table", sgr)
		}
		colored = *bytes.NewBufferString(strings.ReplaceAll(colored.String(), sgr, ""))
	}
	if colored.String() != plain.String() {
		t.Errorf("colours move the columns:\n%s\n%s", colored.String(), plain.String())
	}
	if err := shipTable().WriteText(failingWriter{}, Style{Lang: i18n.English}); err == nil {
		t.Error("a failed write is not told")
	}
}

func TestResultText(t *testing.T) {
	var out bytes.Buffer
	r := New(Options{Stdout: &out, Stderr: failingWriter{}, Lang: i18n.Chinese, Color: true, TTY: true})
	for _, v := range []any{nil, "text", "line\n", i18n.M("report.reused"), &Table{Notes: []i18n.Message{UnitNote()}}} {
		if err := r.Result(v); err != nil {
			t.Error(err)
		}
	}
	if got, want := out.String(), "text\nline\n复用\n1 MB = 10^6 字节\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := r.Result(42); err == nil {
		t.Error("a number was written")
	}
}

func TestJSON(t *testing.T) {
	type document struct {
		SchemaVersion int    `json:"schemaVersion"`
		Name          string `json:"name"`
	}
	newJSON := func() (r *Reporter, out, errs *bytes.Buffer) {
		out, errs = new(bytes.Buffer), new(bytes.Buffer)
		return New(Options{Stdout: out, Stderr: errs, JSON: true, Lang: i18n.Chinese}), out, errs
	}

	r, out, errs := newJSON()
	r.End("", "facts", 0, 0, "", false)
	for _, v := range []any{"text", nil, []int{1}, map[string]int{"schemaVersion": 0}, make(chan int), document{}} {
		if err := r.Result(v); err == nil || out.Len() > 0 {
			t.Errorf("%v was taken: %q", v, out)
		}
	}
	if err := r.Result(document{1, "<订单>"}); err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"schemaVersion\": 1,\n  \"name\": \"<订单>\"\n}\n"
	if out.String() != want || errs.String() != "读取事实  0 ms\n" {
		t.Errorf("got %q, %q", out, errs)
	}
	if err := r.Result(document{1, "again"}); err == nil {
		t.Error("a second document was taken")
	}
	if err := r.Fail(mistake); err != nil {
		t.Error(err)
	}
	if out.String() != want || !strings.Contains(errs.String(), "错误：slipway.yaml:3:8") {
		t.Errorf("an error after the result: got %q, %q", out, errs)
	}

	r, out, errs = newJSON()
	if err := r.Fail(errors.Join(fmt.Errorf("ship: %w", mistake), withDetail(), errors.New("plain"))); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(out.Bytes()) || strings.Count(errs.String(), "错误") != 3 {
		t.Errorf("got %q, %q", out, errs)
	}
	want = `{
  "schemaVersion": 1,
  "error": {
    "code": 2,
    "context": "ship",
    "message": {
      "id": "config.value.bad",
      "args": [
        "build.cgo",
        "\"yes\""
      ],
      "text": "build.cgo: \"yes\" is not a valid value"
    },
    "hint": {
      "id": "config.oneOf",
      "args": [
        "auto, on, off"
      ],
      "text": "write one of: auto, on, off"
    },
    "pos": {
      "file": "slipway.yaml",
      "line": 3,
      "column": 8
    }
  },
  "more": [
    {
      "code": 1,
      "message": {
        "id": "config.file.unreadable",
        "text": "cannot read the configuration"
      },
      "cause": "exit status 1",
      "detail": "# example.com/x\r\n./main.go:3:1: syntax error\u001b[31m\n\n"
    },
    {
      "code": 1,
      "message": {
        "id": "report.failure",
        "args": [
          "plain"
        ],
        "text": "plain"
      }
    }
  ]
}
`
	if out.String() != want {
		t.Errorf("got %s\nwant %s", out, want)
	}
	if err := r.Fail(nil); err != nil {
		t.Error(err)
	}

	r = New(Options{Stdout: failingWriter{}, Stderr: errs, JSON: true, Lang: i18n.English})
	if err := r.Result(document{1, "x"}); err == nil {
		t.Error("a failed write is not told")
	}
}

func TestUnits(t *testing.T) {
	for n, want := range map[int64]string{0: "0.0 MB", 1: "<0.1 MB", 49_999: "<0.1 MB", 50_000: "0.1 MB", 7_349_999: "7.3 MB", 1_234_567_890: "1234.6 MB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-1: "0 ms", 0: "0 ms", 340 * time.Millisecond: "340 ms", 999499 * time.Microsecond: "999 ms", 999500 * time.Microsecond: "1.0 s",
		3140 * time.Millisecond: "3.1 s", 9949 * time.Millisecond: "9.9 s", 9950 * time.Millisecond: "10 s", 59499 * time.Millisecond: "59 s",
		59500 * time.Millisecond: "1m00s", 125 * time.Second: "2m05s", time.Hour - time.Second: "59m59s", time.Hour - time.Millisecond: "1h00m", 3725 * time.Second: "1h02m",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestWidthAndCut(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "构建": 4, "e\u0301": 1, "ｗ": 2, "é": 1, "\u200b": 0, "ﾊ": 1} {
		if got := Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
	for _, tc := range []struct {
		s    string
		n    int
		want string
	}{{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abc.."}, {"abcdef", 3, "abc"}, {"构建镜像", 7, "构建.."}, {"构建镜像", 3, "构"}, {"a", 0, ""}, {"a", -1, ""}} {
		if got := Cut(tc.s, tc.n); got != tc.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tc.s, tc.n, got, tc.want)
		}
	}
}

// FuzzCleanAndCut: whatever comes in, no control character goes out, and a
// cut line fits.
func FuzzCleanAndCut(f *testing.F) {
	f.Add("\x1b]0;title\x07 \u009b31m 构建 \u202e", 7)
	f.Add("e\u0301\xff", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		c := oneLine(s)
		if strings.ContainsFunc(c, func(r rune) bool { return isHarmful(r) || r == '\n' || r == '\t' }) {
			t.Errorf("%q became %q", s, c)
		}
		if w := Width(Cut(c, n)); w > max(n, 0) {
			t.Errorf("Cut(%q, %d) is %d wide", c, n, w)
		}
	})
}

// A file may have any name that its system allows; it must not look like
// something else.
func TestNamesStayOnTheirLine(t *testing.T) {
	f := finding.Finding{ID: "A001", Severity: finding.Waste, Pos: fault.Pos{File: "a\nb\t\x1b[1m\u202e.go", Line: 1, Column: 2}, Message: i18n.M("check.nothing")}
	got := FindingText(f, Style{Lang: i18n.English})
	if where, _, ok := strings.Cut(got, ":1:2 A001"); !ok || where != `a\nb\t\x1b[1m\u202e.go` {
		t.Errorf("have %q", got)
	}
}
