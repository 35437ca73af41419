package sandbox

import (
	"os"
	"strings"
)

// Owner names this process for directories that outlive a sandbox's root: as
// long as it runs, Abandoned of the name is false, whoever asks.
func Owner() (string, error) {
	m, err := machine()
	if err != nil {
		return "", err
	}
	return strings.ReplaceAll(strings.TrimPrefix(overlayMarker(m.pidns, os.Getpid(), m.started), markerPrefix), ":", "-"), nil
}

// Abandoned reports whether the process of this name is gone. Of one in
// another process ID namespace nothing is known, and it is not.
func Abandoned(owner string) bool {
	m, err := machine()
	return err == nil && abandoned(markerPrefix+strings.ReplaceAll(owner, "-", ":"), m.pidns)
}
