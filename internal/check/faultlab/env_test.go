package faultlab

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/testkit"
)

// lib is what the tests' programs need.
const lib, libVersion = "example.com/lib", "v1.0.0"

func libFiles(word string) map[string]string {
	return map[string]string{"lib.go": "package lib\n\nfunc Word() string { return \"" + word + "\" }\n"}
}

const usesLib = `
-- go.mod --
module example.com/app

go 1.26

require example.com/lib v1.0.0
-- main.go --
package main

import "example.com/lib"

func main() { println(lib.Word()) }
`

// tampered is a proxy that hands out other bytes than the checksum database
// vouches for.
func tampered(t *testing.T) *testkit.ModProxy {
	p := testkit.NewModProxy(t)
	p.Add(t, lib, libVersion, libFiles("good"))
	gomod, zip := testkit.MakeZip(t, lib, libVersion, libFiles("evil"))
	p.AddRaw(lib, libVersion, gomod, zip)
	return p
}

// succeeds runs the go command with the settings of a proxy and more.
func succeeds(t *testing.T, dir string, p *testkit.ModProxy, env []string, args ...string) (bool, string) {
	t.Helper()
	// Whatever is not asked of a server of this test ends at a port where nobody listens.
	closed := []string{"HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1", "NO_PROXY=127.0.0.1"}
	own := append(append(p.Env(t), closed...), buildCache(t))
	out, err := goRun(t, dir, append(own, env...), args...)
	return err == nil, out
}

func wants(t *testing.T, ok, want bool, out, text string) {
	t.Helper()
	if ok != want || !strings.Contains(out, text) {
		t.Errorf("succeeds: %t, want %t; output lacks %q:\n%s", ok, want, text, out)
	}
}

func TestNobodyChecksTheFirstDownload(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, bad, good string }{
		{"ENV001", "GOSUMDB=off", "GOFLAGS="},
		{"ENV002", "GONOSUMDB=*", "GONOSUMDB=corp.example.com"},
		{"ENV002", "GOPRIVATE=*", "GOPRIVATE=corp.example.com"},
	} {
		dir := t.TempDir()
		lay(t, dir, usesLib+"-- ci.env --\n"+c.bad+"\n")
		equal(t, c.bad, finds(t, dir, c.rule), "[ci.env:1]")
		p := tampered(t)
		env := []string{c.bad}
		if strings.HasPrefix(c.bad, "GOPRIVATE") {
			env = append(env, "GONOPROXY=none") // the proxy is still asked
		}
		ok, out := succeeds(t, dir, p, env, "mod", "download")
		wants(t, ok, true, out, "")
		sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
		if err != nil || !strings.Contains(string(sums), lib) {
			t.Errorf("%s: the hash of the other bytes is not in go.sum: %q, %v", c.bad, sums, err)
		}

		dir = t.TempDir()
		lay(t, dir, usesLib+"-- ci.env --\n"+c.good+"\n")
		equal(t, c.good, finds(t, dir, c.rule), "[]")
		ok, out = succeeds(t, dir, p, []string{c.good}, "mod", "download")
		wants(t, ok, false, out, "SECURITY ERROR")
		observed(t, c.rule, tree(t, usesLib+"-- ci.env --\n"+c.bad+"\n"), dir)
	}
}

func TestMalformedSumdb(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, dir, usesLib+"-- ci.env --\nGOSUMDB=sumdb.corp.example.com\n")
	equal(t, "without a key", finds(t, dir, "ENV003"), "[ci.env:1]")
	p := testkit.NewModProxy(t)
	p.Add(t, lib, libVersion, libFiles("good"))
	ok, out := succeeds(t, dir, p, []string{"GOSUMDB=sumdb.corp.example.com"}, "mod", "download")
	wants(t, ok, false, out, "malformed verifier id")
	ok, out = succeeds(t, dir, p, nil, "mod", "download")
	wants(t, ok, true, out, "")
	observed(t, "ENV003", dir, tree(t, usesLib))
}

// TestPlainProxy: whoever sits on the line of a plain proxy is the proxy, and
// what the checksum database is not asked for is taken from them.
func TestPlainProxy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, dir, usesLib+"-- ci.env --\nGOPROXY=http://goproxy.example.com\n")
	equal(t, "plain", finds(t, dir, "ENV005"), "[ci.env:1]")
	ok, out := succeeds(t, dir, tampered(t), []string{"GONOSUMDB=example.com"}, "run", "-mod=mod", ".")
	wants(t, ok, true, out, "evil")
	// With TLS, whoever answers has to show a certificate.
	tlsServer := testkit.NewTLSServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ok, out = succeeds(t, t.TempDir(), tampered(t), []string{"GOPROXY=" + tlsServer.URL, "GONOSUMDB=example.com"}, "mod", "download", lib+"@"+libVersion)
	wants(t, ok, false, out, "certificate signed by unknown authority")
	observed(t, "ENV005", dir, tree(t, usesLib+"-- ci.env --\nGOPROXY=https://goproxy.example.com\n"))
}

