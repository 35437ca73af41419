package compare

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/slipway-build/slipway/internal/sizes"
)

// Bounds of what is read from a file, and of --runs.
const (
	MaxRuns     = 10_000
	maxDocument = 256 << 20 // bytes
	maxSample   = 1e18      // ns or bytes
)

// VersionError is the error of a document of another version.
type VersionError struct{ Version int }

func (e *VersionError) Error() string { return fmt.Sprintf("schemaVersion %d", e.Version) }

// Read reads a Result and makes sure that it holds together.
func Read(from io.Reader) (*Result, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	if len(data) > maxDocument {
		return nil, errors.New("more than 256 MiB")
	}
	var r Result
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("decode result: %w", err)
	}
	if r.SchemaVersion != SchemaVersion {
		return nil, &VersionError{r.SchemaVersion}
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return &r, nil
}

func (r *Result) check() error {
	if len(r.Axes) == 0 || len(r.Axes) > 32 || len(r.Cells) > MaxCells || len(r.Bandwidths) > 32 || len(r.Noise.Spin) > MaxRuns {
		return errors.New("too many, or no, axes or cells")
	}
	for _, c := range r.Cells {
		if len(c.Values) != len(r.Axes) {
			return errors.New("a cell has not one value for each axis")
		}
		if err := c.check(); err != nil {
			return err
		}
	}
	if r.Floor != nil {
		if err := r.Floor.check(); err != nil {
			return err
		}
	}
	for _, b := range r.Bandwidths {
		if !(b.Bits > 0) {
			return errors.New("a bandwidth is not positive")
		}
	}
	if c, a := r.Method.Confidence, r.Method.Alpha; !(c > 0 && c < 1 && a > 0 && a < 1) {
		return errors.New("confidence and alpha are not between 0 and 1")
	}
	return nil
}

func (c *Cell) check() error {
	for m, values := range c.Samples {
		if len(values) > MaxRuns {
			return fmt.Errorf("more than %d samples of %s", MaxRuns, m)
		}
		for _, v := range values {
			if !(v >= 0 && v <= maxSample) {
				return fmt.Errorf("a sample of %s is negative or too large", m)
			}
		}
	}
	if s := c.Size; s != nil {
		if s.Binary < 0 || s.Gzip < 0 || s.Zstd < 0 || s.Image < 0 || s.Unpacked < 0 || len(s.Layers) > 1000 {
			return errors.New("a size is negative, or there are too many parts")
		}
		for _, l := range s.Layers {
			if l.Size < 0 || l.Raw < 0 {
				return errors.New("the size of a layer is negative")
			}
		}
		if s.Parts != nil {
			return checkParts(s.Parts)
		}
	}
	return nil
}

// maxParts bounds the sections and the modules of a program.
const maxParts = 100_000

func checkParts(p *sizes.Report) error {
	if len(p.Sections) > maxParts || len(p.Modules) > maxParts || p.Size < 0 {
		return errors.New("a program has too many parts")
	}
	for _, s := range p.Sections {
		if s.Size < 0 || s.Size > p.Size {
			return errors.New("a section is larger than its program")
		}
	}
	for _, m := range p.Modules {
		if m.Size < 0 || m.Size > p.Size {
			return errors.New("a module is larger than its program")
		}
	}
	return nil
}

