// Compare writes results of slipway compare into a page in Markdown: of each a
// table, what the numbers say, and how they were taken.
//
//	go run ./bench/compare -into docs/experiments.md NAME=result.json ...
//
// What stands between the marks "<!-- compare NAME -->" and
// "<!-- end of compare NAME -->" is replaced; run.sh calls it.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/compare"
	"github.com/slipway-build/slipway/internal/i18n"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run() error {
	into := flag.String("into", "", "page to write into; nothing: standard output")
	flag.Parse()
	var page []byte
	if *into != "" {
		var err error
		if page, err = os.ReadFile(*into); err != nil {
			return fmt.Errorf("read page: %w", err)
		}
	}
	for _, arg := range flag.Args() {
		name, file, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("want NAME=FILE, got %q", arg)
		}
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("read result: %w", err)
		}
		r, err := compare.Read(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		r.Conclude()
		text := section(r)
		if *into == "" {
			fmt.Print(text)
			continue
		}
		if page, err = replace(page, name, text); err != nil {
			return err
		}
	}
	if *into == "" {
		return nil
	}
	temp := *into + ".new"
	if err := os.WriteFile(temp, page, 0o644); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return os.Rename(temp, *into)
}

func replace(page []byte, name, text string) ([]byte, error) {
	begin, end := "<!-- compare "+name+" -->\n", "<!-- end of compare "+name+" -->"
	before, rest, ok := bytes.Cut(page, []byte(begin))
	_, after, also := bytes.Cut(rest, []byte(end))
	if !ok || !also {
		return nil, fmt.Errorf("the page has no part %s", begin)
	}
	return bytes.Join([][]byte{before, []byte(begin + text + end), after}, nil), nil
}

// section is all there is to say of one result.
func section(r *compare.Result) string {
	var b strings.Builder
	table(&b, r)
	var says []string
	for _, c := range r.Conclusions(i18n.English) {
		says = append(says, "- "+c.Text)
	}
	if len(says) > 0 {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(says, "\n"))
	}
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Reason != nil {
			fmt.Fprintf(&b, "\n%s was not measured: %s\n", r.Label(c, i18n.English), c.Reason.In(i18n.English))
		}
	}
	if how := r.MethodSentences(); len(how) > 0 {
		b.WriteString("\n*Measured on " + r.Began.Format("2006-01-02"))
		for _, m := range how {
			b.WriteString("; " + m.In(i18n.English))
		}
		b.WriteString(".*\n")
	}
	return b.String()
}

// table has a row for each cell and a column for what was measured.
func table(b *strings.Builder, r *compare.Result) {
	type column struct {
		title string
		of    func(*compare.Cell) string
	}
	var columns []column
	size := func(m compare.Metric, of func(*compare.Size) int64) {
		columns = append(columns, column{m.Name().In(i18n.English), func(c *compare.Cell) string {
			if c.Size == nil || of(c.Size) == 0 {
				return ""
			}
			if m == compare.BinaryRaw {
				return fmt.Sprint(of(c.Size)) // exact, to be held against other tables
			}
			return m.Format(float64(of(c.Size)))
		}})
	}
	median := func(m compare.Metric, title string, of func(compare.Summary) string) {
		columns = append(columns, column{strings.TrimSpace(m.Name().In(i18n.English) + title), func(c *compare.Cell) string {
			s, ok := c.Summary[m]
			if !ok {
				return ""
			}
			return of(s)
		}})
	}
	if slices.ContainsFunc(r.Axes, func(a compare.Axis) bool { return a.Name == "go" }) {
		columns = append(columns, column{"release", func(c *compare.Cell) string { return strings.TrimPrefix(c.Go, "go") }})
	}
	size(compare.BinaryRaw, func(s *compare.Size) int64 { return s.Binary })
	size(compare.BinaryGzip, func(s *compare.Size) int64 { return s.Gzip })
	size(compare.ImageSize, func(s *compare.Size) int64 { return s.Image })
	for _, m := range []compare.Metric{compare.Ready, compare.Exited} {
		median(m, ", P50", func(s compare.Summary) string {
			text := m.Format(s.P50.Value)
			if s.P50.Lo != nil && s.P50.Hi != nil {
				text += fmt.Sprintf(" (%s–%s)", m.Format(*s.P50.Lo), m.Format(*s.P50.Hi))
			}
			return text
		})
		median(m, ", P90", func(s compare.Summary) string { return m.Format(s.P90.Value) })
		median(m, ", P99", func(s compare.Summary) string {
			if s.N < 100 {
				return ""
			}
			return m.Format(s.P99.Value)
		})
	}
	others := []compare.Metric{compare.CPU, compare.RSS, compare.BuildCold, compare.BuildWarm}
	for _, c := range r.Comparisons {
		if c.Metric == compare.Whole {
			others = append([]compare.Metric{compare.Whole}, others...)
			break
		}
	}
	for _, m := range others {
		median(m, "", func(s compare.Summary) string { return m.Format(s.P50.Value) })
	}
	var used []column
	for _, c := range columns {
		for i := range r.Cells {
			if c.of(&r.Cells[i]) != "" {
				used = append(used, c)
				break
			}
		}
	}
	b.WriteString("| |")
	for _, c := range used {
		b.WriteString(" " + c.title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(used)) + "\n")
	row := func(label string, c *compare.Cell) {
		b.WriteString("| " + label + " |")
		for _, col := range used {
			b.WriteString(" " + col.of(c) + " |")
		}
		b.WriteString("\n")
	}
	for i := range r.Cells {
		row(r.Label(&r.Cells[i], i18n.English), &r.Cells[i])
	}
	if r.Floor != nil && len(r.Floor.Summary) > 0 {
		row(i18n.M("compare.floor").In(i18n.English), r.Floor)
	}
}
