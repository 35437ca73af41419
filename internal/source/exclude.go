package source

// Exclude adds a directory whose content never makes the tree dirty, as
// Options.Exclude does: which one results go to is known only once the
// project's settings have been read.
func (t *Tree) Exclude(dir string) { t.o.Exclude = append(t.o.Exclude, dir) }