// Merge puts the cells of o into r: new ones are added, and the samples of
// those that r has too follow its own if they are of the very same program. What
// was measured on different machines is kept apart by an axis of its own. It
// reports false if the two vary different things.
func (r *Result) Merge(o *Result) bool {
	keepApart(r, o)
	if len(r.Axes) != len(o.Axes) {
		return false
	}
	for i, a := range r.Axes {
		if a.Name != o.Axes[i].Name {
			return false
		}
	}
	for i := range r.Axes {
		for _, v := range o.Axes[i].Values {
			if !slices.Contains(r.Axes[i].Values, v) {
				r.Axes[i].Values = append(r.Axes[i].Values, v)
			}
		}
	}
	for _, c := range o.Cells {
		i := slices.IndexFunc(r.Cells, func(d Cell) bool { return slices.Equal(d.Values, c.Values) })
		switch {
		case i < 0:
			r.Cells = append(r.Cells, c)
		case r.Cells[i].Digest == "" || r.Cells[i].Reason != nil:
			r.Cells[i] = c
		case r.Cells[i].Digest == c.Digest:
			r.Cells[i].add(&c)
		}
	}
	if r.Floor != nil && o.Floor != nil {
		r.Floor.add(o.Floor)
	} else if r.Floor == nil {
		r.Floor = o.Floor
	}
	r.Noise.Spin = append(r.Noise.Spin, o.Noise.Spin...)
	r.Method.Rounds += o.Method.Rounds
	r.Seconds += o.Seconds
	r.Incomplete = r.Incomplete || o.Incomplete
	if r.Method.Until == "" {
		rounds := r.Method.Rounds
		r.Method, r.Machine = o.Method, o.Machine
		r.Method.Rounds = rounds
	}
	return true
}

// Continue puts the samples of an earlier result under the cells of r that are
// the very same programs, before measuring goes on. It reports false if the two
// vary different things.
func (r *Result) Continue(old *Result) bool {
	if len(r.Axes) != len(old.Axes) {
		return false
	}
	for i, a := range r.Axes {
		if a.Name != old.Axes[i].Name {
			return false
		}
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		k := slices.IndexFunc(old.Cells, func(d Cell) bool {
			return slices.Equal(d.Values, c.Values) && d.Digest == c.Digest && c.Digest != ""
		})
		if k >= 0 {
			c.add(&old.Cells[k])
		}
	}
	r.Floor, r.Noise.Spin, r.Method.Rounds = old.Floor, old.Noise.Spin, old.Method.Rounds
	return true
}

// add takes over the samples of the same cell.
func (c *Cell) add(o *Cell) {
	if c.Samples == nil {
		c.Samples = Samples{}
	}
	for m, values := range o.Samples {
		c.Samples[m] = append(c.Samples[m], values...)
	}
	c.Orders = append(c.Orders, o.Orders...)
	if c.Size == nil {
		c.Size = o.Size
	}
}

// WriteCSV writes every single measurement as one row: the values of the axes,
// the metric, the number of the run, its place in its round, the value and its
// unit (ns or B).
func (r *Result) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := make([]string, 0, len(r.Axes)+5)
	for _, a := range r.Axes {
		head = append(head, a.Name)
	}
	if err := out.Write(append(head, "metric", "run", "turn", "value", "unit")); err != nil {
		return fmt.Errorf("write measurements: %w", err)
	}
	cells := slices.Clone(r.Cells)
	if r.Floor != nil {
		floor := *r.Floor
		floor.Values = make([]string, len(r.Axes))
		floor.Values[0] = "(floor)"
		cells = append(cells, floor)
	}
	for _, c := range cells {
		if err := c.rows(out); err != nil {
			return fmt.Errorf("write measurements: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write measurements: %w", err)
	}
	return nil
}

func (c *Cell) rows(out *csv.Writer) error {
	write := func(m Metric, run, turn string, v float64) error {
		unit := "B"
		if m.class() == classTime {
			unit = "ns"
		}
		return out.Write(append(slices.Clone(c.Values), string(m), run, turn, strconv.FormatFloat(v, 'f', -1, 64), unit))
	}
	for _, m := range []Metric{BinaryRaw, BinaryGzip, BinaryZstd, ImageSize, Unpacked} {
		if v, ok := c.Size.of(m); ok {
			if err := write(m, "", "", v); err != nil {
				return err
			}
		}
	}
	for _, m := range sampled {
		for i, v := range c.Samples[m] {
			turn := ""
			if i < len(c.Orders) && m != BuildCold && m != BuildWarm {
				turn = strconv.Itoa(c.Orders[i])
			}
			if err := write(m, strconv.Itoa(i), turn, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// sampled are the metrics that have samples, in the order they are shown.
var sampled = []Metric{Ready, Listening, First, Second, Exited, Whole, CPU, RSS, BuildCold, BuildWarm}
