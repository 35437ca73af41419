package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/i18n"
)

func TestWrap(t *testing.T) {
	for _, x := range []struct {
		in    string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"a few words more", 7, []string{"a few", "words", "more"}},
		{"exactly", 7, []string{"exactly"}},
		{"breakless", 5, nil},
		{"没有已知的时间，写入 1970-01-01", 10, []string{"没有已知的", "时间，写入", "1970-01-01"}},
		{"四个字符，不换", 8, []string{"四个字", "符，不换"}},
	} {
		got, ok := wrap(x.in, x.width)
		if ok != (x.want != nil) || !slices.Equal(got, x.want) {
			t.Errorf("wrap(%q, %d) = %q, %v; want %q", x.in, x.width, got, ok, x.want)
		}
		for _, l := range got {
			if Width(l) > x.width {
				t.Errorf("%q is wider than %d", l, x.width)
			}
		}
	}
}

func TestTableWraps(t *testing.T) {
	table := &Table{
		Columns: []Column{{Title: i18n.M("report.reused")}, {Title: i18n.M("report.reused"), Wrap: true}, {Title: i18n.M("report.reused")}},
		Rows:    [][]string{{"one", "why it was decided so and not in another way", "end"}, {"two", "short", "end"}},
	}
	var b strings.Builder
	if err := table.WriteText(&b, Style{Lang: i18n.English, Width: 44}); err != nil {
		t.Fatal(err)
	}
	want := "reused  reused                        reused\n" +
		"one     why it was decided so and     end\n" +
		"        not in another way\n" +
		"two     short                         end\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	// Too narrow for words: a block per row.
	b.Reset()
	if err := table.WriteText(&b, Style{Lang: i18n.English, Width: 30}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "reused  one\nreused  why it was decided so and not in another way\n") {
		t.Errorf("got\n%s", b.String())
	}
}
