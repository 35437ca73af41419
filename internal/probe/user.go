package probe

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/i18n"
)

// User is who this process is and what it may use.
type User struct {
	PID       int    `json:"pid"`
	UID       int    `json:"uid"`
	GID       int    `json:"gid"`
	Groups    []int  `json:"groups,omitempty"`
	Name      string `json:"name,omitempty"`      // by os/user
	NameError string `json:"nameError,omitempty"` // what os/user says if there is none
	Hostname  string `json:"hostname,omitempty"`
	Kernel    string `json:"kernel,omitempty"`

	Kernelside            // Linux alone
	Cgroup     Cgroup     `json:"cgroup"`
	Limits     []Limit    `json:"limits,omitempty"`
	Runtime    GoRuntime  `json:"runtime"`
	Devices    []DeviceOf `json:"devices,omitempty"`
}

// Kernelside is what Linux alone has.
type Kernelside struct {
	Effective  []string `json:"effectiveCapabilities"`
	Bounding   []string `json:"boundingCapabilities"`
	NoNewPrivs bool     `json:"noNewPrivs"`
	Seccomp    string   `json:"seccomp,omitempty"` // off, strict, filter
	UIDMap     string   `json:"uidMap,omitempty"`  // /proc/self/uid_map
	RootRO     bool     `json:"rootReadOnly"`
	Proc       bool     `json:"proc"` // /proc is mounted
}

// Cgroup holds the limits of the control group. 0 is no limit.
type Cgroup struct {
	Version int     `json:"version"` // 0: none could be read
	Memory  int64   `json:"memory,omitempty"`
	Used    int64   `json:"used,omitempty"`
	CPUs    float64 `json:"cpus,omitempty"`
	Pids    int64   `json:"pids,omitempty"`
}

// Limit is a resource limit of the process; -1 is none.
type Limit struct {
	Name string `json:"name"`
	Soft int64  `json:"soft"`
	Hard int64  `json:"hard"`
}

// GoRuntime is what the Go runtime makes of the limits.
type GoRuntime struct {
	GOMAXPROCS int    `json:"gomaxprocs"`
	NumCPU     int    `json:"numCPU"`
	GOMEMLIMIT string `json:"gomemlimit,omitempty"` // as the environment says
	Version    string `json:"version"`
}

// DeviceOf is a device that programs expect.
type DeviceOf struct {
	Path  string `json:"path"`
	Error string `json:"error,omitempty"`
}

// Identity says who this process is, what it may do and how much it may use.
func Identity(ctx context.Context, sys System) Report {
	r := newReport("user", "")
	u := &User{PID: os.Getpid(), UID: os.Getuid(), GID: os.Getgid()}
	r.User = u
	u.Groups, _ = os.Getgroups()
	u.Hostname, _ = os.Hostname()
	u.name(sys)
	u.Runtime = GoRuntime{GOMAXPROCS: runtime.GOMAXPROCS(0), NumCPU: runtime.NumCPU(), GOMEMLIMIT: sys.getenv("GOMEMLIMIT"), Version: runtime.Version()}
	u.kernel(sys)
	u.identitySteps(r, sys)
	u.privilegeSteps(r)
	u.limitSteps(r)
	for _, d := range []string{"/dev/null", "/dev/urandom"} {
		if runtime.GOOS == "windows" || ctx.Err() != nil {
			break
		}
		dev := DeviceOf{Path: d}
		st := Step{Status: OK, What: i18n.M("probe.user.device", d)}
		if f, err := os.Open(sys.path(d)); err != nil {
			dev.Error = cause(err)
			st.Status, st.Seen = Warn, dev.Error
			if d == "/dev/null" {
				st.Note = i18n.M("probe.user.devnull")
			} else {
				st.Status, st.Note = Info, i18n.M("probe.user.urandom")
			}
		} else {
			_ = f.Close()
		}
		u.Devices = append(u.Devices, dev)
		r.add(st)
	}
	return r.done()
}

// name looks the user up as os/user without cgo does (src/os/user/lookup_stubs.go
// and lookup_unix.go): from /etc/passwd, else from $USER and $HOME.
func (u *User) name(sys System) {
	if sys.Root == "" {
		if who, err := user.LookupId(strconv.Itoa(u.UID)); err == nil {
			u.Name = who.Username
			return
		} else {
			u.NameError = err.Error()
		}
		if who, err := user.Current(); err == nil {
			u.Name = who.Username
		} else {
			u.NameError = err.Error()
		}
		return
	}
	data, err := sys.read("/etc/passwd")
	if err != nil {
		u.NameError = err.Error()
		return
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) >= 7 && f[2] == strconv.Itoa(u.UID) {
			u.Name = f[0]
			return
		}
	}
	u.NameError = user.UnknownUserIdError(u.UID).Error()
}

