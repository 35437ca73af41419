package sizes

import "testing"

// The differences of all modules, and those of all sections, add up to that of
// the files.
func TestCompare(t *testing.T) {
	a, b := read(t, program(t, "elf")), read(t, program(t, "elf-stripped"))
	for _, pair := range [][2]*Report{{a, b}, {b, a}} {
		d := Compare(pair[0], pair[1])
		var modules, sections int64
		for i, c := range d.Modules {
			modules += c.Growth()
			var inner int64
			for _, p := range c.Packages {
				inner += p.Growth()
			}
			if inner != c.Growth() {
				t.Errorf("%s %s: packages grow by %d, the module by %d", c.Origin, c.Name, inner, c.Growth())
			}
			if i > 0 && max(c.Growth(), -c.Growth()) > max(d.Modules[i-1].Growth(), -d.Modules[i-1].Growth()) {
				t.Error("not sorted by difference")
			}
		}
		for _, c := range d.Sections {
			sections += c.Growth()
		}
		if want := d.After - d.Before; modules != want || sections != want {
			t.Errorf("modules grow by %d, sections by %d, the file by %d", modules, sections, want)
		}
		if d.Modules[0].Origin != DebugInfo {
			t.Errorf("the largest difference is %+v", d.Modules[0])
		}
	}
	if d := Compare(a, a); len(d.Modules) != 0 || len(d.Sections) != 0 {
		t.Errorf("a program differs from itself: %+v", d)
	}
}
