package facts

import (
	"bytes"
	"go/ast"
	"go/token"
	"slices"
)

// Web is what the handlers of one file do, read without types.
type Web struct {
	OwnRouting bool           `json:"ownRouting,omitempty"` // looks at the path of a request itself
	Writers    []WriterType   `json:"writers,omitempty"`    // structs that hold an http.ResponseWriter
	Methods    []WriterMethod `json:"methods,omitempty"`    // of any type: those that a response writer may have
	Makers     []WriterMaker  `json:"makers,omitempty"`     // functions of the file that give one of its Writers
	Passes     []Line         `json:"passes,omitempty"`     // x.ServeHTTP(w, …): the type of w, or "f()" if f made it
	Streams    []Stream       `json:"streams,omitempty"`    // handlers that answer in pieces
	Origins    []CrossOrigin  `json:"origins,omitempty"`    // Access-Control-Allow-Origin
}

// WriterType is a struct with a field of type http.ResponseWriter.
type WriterType struct {
	Name     string   `json:"name"`
	Field    string   `json:"field"`              // ResponseWriter if it is embedded
	Embedded bool     `json:"embedded,omitempty"` //
	Others   []string `json:"others,omitempty"`   // what else is embedded, as written with import paths
	Pos      Pos      `json:"pos"`
}

// WriterMethod is a method by which a type may be a response writer.
type WriterMethod struct {
	Type     string `json:"type"`
	Name     string `json:"name"`
	Forwards string `json:"forwards,omitempty"` // the field whose method of the same name it calls
	Returns  string `json:"returns,omitempty"`  // of Header: the field it gives back
	Pos      Pos    `json:"pos"`
}

// WriterMaker is a function that gives a WriterType.
type WriterMaker struct {
	Func string `json:"func"`
	Type string `json:"type"`
}

// Stream is a function with an http.ResponseWriter that flushes it, or that
// says its answer is a stream of events.
type Stream struct {
	Func     string `json:"func,omitempty"`
	Pos      Pos    `json:"pos"`                // of the call that says so
	Events   bool   `json:"events,omitempty"`   // text/event-stream
	Flush    Pos    `json:"flush,omitzero"`     // the first call of Flush
	Loop     Pos    `json:"loop,omitzero"`      // a loop that flushes and has no bound that can be seen
	Endless  bool   `json:"endless,omitempty"`  // that loop has no condition, return, break or panic, and ends with the process
	Context  bool   `json:"context,omitempty"`  // it asks whether the client is still there, or hands the request on
	Asserts  bool   `json:"asserts,omitempty"`  // it flushes by w.(http.Flusher), which no Unwrap helps
	Deadline bool   `json:"deadline,omitempty"` // it sets a deadline of its own
}

// CrossOrigin is a function that writes Access-Control-Allow-Origin.
type CrossOrigin struct {
	Origin      Line `json:"origin"`               // the value
	Reflected   bool `json:"reflected,omitempty"`  // it is the request's own, which nothing examines
	Credentials Pos  `json:"credentials,omitzero"` // Access-Control-Allow-Credentials: true, in the same block
}

const originNeedle = "Access-Control-Allow-Credentials"

var (
	routingNeedles = byteNeedles(".URL.Path", ".RequestURI")
	webNeedles     = []tailNeedle{
		{"text/event", "-stream"}, {".", "Flush()"}, {") ", "WriteHeader("}, {") ", "Unwrap() "}, {") ", "Flush()"}, {") ", "FlushError()"},
		{") ", "Hijack()"}, {"http.", "ResponseWriter\n"}, {"", originNeedle},
	}
)

// tailNeedle is a needle that is looked for by its end, which begins with a
// byte that is rare in Go code: bytes.Index is several times as fast.
type tailNeedle struct{ before, tail string }

func (n tailNeedle) in(src []byte) bool {
	for at := 0; ; {
		i := bytes.Index(src[at:], []byte(n.tail))
		if i < 0 {
			return false
		}
		if bytes.HasSuffix(src[:at+i], []byte(n.before)) {
			return true
		}
		at += i + len(n.tail)
	}
}

func byteNeedles(ss ...string) (out [][]byte) {
	for _, s := range ss {
		out = append(out, []byte(s))
	}
	return out
}

func containsAny(src []byte, needles [][]byte) bool {
	for _, n := range needles {
		if bytes.Contains(src, n) {
			return true
		}
	}
	return false
}

// asksForWeb reports whether readWeb finds something in the file, and notes
// what its bytes say already.
func asksForWeb(g *GoFile, src []byte) bool {
	for _, im := range g.Imports {
		switch im.Path {
		case "net/http":
			if containsAny(src, routingNeedles) {
				g.Web = &Web{OwnRouting: true}
			}
			return slices.ContainsFunc(webNeedles, func(n tailNeedle) bool { return n.in(src) })
		case "github.com/gin-gonic/gin":
			if bytes.Contains(src, []byte(originNeedle)) {
				return true
			}
		}
	}
	return false
}

// readWeb reads what the parsed file says into g.Web.
func readWeb(r *siteReader, f *ast.File) {
	w := &Web{}
	if r.g.Web != nil {
		w = r.g.Web
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			w.readWriterTypes(r, d)
		case *ast.FuncDecl:
			if d.Body == nil {
				continue
			}
			r.fn = funcName(d)
			w.readWriterMethod(r, d)
			w.readMaker(d)
			w.readHandlers(r, d.Type, d.Body, false)
		}
	}
	w.Makers = slices.DeleteFunc(w.Makers, func(m WriterMaker) bool {
		return !slices.ContainsFunc(w.Writers, func(t WriterType) bool { return t.Name == m.Type })
	})
	if w.OwnRouting || len(w.Writers)+len(w.Methods)+len(w.Passes)+len(w.Streams)+len(w.Origins)+len(w.Makers) > 0 {
		r.g.Web = w
	}
}

// readHandlers reads one function and, each by itself, those within it that
// are handlers of their own; chosen says that a condition around it decides
// whether it is used.
func (w *Web) readHandlers(r *siteReader, t *ast.FuncType, body *ast.BlockStmt, chosen bool) {
	first := len(w.Origins)
	w.readOrigins(r, body)
	for i := range w.Origins[first:] {
		w.Origins[first+i].Reflected = w.Origins[first+i].Reflected && !chosen
	}
	w.readPasses(r, body)
	if name, ok := r.paramOf(t, "net/http.ResponseWriter"); ok {
		w.readStream(r, t, body, name)
	}
	var until token.Pos // the end of the last condition
	inspectOwn(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt:
			until = max(until, n.End())
		case *ast.FuncLit:
			w.readHandlers(r, n.Type, n.Body, chosen || n.Pos() < until)
		}
		return true
	})
}

// inspectOwn visits a function's body with the function literals in it, but
// not with their bodies.
func inspectOwn(body *ast.BlockStmt, visit func(ast.Node) bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if n == nil {
			return true
		}
		ok := visit(n)
		if _, lit := n.(*ast.FuncLit); lit {
			return false
		}
		return ok
	})
}

// paramOf gives the name of the first parameter of a type.
func (r *siteReader) paramOf(t *ast.FuncType, what string) (string, bool) {
	if t.Params == nil {
		return "", false
	}
	for _, p := range t.Params.List {
		x := p.Type
		if star, ok := x.(*ast.StarExpr); ok {
			x = star.X
		}
		if pkg, name, ok := r.qualified(x); ok && pkg+"."+name == what {
			if len(p.Names) == 0 {
				return "_", true
			}
			return p.Names[0].Name, true
		}
	}
	return "", false
}
