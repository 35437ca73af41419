package sandbox

import (
	"runtime"
	"syscall"
	"unsafe"
)

// Where the child stands between fork and exec, no Go may run: there is one
// thread, and the locks of the others are as they were. Package syscall solves
// that with a list of steps of its own, in which mounts have no place; starting
// ourselves again as a helper would cost more than the rest of a sandbox. So
// the steps are prepared as plain numbers before the fork (script_linux.go)
// and the child only carries them out.

// The runtime keeps these three for package syscall and, by name, for others
// that fork themselves (go.dev/issue/67401).

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// step is one system call of a child.
type step struct {
	trap uintptr
	args [6]uintptr
	from [6]uint16 // argument i is the word memory[from[i]]; 0: args[i]

	when   uint16        // carried out only if this word of memory is not 0; 0: always
	to     uint16        // the result goes into this word of memory; 0: dropped
	errTo  uint16        // the error number goes into this word, and the next step follows
	accept syscall.Errno // an error that is none, such as EEXIST
	also   syscall.Errno // another one

	onZero    int16 // step to go on with when the result is 0; 0: the next
	onNonzero int16 // step to go on with when the result is not 0
	onError   int16 // step to go on with after any error; 0: report it and exit
	exec      bool  // execve: of several in a row the error that says most is reported
}

// words is the size of a child's memory.
const words = 4096

// The kinds of message a child sends on its report descriptor.
const (
	msgFailed = 1 + iota // step and error number; the child exits
	msgReady             // followed by its struct rusage
	msgPid               // the process that was made for the caller
	msgPlace             // waits to be put into its control groups
)

// header begins each message.
type header struct{ kind, step, value, _ uint32 }

const headerSize = int(unsafe.Sizeof(header{}))

// Descriptors of every child once it has arranged them.
const (
	reportFD  = 3 // messages go out here
	syncFD    = 4 // each byte lets the child go on; its end ends the child
	controlFD = 5 // socket of a keeper
)

// program is what a child carries out.
type program struct {
	steps  []step
	memory *[words]uint32
	fail   *header
}

// fork makes a child with the namespaces of flags, which carries out p. The
// result is its process ID, as the caller sees it.
//
// The child begins as a copy of this process with one thread, in which memory
// may neither be allocated nor locks be taken, nor the stack grow.
//
//go:noinline
//go:norace
//go:nocheckptr
func fork(flags uintptr, p *program) (int, syscall.Errno) {
	flags |= uintptr(syscall.SIGCHLD)
	a0, a1 := flags, uintptr(0)
	if runtime.GOARCH == "s390x" {
		a0, a1 = a1, a0
	}
	steps, memory, fail := p.steps, p.memory, p.fail
	var (
		i, next int
		r       uintptr
		err     syscall.Errno
		worst   syscall.Errno
		a       [6]uintptr
	)

	syscall.ForkLock.Lock()
	beforeFork()
	r, _, err = syscall.RawSyscall6(syscall.SYS_CLONE, a0, a1, 0, 0, 0, 0)
	if err != 0 || r != 0 {
		afterFork()
		syscall.ForkLock.Unlock()
		return int(r), err
	}

	afterForkInChild()
	for i < len(steps) {
		s := &steps[i]
		if s.when != 0 && memory[s.when] == 0 {
			i++
			continue
		}
		for k := range a {
			a[k] = s.args[k]
			if f := s.from[k]; f != 0 {
				a[k] = uintptr(memory[f])
			}
		}
		next = i + 1
		r, _, err = syscall.RawSyscall6(s.trap, a[0], a[1], a[2], a[3], a[4], a[5])
		switch {
		case err == syscall.EINTR:
			continue
		case err != 0 && s.exec:
			// Of "no such file" in one directory of the PATH and "permission
			// denied" in another, the second is the news.
			if worst == 0 || worst == syscall.ENOENT {
				worst = err
			}
			if i+1 < len(steps) && steps[i+1].exec {
				break
			}
			err = worst
			goto failed
		case err != 0 && s.onError != 0:
			memory[s.errTo] = uint32(err)
			next = int(s.onError)
		case err != 0 && err != s.accept && err != s.also:
			goto failed
		default:
			if err == 0 && s.to != 0 {
				memory[s.to] = uint32(r)
			}
			if err == 0 && r == 0 && s.onZero != 0 {
				next = int(s.onZero)
			}
			if err == 0 && r != 0 && s.onNonzero != 0 {
				next = int(s.onNonzero)
			}
		}
		i = next
	}
	syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0)

failed:
	fail.step, fail.value = uint32(i), uint32(err)
	syscall.RawSyscall6(syscall.SYS_WRITE, reportFD, uintptr(unsafe.Pointer(fail)), uintptr(headerSize), 0, 0, 0)
	for {
		syscall.RawSyscall6(syscall.SYS_EXIT_GROUP, 127, 0, 0, 0, 0, 0)
	}
}
