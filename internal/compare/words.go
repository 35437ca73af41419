package compare

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// The classes of metrics, by what more of it is called.
const (
	classSize = iota
	classTime
)

func (m Metric) class() int {
	switch m {
	case Listening, Ready, First, Second, Exited, Whole, CPU, BuildCold, BuildWarm:
		return classTime
	}
	return classSize
}

// exact reports whether a metric is a size, which is measured once.
func (m Metric) exact() bool {
	switch m {
	case BinaryRaw, BinaryGzip, BinaryZstd, ImageSize, Unpacked:
		return true
	}
	return false
}

// built reports whether a metric is of building.
func (m Metric) built() bool { return m == BuildCold || m == BuildWarm }

// variesRunner reports whether programs are started in several ways.
func (r *Result) variesRunner() bool {
	return slices.ContainsFunc(r.varied(), func(i int) bool { return r.Axes[i].Name == axisRunner })
}

// runtime reports whether an axis changes only how a program is started.
func (a Axis) runtime() bool {
	return a.Name == "cache" || a.Name == axisRunner || a.Name == axisMachine || strings.HasPrefix(a.Name, "env ")
}

// axisRunner is the axis of how programs are started.
const axisRunner = "runner"

// Name is what people call a metric.
func (m Metric) Name() i18n.Message {
	switch m {
	case Listening:
		return i18n.M("compare.metric.listening")
	case Ready:
		return i18n.M("compare.metric.ready")
	case First:
		return i18n.M("compare.metric.first")
	case Second:
		return i18n.M("compare.metric.second")
	case Exited:
		return i18n.M("compare.metric.exited")
	case Whole:
		return i18n.M("compare.metric.whole")
	case CPU:
		return i18n.M("compare.metric.cpu")
	case RSS:
		return i18n.M("compare.metric.rss")
	case BuildCold:
		return i18n.M("compare.metric.buildcold")
	case BuildWarm:
		return i18n.M("compare.metric.buildwarm")
	case BinaryRaw:
		return i18n.M("compare.metric.binary")
	case BinaryGzip:
		return i18n.M("compare.metric.gzip")
	case BinaryZstd:
		return i18n.M("compare.metric.zstd")
	case ImageSize:
		return i18n.M("compare.metric.image")
	case Unpacked:
		return i18n.M("compare.metric.unpacked")
	}
	return i18n.M("compare.metric.other", string(m))
}

// axisValue is a value that can be told without its axis.
func axisValue(axis, v string, l i18n.Lang) string {
	switch axis + "=" + v {
	case "strip=on":
		return i18n.M("compare.value.strip.on").In(l)
	case "strip=off":
		return i18n.M("compare.value.strip.off").In(l)
	case "cgo=on":
		return i18n.M("compare.value.cgo.on").In(l)
	case "cgo=off":
		return i18n.M("compare.value.cgo.off").In(l)
	case "cache=warm":
		return i18n.M("compare.value.warm").In(l)
	case "runner=none":
		return i18n.M("compare.value.bare").In(l)
	case "cache=cold":
		return i18n.M("compare.value.cold").In(l)
	}
	switch axis {
	case "go":
		return "Go " + v
	case "base":
		if strings.HasPrefix(v, "/") {
			return path.Base(v) // a directory
		}
		return v
	case "subject", "target", "compression", axisRunner, axisMachine:
		return v
	}
	return axis[strings.LastIndexAny(axis, ". ")+1:] + "=" + v
}

// Label names a cell by the axes that vary.
func (r *Result) Label(c *Cell, l i18n.Lang) string { return r.label(c, l, false) }

// label leaves out, for sizes, what changes only how a program is started.
func (r *Result) label(c *Cell, l i18n.Lang, sizes bool) string {
	var parts []string
	for _, i := range r.varied() {
		if i < len(c.Values) && !(sizes && r.Axes[i].runtime()) {
			parts = append(parts, axisValue(r.Axes[i].Name, c.Values[i], l))
		}
	}
	if len(parts) == 0 && len(c.Values) > 0 {
		parts = append(parts, axisValue(r.Axes[0].Name, c.Values[0], l))
	}
	return strings.Join(parts, " · ")
}

// Sized are the cells whose sizes are shown: those that differ only in how
// they are started are one.
func (r *Result) Sized() []int {
	var out []int
	seen := map[string]bool{}
	for i := range r.Cells {
		c := &r.Cells[i]
		key := ""
		for k, a := range r.Axes {
			if !a.runtime() {
				key += c.Values[k] + "\x00"
			}
		}
		if c.Size != nil && !seen[key] {
			seen[key] = true
			out = append(out, i)
		}
	}
	return out
}

// Format gives a measurement of a metric with its unit.
func (m Metric) Format(v float64) string {
	if m.class() == classTime {
		return formatTime(v)
	}
	return formatBytes(v)
}

// formatTime gives nanoseconds with three digits.
func formatTime(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 999.5e3:
		return digits(ns/1e3) + " µs"
	case ns < 999.5e6:
		return digits(ns/1e6) + " ms"
	}
	return digits(ns/1e9) + " s"
}

// formatBytes gives bytes with three digits; 1 MB is 10^6 bytes.
func formatBytes(b float64) string {
	switch {
	case b < 1e3:
		return fmt.Sprintf("%.0f B", b)
	case b < 999.5e3:
		return digits(b/1e3) + " kB"
	case b < 999.5e6:
		return digits(b/1e6) + " MB"
	}
	return digits(b/1e9) + " GB"
}

func digits(v float64) string {
	switch {
	case v < 9.995:
		return fmt.Sprintf("%.2f", v)
	case v < 99.95:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
