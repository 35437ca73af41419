package compare

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/slipway-build/slipway/internal/i18n"
)

// usage reads the processor time of all threads so far, and the highest
// resident memory (proc_pid_status(5); schedstat is in
// Documentation/scheduler/sched-stats.rst of the kernel). What cannot be read
// is not measured.
func usage(pid int, v map[Metric]float64) {
	dir := "/proc/" + strconv.Itoa(pid)
	threads, err := os.ReadDir(dir + "/task")
	if err != nil {
		return
	}
	var ns int64
	for _, t := range threads {
		// Time on a processor in nanoseconds, time waited, slices.
		b, err := os.ReadFile(filepath.Join(dir, "task", t.Name(), "schedstat"))
		if err != nil {
			continue // the thread has ended
		}
		field, _, _ := bytes.Cut(b, []byte(" "))
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return
		}
		ns += n
	}
	if ns > 0 {
		v[CPU] = float64(ns)
	}
	b, err := os.ReadFile(dir + "/status")
	if err != nil {
		return
	}
	_, rest, ok := bytes.Cut(b, []byte("VmHWM:"))
	if !ok {
		return
	}
	line, _, _ := bytes.Cut(rest, []byte("kB"))
	if kb, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64); err == nil {
		v[RSS] = float64(kb << 10)
	}
}

// dropFile takes a file out of the page cache. That it is out is made sure of:
// pages that somebody else has mapped stay.
func dropFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open program: %w", err)
	}
	defer f.Close()
	// Pages that were never written to the disk cannot be dropped.
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write program to disk: %w", err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return fmt.Errorf("drop program from the page cache: %w", err)
	}
	in, all, err := resident(f)
	if err != nil {
		return err
	}
	if in*100 > all { // the file system may keep its last page
		return &errCell{msg: i18n.M("compare.cold.kept", in, all)}
	}
	return nil
}

// resident counts the pages of a file that are in memory (mincore(2)).
func resident(f *os.File) (in, all int, err error) {
	fi, err := f.Stat()
	if err != nil {
		return 0, 0, fmt.Errorf("ask for the size of the program: %w", err)
	}
	if fi.Size() == 0 {
		return 0, 0, nil
	}
	mapped, err := unix.Mmap(int(f.Fd()), 0, int(fi.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, 0, fmt.Errorf("map program: %w", err)
	}
	defer unix.Munmap(mapped) //nolint:errcheck // nothing was written
	all = (len(mapped) + os.Getpagesize() - 1) / os.Getpagesize()
	vec := make([]byte, all)
	_, _, no := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mapped[0])), uintptr(len(mapped)), uintptr(unsafe.Pointer(&vec[0])))
	if no != 0 {
		return 0, 0, fmt.Errorf("ask for the page cache: %w", no)
	}
	for _, b := range vec {
		in += int(b & 1)
	}
	return in, all, nil
}
