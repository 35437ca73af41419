package source

import (
	"net/url"
	"strings"
)

// normalizeURL turns the address of a git remote into the https URL a person
// would open: no user, no token, no port that only ssh knows, no .git. An
// address that is not on a network, or not understood, gives "": it is of no
// use to anyone else, and may tell what it should not.
func normalizeURL(remote string) string {
	if strings.ContainsFunc(remote, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return ""
	}
	scheme, _, ok := strings.Cut(remote, "://")
	if !ok {
		return normalizeSCP(remote)
	}
	u, err := url.Parse(remote)
	if err != nil {
		return ""
	}
	port := ""
	switch strings.ToLower(scheme) {
	case "https", "http":
		// A web server on a port of its own answers nowhere else.
		if p := u.Port(); p != "" && p != "443" && p != "80" {
			port = ":" + p
		}
	case "ssh", "git", "git+ssh", "ssh+git", "git+https", "git+http":
	default:
		return ""
	}
	return webURL(u.Hostname(), port, u.Path)
}

// normalizeSCP reads [user@]host:path, which is ssh.
func normalizeSCP(remote string) string {
	host, path, ok := strings.Cut(remote, ":")
	// A slash before the colon, or a single letter, makes it a local path;
	// a second colon belongs to a remote helper: ext::program.
	if !ok || strings.Contains(host, "/") || strings.HasPrefix(path, ":") {
		return ""
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	if len(host) < 2 {
		return ""
	}
	return webURL(host, "", path)
}

func webURL(host, port, path string) string {
	host = strings.ToLower(host)
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" || strings.HasPrefix(host, "-") {
		return "" // nor an IPv6 address: no label needs one
	}
	path = strings.Trim(path, "/")
	path = strings.TrimRight(strings.TrimSuffix(path, ".git"), "/")
	if host == "" || path == "" {
		return ""
	}
	return (&url.URL{Scheme: "https", Host: host + port, Path: "/" + path}).String()
}
