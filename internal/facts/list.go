package facts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/gotool"
	"github.com/slipway-build/slipway/internal/i18n"
)

// listed is one package as `go list -deps -json` gives it; the fields asked
// for are the fields of this struct.
type listed struct {
	ImportPath     string
	Dir            string
	Name           string
	Standard       bool              `json:",omitempty"`
	DepOnly        bool              `json:",omitempty"`
	Module         *listedModule     `json:",omitempty"`
	GoFiles        []string          `json:",omitempty"`
	CgoFiles       []string          `json:",omitempty"`
	IgnoredGoFiles []string          `json:",omitempty"`
	CFiles         []string          `json:",omitempty"`
	SFiles         []string          `json:",omitempty"`
	SysoFiles      []string          `json:",omitempty"`
	SwigFiles      []string          `json:",omitempty"`
	SwigCXXFiles   []string          `json:",omitempty"`
	CgoLDFLAGS     []string          `json:",omitempty"`
	CgoPkgConfig   []string          `json:",omitempty"`
	EmbedPatterns  []string          `json:",omitempty"`
	EmbedFiles     []string          `json:",omitempty"`
	Imports        []string          `json:",omitempty"`
	ImportMap      map[string]string `json:",omitempty"`
	DefaultGODEBUG string            `json:",omitempty"`
	Error          *listedError      `json:",omitempty"`
}

type listedModule struct {
	Path    string
	Version string        `json:",omitempty"`
	Dir     string        `json:",omitempty"`
	Main    bool          `json:",omitempty"`
	Sum     string        `json:",omitempty"`
	Replace *listedModule `json:",omitempty"`
	// GoMod is where the module's go.mod lies; the file of a replaced module
	// or workspace member is an input of the build too.
	GoMod string `json:",omitempty"`
}

type listedError struct {
	ImportStack []string
	Pos         string
	Err         string
}

const listFields = "ImportPath,Dir,Name,Standard,DepOnly,Module,GoFiles,CgoFiles,IgnoredGoFiles,CFiles,SFiles,SysoFiles,SwigFiles,SwigCXXFiles,CgoLDFLAGS,CgoPkgConfig,EmbedPatterns,EmbedFiles,Imports,ImportMap,DefaultGODEBUG,Error"

// golist asks the go command for the package graph below patterns.
func golist(ctx context.Context, g *gotool.Go, root string, recipe map[string]string, flags, patterns []string) ([]listed, error) {
	args := append([]string{"list", "-e", "-deps", "-json=" + listFields}, flags...)
	args = append(append(args, "--"), patterns...)
	out, err := g.Run(ctx, root, g.Environ(recipe), args...)
	if err != nil {
		return nil, listFault(err)
	}
	var pkgs []listed
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read output of go list: %w", err)
		}
		pkgs = append(pkgs, p)
	}
	return pkgs, nil
}

// listFault tells the failures of `go list` that a person can act on apart.
func listFault(err error) error {
	ge, ok := errors.AsType[*gotool.Error](err)
	if !ok {
		return fmt.Errorf("read the package graph: %w", err)
	}
	hint := i18n.Message{}
	switch {
	case strings.Contains(ge.Stderr, "SECURITY ERROR"):
		hint = i18n.M("facts.list.checksum.hint")
	case strings.Contains(ge.Stderr, "missing go.sum entry"), strings.Contains(ge.Stderr, "updates to go.mod needed"), strings.Contains(ge.Stderr, "updates to go.sum needed"):
		hint = i18n.M("facts.list.tidy.hint")
	case strings.Contains(ge.Stderr, "module lookup disabled by GOPROXY=off"):
		hint = i18n.M("facts.list.offline.hint")
	case strings.Contains(ge.Stderr, "toolchain not available"), strings.Contains(ge.Stderr, "download go1"):
		hint = i18n.M("facts.list.toolchain.hint")
	case strings.Contains(ge.Stderr, "dial tcp"), strings.Contains(ge.Stderr, "i/o timeout"):
		hint = i18n.M("facts.list.network.hint")
	case strings.Contains(ge.Stderr, "inconsistent vendoring"):
		hint = i18n.M("facts.list.vendor.hint")
	}
	f := fault.New(nil, i18n.M("facts.list"), hint)
	f.Detail = ge.Stderr
	return f
}

// packageFault gives the errors of the packages in the graph in the words of
// the go command; nil if there is none that stands in the way. A package that
// has no files because cgo is off is a fact, not a fault: skip says which.
func packageFault(pkgs []listed, skip func(*listed) bool) error {
	var lines []string
	hint := i18n.Message{}
	for i := range pkgs {
		e := pkgs[i].Error
		if e == nil || skip(&pkgs[i]) {
			continue
		}
		s := e.Err
		if e.Pos != "" {
			s = e.Pos + ": " + s
		}
		if !slices.Contains(lines, s) {
			lines = append(lines, s)
		}
		switch {
		case strings.Contains(e.Err, "build constraints exclude all Go files"):
			hint = i18n.M("facts.list.excluded.hint")
		case strings.Contains(e.Err, "missing go.sum entry"), strings.Contains(e.Err, "no required module provides package"):
			hint = i18n.M("facts.list.tidy.hint")
		case strings.Contains(e.Err, "module lookup disabled by GOPROXY=off"):
			hint = i18n.M("facts.list.offline.hint")
		case strings.Contains(e.Err, "dial tcp"), strings.Contains(e.Err, "i/o timeout"):
			hint = i18n.M("facts.list.network.hint")
		case strings.Contains(e.Err, "disabled by -mod=vendor"):
			hint = i18n.M("facts.list.vendor.hint")
		case strings.Contains(e.Err, "SECURITY ERROR"):
			hint = i18n.M("facts.list.checksum.hint")
		}
	}
	if lines == nil {
		return nil
	}
	if len(lines) > 10 {
		lines = append(lines[:10], fmt.Sprintf("… %d more", len(lines)-10))
	}
	f := fault.New(nil, i18n.M("facts.packages"), hint)
	f.Detail = strings.Join(lines, "\n")
	return f
}

// graph is the package graph of one target, by import path.
type graph struct {
	pkgs []listed
	by   map[string]*listed
}

func newGraph(pkgs []listed) *graph {
	g := &graph{pkgs: pkgs, by: make(map[string]*listed, len(pkgs))}
	for i := range pkgs {
		g.by[pkgs[i].ImportPath] = &pkgs[i]
	}
	return g
}

// reach is the part of the graph below one package, with the shortest way in.
type reach struct {
	order  []*listed           // breadth first from the main package
	parent map[*listed]*listed // who imported it first
}

func (g *graph) below(main *listed) reach {
	r := reach{order: []*listed{main}, parent: map[*listed]*listed{main: nil}}
	for i := 0; i < len(r.order); i++ {
		p := r.order[i]
		for _, imp := range p.Imports {
			if to, ok := p.ImportMap[imp]; ok {
				imp = to
			}
			q, ok := g.by[imp]
			if !ok {
				continue
			}
			if _, seen := r.parent[q]; !seen {
				r.parent[q] = p
				r.order = append(r.order, q)
			}
		}
	}
	return r
}

// local reports whether the package's files may change between two runs: it
// belongs to the main module, the workspace, a local replacement or a vendor
// directory, and not to the read-only module cache or the standard library.
func (p *listed) local(root string) bool {
	if p.Standard || p.Dir == "" {
		return false
	}
	m := p.Module
	if m == nil || m.Main {
		return true
	}
	if m.Replace != nil && m.Replace.Version == "" {
		return true
	}
	return within(p.Dir, root)
}
