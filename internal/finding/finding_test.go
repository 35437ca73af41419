package finding

import (
	"fmt"
	"slices"
	"testing"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// TestSortIsTotal holds that the order in which rules find things does not
// show, even where two findings agree in place, rule and entity.
func TestSortIsTotal(t *testing.T) {
	at := fault.Pos{File: "go.mod", Line: 3, Column: 1}
	var fs []Finding
	for _, word := range []string{"a", "b", "c"} {
		for line := range 3 {
			fs = append(fs, Finding{ID: "MOD001", Entity: "x", Pos: at, Message: i18n.M("check.rule.unknown", word), Evidence: []Evidence{{Pos: fault.Pos{File: "f", Line: line + 1}}}})
		}
	}
	Sort(fs)
	want := fmt.Sprint(fs)
	for range len(fs) {
		fs = append(fs[1:], fs[0])
		other := slices.Clone(fs)
		Sort(other)
		if got := fmt.Sprint(other); got != want {
			t.Fatalf("got %s\nwant %s", got, want)
		}
	}
}
