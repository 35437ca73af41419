package compare

import (
	"fmt"
	"io"
	"math"

	"github.com/slipway-build/slipway/internal/chart"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The names of the pictures.
const (
	pictureSizes    = "sizes"
	pictureStartup  = "startup"
	pictureCurves   = "curves"
	pictureMemory   = "memory"
	pictureTransfer = "transfer"
	pictureBuild    = "build"
	pictureNoise    = "noise"
	pictureSections = "sections"
	pictureModules  = "modules"
)

// PictureNames are what Picture knows, in the order a page shows them.
func PictureNames() []string {
	return []string{pictureSizes, pictureTransfer, pictureSections, pictureModules, pictureStartup, pictureCurves, pictureMemory, pictureBuild, pictureNoise}
}

// Picture gives a picture as a file; ok is false if there is nothing in it.
func (r *Result) Picture(name string, l i18n.Lang) (write func(io.Writer) error, ok bool) {
	p := r.draw(name, l)
	if p == nil {
		return nil, false
	}
	return func(w io.Writer) error {
		_, err := p.WriteTo(w)
		return err
	}, true
}

// draw makes a picture; nil if there is nothing to show.
func (r *Result) draw(name string, l i18n.Lang) *chart.Picture {
	switch name {
	case pictureSizes:
		return r.drawSizes(l)
	case pictureTransfer:
		return r.drawTransfer(l)
	case pictureSections:
		return r.drawParts(r.byKind(l), i18n.M("compare.picture.sections").In(l), l)
	case pictureModules:
		return r.drawParts(r.byModule(l), i18n.M("compare.picture.modules").In(l), l)
	case pictureStartup:
		return r.drawStarts(l)
	case pictureCurves:
		return r.drawCurves(l)
	case pictureMemory:
		return r.drawMedians(RSS, i18n.M("compare.picture.memory").In(l), l)
	case pictureBuild:
		return r.drawMedians(BuildCold, i18n.M("compare.picture.build").In(l), l)
	case pictureNoise:
		if len(r.Noise.Spin) == 0 {
			return nil
		}
		title := i18n.M("compare.picture.noise").In(l)
		return chart.Points{Title: title, Desc: title, Values: r.Noise.Spin, Format: formatTime}.Draw()
	}
	return nil
}

// drawSizes stacks the layers of each image, or shows the programs if there are
// no images.
func (r *Result) drawSizes(l i18n.Lang) *chart.Picture {
	var names []string
	place := map[string]int{}
	images := false
	for i := range r.Cells {
		if s := r.Cells[i].Size; s != nil && s.Image > 0 {
			images = true
		}
	}
	name := func(title string) int {
		k, ok := place[title]
		if !ok {
			k = len(names)
			place[title] = k
			names = append(names, layerName(title, l))
		}
		return k
	}
	c := chart.Bars{Format: formatBytes}
	pieces := make([]map[int]float64, len(r.Cells))
	sized := r.Sized()
	for _, i := range sized {
		pieces[i] = map[int]float64{}
		s := r.Cells[i].Size
		if !images {
			pieces[i][name("program")] += float64(s.Binary)
		}
		for _, layer := range s.Layers {
			if images {
				pieces[i][name(layer.Title)] += float64(layer.Size)
			}
		}
	}
	if len(sized) == 0 {
		return nil
	}
	metric := BinaryRaw
	c.Title = i18n.M("compare.picture.programs").In(l)
	if images {
		metric = ImageSize
		c.Title = i18n.M("compare.picture.images").In(l)
	}
	c.Names, c.Desc = names, c.Title
	first := math.NaN()
	for _, i := range sized {
		b := chart.Bar{Key: i, Label: r.label(&r.Cells[i], l, true), Pieces: make([]float64, len(names))}
		sum := 0.0
		for k, v := range pieces[i] {
			b.Pieces[k] = v
			sum += v
		}
		if math.IsNaN(first) {
			first = sum
		} else if first > 0 && sum > 0 {
			b.Note = signed(sum / first)
		}
		c.Rows = append(c.Rows, b)
		c.Desc += fmt.Sprintf("; %s: %s", b.Label, metric.Format(sum))
	}
	return c.Draw()
}

// drawParts stacks the parts of each program.
func (r *Result) drawParts(s *shares, title string, l i18n.Lang) *chart.Picture {
	if s == nil {
		return nil
	}
	c := chart.Bars{Title: title, Desc: title, Names: s.names, Format: formatBytes}
	for k, i := range s.cells {
		c.Rows = append(c.Rows, chart.Bar{Key: i, Label: r.label(&r.Cells[i], l, true), Pieces: s.bytes[k]})
	}
	return c.Draw()
}

// layerName puts the title of a layer into words.
func layerName(title string, l i18n.Lang) string {
	switch title {
	case "base":
		return i18n.M("compare.layer.base").In(l)
	case "programs", "program":
		return i18n.M("compare.layer.program").In(l)
	case "libraries":
		return i18n.M("compare.layer.libraries").In(l)
	case "files":
		return i18n.M("compare.layer.files").In(l)
	}
	return title
}

func (r *Result) drawTransfer(l i18n.Lang) *chart.Picture {
	if len(r.Bandwidths) == 0 {
		return nil
	}
	b := r.Bandwidths[0]
	c := chart.Bars{Title: i18n.M("compare.picture.transfer", b.Name).In(l), Format: formatTime, Names: []string{b.Name}}
	c.Desc = c.Title
	for _, i := range r.Sized() {
		if s := r.Cells[i].Size; s.Image > 0 {
			bar := chart.Bar{Key: i, Label: r.label(&r.Cells[i], l, true), Pieces: []float64{float64(b.Transfer(s.Image))}}
			for _, other := range r.Bandwidths[1:] {
				if bar.Note != "" {
					bar.Note += " · "
				}
				bar.Note += other.Name + " " + formatTime(float64(other.Transfer(s.Image)))
			}
			c.Rows = append(c.Rows, bar)
		}
	}
	if len(c.Rows) == 0 {
		return nil
	}
	return c.Draw()
}

func (r *Result) drawStarts(l i18n.Lang) *chart.Picture {
	m := r.decided()
	c := chart.Spans{Title: i18n.M("compare.picture.start", m.Name().In(l)).In(l), Format: m.Format, Names: [3]string{i18n.M("compare.picture.interval", fmt.Sprintf("%.0f %%", 100*r.Method.Confidence)).In(l), "P90", "P99"}}
	c.Desc = c.Title
	add := func(key int, label, note string, cell *Cell, muted bool) {
		s, ok := cell.Summary[m]
		if !ok {
			return
		}
		span := chart.Span{Key: key, Label: label, Value: m.Format(s.P50.Value), Note: note, Min: s.Min, P50: s.P50.Value, P90: s.P90.Value, P99: math.NaN(), Lo: math.NaN(), Hi: math.NaN(), Muted: muted}
		if s.N >= 100 {
			span.P99 = s.P99.Value // with fewer it would be the slowest start, no more
		}
		if s.P50.Lo != nil && s.P50.Hi != nil {
			span.Lo, span.Hi = *s.P50.Lo, *s.P50.Hi
		}
		c.Rows = append(c.Rows, span)
		c.Desc += fmt.Sprintf("; %s: P50 %s, P90 %s", label, m.Format(s.P50.Value), m.Format(s.P90.Value))
	}
	for i := range r.Cells {
		add(i, r.Label(&r.Cells[i], l), r.against(i, m), &r.Cells[i], false)
	}
	if len(c.Rows) == 0 {
		return nil
	}
	if r.Floor != nil {
		add(-1, i18n.M("compare.floor").In(l), "", r.Floor, true)
	}
	return c.Draw()
}

func (r *Result) drawCurves(l i18n.Lang) *chart.Picture {
	m := r.decided()
	c := chart.Curves{Title: i18n.M("compare.picture.curves", m.Name().In(l)).In(l), Format: m.Format}
	c.Desc = c.Title
	for i := range r.Cells {
		if values := r.Cells[i].Samples[m]; len(values) > 0 {
			c.Rows = append(c.Rows, chart.Curve{Key: i, Label: r.Label(&r.Cells[i], l), Values: values})
		}
	}
	if len(c.Rows) == 0 || len(c.Rows) > 4*chart.Colours {
		return nil // more curves could not be told apart
	}
	return c.Draw()
}

// drawMedians is a bar for the median of each cell.
func (r *Result) drawMedians(m Metric, title string, l i18n.Lang) *chart.Picture {
	c := chart.Bars{Title: title, Desc: title, Format: m.Format, Names: []string{m.Name().In(l)}}
	for i := range r.Cells {
		if s, ok := r.Cells[i].Summary[m]; ok {
			c.Rows = append(c.Rows, chart.Bar{Key: i, Label: r.Label(&r.Cells[i], l), Pieces: []float64{s.P50.Value}, Note: interval(s.P50)})
		}
	}
	if len(c.Rows) == 0 {
		return nil
	}
	return c.Draw()
}
