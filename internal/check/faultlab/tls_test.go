package faultlab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// layRule writes bad/ or good/ of a rule's testdata below dir.
func layRule(t *testing.T, dir, id, which string) {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("..", "testdata", id+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range a.Files {
		name, ok := strings.CutPrefix(f.Name, which+"/")
		if !ok || name == "want" {
			continue
		}
		n++
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if n == 0 {
		t.Fatalf("%s has no %s/", id, which)
	}
}

// program runs a binary with settings of GODEBUG.
func program(t *testing.T, binary, godebug string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary)
	c.Env = append(os.Environ(), "GODEBUG="+godebug)
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func build(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "out")
	if out, err := goRun(t, dir, env, append([]string{"build", "-o", binary}, args...)...); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

func linuxOnly(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the faults are those of linux/amd64")
	}
}

// handshakeMain prints the group that two ends with config() agree on.
const handshakeMain = `-- main.go --
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"
)

func main() {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	t := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"lab"}, NotAfter: time.Now().Add(time.Hour)}
	der, _ := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	cert, _ := x509.ParseCertificate(der)
	server := config()
	server.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		panic(err)
	}
	go func() {
		if c, err := ln.Accept(); err == nil {
			c.(*tls.Conn).Handshake()
		}
	}()
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	c, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "lab"})
	if err != nil {
		panic(err)
	}
	fmt.Println(c.ConnectionState().CurveID)
}
`

// TestHybrid shows what TLS001 and TLS002 say of key exchange.
func TestHybrid(t *testing.T) {
	linuxOnly(t)
	for _, tc := range []struct{ which, godebug, want string }{
		{"bad", "", "X25519"},
		{"good", "", "X25519MLKEM768"},
		{"good", "tlsmlkem=0", "CurveP256"},
		{"good", "tlssecpmlkem=0", "X25519MLKEM768"},
	} {
		t.Run(tc.which+" "+tc.godebug, func(t *testing.T) {
			dir := t.TempDir()
			layRule(t, dir, "TLS001", tc.which)
			src, err := os.ReadFile(filepath.Join(dir, "server", "server.go"))
			if err != nil {
				t.Fatal(err)
			}
			lay(t, dir, handshakeMain+"-- server.go --\n"+strings.Replace(string(src), "package server", "package main", 1))
			got, err := program(t, build(t, dir, nil, "."), tc.godebug)
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			equal(t, "the group", got, tc.want)
		})
	}
}

// TestFIPSUndone runs the program of TLS005's good/ with and without the line
// that bad/ has more.
func TestFIPSUndone(t *testing.T) {
	linuxOnly(t)
	dir := t.TempDir()
	layRule(t, dir, "TLS005", "good")
	lay(t, dir, "-- main.go --\npackage main\n\nimport (\n\t\"crypto/fips140\"\n\t\"fmt\"\n)\n\nfunc main() { fmt.Println(fips140.Enabled()) }\n")
	binary := build(t, dir, []string{"GOFIPS140=latest"}, ".")
	for godebug, want := range map[string]string{"": "true", "netdns=go,fips140=off": "false", "fips140=only": "true"} {
		got, err := program(t, binary, godebug)
		if err != nil {
			t.Fatalf("%v\n%s", err, got)
		}
		equal(t, "FIPS mode with "+godebug, got, want)
	}
	if out, err := goRun(t, dir, nil, "version", "-m", binary); err != nil || !strings.Contains(out, "GOFIPS140=latest") {
		t.Errorf("the binary does not claim FIPS: %v\n%s", err, out)
	}
}

// TestFIPSMixed runs the programs of TLS006 in both modes.
func TestFIPSMixed(t *testing.T) {
	linuxOnly(t)
	for _, tc := range []struct {
		which, godebug string
		fails          bool
	}{{"bad", "fips140=only", true}, {"bad", "fips140=on", false}, {"good", "fips140=only", false}} {
		dir := t.TempDir()
		layRule(t, dir, "TLS006", tc.which)
		lay(t, dir, "-- main.go --\npackage main\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/app/sum\"\n)\n\nfunc main() { fmt.Println(sum.Sum(nil)) }\n")
		out, err := program(t, build(t, dir, nil, "."), tc.godebug)
		equal(t, tc.which+" fails with "+tc.godebug, err != nil, tc.fails)
		if tc.fails && !strings.Contains(out, "not allowed in FIPS 140-only mode") {
			t.Errorf("fails with\n%s", out)
		}
	}
}

// TestBoringWithoutCgo counts the symbols of BoringCrypto.
func TestBoringWithoutCgo(t *testing.T) {
	linuxOnly(t)
	dir := t.TempDir()
	layRule(t, dir, "TLS007", "bad")
	lay(t, dir, "-- main.go --\npackage main\n\nimport (\n\t\"crypto/sha256\"\n\t\"fmt\"\n)\n\nfunc main() { fmt.Println(sha256.Sum256(nil)) }\n")
	for _, cgo := range []string{"0", "1"} {
		if _, err := exec.LookPath("gcc"); err != nil && cgo == "1" {
			continue
		}
		binary := build(t, dir, []string{"GOEXPERIMENT=boringcrypto", "CGO_ENABLED=" + cgo}, ".")
		symbols, err := goRun(t, dir, nil, "tool", "nm", binary)
		if err != nil {
			t.Fatalf("go tool nm: %v\n%s", err, symbols)
		}
		equal(t, "BoringCrypto with CGO_ENABLED="+cgo, strings.Contains(symbols, "_goboringcrypto_"), cgo == "1")
		version, err := goRun(t, dir, nil, "version", binary)
		if err != nil || !strings.Contains(version, "X:boringcrypto") {
			t.Errorf("with CGO_ENABLED=%s the version is %q, %v", cgo, version, err)
		}
	}
}

// certificate makes one for the name lab, which no root vouches for.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"lab"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// connect does a handshake on the loopback.
func connect(t *testing.T, server, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		if c, err := ln.Accept(); err == nil {
			_ = c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	c, err := tls.Dial("tcp", ln.Addr().String(), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	return c.ConnectionState(), nil
}

// TestSkipVerify shows that RootCAs beside InsecureSkipVerify is never asked.
func TestSkipVerify(t *testing.T) {
	theirs, _ := certificate(t)
	_, ours := certificate(t)
	for _, skip := range []bool{true, false} {
		_, err := connect(t, &tls.Config{Certificates: []tls.Certificate{theirs}}, &tls.Config{RootCAs: ours, ServerName: "lab", InsecureSkipVerify: skip})
		equal(t, "a stranger is let in", err == nil, skip)
	}
}

// TestOldVersion shows that MinVersion lets in what the default keeps out.
func TestOldVersion(t *testing.T) {
	cert, roots := certificate(t)
	old := &tls.Config{RootCAs: roots, ServerName: "lab", MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}
	for _, min := range []uint16{tls.VersionTLS11, 0} {
		state, err := connect(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: min}, old)
		equal(t, "TLS 1.1 is spoken", err == nil && state.Version == tls.VersionTLS11, min != 0)
	}
}

// TestStaple shows that crypto/tls hands over a staple of junk.
func TestStaple(t *testing.T) {
	cert, roots := certificate(t)
	cert.OCSPStaple = []byte("junk")
	state, err := connect(t, &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: roots, ServerName: "lab"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the staple", string(state.OCSPResponse), "junk")
}
