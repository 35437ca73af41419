package sandbox

import (
	"path/filepath"
	"slices"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// config is what runc is told.
func (b *runcBox) config() *specs.Spec {
	s := b.spec
	caps := []string{}
	if s.UID == 0 {
		caps = capNames
	}
	groups := make([]uint32, len(s.Groups))
	for i, g := range s.Groups {
		groups[i] = uint32(g)
	}
	umask := uint32(0o022)
	files := fileLimit()
	c := &specs.Spec{
		Version: "1.0.2",
		Process: &specs.Process{
			User: specs.User{UID: uint32(s.UID), GID: uint32(s.GID), AdditionalGids: groups, Umask: &umask},
			Args: s.Args, Env: s.Env, Cwd: s.Dir, NoNewPrivileges: true,
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
			Rlimits:      []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: files.Cur, Hard: files.Max}, {Type: "RLIMIT_CORE"}},
		},
		Root:     &specs.Root{Path: "rootfs", Readonly: !s.Writable},
		Hostname: s.Hostname,
		Linux: &specs.Linux{
			CgroupsPath:   "/" + groupParent + "/" + b.cgroups.id,
			Namespaces:    []specs.LinuxNamespace{{Type: "pid"}, {Type: "ipc"}, {Type: "uts"}, {Type: "mount"}},
			MaskedPaths:   maskedPaths,
			ReadonlyPaths: readonlyPaths,
		},
	}
	add := func(target, kind, source string, options ...string) {
		c.Mounts = append(c.Mounts, specs.Mount{Destination: target, Type: kind, Source: source, Options: options})
	}
	add("/proc", "proc", "proc", "nosuid", "nodev", "noexec")
	add("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k")
	add("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")
	add("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k")
	add("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev")
	if !slices.Contains(s.Without, "/sys") {
		add("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro")
		if len(b.cgroups.shown()) > 0 {
			c.Linux.Namespaces = append(c.Linux.Namespaces, specs.LinuxNamespace{Type: "cgroup"})
			add("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro")
		}
	}
	for name, target := range map[string]string{"hostname": "/etc/hostname", "hosts": "/etc/hosts", "resolv.conf": "/etc/resolv.conf"} {
		if !slices.Contains(s.Without, target) {
			add(target, "bind", filepath.Join(b.dir, name), "rbind", "rprivate", "ro")
		}
	}
	for _, t := range s.Tmpfs {
		add(t, "tmpfs", "tmpfs", "nosuid", "nodev", "mode=1777", "size="+maxMemoryFS)
	}
	for i, bind := range s.Binds {
		mode := "ro"
		if bind.Writable {
			mode = "rw"
		}
		add(bind.Target, "bind", filepath.Join(b.dir, "binds", strconv.Itoa(i)), "rbind", "rprivate", "nosuid", "nodev", mode)
	}
	return c
}

// capNames are the names of rootCaps.
var capNames = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
	"CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP",
}
