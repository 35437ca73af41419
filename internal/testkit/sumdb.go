package testkit

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
)

// SumDB is a checksum database with a real Merkle tree, signed with a key of
// its own (https://go.dev/ref/mod#checksum-database).
type SumDB struct {
	URL      string
	verifier string // name+hash+key

	mu    sync.Mutex
	lines map[module.Version][]byte
}

func newSumDB(t testing.TB) *SumDB {
	t.Helper()
	signer, verifier, err := note.GenerateKey(rand.Reader, "sum.test")
	if err != nil {
		t.Fatalf("make key of checksum database: %v", err)
	}
	db := &SumDB{verifier: verifier, lines: map[module.Version][]byte{}}
	srv := httptest.NewServer(sumdb.NewServer(sumdb.NewTestServer(signer, db.lookup)))
	t.Cleanup(srv.Close)
	db.URL = srv.URL
	return db
}

// Setting gives the value of GOSUMDB: name+hash+key and the address.
func (db *SumDB) Setting() string { return db.verifier + " " + db.URL }

func (db *SumDB) lookup(path, version string) ([]byte, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	l, ok := db.lines[module.Version{Path: path, Version: version}]
	if !ok {
		// The server answers 404 only for an error os.IsNotExist knows.
		return nil, &os.PathError{Op: "lookup", Path: path + "@" + version, Err: os.ErrNotExist}
	}
	return l, nil
}

// sign records the two go.sum lines of a version.
func (db *SumDB) sign(t testing.TB, mv module.Version, gomod, zipped []byte) {
	t.Helper()
	modHash, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(gomod)), nil
	})
	if err != nil {
		t.Fatalf("hash go.mod of %s: %v", mv, err)
	}
	zipHash, err := hashZip(zipped)
	if err != nil {
		// A zip nobody can read has no hash; any will do.
		zipHash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.lines[mv] = fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", mv.Path, mv.Version, zipHash, mv.Path, mv.Version, modHash)
}

func hashZip(b []byte) (string, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return "", err
	}
	files := map[string]*zip.File{}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		files[f.Name] = f
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return files[name].Open() })
}
