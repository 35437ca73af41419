package faultlab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-build/slipway/internal/check"
)

// fault says what was seen of a rule's hazard, with the files that have it and
// with the mended ones.
type fault struct {
	rule      string
	ran       string // what was run
	bad, good string // what came of it
	e2e       bool   // seen in end-to-end runs alone
}

// What a fault was seen with.
const (
	goCommand = "the go command"
	goProxy   = "the go command, a module proxy and a checksum database"
	goProgram = "a program built by the go command"
	served    = "the server, built and asked over HTTP"
	tlsPair   = "two ends of crypto/tls"
	wasmGuest = "a wasip1 program in wazero"
	chroot    = "the program in a root of its own (chroot)"
	docker    = "the image in Docker"
	withGit   = "the go command and git"
	compilerC = "the go command with a C compiler"
)

// faults is docs/faults.md, by ID.
var faults = []fault{
	{rule: "CGO001", ran: chroot, bad: "`no such file or directory`: the program's loader is not there", good: "built without cgo, the program starts", e2e: true},
	{rule: "CGO002", ran: goCommand, bad: "a flag that no linker knows gives the same code as `-static`: nobody reads it", good: "without the flag, the binary names no loader either"},
	{rule: "CGO003", ran: goCommand, bad: "`-a` gives the same bytes, after compiling everything again", good: "without the flag, the cache gives them", e2e: true},
	{rule: "CGO004", ran: goCommand, bad: "a `-buildmode=pie` binary without cgo names a loader (PT_INTERP)", good: "it names none"},
	{rule: "CGO005", ran: goCommand, bad: "`requires external (cgo) linking, but cgo is not enabled`", good: "the build works"},
	{rule: "CGO006", ran: goProgram, bad: "the host without cgo stops: `plugin: not implemented`", good: "the host opens plugins"},
	{rule: "CGO008", ran: compilerC, bad: "a changed header of another directory: the cache gives the old program", good: "beside the Go file, the change is built", e2e: true},
	{rule: "CGO009", ran: goProxy, bad: "with a module that is cgo alone: `build constraints exclude all Go files`", good: "the build works once there is a file without cgo"},
	{rule: "CI009", ran: goCommand, bad: "tests pass, the image's build with `-tags prod` does not compile", good: "the tests with the tag fail first"},
	{rule: "ENV001", ran: goProxy, bad: "other bytes than the published ones are taken, and their hash written to go.sum", good: "`SECURITY ERROR`"},
	{rule: "ENV002", ran: goProxy, bad: "other bytes than the published ones are taken, and their hash written to go.sum", good: "`SECURITY ERROR`"},
	{rule: "ENV003", ran: goProxy, bad: "`malformed verifier id`", good: "the download works"},
	{rule: "ENV004", ran: goProxy, bad: "`timeout=1s` goes to the proxy as it is, and a slow answer is waited for", good: "with `|`, the next proxy is asked"},
	{rule: "ENV005", ran: goProxy, bad: "who answers in the proxy's place has its code run", good: "a proxy that cannot show a certificate is refused"},
	{rule: "ENV006", ran: goProxy, bad: "a server whose certificate nobody vouches for is believed", good: "`failed to verify certificate`"},
	{rule: "ENV007", ran: goCommand, bad: "the program is made of what lay in GOPATH, and names no modules", good: "`missing go.sum entry`: nothing unchecked is built"},
	{rule: "ENV008", ran: goProxy, bad: "the build adds a requirement to go.mod by itself", good: "`no required module provides package`"},
	{rule: "ENV010", ran: goCommand, bad: "what `go env -w` left makes the next `go run` end with `exec format error`", good: "the program runs"},
	{rule: "ENV012", ran: goProxy, bad: "the last proxy of the list is never asked", good: "it answers where the first one does not"},
	{rule: "ENV013", ran: goProxy, bad: "the public proxy is asked for the private name", good: "it is not"},
	{rule: "GO001", ran: goCommand, bad: "`go.mod requires go >= 1.99`", good: "the build works"},
	{rule: "GO004", ran: goProgram, bad: "the same toolchain, go line 1.22: the handshake agrees on X25519, and an RSA key of 512 bits is made", good: "go line 1.26: X25519MLKEM768, and no such key"},
	{rule: "GO005", ran: goCommand, bad: "`go.mod requires go >= 1.99`", good: "the build works"},
	{rule: "GO006", ran: goCommand, bad: "`listed in go.work file requires go >= 1.24`", good: "the go command works"},
	{rule: "GO007", ran: goCommand, bad: "`go.mod requires go >= 1.99`", good: "the build works"},
	{rule: "IMG001", ran: chroot, bad: "no `/bin/sh`: the program is never started", good: "the program starts", e2e: true},
	{rule: "IMG003", ran: chroot, bad: "`certificate signed by unknown authority`", good: "the call works", e2e: true},
	{rule: "IMG007", ran: goProgram, bad: "`exec format error`", good: "the program starts"},
	{rule: "IMG009", ran: chroot, bad: "`unknown time zone Asia/Shanghai`", good: "the zone loads", e2e: true},
	{rule: "IMG011", ran: chroot, bad: "`open /tmp/…: no such file or directory`", good: "the file is made", e2e: true},
	{rule: "IMG012", ran: chroot, bad: "no `/etc/passwd`: the look-up fails", good: "the user is found", e2e: true},
	{rule: "IMG013", ran: chroot, bad: "`executable file not found in $PATH`", good: "the other program runs", e2e: true},
	{rule: "IMG014", ran: chroot, bad: "no `/bin/sh`: the health check never runs", good: "it runs", e2e: true},
	{rule: "IMG015", ran: "a shell script and SIGTERM", bad: "the program is never told to stop", good: "with `exec`, it gets the signal"},
	{rule: "K8S009", ran: docker, bad: "`--read-only`: no temporary file can be made", good: "with something at `/tmp`, it can", e2e: true},
	{rule: "K8S010", ran: docker, bad: "`cp` is not in the image", good: "the image's own program runs", e2e: true},
	{rule: "K8S014", ran: goProgram, bad: "the runtime stops at once: `malformed GOMEMLIMIT`", good: "the program runs"},
	{rule: "MOD001", ran: goProxy, bad: "with a forged hash in go.sum: `all modules verified`", good: "`go mod download` into an empty cache: `checksum mismatch`"},
	{rule: "MOD002", ran: withGit, bad: "a file added to vendor is built; `git diff --quiet` and `go mod verify` are content", good: "`git status --porcelain` shows it"},
	{rule: "MOD003", ran: goCommand, bad: "`replacement directory ../nowhere/lib does not exist`", good: "the build works"},
	{rule: "MOD004", ran: goProxy, bad: "`inconsistent vendoring`", good: "the build works"},
	{rule: "MOD005", ran: goProxy, bad: "`missing go.sum entry`", good: "the build works"},
	{rule: "MOD009", ran: goProxy, bad: "the build stops; after `go mod tidy` a newer version than go.mod asks for is built", good: "the version of go.mod is built"},
	{rule: "MOD010", ran: goProxy, bad: "`go install path@version` refuses a module with replace lines", good: "it installs the program"},
	{rule: "MOD011", ran: goProxy, bad: "`go get` leaves no program behind", good: "`go install` does"},
	{rule: "MOD012", ran: goProxy, bad: "the published text is built in place of the reviewed one in vendor", good: "vendor's is built"},
	{rule: "MOD013", ran: goProxy, bad: "a file that was added to vendor runs in the program", good: "vendor as the go command made it"},
	{rule: "TAG001", ran: goCommand, bad: "`-tags a+b` leaves out the files of both tags", good: "`-tags a,b` builds both"},
	{rule: "TAG002", ran: goCommand, bad: "the file is built whatever the comment says", good: "it is built where the constraint holds"},
	{rule: "TAG003", ran: goCommand, bad: "`go vet`, and so `go test`: `+build lines do not match`", good: "both lines say the same, and `go vet` is content"},
	{rule: "TAG004", ran: goCommand, bad: "a misspelt tag changes nothing", good: "the file is built"},
	{rule: "TAG005", ran: goCommand, bad: "the old line alone is obeyed still, whatever the go line", good: "`//go:build` does the same"},
	{rule: "TAG006", ran: goCommand, bad: "no system of `go tool dist list` builds the file", good: "one does"},
	{rule: "TAG007", ran: goProgram, bad: "tests pass with the tag; the program built without it panics at its start", good: "the program built with the tag runs"},
	{rule: "TAG008", ran: goCommand, bad: "the file is in every build", good: "it is built where the constraint holds"},
	{rule: "TLS001", ran: goProgram, bad: "the handshake agrees on X25519", good: "X25519MLKEM768"},
	{rule: "TLS002", ran: goProgram, bad: "`GODEBUG=tlsmlkem=0`: the handshake agrees on a classic curve", good: "X25519MLKEM768"},
	{rule: "TLS003", ran: tlsPair, bad: "a stranger's certificate is accepted, RootCAs or not", good: "it is refused"},
	{rule: "TLS004", ran: tlsPair, bad: "TLS 1.1 is spoken", good: "the handshake is refused"},
	{rule: "TLS005", ran: goProgram, bad: "`fips140.Enabled()` is false in a binary that claims FIPS", good: "it is true"},
	{rule: "TLS006", ran: goProgram, bad: "`not allowed in FIPS 140-only mode`", good: "the program runs"},
	{rule: "TLS007", ran: goCommand, bad: "no symbol of BoringCrypto in a binary whose version says `X:boringcrypto`", good: "they are in it (where there is a C compiler)"},
	{rule: "TLS008", ran: tlsPair, bad: "a staple of junk is handed over as it came", good: "who parses it, as the mended files do, sees that it is no OCSP response"},
	{rule: "WASM001", ran: wasmGuest, bad: "the guest listens, and nobody outside can connect", good: "a listener of the host can be reached"},
	{rule: "WASM002", ran: wasmGuest, bad: "no process can be started", good: "built for Linux, the program starts it"},
	{rule: "WASM003", ran: wasmGuest, bad: "the year is wrong, and the random bytes are the same each time", good: "the host's clock and entropy"},
	{rule: "WEB001", ran: served, bad: "a stranger's page may read the answer with the user's credentials", good: "it may not; the own one may"},
	{rule: "WEB002", ran: served, bad: "the cookie is sent over plain HTTP and shown to scripts", good: "neither"},
	{rule: "WEB003", ran: served, bad: "a client that never ends its headers keeps its connection", good: "it is closed after the limit"},
	{rule: "WEB004", ran: served, bad: "the stream breaks off at WriteTimeout", good: "it goes on"},
	{rule: "WEB005", ran: served, bad: "no event arrives", good: "the first one arrives at once"},
	{rule: "WEB006", ran: served, bad: "the trailer never arrives", good: "it does"},
	{rule: "WEB007", ran: served, bad: "the handler runs on after its client has gone", good: "it ends"},
	{rule: "WEB008", ran: served, bad: "`/debug/pprof/cmdline` gives away the command line", good: "not on the public address"},
	{rule: "WEB009", ran: served, bad: "SIGTERM cuts the request that is being answered", good: "it is answered to its end"},
}

