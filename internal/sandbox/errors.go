package sandbox

import "fmt"

// ExecError says why a program could not be executed. It unwraps to the error
// of the system call: ENOENT, EACCES, ENOEXEC, …
type ExecError struct {
	Path        string // what was to be executed, as far as it was found in the root
	Interpreter string // its dynamic linker or script interpreter, if that is what is missing
	Machine     string // what it is built for, if that is not this machine; such as EM_AARCH64
	Err         error
}

func (e *ExecError) Error() string {
	switch {
	case e.Interpreter != "":
		return fmt.Sprintf("execute %s: its interpreter %s is not there: %v", e.Path, e.Interpreter, e.Err)
	case e.Machine != "":
		return fmt.Sprintf("execute %s: it is built for %s: %v", e.Path, e.Machine, e.Err)
	}
	return fmt.Sprintf("execute %s: %v", e.Path, e.Err)
}

// Unwrap gives the error of the system call.
func (e *ExecError) Unwrap() error { return e.Err }