func (u *User) identitySteps(r *Report, sys System) {
	id := fmt.Sprintf("uid=%d gid=%d groups=%s", u.UID, u.GID, strings.Trim(fmt.Sprint(u.Groups), "[]"))
	st := Step{Status: OK, What: i18n.M("probe.user.id"), Seen: id}
	if u.UID == 0 {
		st.Status, st.Note, st.Fix = Warn, i18n.M("probe.user.root"), i18n.M("probe.user.root.fix")
		if u.UIDMap != "" && !strings.HasPrefix(u.UIDMap, "0 0 ") {
			st.Status, st.Note, st.Fix = Info, i18n.M("probe.user.mapped", u.UIDMap), i18n.Message{}
		}
	}
	r.add(st)
	st = Step{Status: OK, What: i18n.M("probe.user.name"), Seen: u.Name}
	if u.NameError != "" {
		st.Status, st.Seen, st.Note, st.Fix = Warn, u.NameError, i18n.M("probe.user.noname"), i18n.M("probe.user.noname.fix", u.UID)
		if u.Name != "" {
			st.Status, st.Note, st.Fix = Info, i18n.M("probe.user.envname", u.Name), i18n.Message{}
		}
	}
	r.add(st)
	st = Step{Status: Info, What: i18n.M("probe.user.process"), Seen: fmt.Sprintf("pid=%d host=%s kernel=%s", u.PID, u.Hostname, u.Kernel)}
	if u.PID == 1 {
		st.Note = i18n.M("probe.user.pid1")
	}
	r.add(st)
}

func (u *User) privilegeSteps(r *Report) {
	if runtime.GOOS != "linux" {
		return
	}
	st := Step{Status: OK, What: i18n.M("probe.user.caps"), Seen: "none"}
	if n := len(u.Effective); n > 0 {
		st.Status, st.Seen = Info, list(u.Effective, 6)
		if u.UID != 0 || n > 14 { // 14 is what container engines leave root with
			st.Status, st.Note, st.Fix = Warn, i18n.M("probe.user.caps.many", n), i18n.M("probe.user.caps.fix")
		}
	}
	r.add(st)
	r.add(Step{Status: Info, What: i18n.M("probe.user.bounding"), Seen: fmt.Sprintf("%d: %s", len(u.Bounding), orNone(list(u.Bounding, 4)))})
	r.add(Step{Status: Info, What: i18n.M("probe.user.confine"), Seen: fmt.Sprintf("no_new_privs=%s seccomp=%s root=%s", onOff(u.NoNewPrivs), orNone(u.Seccomp), map[bool]string{true: "read-only", false: "read-write"}[u.RootRO])})
	if !u.Proc {
		r.add(Step{Status: Info, What: i18n.M("probe.user.proc"), Seen: "/proc", Note: i18n.M("probe.user.noproc")})
	}
}

func (u *User) limitSteps(r *Report) {
	c, rt := u.Cgroup, u.Runtime
	if c.Version > 0 {
		st := Step{Status: Info, What: i18n.M("probe.user.memory"), Seen: mib(c.Memory)}
		if rt.GOMEMLIMIT != "" {
			st.Seen += " GOMEMLIMIT=" + rt.GOMEMLIMIT
		}
		limit, ok := memLimit(rt.GOMEMLIMIT)
		switch {
		case c.Memory > 0 && rt.GOMEMLIMIT == "":
			st.Note, st.Fix = i18n.M("probe.user.nomemlimit"), i18n.M("probe.user.nomemlimit.fix", c.Memory*9/10>>20)
		case rt.GOMEMLIMIT != "" && !ok:
			st.Status, st.Note = Fail, i18n.M("probe.user.badmemlimit", rt.GOMEMLIMIT)
		case c.Memory > 0 && limit >= c.Memory:
			st.Status, st.Note, st.Fix = Warn, i18n.M("probe.user.highmemlimit"), i18n.M("probe.user.nomemlimit.fix", c.Memory*9/10>>20)
		}
		r.add(st)
		st = Step{Status: Info, What: i18n.M("probe.user.cpu"), Seen: fmt.Sprintf("quota=%s GOMAXPROCS=%d cpus=%d", cpus(c.CPUs), rt.GOMAXPROCS, rt.NumCPU)}
		if c.CPUs > 0 && float64(rt.GOMAXPROCS) > math.Max(2, math.Ceil(c.CPUs)) {
			st.Status, st.Note, st.Fix = Warn, i18n.M("probe.user.maxprocs"), i18n.M("probe.user.maxprocs.fix")
		} else if c.CPUs > 0 {
			st.Note = i18n.M("probe.user.aware")
		}
		r.add(st)
		r.add(Step{Status: Info, What: i18n.M("probe.user.pids"), Seen: unlimited(c.Pids)})
	}
	for _, l := range u.Limits {
		st := Step{Status: Info, What: i18n.M("probe.user.limit", l.Name), Seen: fmt.Sprintf("soft=%s hard=%s", rlimit(l.Soft), rlimit(l.Hard))}
		if l.Name == "nofile" && l.Hard >= 0 && l.Hard < 4096 {
			st.Status, st.Note = Warn, i18n.M("probe.user.nofile", l.Hard)
		}
		r.add(st)
	}
}

// memLimit reads GOMEMLIMIT as the runtime does: bytes with an optional unit.
func memLimit(s string) (int64, bool) {
	if s == "off" {
		return math.MaxInt64, true
	}
	unit := int64(1)
	for _, u := range []struct {
		name string
		size int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}} {
		if v, ok := strings.CutSuffix(s, u.name); ok {
			s, unit = v, u.size
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

func mib(n int64) string {
	if n <= 0 {
		return "unlimited"
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

func cpus(n float64) string {
	if n <= 0 {
		return "none"
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

func unlimited(n int64) string {
	if n <= 0 {
		return "unlimited"
	}
	return strconv.FormatInt(n, 10)
}

func rlimit(n int64) string {
	if n < 0 {
		return "unlimited"
	}
	return strconv.FormatInt(n, 10)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}
