// Package sandbox runs a program in a root file system that is not this
// machine's: read-only, as a user, with the environment and the limits it will
// have in production. There are several runners behind one interface; one
// suite of tests holds them to the same behaviour.
//
// A run leaves nothing behind: no process, no mount, no directory. What a
// killed slipway could not take away, the next one does.
//
// The package knows nothing of Go programs, images and judgements: it starts
// what it is told to and says what became of it.
package sandbox

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// Spec says what runs, and in what surroundings.
type Spec struct {
	Root string   // directory that becomes /; nothing in it is ever written
	Args []string // Args[0] is a path in Root, or a name looked up in the PATH of Env
	Env  []string // KEY=value; nothing else is set
	Dir  string   // working directory in Root; empty: /

	UID, GID int
	Groups   []int

	// Writable makes the root file system writable for the run, in memory:
	// Root itself stays as it is.
	Writable bool
	Tmpfs    []string // directories made writable, mode 1777, in memory
	Binds    []Bind

	// Without names files that container runtimes provide and that shall be
	// missing, of those in Provided.
	Without  []string
	Hostname string // empty: slipway

	Memory int64   // bytes; 0: no limit
	Pids   int64   // processes and threads; 0: no limit
	CPUs   float64 // processors' worth of time; 0: no limit

	Net            NetKind
	Nameservers    []string // written to resolv.conf; none: no name server is named there
	Search         []string // search list of resolv.conf
	Hosts          []Host   // lines added to /etc/hosts
	Stdin          io.Reader
	Stdout, Stderr io.Writer // nil: dropped
}

// Provided are the files and file systems that a sandbox provides whatever the
// root holds, and that a Spec can leave out.
var Provided = []string{
	"/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/proc", "/sys",
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
}

// Bind makes a file or directory of this machine visible in the sandbox.
type Bind struct {
	Source   string // absolute, on this machine
	Target   string // absolute, in the sandbox; it is made if it is not there
	Writable bool
}

// Host is a line of /etc/hosts.
type Host struct {
	IP    string
	Names []string
}

// TUN makes a network device, and IPv6Switch switches IPv6 off when 1 is
// written to it: each in the network of the process that opens it.
const (
	TUN        = "/dev/net/tun"
	IPv6Switch = "/proc/sys/net/ipv6/conf/all/disable_ipv6"
)

// Openable are the files that Network.Open opens.
var Openable = []string{TUN, IPv6Switch}

// NetKind says which network a sandbox sees.
type NetKind string

// The networks.
const (
	// NetOwn is a network of its own: loopback, and every other address leads
	// back to it, so that who is called can be seen; nothing leaves the machine.
	NetOwn NetKind = ""
	// NetHost is this machine's network.
	NetHost NetKind = "host"
)

// Runner starts sandboxes in one way.
type Runner interface {
	// Name is what --runner takes: namespaces, runc, docker.
	Name() string
	// Check says why this runner can't be used here; nil if it can. The error
	// is for people.
	Check(ctx context.Context) error
	// Prepare makes everything but the process. The caller closes the Box.
	Prepare(ctx context.Context, s Spec) (Box, error)
}

// ErrUnsupported is the error of what a runner, or this machine, cannot do: a
// limit, a network of its own. It is wrapped with the reason, and never
// ignored: a limit that is not kept must not look like one that is.
var ErrUnsupported = errors.New("not supported")

// Box is one sandbox. Its methods may be called from several goroutines.
type Box interface {
	// Start starts the program and returns once it is executed; the time it
	// returns was taken directly before. An error says why it could not be
	// executed, such as a missing interpreter; errors.Is works on its cause.
	Start(ctx context.Context) (time.Time, error)
	// Pid is the program's process ID on this machine; 0 before Start.
	Pid() int
	// Signal sends a signal to the program alone.
	Signal(sig os.Signal) error
	// Wait waits for the end of the program. The error is that of ctx; the
	// program runs on then.
	Wait(ctx context.Context) (Exit, error)
	// Network is the network the program sees. It can be used before Start.
	Network() Network
	// Close kills everything in the sandbox and removes every trace of it. It
	// can be called more than once.
	Close() error
}

// Network makes connections and listeners in the network of a sandbox.
type Network interface {
	// Own reports whether it is the sandbox's own.
	Own() bool
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
	Listen(ctx context.Context, network, addr string) (net.Listener, error)
	ListenPacket(ctx context.Context, network, addr string) (net.PacketConn, error)
	// Socket makes a socket as socket(2) does, for what the methods above do
	// not make. The caller closes it.
	Socket(domain, kind, protocol int) (fd int, err error)
	// Open opens one of Openable for reading and writing, without waiting. The
	// caller closes it.
	Open(name string) (fd int, err error)
}

// Exit is how a program ended.
type Exit struct {
	Code   int           `json:"code"`             // exit code; -1 when a signal ended it
	Signal string        `json:"signal,omitempty"` // such as SIGKILL
	OOM    bool          `json:"oom,omitempty"`    // the memory limit ended it, or one of its children
	At     time.Time     `json:"-"`
	User   time.Duration `json:"user,omitempty"`   // processor time in user mode
	System time.Duration `json:"system,omitempty"` // processor time in the kernel
	MaxRSS int64         `json:"maxRSS,omitempty"` // bytes; 0: unknown
}
