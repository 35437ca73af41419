package sandbox

import (
	"bufio"
	"debug/elf"
	"io"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// explainExec says why execve failed. Its error number is the same for a
// program that is missing and for one whose interpreter is, so both are looked
// for. Only Root is looked into, not what is mounted over it.
func explainExec(spec Spec, exec bool, errno syscall.Errno, plain error) error {
	if !exec {
		return plain
	}
	e := &ExecError{Path: spec.Args[0], Err: errno}
	for _, name := range candidates(spec) {
		if !path.IsAbs(name) {
			name = path.Join("/", spec.Dir, name)
		}
		f, err := openInRoot(spec.Root, name)
		if err != nil {
			continue
		}
		e.Path = name
		if interp := interpreter(f); interp != "" && errno == syscall.ENOENT {
			if g, err := openInRoot(spec.Root, interp); err != nil {
				e.Interpreter = interp
			} else {
				_ = g.Close()
			}
		}
		if errno == syscall.ENOEXEC {
			e.Machine = foreign(f)
		}
		_ = f.Close()
		break
	}
	return e
}

// predictExec is what execve would say of the program, as far as that can be
// seen in Root: for runtimes that do not tell. It is silent when in doubt.
func predictExec(spec Spec) error {
	covered := slices.Clone(spec.Tmpfs)
	for _, b := range spec.Binds {
		covered = append(covered, b.Target)
	}
	worst := &ExecError{Path: spec.Args[0], Err: syscall.ENOENT}
	for _, name := range candidates(spec) {
		if !path.IsAbs(name) {
			name = path.Join("/", spec.Dir, name)
		}
		for _, c := range covered {
			if strings.HasPrefix(path.Clean(name)+"/", c+"/") {
				return nil
			}
		}
		f, err := openInRoot(spec.Root, name)
		if err != nil {
			continue
		}
		defer f.Close()
		if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() || fi.Mode()&0o111 == 0 {
			worst = &ExecError{Path: name, Err: syscall.EACCES}
			continue
		}
		e := &ExecError{Path: name}
		if interp := interpreter(f); interp != "" {
			if g, err := openInRoot(spec.Root, interp); err == nil {
				return g.Close()
			}
			e.Interpreter, e.Err = interp, syscall.ENOENT
			return e
		}
		if emulated() {
			return nil
		}
		if e.Machine = foreign(f); e.Machine != "" || !isELF(f) {
			e.Err = syscall.ENOEXEC
			return e
		}
		return nil
	}
	return worst
}

func isELF(f *os.File) bool {
	_, err := elf.NewFile(f)
	return err == nil
}

// emulated reports whether the kernel has been told how to execute files of
// other kinds.
func emulated() bool {
	list, _ := os.ReadDir("/proc/sys/fs/binfmt_misc")
	return slices.ContainsFunc(list, func(e os.DirEntry) bool { return e.Name() != "register" && e.Name() != "status" })
}

// openInRoot opens a file as a program in root would.
func openInRoot(root, name string) (*os.File, error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, name, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// interpreter is what the kernel executes for a file: the dynamic linker of a
// program, or what a script names.
func interpreter(f *os.File) string {
	line, _ := bufio.NewReader(io.NewSectionReader(f, 0, 256)).ReadString('\n')
	if rest, ok := strings.CutPrefix(line, "#!"); ok {
		name, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		name, _, _ = strings.Cut(name, "\t")
		return name
	}
	e, err := elf.NewFile(f)
	if err != nil {
		return ""
	}
	for _, p := range e.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < unix.PathMax {
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err == nil {
				return strings.TrimRight(string(b), "\x00")
			}
		}
	}
	return ""
}

// foreign is the machine an ELF file is for, if it is not this one.
func foreign(f *os.File) string {
	e, err := elf.NewFile(f)
	if err != nil {
		return ""
	}
	here := map[string]elf.Machine{
		"386": elf.EM_386, "amd64": elf.EM_X86_64, "arm": elf.EM_ARM, "arm64": elf.EM_AARCH64, "loong64": elf.EM_LOONGARCH,
		"ppc64": elf.EM_PPC64, "ppc64le": elf.EM_PPC64, "riscv64": elf.EM_RISCV, "s390x": elf.EM_S390,
	}[runtime.GOARCH]
	if e.Machine == here {
		return ""
	}
	return e.Machine.String()
}

// peakRSS is the highest resident size of a process, in bytes; 0: unknown.
func peakRSS(pid int) int64 {
	return statusField(pid, "VmHWM:") << 10
}