func TestFaultsNameRules(t *testing.T) {
	seen, plain := map[string]bool{}, 0
	for i, f := range faults {
		if _, ok := check.Find(f.rule); !ok {
			t.Errorf("there is no rule %s", f.rule)
		}
		if seen[f.rule] || i > 0 && faults[i-1].rule > f.rule {
			t.Errorf("%s is there twice or out of order", f.rule)
		}
		seen[f.rule] = true
		if !f.e2e {
			plain++
		}
	}
	if plain < 20 {
		t.Errorf("a machine without privileges shows %d faults, want at least 20", plain)
	}
}

func TestFaultsPageIsCurrent(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "faults.md")
	if *update {
		if err := os.WriteFile(file, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != page() {
		t.Errorf("docs/faults.md is not what the table says; go test ./internal/check/faultlab -run TestFaultsPage -update writes it anew")
	}
}

func page() string {
	var b strings.Builder
	plain := 0
	for _, f := range faults {
		if !f.e2e {
			plain++
		}
	}
	fmt.Fprintf(&b, `# Faults that were seen

Written by `+"`go test ./internal/check/faultlab -update`"+`. For each rule
here a test sees the fault happen, with the real thing, and sees that it does
not once it is mended. It also holds that the rule finds the fault in the files
that were run, or in those of the rule's own test, and nothing in the mended
ones. %d of the %d rules are shown on any
Linux machine with Go by `+"`go test`"+`; those marked * by `+"`SLIPWAY_E2E=1 go test`"+`,
which fails where a part is missing.

| Rule | What was run | With the fault | Mended |
|---|---|---|---|
`, plain, len(faults))
	for _, f := range faults {
		mark := ""
		if f.e2e {
			mark = "*"
		}
		fmt.Fprintf(&b, "| %s%s | %s | %s | %s |\n", f.rule, mark, f.ran, strings.ReplaceAll(f.bad, "|", "\\|"), strings.ReplaceAll(f.good, "|", "\\|"))
	}
	return b.String()
}
