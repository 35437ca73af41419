package compare

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/sizes"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is a result with everything in it, made of drawn numbers.
func sample() *Result {
	rng := rand.New(rand.NewPCG(11, 12))
	r := &Result{
		SchemaVersion: SchemaVersion, Slipway: "v1.2.3", Subject: "./cmd/api <b>", Seconds: 61,
		Began: time.Date(2026, 5, 4, 10, 20, 0, 0, time.UTC),
		Axes:  []Axis{{Name: "subject", Values: []string{"./cmd/api <b>"}}, {Name: "go", Values: []string{"1.25", "1.26", "1.19"}}, {Name: "strip", Values: []string{"on", "off"}}},
		Method: Method{
			Runner: "namespaces", Until: string(UntilReady), Probe: "http://127.0.0.1:8080/", Seed: 7, Warmup: 3, Rounds: 120,
			MinRuns: 100, MaxRuns: 400, Precision: 0.02, Confidence: 0.95, Alpha: 0.05, Stopped: StopPrecise,
		},
		Machine:    Machine{OS: "linux", Arch: "amd64", CPU: "Example 3000", CPUs: 4, Kernel: "6.1", LoadBegan: 0.5, LoadEnded: 1.25},
		Bandwidths: []Bandwidth{{"10Mbit", 1e7}, {"1Gbit", 1e9}},
		Noise:      Noise{Busy: 0.31, Steal: 0.001},
	}
	for range 120 {
		r.Noise.Spin = append(r.Noise.Spin, 1e6*(1+0.02*rng.Float64()))
	}
	draw := func(c *Cell, ready float64) {
		c.Samples = Samples{}
		for i := range 120 {
			v := ready * math.Exp(0.03*rng.NormFloat64())
			c.Samples[Ready] = append(c.Samples[Ready], v)
			c.Samples[Listening] = append(c.Samples[Listening], v*0.8)
			c.Samples[CPU] = append(c.Samples[CPU], v*0.7)
			c.Samples[RSS] = append(c.Samples[RSS], 9e6+1e4*rng.Float64())
			c.Orders = append(c.Orders, i%5)
		}
	}
	rows, _ := Combine(r.Axes)
	for i, v := range rows {
		c := Cell{Values: v, Digest: fmt.Sprint("sha256:", i)}
		if i >= 4 {
			m := i18n.M("compare.reason", "no such toolchain <script>")
			c.Reason = &m
		} else {
			size := int64(6_000_000 + 250_000*(i/2) + 2_600_000*(i%2))
			c.Size = &Size{Binary: size, Gzip: size * 2 / 5, Zstd: size * 38 / 100, Image: size*2/5 + 210_000, Unpacked: size + 1_000_000, Layers: []Layer{{"base", 209_000, 1_000_000}, {"programs", size * 2 / 5, size}}}
			c.Size.Parts = &sizes.Report{
				Size: size, Symbols: i%2 == 1,
				Sections: []sizes.Section{{Name: ".text", Kind: sizes.Code, Size: 3_000_000}, {Name: ".rodata", Kind: sizes.ROData, Size: size - 3_000_000 - 2_600_000*int64(i%2)}, {Name: ".debug_info", Kind: sizes.Debug, Size: 2_600_000 * int64(i%2)}},
				Modules: []sizes.Module{
					{Name: "std", Version: v[1], Origin: sizes.Std, Size: size - 1_000_000 - 2_600_000*int64(i%2), Packages: []sizes.Package{{Name: "net/http", Size: size - 1_000_000 - 2_600_000*int64(i%2)}}},
					{Name: "example.com/<b>", Version: "v1.2.0", Origin: sizes.Dependency, Size: 1_000_000, Packages: []sizes.Package{{Name: "example.com/<b>", Size: 1_000_000}}},
					{Origin: sizes.DebugInfo, Size: 2_600_000 * int64(i%2), Packages: []sizes.Package{{Name: ".debug_info", Size: 2_600_000 * int64(i%2)}}},
				},
			}
			draw(&c, 5e6*(1+0.04*float64(i/2)))
		}
		r.Cells = append(r.Cells, c)
	}
	r.Floor = &Cell{}
	draw(r.Floor, 2e6)
	r.Conclude()
	return r
}

