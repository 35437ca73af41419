package probe

import (
	"io/fs"
	"testing"
)

func TestRightsAreThoseOfLs(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		fs.ModeDir | fs.ModeSticky | 0o777:               "drwxrwxrwt",
		fs.ModeDir | 0o700:                               "drwx------",
		fs.ModeDir | fs.ModeSetgid | 0o2:                 "d-----S-w-",
		fs.ModeSetuid | fs.ModeSetgid | 0o755:            "-rwsr-sr-x",
		fs.ModeDir | fs.ModeSticky | fs.ModeSetuid | 0o4: "d--S---r-T",
	} {
		if got := rights(mode); got != want {
			t.Errorf("%v: %s, want %s", mode, got, want)
		}
	}
}
