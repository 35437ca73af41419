package testkit

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Postgres is a real PostgreSQL server on the loopback interface. It has two
// roles with the password "secret": scram, and md5, whose password is kept the
// old way. Its certificate is for the name db and signed by CA.
type Postgres struct {
	Addr string // 127.0.0.1:port
	CA   []byte // PEM
}

// StartPostgres starts the PostgreSQL of Debian; it is stopped with the test.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	NeedE2E(t)
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(bins) == 0 {
		t.Fatal("SLIPWAY_E2E=1, but this machine has no PostgreSQL (Debian package postgresql)")
	}
	bin := filepath.Dir(bins[len(bins)-1])
	cred := postgresUser(t)
	top := t.TempDir()
	// Below a directory that only its owner can enter, the server sees nothing.
	dir, err := os.MkdirTemp("", "slipway-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	own := func(name string) {
		if cred != nil {
			if err := os.Chown(name, int(cred.Uid), int(cred.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	own(dir)
	data := filepath.Join(dir, "data")
	run := func(stdin, name string, args ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
		cmd.Dir, cmd.Env, cmd.Stdin = dir, []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}, bytes.NewBufferString(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	run("", "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--no-instructions")
	run("set password_encryption='scram-sha-256'; create role scram login password 'secret';\n"+
		"set password_encryption='md5'; create role md5 login password 'secret';\n", "postgres", "--single", "-D", data, "postgres")

	p := &Postgres{}
	cert, key := p.certificate(t)
	write := func(name string, content []byte) {
		name = filepath.Join(data, name)
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		own(name)
	}
	write("server.crt", cert)
	write("server.key", key)
	write("pg_hba.conf", []byte("host all scram 127.0.0.1/32 scram-sha-256\nhost all md5 127.0.0.1/32 md5\n"))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.Addr = l.Addr().String()
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	log, err := os.Create(filepath.Join(top, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port), "-k", "", "-F",
		"-c", "listen_addresses=127.0.0.1", "-c", "ssl=on", "-c", "max_connections=30")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, []string{"LC_ALL=C"}, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // fast shutdown
		_ = cmd.Wait()
		log.Close()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		// pg_isready asks as a client does.
		if exec.CommandContext(ctx, filepath.Join(bin, "pg_isready"), "-h", "127.0.0.1", "-p", strconv.Itoa(port)).Run() == nil {
			return p
		}
		if ctx.Err() != nil {
			out, _ := os.ReadFile(log.Name())
			t.Fatalf("PostgreSQL does not start: %s", out)
		}
	}
}

// postgresUser is who the server runs as, for it refuses to run as root.
func postgresUser(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (p *Postgres) certificate(t testing.TB) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "db"}, DNSNames: []string{"db"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	p.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return p.CA, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kder})
}

// DSN is a connection string for the name db at port 5432.
func (*Postgres) DSN(role, options string) string {
	return fmt.Sprintf("postgres://%s:secret@db:5432/postgres?%s", role, options)
}