func TestText(t *testing.T) {
	r := sample()
	for name, o := range map[string]struct {
		text  Text
		style report.Style
	}{
		"text.en.txt":    {Text{Result: r}, report.Style{Lang: i18n.English}},
		"text.zh.txt":    {Text{Result: r}, report.Style{Lang: i18n.Chinese}},
		"text.ascii.txt": {Text{Result: r, ASCII: true}, report.Style{Lang: i18n.English, Terminal: true, Width: 160}},
	} {
		var b bytes.Buffer
		if err := o.text.WriteText(&b, o.style); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		if o.text.ASCII && bytes.ContainsFunc(b.Bytes(), func(r rune) bool { return r > 0x7e }) {
			t.Errorf("%s holds more than ASCII:\n%s", name, b.Bytes())
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", name, got)
	}
}

func TestPicturesAreXML(t *testing.T) {
	r := sample()
	for _, l := range []i18n.Lang{i18n.English, i18n.Chinese} {
		for _, name := range PictureNames() {
			write, ok := r.Picture(name, l)
			if !ok {
				if name != pictureBuild {
					t.Errorf("no picture %s", name)
				}
				continue
			}
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
			for {
				tok, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v\n%s", name, err, b.Bytes())
				}
				if s, ok := tok.(xml.StartElement); ok && (s.Name.Local == "script" || s.Name.Local == "b") {
					t.Errorf("%s: the element %s came from a label", name, s.Name.Local)
				}
			}
			if bytes.Contains(b.Bytes(), []byte("NaN")) || bytes.Contains(b.Bytes(), []byte("Inf")) {
				t.Errorf("%s has coordinates that are no numbers", name)
			}
			if regexp.MustCompile(`https?://`).FindAllString(strings.ReplaceAll(b.String(), "http://www.w3.org/2000/svg", ""), 1) != nil {
				t.Errorf("%s refers to something elsewhere", name)
			}
		}
	}
}

