package compare

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// MaxCells bounds a matrix: every cell is built, and started a hundred times.
const MaxCells = 256

// Combine gives every combination of the values of the axes, the last axis
// changing fastest.
func Combine(axes []Axis) ([][]string, error) {
	n := 1
	for _, a := range axes {
		if n *= len(a.Values); n > MaxCells {
			return nil, fault.UsageError(i18n.M("compare.cells", MaxCells), i18n.M("compare.cells.hint"))
		}
	}
	out := [][]string{nil}
	for _, a := range axes {
		var next [][]string
		for _, row := range out {
			for _, v := range a.Values {
				next = append(next, append(slices.Clone(row), v))
			}
		}
		out = next
	}
	return out, nil
}

// ParseAxis reads the values of an axis, separated by commas.
func ParseAxis(name, list string) (Axis, error) {
	a := Axis{Name: name}
	for v := range strings.SplitSeq(list, ",") {
		if v = strings.TrimSpace(v); v == "" {
			return a, fault.UsageError(i18n.M("compare.axis.empty", name, list), i18n.M("compare.axis.hint"))
		}
		if slices.Contains(a.Values, v) {
			return a, fault.UsageError(i18n.M("compare.axis.twice", name, v), i18n.M("compare.axis.hint"))
		}
		a.Values = append(a.Values, v)
	}
	return a, nil
}

// ParseBandwidth reads 100Mbit, 1Gbit, 56kbit: decimal multiples of bits per
// second.
func ParseBandwidth(s string) (Bandwidth, error) {
	for _, u := range []struct {
		suffix string
		bits   float64
	}{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}} {
		num, ok := strings.CutSuffix(strings.ToLower(s), u.suffix)
		if !ok {
			continue
		}
		if v, err := strconv.ParseFloat(num, 64); err == nil && v > 0 && !math.IsInf(v*u.bits, 0) {
			return Bandwidth{Name: s, Bits: v * u.bits}, nil
		}
	}
	return Bandwidth{}, fault.UsageError(i18n.M("compare.bandwidth", strconv.Quote(s)), i18n.M("compare.bandwidth.hint"))
}

// value gives what a cell has on an axis.
func (r *Result) value(c *Cell, axis string) string {
	for i, a := range r.Axes {
		if a.Name == axis && i < len(c.Values) {
			return c.Values[i]
		}
	}
	return ""
}

// varied are the axes with more than one value: what tells cells apart.
func (r *Result) varied() []int {
	var out []int
	for i, a := range r.Axes {
		if len(a.Values) > 1 {
			out = append(out, i)
		}
	}
	return out
}
