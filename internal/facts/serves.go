package facts

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// Served is what a program's own code says that it serves over HTTP.
type Served struct {
	Paths []Line // patterns of routes, without the method; of a group, without what stands before
	Addrs []Line // addresses it listens on, host:port as written
	Ports []Line // the numbers of these
	// PathsKnown and PortsKnown say that there are no others: none is worked
	// out when the program runs, and no library is there that could add any.
	PathsKnown bool
	PortsKnown bool
	Complete   bool // both
}

// Serves reads what the packages in dirs, with all that they import from the
// repository, serve. What it finds is what the code says; what it does not
// find need not be absent unless Served says so: ask Path and Port.
func (r *Repo) Serves(m *RepoModule, dirs []string, tags []string) Served {
	s := Served{PathsKnown: true, PortsKnown: true}
	files := r.Linked(m, dirs, tags)
	local := r.localModules(m)
	for _, g := range files {
		if g.Web != nil && g.Web.OwnRouting {
			s.PathsKnown = false
		}
		for _, im := range g.Imports {
			if _, own := local.dir(im.Path); !own && mayServe(im.Path) {
				s.PathsKnown, s.PortsKnown = false, false
			}
			switch im.Path { // these register routes by being imported
			case "net/http/pprof":
				s.Paths = append(s.Paths, Line{"/debug/pprof/", im.Pos})
			case "expvar":
				s.Paths = append(s.Paths, Line{"/debug/vars", im.Pos})
			}
		}
		serves := slices.ContainsFunc(g.Sites, func(x Site) bool { return x.What == ".Serve" || x.What == "net/http.Serve" || x.What == ".ServeTLS" })
		for i := range g.Sites {
			s.read(g, &g.Sites[i], serves)
		}
	}
	if len(s.Paths) == 0 {
		s.PathsKnown = false
	}
	if len(s.Addrs) == 0 {
		s.PortsKnown = false
	}
	for _, a := range s.Addrs {
		_, port, err := net.SplitHostPort(a.Value)
		if n, ok := map[string]string{"http": "80", "https": "443", "": "80"}[port]; ok {
			port = n
		}
		if n, nerr := strconv.ParseUint(port, 10, 16); err != nil || nerr != nil || n == 0 {
			s.PortsKnown = false
			continue
		}
		s.Ports = append(s.Ports, Line{port, a.Pos})
	}
	s.Complete = s.PathsKnown && s.PortsKnown
	return s
}

// read takes what one site says. listens tells that the file serves on a
// listener, so that the Addr of its servers means nothing.
func (s *Served) read(g *GoFile, x *Site, listens bool) {
	arg := func(i int) Value {
		if i < len(x.Args) {
			return x.Args[i]
		}
		return Value{Text: NotLiteral}
	}
	switch x.What {
	case "net/http.ListenAndServe", "net/http.ListenAndServeTLS":
		s.addr(arg(0))
	case "net/http.Server":
		if x.Kind != SiteLiteral {
			return
		}
		if v, ok := x.Fields["Addr"]; ok {
			s.addr(v)
		} else if !listens {
			s.PortsKnown = false
		}
	case "net.Listen", "crypto/tls.Listen":
		if n := arg(0).Text; n == "tcp" || n == "tcp4" || n == "tcp6" {
			s.addr(arg(1))
		} else if n != "unix" {
			s.PortsKnown = false
		}
	case ".Run", ".RunTLS":
		if len(x.Args) == 0 {
			s.PortsKnown = false // gin reads PORT
		} else if strings.Contains(x.Args[0].Text, ":") {
			s.addr(x.Args[0])
		} else {
			s.PortsKnown = false // another thing's Run, or an address that is not known
		}
	case ".Start", ".StartTLS":
		if len(x.Args) > 0 && strings.Contains(x.Args[0].Text, ":") {
			s.addr(x.Args[0])
		} else {
			s.PortsKnown = false
		}
	case ".RunListener":
		s.PortsKnown = false
	case ".Route", ".Mount", ".Group", ".PathPrefix", ".Host", ".Match", "net/http.StripPrefix":
		s.PathsKnown = false
	case "net/http.Handle", "net/http.HandleFunc", ".HandleFunc", ".Any", ".Path":
		s.path(arg(0))
	case ".Handle":
		if v := arg(0); isVerb(v.Text) {
			s.path(arg(1))
		} else {
			s.path(v)
		}
	case ".Method", ".MethodFunc", ".Add":
		s.path(arg(1))
	default:
		if x.Kind == SiteMethod && isVerb(strings.ToUpper(strings.TrimPrefix(x.What, "."))) {
			s.path(arg(0))
		}
	}
}

