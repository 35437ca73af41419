package probe

import (
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// atExecfn is AT_EXECFN of getauxval(3): the path by which this program was
// executed.
const atExecfn = 31

// Executable gives the path of the running program, also where /proc is not
// mounted and os.Executable fails.
func Executable() (string, error) {
	self, err := os.Executable()
	if err == nil {
		return self, nil
	}
	aux, auxErr := unix.Auxv()
	if auxErr != nil {
		return "", err
	}
	for _, kv := range aux {
		if kv[0] != atExecfn || kv[1] == 0 {
			continue
		}
		// The kernel's own copy on the stack, which never moves.
		p := *(*unsafe.Pointer)(unsafe.Pointer(&kv[1]))
		return filepath.Abs(unix.BytePtrToString((*byte)(p)))
	}
	return "", err
}
