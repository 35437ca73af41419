package sandbox

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strconv"
)

// dockerContainer is what a container is created from.
type dockerContainer struct {
	Image        string
	Entrypoint   []string
	Cmd          []string
	Env          []string
	User         string
	WorkingDir   string
	Hostname     string `json:",omitempty"`
	OpenStdin    bool
	StdinOnce    bool
	AttachStdin  bool
	AttachStdout bool
	AttachStderr bool
	Labels       map[string]string
	HostConfig   dockerHostConfig
}

type dockerHostConfig struct {
	NetworkMode    string
	ReadonlyRootfs bool
	Tmpfs          map[string]string `json:",omitempty"`
	Mounts         []dockerMount     `json:",omitempty"`
	Memory         int64
	MemorySwap     int64
	NanoCpus       int64
	PidsLimit      int64
	CapDrop        []string `json:",omitempty"`
	SecurityOpt    []string
	GroupAdd       []string       `json:",omitempty"`
	DNS            []string       `json:"Dns,omitempty"`
	DNSSearch      []string       `json:"DnsSearch,omitempty"`
	ExtraHosts     []string       `json:",omitempty"`
	Ulimits        []dockerUlimit `json:",omitempty"`
}

type dockerMount struct {
	Type, Source, Target string
	ReadOnly             bool
}

type dockerUlimit struct {
	Name       string
	Soft, Hard int64
}

func (b *dockerBox) container(image string) dockerContainer {
	s := b.spec
	files := fileLimit()
	c := dockerContainer{
		Image: image, Entrypoint: s.Args[:1], Cmd: s.Args[1:], Env: s.Env, Hostname: s.Hostname,
		User: strconv.Itoa(s.UID) + ":" + strconv.Itoa(s.GID), WorkingDir: s.Dir,
		OpenStdin: s.Stdin != nil, StdinOnce: s.Stdin != nil, AttachStdin: s.Stdin != nil, AttachStdout: true, AttachStderr: true,
		Labels: map[string]string{dockerLabel: b.marker},
		HostConfig: dockerHostConfig{
			NetworkMode: "host", ReadonlyRootfs: !s.Writable, Tmpfs: map[string]string{},
			Memory: s.Memory, MemorySwap: s.Memory, NanoCpus: int64(s.CPUs * 1e9), PidsLimit: s.Pids,
			SecurityOpt: []string{"no-new-privileges"}, DNS: s.Nameservers, DNSSearch: s.Search,
			Ulimits: []dockerUlimit{{"nofile", int64(files.Cur), int64(files.Max)}, {Name: "core"}},
		},
	}
	if s.UID != 0 {
		c.HostConfig.CapDrop = []string{"ALL"}
	}
	for _, g := range s.Groups {
		c.HostConfig.GroupAdd = append(c.HostConfig.GroupAdd, strconv.Itoa(g))
	}
	for _, h := range s.Hosts {
		for _, name := range h.Names {
			c.HostConfig.ExtraHosts = append(c.HostConfig.ExtraHosts, name+":"+h.IP)
		}
	}
	for _, t := range s.Tmpfs {
		c.HostConfig.Tmpfs[t] = "rw,nosuid,nodev,exec,mode=1777,size=" + maxMemoryFS
	}
	for _, m := range s.Binds {
		c.HostConfig.Mounts = append(c.HostConfig.Mounts, dockerMount{"bind", m.Source, m.Target, !m.Writable})
	}
	if len(s.Nameservers) == 0 {
		// Without any, the engine would name the machine's own.
		c.HostConfig.Mounts = append(c.HostConfig.Mounts, dockerMount{"bind", os.DevNull, "/etc/resolv.conf", true})
	}
	return c
}

// sweepDocker removes what is labelled as ours and has no owner any more.
func sweepDocker(ctx context.Context, r Docker) error {
	m, err := machine()
	if err != nil {
		return err
	}
	d, err := r.api()
	if err != nil {
		return err
	}
	type item struct {
		ID     string `json:"Id"`
		Labels map[string]string
	}
	var errs []error
	for _, kind := range []string{"containers", "images"} {
		var list []item
		query := url.Values{"all": {"1"}, "filters": {`{"label":["` + dockerLabel + `"]}`}}
		if err := d.call(ctx, http.MethodGet, "/"+kind+"/json", query, nil, &list); err != nil {
			return err
		}
		for _, i := range list {
			if abandoned(i.Labels[dockerLabel], m.pidns) {
				errs = append(errs, gone(d.call(ctx, http.MethodDelete, "/"+kind+"/"+i.ID, url.Values{"force": {"1"}}, nil, nil)))
			}
		}
	}
	return errors.Join(errs...)
}