func TestPage(t *testing.T) {
	r := sample()
	r.Incomplete = true
	var b bytes.Buffer
	if err := (Page{Result: r, Lang: i18n.Chinese}).Write(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{`lang="zh-CN"`, "数据说明什么", "./cmd/api &lt;b&gt;", "被中断", `id="startup"`, `id="sizes"`, `id="curves"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, not := range []string{"<b>", "toolchain <script>", "src=", "href="} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q", not)
		}
	}
}

func TestCSVHoldsEveryRun(t *testing.T) {
	r := sample()
	var b bytes.Buffer
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := 1 // heading
	for _, c := range append(slices.Clone(r.Cells), *r.Floor) {
		for _, values := range c.Samples {
			want += len(values)
		}
		if c.Size != nil {
			want += 5
		}
	}
	if len(rows) != want {
		t.Errorf("%d rows, want %d", len(rows), want)
	}
	if got := strings.Join(rows[0], ","); got != "subject,go,strip,metric,run,turn,value,unit" {
		t.Errorf("heading %s", got)
	}
}

// TestResultComesBack writes, reads, and shows the same again.
func TestResultComesBack(t *testing.T) {
	r := sample()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	back.Conclude()
	again, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, again) {
		t.Error("a result that was read again is another one")
	}
}

func TestMergeAndContinue(t *testing.T) {
	a, b := sample(), sample()
	b.Cells[1].Digest = "sha256:other"
	if !a.Merge(b) {
		t.Fatal("two results of the same axes were not merged")
	}
	a.Conclude()
	for i, want := range []int{240, 120, 240, 240} {
		if n := a.Cells[i].Summary[Ready].N; n != want {
			t.Errorf("cell %d has %d runs, want %d", i, n, want)
		}
	}
	if a.Floor.Summary[Ready].N != 240 || len(a.Noise.Spin) != 240 || a.Method.Rounds != 240 {
		t.Error("floor, noise or rounds were not added")
	}
	c := sample()
	c.Axes[1].Name = "base"
	if a.Merge(c) {
		t.Error("results of different axes were merged")
	}

	fresh := sample()
	for i := range fresh.Cells {
		fresh.Cells[i].Samples = nil
	}
	fresh.Cells[0].Digest = "sha256:rebuilt"
	if !fresh.Continue(sample()) {
		t.Fatal("the same axes cannot be continued")
	}
	fresh.Conclude()
	if fresh.Cells[0].Summary[Ready].N != 0 || fresh.Cells[1].Summary[Ready].N != 120 || fresh.Method.Rounds != 120 {
		t.Errorf("continued: %d, %d runs", fresh.Cells[0].Summary[Ready].N, fresh.Cells[1].Summary[Ready].N)
	}
}

func TestReadRefuses(t *testing.T) {
	good, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(map[string]any){
		"another version":     func(m map[string]any) { m["schemaVersion"] = 2 },
		"no axes":             func(m map[string]any) { m["axes"] = []any{} },
		"values without axes": func(m map[string]any) { m["cells"].([]any)[0].(map[string]any)["values"] = []any{"x"} },
		"a negative time": func(m map[string]any) {
			m["cells"].([]any)[0].(map[string]any)["samples"] = map[string]any{"ready": []any{-1}}
		},
		"a bandwidth of zero": func(m map[string]any) { m["bandwidths"] = []any{map[string]any{"name": "x", "bitsPerSecond": 0}} },
		"confidence":          func(m map[string]any) { m["method"].(map[string]any)["confidence"] = 1 },
	} {
		var m map[string]any
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(bytes.NewReader(data)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// FuzzRead: whatever is read can be shown in every form.
func FuzzRead(f *testing.F) {
	r := sample()
	for i := range r.Cells {
		for m := range r.Cells[i].Samples {
			r.Cells[i].Samples[m] = r.Cells[i].Samples[m][:6]
		}
	}
	good, err := json.Marshal(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schemaVersion":1,"axes":[{"name":"go","values":["1"]}],"cells":[{"values":["1"],"samples":{"ready":[0,0]},"size":{"binary":1,"image":0}}],"method":{"confidence":0.9,"alpha":0.1,"until":"ready","rounds":1}}`))
	f.Add([]byte(`{"schemaVersion":1,"axes":[{"name":"go","values":["1","2"]}],"cells":[{"values":["1"],"samples":{"ready":[0,0],"image":[1,2]}},{"values":["2"],"samples":{"ready":[0,1],"image":[0,1e18]}}],"method":{"confidence":0.9,"alpha":0.1,"until":"ready","rounds":1},"noise":{"spin":[0]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 64<<10 {
			return
		}
		r, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		if len(r.Cells) > 12 {
			r.Cells = r.Cells[:12]
		}
		r.Conclude()
		if err := (Text{Result: r}).WriteText(io.Discard, report.Style{Lang: i18n.English, Terminal: true, Width: 80}); err != nil {
			t.Fatal(err)
		}
		if err := (Page{Result: r, Lang: i18n.Chinese}).Write(io.Discard); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteCSV(io.Discard); err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatal(err)
		}
	})
}

func TestParse(t *testing.T) {
	for in, want := range map[string]float64{"10Mbit": 1e7, "1Gbit": 1e9, "56kbit": 56e3, "2.5gbit": 2.5e9} {
		b, err := ParseBandwidth(in)
		if err != nil || b.Bits != want {
			t.Errorf("%s = %v, %v", in, b, err)
		}
	}
	for _, in := range []string{"", "10", "Mbit", "-1Mbit", "0Mbit", "1e400Gbit", "NaNMbit", "10MB"} {
		if _, err := ParseBandwidth(in); err == nil {
			t.Errorf("%q is a bandwidth", in)
		}
	}
	if got := (Bandwidth{Bits: 1e9}).Transfer(980_000_000); got != 7840*time.Millisecond {
		t.Errorf("980 MB at 1 Gbit/s take %v", got)
	}
	for _, in := range []string{"", "a,", "a,,b", "a,a", " , "} {
		if _, err := ParseAxis("go", in); err == nil {
			t.Errorf("%q is an axis", in)
		}
	}
	big := Axis{Name: "x"}
	for i := range 17 {
		big.Values = append(big.Values, fmt.Sprint(i))
	}
	if _, err := Combine([]Axis{big, {Name: "y", Values: big.Values}}); err == nil {
		t.Error("289 cells are taken")
	}
	rows, err := Combine([]Axis{{Name: "a", Values: []string{"1", "2"}}, {Name: "b", Values: []string{"x", "y"}}})
	if want := [][]string{{"1", "x"}, {"1", "y"}, {"2", "x"}, {"2", "y"}}; err != nil || !slices.EqualFunc(rows, want, slices.Equal) {
		t.Errorf("%v, %v", rows, err)
	}
}
