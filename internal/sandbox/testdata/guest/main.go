// The guest is the program that the tests of package sandbox run inside.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Each command line is a list of commands, separated by "--".
func main() {
	args := os.Args[1:]
	for len(args) > 0 {
		n := 0
		for n < len(args) && args[n] != "--" {
			n++
		}
		run(args[0], args[1:n])
		args = args[min(n+1, len(args)):]
	}
}

func say(v any) {
	if err, ok := v.(error); ok {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			v = errnoName(errno)
		} else {
			v = err.Error()
		}
	}
	b, _ := json.Marshal(v)
	fmt.Println(string(b))
}

func errnoName(e syscall.Errno) string {
	for name, v := range map[string]syscall.Errno{
		"EROFS": syscall.EROFS, "ENOENT": syscall.ENOENT, "EACCES": syscall.EACCES, "EPERM": syscall.EPERM,
		"EAGAIN": syscall.EAGAIN, "ENOSPC": syscall.ENOSPC, "ECONNREFUSED": syscall.ECONNREFUSED, "ENETUNREACH": syscall.ENETUNREACH,
	} {
		if v == e {
			return name
		}
	}
	return e.Error()
}

func check(err error) {
	if err != nil {
		say(err)
		os.Exit(1)
	}
}

func run(command string, args []string) {
	switch command {
	case "id":
		groups, _ := os.Getgroups()
		sort.Ints(groups)
		dir, _ := os.Getwd()
		host, _ := os.Hostname()
		mask := syscall.Umask(0)
		say(map[string]any{
			"uid": os.Getuid(), "euid": os.Geteuid(), "gid": os.Getgid(), "groups": groups, "env": os.Environ(),
			"dir": dir, "host": host, "pid": os.Getpid(), "ppid": os.Getppid(), "umask": mask, "cpus": runtime.GOMAXPROCS(0),
		})
	case "status":
		b, err := os.ReadFile("/proc/self/status")
		check(err)
		out := map[string]string{}
		for _, line := range strings.Split(string(b), "\n") {
			if k, v, ok := strings.Cut(line, ":"); ok {
				out[k] = strings.TrimSpace(v)
			}
		}
		say(out)
	case "read":
		b, err := os.ReadFile(args[0])
		if err != nil {
			say(err)
			return
		}
		say(string(b))
	case "stat":
		fi, err := os.Lstat(args[0])
		if err != nil {
			say(err)
			return
		}
		say(fi.Mode().String())
	case "list":
		list, err := os.ReadDir(args[0])
		check(err)
		var names []string
		for _, e := range list {
			names = append(names, e.Name())
		}
		say(names)
	case "write":
		err := os.WriteFile(args[0], []byte(args[1]), 0o644)
		if err != nil {
			say(err)
			return
		}
		say("ok")
	case "fds":
		list, err := os.ReadDir("/proc/self/fd")
		check(err)
		out := map[string]string{}
		for _, e := range list {
			if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
				out[e.Name()] = to
			}
		}
		say(out)
	case "dev":
		f, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
		check(err)
		_, err = f.Write([]byte("x"))
		check(err)
		b := make([]byte, 8)
		n, err := f.Read(b)
		zero, zerr := os.Open("/dev/zero")
		check(zerr)
		_, zerr = io.ReadFull(zero, b)
		check(zerr)
		full, ferr := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		check(ferr)
		_, ferr = full.Write(b)
		random, rerr := os.Open("/dev/urandom")
		check(rerr)
		_, rerr = io.ReadFull(random, b)
		check(rerr)
		say(fmt.Sprint(n, err, " ", errors.Is(ferr, syscall.ENOSPC)))
	case "stdout":
		f, err := os.OpenFile("/dev/stdout", os.O_WRONLY, 0)
		check(err)
		fmt.Fprintln(f, `"by name"`)
	case "exit":
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "kill":
		n, _ := strconv.Atoi(args[0])
		check(syscall.Kill(os.Getpid(), syscall.Signal(n)))
		time.Sleep(time.Minute)
	case "wait":
		time.Sleep(time.Hour)
	case "catch":
		c := make(chan os.Signal, 8)
		signal.Notify(c, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR2)
		say("ready")
		for s := range c {
			say(s.String())
			if s == syscall.SIGTERM {
				os.Exit(7)
			}
		}
	case "ignore":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		say("ready")
		time.Sleep(time.Hour)
	case "echo":
		n, err := io.Copy(os.Stdout, os.Stdin)
		check(err)
		fmt.Fprint(os.Stderr, n)
	case "fill": // fill MB: output
		mb, _ := strconv.Atoi(args[0])
		h := sha256.New()
		w := bufio.NewWriter(io.MultiWriter(os.Stdout, h))
		for i := range mb << 14 {
			fmt.Fprintf(w, "%063d\n", i)
		}
		w.Flush()
		fmt.Fprintf(os.Stderr, "%x", h.Sum(nil))
	case "eat": // eat MB of memory
		mb, _ := strconv.Atoi(args[0])
		var keep [][]byte
		for range mb {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			keep = append(keep, b)
		}
		say(len(keep))
	case "burn": // burn MS of processor time: how long it took
		ms, _ := strconv.Atoi(args[0])
		begin := time.Now()
		var u syscall.Rusage
		for {
			syscall.Getrusage(syscall.RUSAGE_SELF, &u)
			if time.Duration(u.Utime.Nano()+u.Stime.Nano()) > time.Duration(ms)*time.Millisecond {
				break
			}
		}
		say(time.Since(begin).Milliseconds())
	case "fork": // fork N children that sleep in sessions of their own
		n, _ := strconv.Atoi(args[0])
		made := 0
		for range n {
			cmd := exec.Command(os.Args[0], "ignore")
			cmd.Stdout = os.Stdout
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := cmd.Start(); err != nil {
				say(err)
				break
			}
			made++
		}
		say(made)
	case "bomb":
		for {
			cmd := exec.Command(os.Args[0], "bomb")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			_ = cmd.Start()
		}
	case "hang": // stopped for ever, deaf to everything, not tied to its parent
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, 0, 0)
		say("ready")
		signal.Ignore()
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Hour)
	case "dial":
		d := net.Dialer{Timeout: 5 * time.Second}
		c, err := d.Dial(args[0], args[1])
		if err != nil {
			say(err)
			return
		}
		b, _ := io.ReadAll(c)
		say(string(b))
	case "addrs":
		ifs, err := net.Interfaces()
		check(err)
		out := map[string]string{}
		for _, i := range ifs {
			out[i.Name] = i.Flags.String()
		}
		say(out)
	case "serve":
		l, err := net.Listen("tcp", args[0])
		if err != nil {
			say(err)
			return
		}
		say("ready")
		check(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "hello ", r.Host)
		})))
	default:
		fmt.Fprintln(os.Stderr, "unknown command", command)
		os.Exit(99)
	}
}
