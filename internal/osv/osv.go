// Package osv reads databases of known vulnerabilities in the format of OSV
// (https://ossf.github.io/osv-schema), of which it takes what is about Go. A
// database is either of
//
//   - a directory of OSV files, with any names that end in .json;
//   - a directory in the layout of the Go vulnerability database
//     (https://go.dev/doc/security/vuln/database): index/modules.json says
//     which files below ID are about which module;
//   - a server of that layout, by https or http.
//
// There is no default: nobody is asked whom the user did not name.
//
// # What a server may do
//
// An answer is bounded in size and time. What it says is kept on disk and
// asked for again with If-None-Match. A server that does not answer, or not
// what it should, is an error: "nothing known" is only said by a database
// that was read.
package osv

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Bounds, far above what the Go vulnerability database has.
const (
	maxIndex   = 64 << 20 // bytes of index/modules.json
	maxEntry   = 2 << 20  // bytes of one vulnerability
	maxEntries = 5000     // vulnerabilities of the modules of one repository
	maxFiles   = 100000   // files of a directory without an index
)

// Options say how a database is reached.
type Options struct {
	Cache   string // directory for what a server said; "": nothing is kept
	Offline bool   // ask no server: go by what is kept
}

// ErrOffline is the cause of an error about a server that must not be asked
// and of which nothing is kept.
var ErrOffline = errors.New("offline, and nothing is kept of it")

// Read gives what the database knows of the modules, sorted by ID and module.
// location is a directory or a URL. What is withdrawn is left out.
func Read(ctx context.Context, location string, modules []string, o Options) ([]facts.Advisory, error) {
	var out []facts.Advisory
	var err error
	if strings.Contains(location, "://") {
		out, err = newServer(location, o).read(ctx, modules)
	} else {
		out, err = readDir(ctx, location, modules)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b facts.Advisory) int {
		if c := strings.Compare(a.ID, b.ID); c != 0 {
			return c
		}
		return strings.Compare(a.Module, b.Module)
	})
	return out, nil
}

// indexModule is one module of index/modules.json.
type indexModule struct {
	Path  string `json:"path"`
	Vulns []struct {
		ID       string `json:"id"`
		Modified string `json:"modified"`
	} `json:"vulns"`
}

// wanted is one vulnerability to read.
type wanted struct{ id, modified string }

// A count in the pattern would make it large, and every start of slipway slower.
var identifier = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

const maxIdentifier = 100 // bytes

// readIndex gives the vulnerabilities of the modules that an index lists. An
// identifier becomes part of a file's name: what is none is an error.
func readIndex(data []byte, modules []string) ([]wanted, error) {
	var index []indexModule
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, err
	}
	if len(index) == 0 {
		return nil, errors.New("it lists no module")
	}
	var out []wanted
	seen := map[string]bool{}
	for _, m := range index {
		if !slices.Contains(modules, m.Path) {
			continue
		}
		for _, v := range m.Vulns {
			if len(v.ID) > maxIdentifier || !identifier.MatchString(v.ID) {
				return nil, errors.New("it names a vulnerability " + clip(v.ID))
			}
			if !seen[v.ID] {
				seen[v.ID] = true
				out = append(out, wanted{v.ID, v.Modified})
			}
		}
	}
	if len(out) > maxEntries {
		return nil, errors.New("it lists too many vulnerabilities")
	}
	return out, nil
}

func readDir(ctx context.Context, dir string, modules []string) ([]facts.Advisory, error) {
	broken := func(name string, err error) error {
		return &fault.Error{Pos: fault.Pos{File: filepath.Join(dir, filepath.FromSlash(name))}, Msg: i18n.M("osv.broken"), Hint: i18n.M("osv.hint"), Code: fault.Failed, Cause: cause(err)}
	}
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return nil, fault.UsageError(i18n.M("osv.dir", dir), i18n.M("osv.hint"))
	}
	var names []string
	index, err := readFile(filepath.Join(dir, "index", "modules.json"), maxIndex)
	switch {
	case err == nil:
		ws, err := readIndex(index, modules)
		if err != nil {
			return nil, broken("index/modules.json", err)
		}
		for _, w := range ws {
			names = append(names, path.Join("ID", w.id+".json"))
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, broken("index/modules.json", err)
	default:
		es, err := os.ReadDir(dir)
		if err != nil {
			return nil, broken("", err)
		}
		for _, e := range es {
			if path.Ext(e.Name()) == ".json" && e.Type().IsRegular() {
				names = append(names, e.Name())
			}
		}
		// An empty directory is a mistake, such as a mirror that was not filled.
		if len(names) == 0 || len(names) > maxFiles {
			return nil, fault.UsageError(i18n.M("osv.dir", dir), i18n.M("osv.hint"))
		}
	}
	var out []facts.Advisory
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := readFile(filepath.Join(dir, filepath.FromSlash(name)), maxEntry)
		if err != nil {
			return nil, broken(name, err)
		}
		as, err := decode(b, modules)
		if err != nil {
			return nil, broken(name, err)
		}
		out = append(out, as...)
	}
	return out, nil
}

func readFile(name string, most int64) ([]byte, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, errors.New("it is no regular file") // to open a named pipe would be to wait for ever
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f, most)
}

var errLarge = errors.New("it is too large")

func readBounded(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = errLarge
	}
	return b, err
}

// cause drops a path from err: the position has it.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

func clip(s string) string {
	const most = 40
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
