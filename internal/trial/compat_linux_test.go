package trial

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/slipway-build/slipway/internal/sandbox"
	"github.com/slipway-build/slipway/internal/testkit"
)

// TestCompatMeetsPostgreSQL asks examples/compat for everything there is, a
// real database included.
func TestCompatMeetsPostgreSQL(t *testing.T) {
	pg := testkit.StartPostgres(t)
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "compat"), ".")
	cmd.Dir = "../../examples/compat"
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ca := filepath.Join(dir, "db-ca.pem")
	if err := os.WriteFile(ca, pg.CA, 0o644); err != nil {
		t.Fatal(err)
	}
	s, o := guest(t, "")
	s.Root = t.TempDir()
	s.Binds = []sandbox.Bind{{Source: filepath.Join(dir, "compat"), Target: "/compat"}, {Source: ca, Target: "/db-ca.pem"}}
	s.Args = []string{"/compat"}
	s.Env = []string{"CLIENT_CERT=" + matrixDir + "/client.pem", "CLIENT_KEY=" + matrixDir + "/client-key.pem"}
	o.Reach = map[string]string{"db:5432": pg.Addr}
	o.Matrix = &Matrix{Databases: map[string]string{
		"scram":       pg.DSN("scram", "sslmode=disable"),
		"md5":         pg.DSN("md5", "sslmode=disable"),
		"verify-full": pg.DSN("scram", "sslmode=verify-full&sslrootcert=/db-ca.pem"),
		"unverified":  pg.DSN("scram", "sslmode=verify-full"), // by an authority that nobody knows
	}}
	for _, p := range []struct {
		to   **Probe
		from string
	}{
		{&o.Matrix.DB, "http://:8080/db?dsn={dsn}"}, {&o.Matrix.TLS, "http://:8080/dial?url={url}"},
		{&o.Matrix.Time, "http://:8080/time?zone={zone}"}, {&o.Matrix.Tmp, "http://:8080/tmp"}, {&o.Matrix.User, "http://:8080/user"},
		{&o.Matrix.DNS, "http://:8080/resolve?name={name}"}, {&o.Slow, "http://:8080/slow"},
	} {
		var err error
		if *p.to, err = ParseProbe(p.from); err != nil {
			t.Fatal(err)
		}
	}
	r := tried(t, s, o)
	for _, c := range r.Cells {
		t.Logf("%-4s %-20s %-9s %6.0f %s | %s", c.Area, c.ID, c.Verdict, c.Ms, c.Evidence, c.Detail)
	}
	if r.Life.Stop == nil || r.Life.Stop.Request != Finished {
		t.Errorf("%+v", r.Life.Stop)
	}
	for id, v := range map[string]Verdict{
		"scram": Pass, "md5": Pass, "verify-full": Pass, "unverified": Fail, "unverified-away": NotRun,
		"scram-away": Pass, "client-certificate": Pass, "http-proxy": Pass, "x25519mlkem768": Pass,
		"nsswitch-hosts": Pass, "nsswitch-dns": Pass, "no-roots": Pass, "staple": Pass, "staple-junk": Pass, "staple-revoked": Degraded,
		// An empty root file system: no zones, no /tmp, no passwd.
		zoneNamed: Fail, zoneLocal: Fail, zoneUnknown: Pass, tmpPlain: Fail, tmpMissing: Degraded, userPlain: Fail, userUnknown: Degraded,
	} {
		if c := r.cell(id); c == nil || c.Verdict != v {
			t.Errorf("%s: %+v instead of %s", id, c, v)
		}
	}
	for _, id := range []string{"scram-lost", "scram-back", "verify-full-back"} {
		if c := r.cell(id); c == nil || c.Verdict != Pass && c.Verdict != Degraded {
			t.Errorf("%s: %+v", id, c)
		}
	}
	if got := ids(r); got != "BIN058" {
		t.Errorf("%s", got)
	}
}
