package sandbox

import (
	"io/fs"
	"path"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// script builds the program of a child step by step.
type script struct {
	program
	labels []string // what each step does, for its error
	keep   []any    // what the numbers in steps point to
	used   uint16   // words of memory given out
}

func newScript() *script {
	return &script{program: program{
		memory: new([words]uint32),
		fail:   &header{kind: msgFailed},
	}}
}

// word is an argument that is read from memory when the step is reached.
type word uint16

// words gives out n words of memory, aligned for a 64-bit value.
func (s *script) words(n int) word {
	if s.used == 0 || s.used%2 == 1 { // 0 means none
		s.used++
	}
	if s.used < 2 {
		s.used = 2
	}
	w := s.used
	s.used += uint16(n)
	return word(w)
}

// at is the address of a word.
func (s *script) at(w word) uintptr { return uintptr(unsafe.Pointer(&s.memory[w])) }

// call adds a system call. The label says what it does. Its arguments are
// numbers, strings, bytes and words. The result may be changed until the next
// call.
func (s *script) call(label string, trap uintptr, args ...any) *step {
	var st step
	st.trap = trap
	for i, a := range args {
		switch a := a.(type) {
		case int:
			st.args[i] = uintptr(a)
		case uintptr:
			st.args[i] = a
		case word:
			st.from[i] = uint16(a)
		case string:
			b := append([]byte(a), 0)
			s.keep = append(s.keep, b)
			st.args[i] = uintptr(unsafe.Pointer(&b[0]))
		case []byte:
			if len(a) > 0 {
				s.keep = append(s.keep, a)
				st.args[i] = uintptr(unsafe.Pointer(&a[0]))
			}
		case []uintptr:
			s.keep = append(s.keep, a)
			st.args[i] = uintptr(unsafe.Pointer(&a[0]))
		case unsafe.Pointer:
			s.keep = append(s.keep, a)
			st.args[i] = uintptr(a)
		default:
			panic("sandbox: an argument of a system call is of a type it cannot be")
		}
	}
	s.steps = append(s.steps, st)
	s.labels = append(s.labels, label)
	return &s.steps[len(s.steps)-1]
}

// here is the number of the next step.
func (s *script) here() int16 { return int16(len(s.steps)) }

// vector makes the argument or environment list of execve.
func (s *script) vector(list []string) []uintptr {
	v := make([]uintptr, 0, len(list)+1)
	for _, e := range list {
		b := append([]byte(e), 0)
		s.keep = append(s.keep, b)
		v = append(v, uintptr(unsafe.Pointer(&b[0])))
	}
	return append(v, 0)
}

const here = unix.AT_FDCWD // as the first argument of the calls that end in at

func (s *script) mount(source, target, kind string, flags uintptr, data string) *step {
	return s.call("mount "+target, unix.SYS_MOUNT, source, target, kind, flags, data)
}

// remount changes the flags of the mount at target.
func (s *script) remount(target string, flags uintptr) *step {
	return s.call("mount "+target+" anew", unix.SYS_MOUNT, "", target, "", unix.MS_REMOUNT|unix.MS_BIND|flags, 0)
}

// tree opens a copy of the mounts at name, for move.
func (s *script) tree(name string) word {
	w := s.words(1)
	s.call("open "+name, unix.SYS_OPEN_TREE, here, name,
		unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE).to = uint16(w)
	return w
}

// move mounts what tree opened.
func (s *script) move(w word, target string) {
	s.call("mount "+target, unix.SYS_MOVE_MOUNT, w, "", here, target, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// attrSize is the size of struct mount_attr.
const attrSize = int(unsafe.Sizeof(unix.MountAttr{}))

// attributes sets attributes of the mount at target and of those below it.
func (s *script) attributes(target string, set uint64) *step {
	return s.call("mount "+target+" anew", unix.SYS_MOUNT_SETATTR, here, target, unix.AT_RECURSIVE,
		unsafe.Pointer(&unix.MountAttr{Attr_set: set}), attrSize)
}

// directories makes the directories that lead to name, and name.
func (s *script) directories(name string, mode fs.FileMode) {
	name = path.Clean("/" + name)
	if name == "/" {
		return
	}
	for i := 1; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		m := fs.FileMode(0o755)
		if i == len(name) {
			m = mode
		}
		s.call("make the directory "+name[:i], unix.SYS_MKDIRAT, here, name[:i], int(m.Perm())).accept = syscall.EEXIST
	}
}

// remove takes a file away, if it is there.
func (s *script) remove(name string) {
	st := s.call("remove "+name, unix.SYS_UNLINKAT, here, name, 0)
	st.accept, st.also = syscall.ENOENT, syscall.ENOTDIR
}

// file makes a file with this content in place of what is there.
func (s *script) file(name string, content []byte) {
	s.remove(name)
	s.directories(path.Dir(name), 0o755)
	w := s.words(1)
	s.call("make "+name, unix.SYS_OPENAT, here, name,
		unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_LARGEFILE, 0o644).to = uint16(w)
	if len(content) > 0 {
		s.call("write "+name, unix.SYS_WRITE, w, content, len(content))
	}
	s.call("close "+name, unix.SYS_CLOSE, w)
}

// write writes into a file that is there; that it cannot be is no error.
func (s *script) write(name string, content string) {
	w := s.words(1)
	st := s.call("open "+name, unix.SYS_OPENAT, here, name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	st.to = uint16(w)
	st.onError = s.here() + 2
	s.call("write "+name, unix.SYS_WRITE, w, content, len(content)).onError = s.here()
	s.call("close "+name, unix.SYS_CLOSE, w)
}

func (s *script) symlink(target, name string) {
	s.call("link "+name, unix.SYS_SYMLINKAT, target, here, name).accept = syscall.EEXIST
}

// tell sends a message.
func (s *script) tell(kind uint32) {
	h := &header{kind: kind}
	s.call("report", unix.SYS_WRITE, reportFD, unsafe.Pointer(h), headerSize)
}

// await waits for the parent's byte; without a parent the child ends.
func (s *script) await() {
	b := make([]byte, 1)
	st := s.call("wait", unix.SYS_READ, syncFD, b, 1)
	st.onNonzero = s.here() + 1
	s.call("end", unix.SYS_EXIT_GROUP, 127)
}

// clean reports whether a name can be handed to the kernel.
func clean(name string) bool { return strings.IndexByte(name, 0) < 0 }
