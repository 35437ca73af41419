package facts

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// memoVersion names the layout of the memo files and everything that decides
// what is in them; it is raised when the reader of files changes.
const memoVersion = 2

// record is what is remembered of one target of one project. It is read at
// every run and kept small.
type record struct {
	snapshot
	Dirs     []localDir `json:"dirs"`
	Extra    []string   `json:"extra"`
	Programs []Program  `json:"programs"`
}

// graphRecord is the larger part, read only when a file has changed.
type graphRecord struct {
	Packages []listed            `json:"packages"`
	Deps     map[string]depFacts `json:"deps"`
	Own      map[string]ownFile  `json:"own"`
}

type ownFile struct {
	Hash  string    `json:"hash"`
	Facts fileFacts `json:"facts"`
}

type depFacts struct {
	Uses []depUse `json:"uses,omitempty"`
	Tags []depTag `json:"tags,omitempty"`
}

type depUse struct {
	use
	File string `json:"f"`
}

type depTag struct {
	Name     string `json:"n"`
	File     string `json:"f"`
	Line     int    `json:"l"`
	Expr     string `json:"e"`
	Excluded bool   `json:"x,omitempty"` // the file is left out
}

// memo is the pair of files of one target.
type memo struct{ state, graph string }

// openMemo names the memo by everything but the content of files.
func (c *collector) openMemo(t TargetOptions) memo {
	if c.opts.MemoDir == "" {
		return memo{}
	}
	h := sha256.New()
	o := c.opts
	fmt.Fprintln(h, memoVersion, SchemaVersion, o.Go.Path, o.Std, o.Root, o.WorkFile, t.Platform, t.CgoOn)
	fmt.Fprintf(h, "%q %q\n", o.Patterns, o.Tags)
	for _, k := range slices.Sorted(maps.Keys(t.Recipe)) {
		fmt.Fprintf(h, "%s=%q\n", k, t.Recipe[k])
	}
	base := filepath.Join(o.MemoDir, "facts-"+hex.EncodeToString(h.Sum(nil))[:32])
	return memo{base + ".json", base + ".graph.json"}
}

func (m memo) load() (record, bool) {
	var r record
	ok := readJSON(m.state, &r) && r.Shape != ""
	if !ok {
		return record{}, false
	}
	return r, true
}

func (m memo) loadGraph() (graphRecord, bool) {
	var g graphRecord
	ok := readJSON(m.graph, &g) && len(g.Packages) > 0
	return g, ok
}

// ownFiles gives what is known of the project's files from last time.
func (r record) ownFiles(m memo) map[string]ownFile {
	if r.Shape == "" {
		return nil
	}
	g, _ := m.loadGraph()
	return g.Own
}

// save is best effort: what cannot be remembered is read again. The graph is
// written first, so that a state never refers to an older graph.
func (m memo) save(r record, g graphRecord) {
	if m.state == "" {
		return
	}
	os.Remove(m.state)
	if writeJSON(m.graph, g) {
		writeJSON(m.state, r)
	}
}

func readJSON(name string, v any) bool {
	if name == "" {
		return false
	}
	b, err := os.ReadFile(name)
	return err == nil && json.Unmarshal(b, v) == nil
}

func writeJSON(name string, v any) bool {
	b, err := json.Marshal(v)
	if err != nil || os.MkdirAll(filepath.Dir(name), 0o755) != nil {
		return false
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".memo-*")
	if err != nil {
		return false
	}
	_, werr := f.Write(b)
	if cerr := f.Close(); werr != nil || cerr != nil || os.Rename(f.Name(), name) != nil {
		os.Remove(f.Name())
		return false
	}
	return true
}