// TestInsecure: a server that GOINSECURE names is believed without a
// certificate that anybody vouches for.
func TestInsecure(t *testing.T) {
	t.Parallel()
	host := testkit.NewTLSServer(t, http.NotFoundHandler())
	// The name of the host is known to this proxy alone.
	tunnel := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		out, err := net.Dial("tcp", strings.TrimPrefix(host.URL, "https://"))
		if err != nil {
			t.Error(err)
			return
		}
		defer out.Close()
		w.WriteHeader(http.StatusOK)
		in, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		go io.Copy(out, in)
		io.Copy(in, out)
	}))
	defer tunnel.Close()
	get := func(env ...string) string {
		dir := tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n")
		env = append(env, "GOPROXY=direct", "GOSUMDB=off", "HTTPS_PROXY="+tunnel.URL)
		_, out := succeeds(t, dir, testkit.NewModProxy(t), env, "get", "git.corp.example.com/lib@v1.0.0")
		return out
	}
	const refused, believed = "failed to verify certificate", "404 Not Found"
	if out := get(); !strings.Contains(out, refused) {
		t.Errorf("without GOINSECURE:\n%s", out)
	}
	if out := get("GOINSECURE=git.corp.example.com"); !strings.Contains(out, believed) {
		t.Errorf("with GOINSECURE:\n%s", out)
	}
	observedRule(t, "ENV006")
}

// TestProxyQuery: what stands in the query of a proxy's address is the proxy's
// to read; the go command takes no setting from it.
func TestProxyQuery(t *testing.T) {
	t.Parallel()
	good := testkit.NewModProxy(t)
	good.Add(t, lib, libVersion, libFiles("good"))
	const slow = 1500 * time.Millisecond
	queries := make(chan string, 100)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		queries <- r.URL.RawQuery
		<-time.After(slow)
		http.Error(w, "late", http.StatusInternalServerError)
	}))
	defer proxy.Close()
	start := time.Now()
	ok, out := succeeds(t, tree(t, usesLib), good, []string{"GOPROXY=" + proxy.URL + "?timeout=1s," + good.URL}, "mod", "download")
	wants(t, ok, false, out, "500 Internal Server Error")
	if took := time.Since(start); took < slow {
		t.Errorf("given up after %v", took)
	}
	equal(t, "the query", <-queries, "timeout=1s")
	ok, out = succeeds(t, tree(t, usesLib), good, []string{"GOPROXY=" + proxy.URL + "|" + good.URL}, "mod", "download")
	wants(t, ok, true, out, "")
	observedRule(t, "ENV004")
}

func TestProxyChains(t *testing.T) {
	t.Parallel()
	good, broken := testkit.NewModProxy(t), testkit.NewModProxy(t)
	good.Add(t, lib, libVersion, libFiles("good"))
	broken.Fail("/", 500, -1)
	download := func(chain string) (bool, string) {
		dir := t.TempDir()
		lay(t, dir, usesLib)
		return succeeds(t, dir, good, []string{"GOPROXY=" + chain}, "mod", "download")
	}
	// What the fix of ENV012 says of the two separators.
	ok, out := download(broken.URL + "," + good.URL)
	wants(t, ok, false, out, "500 Internal Server Error")
	ok, out = download(broken.URL + "|" + good.URL)
	wants(t, ok, true, out, "")

	for _, c := range []struct{ chain, says string }{
		{"direct," + good.URL, ""},
		{"off," + good.URL, "GOPROXY=off"},
		{broken.URL + "/none,none", "missing scheme"},
	} {
		dir := t.TempDir()
		lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n-- ci.env --\nGOPROXY="+c.chain+"\n")
		equal(t, c.chain, finds(t, dir, "ENV012"), "[ci.env:1]")
		before := len(good.Requests())
		ok, out := download(c.chain)
		wants(t, ok, false, out, c.says)
		equal(t, "requests to the last one of "+c.chain, len(good.Requests()), before)
	}
	observedRule(t, "ENV012")
}

func TestPrivateNamesReachTheProxy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  string
		leak string
	}{
		{"GOPRIVATE=corp.test\nGONOPROXY=none", "/corp.test/lib/"},
		{"GOPRIVATE=corp.test/*", "/corp.test/@v/"},
		{"GOPRIVATE=corp.test", ""},
	} {
		dir := t.TempDir()
		lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n-- ci.env --\n"+c.env+"\n")
		equal(t, c.env, len(finds(t, dir, "ENV013")) > 0, c.leak != "")
		p := testkit.NewModProxy(t)
		if ok, out := succeeds(t, dir, p, strings.Split(c.env, "\n"), "get", "corp.test/lib/pkg@v1.0.0"); ok {
			t.Errorf("%s: a module that is nowhere was found\n%s", c.env, out)
		}
		asked := strings.Join(p.Requests(), " ")
		if c.leak == "" && strings.Contains(asked, "corp.test") || !strings.Contains(asked, c.leak) {
			t.Errorf("%s: the proxy was asked for %q, want %q", c.env, asked, c.leak)
		}
	}
	observedRule(t, "ENV013")
}

