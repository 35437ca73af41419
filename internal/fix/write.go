package fix

import (
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Write makes the changes in the repository at dir. Every new file is on the
// disk before the first one takes its place. A file that somebody has changed
// since it was read ends it.
func (p Plan) Write(dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open repository: %w", err)
	}
	defer root.Close()
	var temps []string
	defer func() {
		if err != nil {
			for _, t := range temps {
				root.Remove(t) // those that are in place by now have no such name any more
			}
		}
	}()
	for _, f := range p.Files {
		temp := path.Join(path.Dir(f.Path), ".slipway-fix-"+path.Base(f.Path))
		temps = append(temps, temp)
		if err := f.store(root, temp); err != nil {
			return fault.New(err, i18n.M("fix.write", f.Path), i18n.M("fix.write.hint"))
		}
	}
	for i, f := range p.Files {
		if reason := refuse(root, f.Path); !reason.IsZero() {
			return fault.New(nil, reason, i18n.M("fix.again"))
		}
		now, err := open(root, f.Path)
		if err != nil {
			return err
		}
		if now.old != f.old {
			return fault.New(nil, i18n.M("fix.changed", f.Path), i18n.M("fix.again"))
		}
		if err := root.Rename(temps[i], f.Path); err != nil {
			return fault.New(err, i18n.M("fix.write", f.Path), i18n.M("fix.write.hint"))
		}
	}
	return nil
}

// store writes the new content under another name in the same directory, down
// to the disk.
func (f File) store(root *os.Root, temp string) error {
	if err := root.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) { // of a run that was killed
		return err
	}
	w, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
	if err != nil {
		return err
	}
	_, err = w.WriteString(f.New())
	if err == nil {
		err = w.Chmod(f.mode) // the umask has taken its part
	}
	if err == nil {
		err = w.Sync()
	}
	return errors.Join(err, w.Close())
}
