package image

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// The users every assembled base knows.
const (
	rootID    = 0
	nonrootID = 65532
	nobodyID  = 65534
	homeDir   = "/home/nonroot"
)

// assembled gives the files of a base that the plan asks for, and nothing
// else. There is no nsswitch.conf: without one, Go and glibc both look into
// the files first and ask the name server then.
func assembled(ctx context.Context, job Job) (content, error) {
	c := content{title: "base"}
	base, user := job.Target.Image.Base, job.Target.Image.User
	if base.Roots || base.CABundle != "" {
		pem, err := rootsFile(base.Roots, within(job.ProjectDir, base.CABundle))
		if err != nil {
			return content{}, err
		}
		c.bytes("/etc/ssl/certs/ca-certificates.crt", 0o644, pem)
	}
	if base.Users {
		passwd, group, err := users(user)
		if err != nil {
			return content{}, err
		}
		c.bytes("/etc/passwd", 0o644, passwd)
		c.bytes("/etc/group", 0o644, group)
	}
	if base.Temp {
		c.dir("/tmp", 0o1777, rootID, rootID)
	}
	if base.Home {
		c.dir(homeDir, 0o700, nonrootID, nonrootID)
	}
	if base.Zones {
		if err := addZones(ctx, &c, job.Zoneinfo); err != nil {
			return content{}, err
		}
	}
	return c, nil
}

// users gives /etc/passwd and /etc/group with the users every image has, and
// one named app for another numeric user the image runs as.
func users(user string) (passwd, group []byte, err error) {
	type line struct {
		name     string
		uid, gid int
		home     string
	}
	lines := []line{
		{"root", rootID, rootID, "/root"},
		{"nobody", nobodyID, nobodyID, "/nonexistent"},
		{"nonroot", nonrootID, nonrootID, homeDir},
	}
	groups := map[int]string{rootID: "root", nobodyID: "nobody", nonrootID: "nonroot"}
	if user != "" {
		uid, gid, err := parseUser(user)
		if err != nil {
			return nil, nil, err
		}
		if !slices.ContainsFunc(lines, func(l line) bool { return l.uid == uid }) {
			lines = append(lines, line{"app", uid, gid, "/"})
		}
		if groups[gid] == "" {
			groups[gid] = "app"
		}
	}
	var p, g strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&p, "%s:x:%d:%d:%s:%s:/sbin/nologin\n", l.name, l.uid, l.gid, l.name, l.home)
	}
	order := []int{rootID, nobodyID, nonrootID}
	for gid := range groups {
		if !slices.Contains(order, gid) {
			order = append(order, gid)
		}
	}
	for _, gid := range order {
		fmt.Fprintf(&g, "%s:x:%d:\n", groups[gid], gid)
	}
	return []byte(p.String()), []byte(g.String()), nil
}

// parseUser reads uid[:gid]. The group is the user's number if not given.
func parseUser(s string) (uid, gid int, err error) {
	u, g, both := strings.Cut(s, ":")
	if !both {
		g = u
	}
	// 31 bits: what every kernel and engine takes.
	n, err1 := strconv.ParseUint(u, 10, 31)
	m, err2 := strconv.ParseUint(g, 10, 31)
	if err1 != nil || err2 != nil {
		return 0, 0, fault.UsageError(i18n.M("image.user", strconv.Quote(s)), i18n.M("image.user.hint"))
	}
	return int(n), int(m), nil
}

// addZones adds every file of the toolchain's zoneinfo.zip.
func addZones(ctx context.Context, c *content, path string) error {
	raw, err := readBounded(path, maxZoneArchive)
	if err != nil {
		return zonesError(path, err)
	}
	files, err := readZones(raw)
	if err != nil {
		if f, ok := errors.AsType[*fault.Error](err); ok {
			f.Pos.File = path
			return f
		}
		return zonesError(path, err)
	}
	archive := fmt.Sprintf("%x", sha256.Sum256(raw))
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.items = append(c.items, item{
			Entry: Entry{Path: zoneDir + "/" + f.name, Mode: 0o644, Size: f.size, Open: f.open},
			sum:   archive + "/" + f.name,
		})
	}
	return nil
}
