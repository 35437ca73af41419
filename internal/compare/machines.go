package compare

import (
	"fmt"
	"slices"
	"strings"
)

// axisMachine tells apart what was measured on several machines.
const axisMachine = "machine"

// Name is what tells one machine from another.
func (m Machine) Name() string {
	name := strings.TrimSpace(m.OS + "/" + m.Arch + " " + m.Kernel)
	if m.CPU != "" {
		name = m.CPU + ", " + name
	}
	return fmt.Sprintf("%d × %s", m.CPUs, name)
}

// machines is the axis of machines; nil if all was measured on one.
func (r *Result) machines() *Axis {
	for i := range r.Axes {
		if r.Axes[i].Name == axisMachine {
			return &r.Axes[i]
		}
	}
	return nil
}

// measured reports whether r holds times, which are a machine's own.
func (r *Result) measured() bool { return r.Method.Until != "" }

// keepApart gives both results an axis of machines if they are not of one
// machine: cells of the same name are not the same then. What belongs to one
// machine alone, its noise and its floor, goes.
func keepApart(r, o *Result) {
	if !r.measured() || !o.measured() || r.machines() == nil && o.machines() == nil && r.Machine.Name() == o.Machine.Name() {
		return
	}
	for _, x := range []*Result{r, o} {
		x.Floor, x.Noise = nil, Noise{}
		if x.machines() != nil {
			continue
		}
		x.Axes = append(slices.Clone(x.Axes), Axis{Name: axisMachine, Values: []string{x.Machine.Name()}})
		for i := range x.Cells {
			c := &x.Cells[i]
			c.Values = append(slices.Clone(c.Values), x.Machine.Name())
		}
	}
}