func isVerb(s string) bool { return slices.Contains(upperVerbs, s) }

func (s *Served) addr(v Value) {
	if !Literal(v.Text) || !strings.Contains(v.Text, ":") {
		s.PortsKnown = false
		return
	}
	s.Addrs = append(s.Addrs, Line{v.Text, v.Pos})
}

// path takes a pattern as net/http has them, [METHOD ][HOST]/[PATH], or as a
// router has them.
func (s *Served) path(v Value) {
	p := v.Text
	if method, rest, ok := strings.Cut(p, " "); ok && isVerb(method) {
		p = strings.TrimSpace(rest)
	}
	i := strings.IndexByte(p, '/')
	if !Literal(p) || i < 0 || strings.ContainsAny(p, " ()") || i > 0 && !strings.ContainsAny(p[:i], ".:") {
		s.PathsKnown = false // an import path is no host, and a variable no path
		return
	}
	s.Paths = append(s.Paths, Line{p[i:], v.Pos})
}

// Path reports whether a GET of p meets a route.
func (s Served) Path(p string) Certain {
	answer := No
	p, _, _ = strings.Cut(p, "?")
	for _, l := range s.Paths {
		switch pat, exact := strings.CutSuffix(l.Value, "{$}"); {
		case pat == p:
			return Yes
		case exact:
		case strings.HasSuffix(pat, "/") && strings.HasPrefix(p, pat), mayMatch(pat, p):
			answer = Unknown
		}
	}
	if answer == No && !s.PathsKnown {
		return Unknown
	}
	return answer
}

// mayMatch compares segments; one with a variable of any router may be all.
func mayMatch(pattern, p string) bool {
	i := strings.IndexAny(pattern, "{:*")
	return i >= 0 && strings.HasPrefix(p, pattern[:i])
}

// Port reports whether the program listens on the TCP port for the world, not
// only for its own host.
func (s Served) Port(n int) Certain {
	for _, l := range s.Ports {
		own := func(a Line) bool { return a.Pos == l.Pos && Loopback(a.Value) }
		if l.Value == strconv.Itoa(n) && !slices.ContainsFunc(s.Addrs, own) {
			return Yes
		}
	}
	if !s.PortsKnown {
		return Unknown
	}
	return No
}

// Loopback reports whether an address host:port is reached from its own host
// alone.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// mayServe reports whether a package of another module could serve paths or
// listen by itself, by the words of its import path. The routers that are
// understood do so only where the program asks them to.
func mayServe(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	if !strings.Contains(first, ".") {
		return importPath == "net/rpc" || importPath == "net/http/cgi" || importPath == "net/http/fcgi"
	}
	if slices.Contains(ginPkgs, importPath) || slices.Contains(echoPkgs, importPath) || slices.Contains(chiPkgs, importPath) || importPath == "github.com/gorilla/mux" {
		return false
	}
	for w := range strings.FieldsFuncSeq(strings.ToLower(importPath), func(c rune) bool { return strings.ContainsRune("/-_.", c) }) {
		if servingWords[w] {
			return true
		}
	}
	return false
}

// servingWords are elements of the paths of packages that serve.
var servingWords = set("http", "https", "httpd", "server", "servers", "serve", "router", "httprouter", "mux", "rest", "restful", "web", "api", "apiserver",
	"rpc", "grpc", "gateway", "runtime", "fx", "framework", "admin", "debug", "fiber", "iris", "beego", "martini", "negroni", "buffalo", "revel", "goa",
	"kratos", "kit", "micro", "hertz", "fasthttp", "gorestful", "huma", "twirp", "connect", "handler", "handlers", "health", "healthcheck", "healthz", "probes",
	"metrics", "exporter", "toolkit", "listener", "reuseport", "systemd", "activation", "caddy", "bunrouter", "httptreemux", "pat", "zero", "gf", "gorilla", "chi", "gin", "echo", "bootstrap", "app")
