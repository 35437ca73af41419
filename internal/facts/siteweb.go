package facts

import "slices"

// webSites is what the WEB rules and Repo.Serves ask for.
var webSites = []siteAsk{
	{
		pkgs: []string{"net/http"},
		names: []string{
			"ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS", "Server", "Handle", "HandleFunc",
			"Cookie", "SetCookie", "StripPrefix", "TrailerPrefix",
		},
		methods: []string{"Handle", "HandleFunc", "ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS", "Shutdown", "AddCookie", "SetWriteDeadline"},
		fields:  []string{"ReadHeaderTimeout", "ReadTimeout", "WriteTimeout", "Secure", "HttpOnly", "SameSite"},
	},
	{pkgs: []string{"context"}, names: []string{"WithTimeout"}, aside: true},
	{pkgs: []string{"net"}, names: []string{"Listen"}},
	{pkgs: []string{"crypto/tls"}, names: []string{"Listen"}},
	{pkgs: []string{"os/signal"}, names: []string{"Notify", "NotifyContext"}},
	{pkgs: []string{"net/http/pprof"}, names: []string{"Index", "Profile", "Handler", "Trace", "Cmdline"}},
	{pkgs: []string{"expvar"}, names: []string{"Handler"}},
	{pkgs: []string{"net/http/httputil"}, names: []string{"ReverseProxy", "NewSingleHostReverseProxy"}},
	{pkgs: ginPkgs, methods: slices.Concat(upperVerbs, []string{"Any", "Handle", "Group", "Run", "RunTLS", "RunListener", "SetCookie", "Shutdown"})},
	{pkgs: echoPkgs, methods: slices.Concat(upperVerbs, []string{"Any", "Match", "Add", "Group", "Start", "StartTLS", "SetCookie", "Shutdown"})},
	{pkgs: chiPkgs, methods: slices.Concat(titleVerbs, []string{"Handle", "HandleFunc", "Method", "MethodFunc", "Route", "Mount"})},
	{pkgs: []string{"github.com/gorilla/mux"}, methods: []string{"Handle", "HandleFunc", "PathPrefix", "Path", "Host"}},
	{pkgs: []string{"github.com/rs/cors", "github.com/go-chi/cors"}, names: []string{"Options"}},
	{pkgs: []string{"github.com/gin-contrib/cors"}, names: []string{"Config", "DefaultConfig"}, fields: []string{"AllowAllOrigins", "AllowCredentials", "AllowOrigins"}},
	{pkgs: []string{"github.com/labstack/echo/v4/middleware", "github.com/labstack/echo/v5/middleware"}, names: []string{"CORSConfig"}},
}

// The routers whose routes are understood, by the import paths they have had.
var (
	ginPkgs  = []string{"github.com/gin-gonic/gin"}
	echoPkgs = []string{"github.com/labstack/echo", "github.com/labstack/echo/v4", "github.com/labstack/echo/v5"}
	chiPkgs  = []string{"github.com/go-chi/chi", "github.com/go-chi/chi/v5"}

	upperVerbs = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
	titleVerbs = []string{"Get", "Post", "Put", "Patch", "Delete", "Head", "Options"}
)
