package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
)

var wasmSockets = Rule{
	ID: "WASM001", Slug: "wasm-sockets", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.wasm001.title"), Why: i18n.M("rule.wasm001.why"), Fix: i18n.M("rule.wasm001.fix"),
	Bad:  "GOOS=wasip1 GOARCH=wasm go build .   # calls net.Listen",
	Good: "ln, err := net.FileListener(os.NewFile(3, \"socket\")) // a socket that the host opens",
	Run: wasmCalls(func(p facts.Platform, what string) i18n.Message {
		switch call := strings.TrimPrefix(what, "."); {
		case slices.Contains(listeners, call):
			return i18n.M("rule.wasm001.listen", call)
		case strings.HasPrefix(call, "net.Dial"), p.GOOS == "wasip1" && slices.Contains(httpClients, call): // under js it is fetch
			return i18n.M("rule.wasm001.dial", call)
		}
		return i18n.Message{}
	}),
}

var (
	listeners = []string{
		"net.Listen", "net.ListenTCP", "net.ListenUDP", "net.ListenPacket",
		"net/http.ListenAndServe", "net/http.ListenAndServeTLS", "ListenAndServe", "ListenAndServeTLS",
	}
	httpClients = []string{"net/http.Get", "net/http.Post", "net/http.PostForm", "net/http.Head"}
)

var wasmProcesses = Rule{
	ID: "WASM002", Slug: "wasm-processes", Severity: finding.FailsInProduction, Confidence: High, Since: 1,
	Cost:  Design,
	Title: i18n.M("rule.wasm002.title"), Why: i18n.M("rule.wasm002.why"), Fix: i18n.M("rule.wasm002.fix"),
	Bad:  "GOOS=wasip1 GOARCH=wasm go build .   # calls exec.Command",
	Good: "//go:build !wasm\n\npackage run // the only file that imports os/exec",
	Run: wasmCalls(func(_ facts.Platform, what string) i18n.Message {
		switch what {
		case "os/exec.Command", "os/exec.CommandContext", "os.StartProcess", "plugin.Open":
			return i18n.M("rule.wasm002.message", what)
		}
		return i18n.Message{}
	}),
}

// wasmCalls makes a Run that looks for calls which cannot work in the programs
// that the repository builds for WebAssembly. In the program's own package
// they count; in a package that it imports, they may never be reached.
func wasmCalls(judge func(facts.Platform, string) i18n.Message) func(*facts.Repo) []finding.Finding {
	return func(r *facts.Repo) []finding.Finding {
		var out []finding.Finding
		seen := map[facts.Pos]bool{}
		for _, b := range r.Builds() {
			p := facts.Platform{GOOS: b.GOOS, GOARCH: "wasm"}
			if b.GOOS != "js" && b.GOOS != "wasip1" || !compiled(&b) {
				continue
			}
			reached := r.ClosureFor(p, b.Module, b.Packages, b.Tags)
			for i := range r.GoFiles {
				g := &r.GoFiles[i]
				if len(g.Sites) == 0 || g.Test || g.Module != b.Module.Root || !g.BuiltFor(p, b.Tags) {
					continue
				}
				own := g.Package == "main" && slices.Contains(b.Packages, g.Dir)
				why, imported := reached[b.Module.ImportPath(g.Dir)]
				if !own && !imported {
					continue
				}
				for _, s := range g.Sites {
					if s.Kind != facts.SiteCall && s.Kind != facts.SiteMethod || seen[s.Pos] || guarded(&s, "goos", "wasm") {
						continue
					}
					m := judge(p, s.What)
					if m.IsZero() {
						continue
					}
					seen[s.Pos] = true
					out = append(out, finding.Finding{
						Pos: s.Pos, Entity: entity(b.GOOS, g.Dir, s.Func, s.What), Message: m, Advisory: !own,
						Evidence: append([]finding.Evidence{{Pos: b.Go.Pos, Text: i18n.M("rule.wasm.build", b.GOOS, strings.Join(b.Packages, " "))}}, chainEvidence(why)...),
					})
				}
			}
		}
		return out
	}
}

var wasmHost = Rule{
	ID: "WASM003", Slug: "wasm-host-entropy", Severity: finding.Security, Confidence: Medium, Advisory: true, Since: 1,
	Title: i18n.M("rule.wasm003.title"), Why: i18n.M("rule.wasm003.why"), Fix: i18n.M("rule.wasm003.fix"),
	Bad:  "cfg := wazero.NewModuleConfig().WithStdout(os.Stdout)",
	Good: "cfg := wazero.NewModuleConfig().WithStdout(os.Stdout).\n\tWithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader)",
	Run:  runWasmHost,
}

// runWasmHost looks at packages that give their guests WASI, as through it
// they ask for the time and for random bytes.
func runWasmHost(r *facts.Repo) []finding.Finding {
	type host struct {
		config      facts.Site
		wasi        bool
		clock, rand bool
	}
	hosts := map[string]*host{} // by directory
	var dirs []string
	for i := range r.GoFiles {
		g := &r.GoFiles[i]
		if !slices.ContainsFunc(g.Imports, func(im facts.Import) bool { return strings.HasPrefix(im.Path, "github.com/tetratelabs/wazero") }) || !shipped(g) {
			continue
		}
		h := hosts[g.Dir]
		if h == nil {
			h = &host{}
			hosts[g.Dir] = h
			dirs = append(dirs, g.Dir)
		}
		for _, im := range g.Imports {
			h.wasi = h.wasi || im.Path == "github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
		}
		for _, s := range g.Sites {
			switch s.What {
			case "github.com/tetratelabs/wazero.NewModuleConfig":
				if h.config.What == "" {
					h.config = s
				}
			case ".WithSysWalltime", ".WithWalltime":
				h.clock = true
			case ".WithRandSource":
				h.rand = true
			}
		}
	}
	var out []finding.Finding
	for _, dir := range dirs {
		h := hosts[dir]
		f := finding.Finding{Pos: h.config.Pos, Entity: entity(dir, "wazero")}
		switch {
		case h.config.What == "" || !h.wasi || h.clock && h.rand:
			continue
		case h.clock:
			f.Message = i18n.M("rule.wasm003.rand")
		case h.rand:
			f.Message = i18n.M("rule.wasm003.clock")
		default:
			f.Message = i18n.M("rule.wasm003.both")
		}
		out = append(out, f)
	}
	return out
}
