package facts

import (
	"bytes"
	"go/scanner"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// HostKind is what is known of a host that code names.
type HostKind string

// The kinds of hosts.
const (
	HostTelemetry HostKind = "telemetry" // takes in usage data, crash reports, traces
	HostControl   HostKind = "control"   // one vendor's control plane
	HostDiscovery HostKind = "discovery" // how machines of one vendor learn who they are
)

// Host is a host of the table that a string literal names.
type Host struct {
	Name   string   `json:"name"` // as written
	Vendor string   `json:"vendor"`
	Kind   HostKind `json:"kind"`
	Pos    Pos      `json:"pos"`
}

type hostEntry struct {
	vendor string
	kind   HostKind
}

var (
	httpsNeedle = []byte("https://")
	linkLocal   = []byte("169.254.")
)

// readHosts finds the hosts of the table in the string literals of a file. The
// bytes are looked through first: few files name any.
func readHosts(g *GoFile, src []byte) []Host {
	if g.Test || g.Generated || !namesHost(src, slices.ContainsFunc(g.Imports, onNet)) {
		return nil
	}
	fset := token.NewFileSet()
	file := fset.AddFile(g.Path, -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, func(token.Position, string) {}, 0)
	var out []Host
	for {
		p, tok, lit := s.Scan()
		if tok == token.EOF {
			return out
		}
		if tok != token.STRING || len(lit) > 1000 {
			continue
		}
		text, err := strconv.Unquote(lit)
		if err != nil {
			continue
		}
		name, e, ok := hostIn(text)
		if !ok {
			continue
		}
		q := file.PositionFor(p, false)
		out = append(out, Host{Name: name, Vendor: e.vendor, Kind: e.kind, Pos: Pos{File: g.Path, Line: q.Line, Column: q.Column}})
	}
}

func onNet(im Import) bool { return im.Path == "net" || strings.HasPrefix(im.Path, "net/") }

// namesHost reports whether the bytes hold a URL with a host of the table or,
// in a file that has to do with the net, a link-local address.
func namesHost(src []byte, net bool) bool {
	if net && bytes.Contains(src, linkLocal) {
		return true
	}
	for {
		i := bytes.Index(src, httpsNeedle)
		if i < 0 {
			return false
		}
		src = src[i+len(httpsNeedle):]
		if _, ok := hostTableOf(hostPrefix(string(src[:min(len(src), 255)]))); ok {
			return true
		}
	}
}

// hostIn gives the host of a literal that is a URL or begins with an address
// of the table.
func hostIn(text string) (string, hostEntry, bool) {
	rest, ok := strings.CutPrefix(text, "https://")
	if !ok {
		rest = strings.TrimPrefix(text, "http://")
	}
	host := hostPrefix(rest)
	e, found := hostTableOf(host)
	if !found || !ok && e.kind != HostDiscovery {
		return "", e, false
	}
	path := rest[min(len(rest), len(host)):]
	if strings.HasPrefix(path, "/auth/") { // the name of a permission
		return "", e, false
	}
	return host, e, true
}

// hostPrefix gives the host that a URL without its scheme begins with.
func hostPrefix(s string) string {
	end := strings.IndexFunc(s, func(c rune) bool {
		return c != '.' && c != '-' && c != '@' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
	if end >= 0 {
		s = s[:end]
	}
	_, host, ok := strings.Cut(s, "@")
	if ok {
		s = host
	}
	return s
}

// hostTableOf looks a host up, by itself or as part of a domain of the table.
func hostTableOf(host string) (hostEntry, bool) {
	host = strings.ToLower(host)
	first, _, _ := strings.Cut(host, ".")
	switch first {
	case "docs", "doc", "www", "help", "support", "blog", "learn", "console", "developer", "developers", "status", "portal":
		return hostEntry{}, false // pages for people
	}
	for range 8 {
		if e, ok := hostTable[host]; ok {
			return e, true
		}
		_, rest, ok := strings.Cut(host, ".")
		if !ok {
			break
		}
		host = rest
	}
	return hostEntry{}, false
}