// TestModulesOff: without modules the program is made of what lies in GOPATH,
// and does not say so.
func TestModulesOff(t *testing.T) {
	t.Parallel()
	gopath := t.TempDir()
	dir := filepath.Join(gopath, "src", "example.com", "app")
	lay(t, dir, usesLib+"-- Makefile --\nbuild:\n\tGO111MODULE=off go build -o app .\n-- ci.env --\nGO111MODULE=off\n")
	lay(t, filepath.Join(gopath, "src", "example.com", "lib"), "-- lib.go --\npackage lib\n\nfunc Word() string { return \"whatever lay there\" }\n")
	equal(t, "off", finds(t, dir, "ENV007"), "[Makefile:2]")
	p := testkit.NewModProxy(t)
	p.Add(t, lib, libVersion, libFiles("good"))
	ok, out := succeeds(t, dir, p, []string{"GOPATH=" + gopath, "GO111MODULE=off"}, "run", ".")
	wants(t, ok, true, out, "whatever lay there")
	ok, out = succeeds(t, dir, p, []string{"GOPATH=" + gopath, "GO111MODULE=off"}, "build", "-o", "app", ".")
	wants(t, ok, true, out, "")
	ok, out = succeeds(t, dir, p, nil, "version", "-m", "app")
	wants(t, ok, true, out, "")
	if strings.Contains(out, "\tdep\t") || strings.Contains(out, "\tmod\t") {
		t.Errorf("the program names modules:\n%s", out)
	}
	ok, out = succeeds(t, dir, p, []string{"GOPATH=" + gopath}, "build", ".")
	wants(t, ok, false, out, "missing go.sum entry")
	observed(t, "ENV007", dir, tree(t, usesLib+"-- Makefile --\nbuild:\n\tgo build -o app .\n"))
}

func TestModModRewritesGoMod(t *testing.T) {
	t.Parallel()
	const files = `
-- go.mod --
module example.com/app

go 1.26
-- main.go --
package main

import "example.com/lib"

func main() { println(lib.Word()) }
-- Dockerfile --
FROM golang:1.26
ENV GOFLAGS=-mod=mod
`
	dir := t.TempDir()
	lay(t, dir, files)
	equal(t, "-mod=mod", finds(t, dir, "ENV008"), "[Dockerfile:2]")
	p := testkit.NewModProxy(t)
	p.Add(t, lib, libVersion, libFiles("good"))
	ok, out := succeeds(t, dir, p, nil, "build", "-o", os.DevNull, ".")
	wants(t, ok, false, out, "no required module provides package")
	ok, out = succeeds(t, dir, p, []string{"GOFLAGS=-mod=mod"}, "build", "-o", os.DevNull, ".")
	wants(t, ok, true, out, "")
	if b, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || !strings.Contains(string(b), lib+" "+libVersion) {
		t.Errorf("go.mod was left alone: %s, %v", b, err)
	}
	observed(t, "ENV008", tree(t, files), tree(t, strings.Replace(files, "ENV GOFLAGS=-mod=mod", "ENV GOFLAGS=-trimpath", 1)))
}

// TestLeftoverOfGoEnv: what go env -w wrote for one build decides the next.
func TestLeftoverOfGoEnv(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, dir, "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n-- main.go --\npackage main\n\nfunc main() { println(\"runs\") }\n-- Makefile --\nrelease:\n\tgo env -w GOOS=linux GOARCH=s390x\n\tgo build .\n")
	equal(t, "go env -w", finds(t, dir, "ENV010"), "[Makefile:2]")
	file := filepath.Join(t.TempDir(), "env")
	own := []string{"GOENV=" + file, "GOOS=", "GOARCH="}
	if out, err := goRun(t, dir, own, "env", "-w", "GOOS=linux", "GOARCH=s390x"); err != nil {
		t.Fatalf("go env -w: %v\n%s", err, out)
	}
	out, err := goRun(t, dir, own, "run", ".")
	wants(t, err == nil, false, out, "exec format error")
	if out, err := goRun(t, dir, own, "env", "-u", "GOOS", "GOARCH"); err != nil {
		t.Fatalf("go env -u: %v\n%s", err, out)
	}
	out, err = goRun(t, dir, own, "run", ".")
	wants(t, err == nil, true, out, "runs")
	observed(t, "ENV010", dir, tree(t, "-- go.mod --\nmodule example.com/app\n\ngo 1.26\n-- Makefile --\nrelease:\n\tGOOS=linux GOARCH=s390x go build .\n"))
}
