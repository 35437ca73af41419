package facts

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestServes reads small programs and asks what they serve.
func TestServes(t *testing.T) {
	const mod = "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n"
	for _, tc := range []struct {
		name, src    string
		paths, ports []string
		pathsKnown   bool
		portsKnown   bool
	}{
		{"mux in another package", `-- main.go --
package main

import (
	"log"
	"net/http"

	"example.com/app/web"
)

const addr = ":8080"

func main() { log.Fatal(http.ListenAndServe(addr, web.Mux())) }
-- web/web.go --
package web

import "net/http"

func Mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", nil)
	mux.Handle("/files/", nil)
	mux.Handle("example.com/only", nil)
	return mux
}
-- other/other.go --
package other

import "net/http"

func init() { http.HandleFunc("/other", nil) }
`, []string{"/healthz", "/files/", "/only"}, []string{"8080"}, true, true},
		{"a listener and a flag", `-- main.go --
package main

import (
	"flag"
	"net"
	"net/http"
)

func main() {
	at := flag.String("addr", ":8080", "")
	l, _ := net.Listen("tcp", "127.0.0.1:9090")
	go http.Serve(l, nil)
	http.HandleFunc("/x", nil)
	http.ListenAndServe(*at, nil)
}
`, []string{"/x"}, []string{"9090"}, true, false},
		{"its own routing", `-- main.go --
package main

import "net/http"

type h struct{}

func (h) ServeHTTP(w http.ResponseWriter, r *http.Request) { _ = r.URL.Path == "/in" }

func main() {
	http.HandleFunc("/x", nil)
	(&http.Server{Addr: ":80", Handler: h{}}).ListenAndServe()
}
`, []string{"/x"}, []string{"80"}, false, true},
		{"gin", `-- main.go --
package main

import "github.com/gin-gonic/gin"

func main() {
	r := gin.Default()
	r.GET("/ping", nil)
	r.Handle("POST", "/in/:id", nil)
	r.Run(":9000")
}
`, []string{"/ping", "/in/:id"}, []string{"9000"}, true, true},
		{"a library that may serve", `-- main.go --
package main

import (
	"net/http"

	_ "example.org/x/httpd/server"
)

func main() {
	http.HandleFunc("/x", nil)
	http.ListenAndServe(":http", nil)
}
`, []string{"/x"}, []string{"80"}, false, false},
		{"a path that is worked out", `-- main.go --
package main

import "net/http"

func main() {
	for _, p := range []string{"/a"} {
		http.HandleFunc(p, nil)
	}
	http.HandleFunc("/x", nil)
	http.ListenAndServe(":80", nil)
}
`, []string{"/x"}, []string{"80"}, false, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			for _, f := range txtar.Parse([]byte(mod + tc.src)).Files {
				name := filepath.Join(root, filepath.FromSlash(f.Name))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, f.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			r, err := ReadRepo(context.Background(), root)
			if err != nil {
				t.Fatal(err)
			}
			s := r.Serves(&r.Modules[0], []string{"."}, nil)
			values := func(ls []Line) (out []string) {
				for _, l := range ls {
					out = append(out, l.Value)
				}
				return out
			}
			if got := values(s.Paths); !slices.Equal(got, tc.paths) || s.PathsKnown != tc.pathsKnown {
				t.Errorf("paths %q, known %t", got, s.PathsKnown)
			}
			if got := values(s.Ports); !slices.Equal(got, tc.ports) || s.PortsKnown != tc.portsKnown {
				t.Errorf("ports %q, known %t", got, s.PortsKnown)
			}
		})
	}
	line := func(v string, n int) Line { return Line{v, Pos{File: "main.go", Line: n, Column: 1}} }
	s := Served{
		Paths:      []Line{line("/healthz", 1), line("/files/", 2), line("/in/{id}", 3), line("/end/{$}", 4)},
		Addrs:      []Line{line(":80", 5), line("localhost:81", 6)},
		Ports:      []Line{line("80", 5), line("81", 6)},
		PathsKnown: true, PortsKnown: true,
	}
	for p, want := range map[string]Certain{"/healthz": Yes, "/healthz?x": Yes, "/readyz": No, "/files/a": Unknown, "/in/7": Unknown, "/end/": Yes, "/end/x": No} {
		if got := s.Path(p); got != want {
			t.Errorf("path %s: %s, want %s", p, got, want)
		}
	}
	for n, want := range map[int]Certain{80: Yes, 81: No, 82: No} {
		if got := s.Port(n); got != want {
			t.Errorf("port %d: %s, want %s", n, got, want)
		}
	}
}
