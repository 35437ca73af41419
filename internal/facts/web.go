package facts

import (
	"bytes"
	"go/ast"
)

// Web is what the handlers of one file do, read without types.
type Web struct {
	OwnRouting bool `json:"ownRouting,omitempty"` // looks at the path of a request itself
}

// asksForWeb reports whether readWeb finds something in the file.
func asksForWeb(g *GoFile, src []byte) bool {
	for _, im := range g.Imports {
		if im.Path == "net/http" {
			return bytes.Contains(src, []byte(".URL.Path")) || bytes.Contains(src, []byte(".RequestURI"))
		}
	}
	return false
}

func readWeb(r *siteReader, f *ast.File, src []byte) *Web {
	return &Web{OwnRouting: true}
}
