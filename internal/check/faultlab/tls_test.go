package faultlab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/testkit"
)

// program runs a binary with settings of GODEBUG.
func program(t *testing.T, binary, godebug string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary)
	c.Env = append(os.Environ(), "GODEBUG="+godebug)
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
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
	t.Parallel()
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
	observedRule(t, "TLS001")
	observedRule(t, "TLS002")
}

// TestFIPSUndone runs the program of TLS005's good/ with and without the line
// that bad/ has more.
func TestFIPSUndone(t *testing.T) {
	t.Parallel()
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
	observedRule(t, "TLS005")
}

// TestFIPSMixed runs the programs of TLS006 in both modes.
func TestFIPSMixed(t *testing.T) {
	t.Parallel()
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
	observedRule(t, "TLS006")
}

// TestBoringWithoutCgo counts the symbols of BoringCrypto.
func TestBoringWithoutCgo(t *testing.T) {
	t.Parallel()
	linuxOnly(t)
	dir := t.TempDir()
	layRule(t, dir, "TLS007", "bad")
	lay(t, dir, "-- main.go --\npackage main\n\nimport (\n\t\"crypto/sha256\"\n\t\"fmt\"\n)\n\nfunc main() { fmt.Println(sha256.Sum256(nil)) }\n")
	for _, cgo := range []string{"0", "1"} {
		if _, err := exec.LookPath("gcc"); err != nil && cgo == "1" {
			if testkit.E2E() {
				t.Fatal("SLIPWAY_E2E=1, but this machine has no gcc")
			}
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
	observedRule(t, "TLS007")
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
	t.Parallel()
	theirs, _ := certificate(t)
	_, ours := certificate(t)
	for _, skip := range []bool{true, false} {
		_, err := connect(t, &tls.Config{Certificates: []tls.Certificate{theirs}}, &tls.Config{RootCAs: ours, ServerName: "lab", InsecureSkipVerify: skip})
		equal(t, "a stranger is let in", err == nil, skip)
	}
	observedRule(t, "TLS003")
}

// TestOldVersion shows that MinVersion lets in what the default keeps out.
func TestOldVersion(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	old := &tls.Config{RootCAs: roots, ServerName: "lab", MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}
	for _, min := range []uint16{tls.VersionTLS11, 0} {
		state, err := connect(t, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: min}, old)
		equal(t, "TLS 1.1 is spoken", err == nil && state.Version == tls.VersionTLS11, min != 0)
	}
	observedRule(t, "TLS004")
}

// TestStaple shows that crypto/tls hands over a staple of junk.
func TestStaple(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	cert.OCSPStaple = []byte("junk")
	state, err := connect(t, &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: roots, ServerName: "lab"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the staple", string(state.OCSPResponse), "junk")
	var response asn1.RawValue // an OCSPResponse is DER (RFC 6960, 4.2.1)
	if _, err := asn1.Unmarshal(state.OCSPResponse, &response); err == nil {
		t.Error("the staple can be parsed")
	}
	observedRule(t, "TLS008")
}
