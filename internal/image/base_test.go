package image

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
)

var (
	goroot   = goRoot()
	zoneinfo = filepath.Join(goroot, "lib", "time", "zoneinfo.zip")
)

// goRoot asks the go command that runs the tests; without one they would not run.
func goRoot() string {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(out))
}

// authority gives the PEM of a new self-signed root.
func authority(t testing.TB, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestRootsFile(t *testing.T) {
	dir := t.TempDir()
	extra := filepath.Join(dir, "company.pem")
	one := authority(t, "Company\nRoot")
	bundle := "a comment\r\n" + string(one) + "\n# between\n" + string(authority(t, "Other Root")) + string(one)
	if err := os.WriteFile(extra, []byte(bundle), 0o666); err != nil {
		t.Fatal(err)
	}
	public, err := rootsFile(true, "")
	if err != nil {
		t.Fatal(err)
	}
	both, err := rootsFile(true, extra)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := rootsFile(false, extra)
	if err != nil {
		t.Fatal(err)
	}
	count := func(b []byte) int { return bytes.Count(b, []byte("-----BEGIN CERTIFICATE-----\n")) }
	if count(public) < 100 || count(both) != count(public)+2 || count(alone) != 2 || !bytes.HasPrefix(both, public) {
		t.Errorf("%d public roots, %d with two more, %d alone", count(public), count(both), count(alone))
	}
	if !bytes.Contains(alone, []byte("# CN=Company?Root\n")) {
		t.Errorf("no comment line with the subject:\n%s", alone)
	}
	// What Go, and every reader of PEM, makes of it.
	if certs, err := parseBundle(both, "both"); err != nil || len(certs) != count(both) {
		t.Errorf("%d of %d certificates, %v", len(certs), count(both), err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(both) || bytes.Count(both, []byte("\n# ")) != count(both)-1 {
		t.Error("not one comment line for each certificate")
	}
}

func TestRootsThatAreNone(t *testing.T) {
	good := string(authority(t, "Root"))
	lines := strings.Count(good, "\n")
	for _, c := range []struct {
		id, text string
		line     int
	}{
		{"image.roots.none", "", 0},
		{"image.roots.none", "only text\n", 0},
		{"image.roots.block", good + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", lines + 1},
		{"image.roots.bad", good + "\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", lines + 2},
		{"image.roots.garbage", good[:len(good)/2], 1},
		{"image.roots.garbage", good[:len(good)/2] + "\n" + good, 1},
		{"image.roots.garbage", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", 1},
		{"image.roots.garbage", "x\n-----END CERTIFICATE-----\n", 2},
	} {
		_, err := parseBundle([]byte(c.text), "roots.pem")
		if f := wantFault(t, err, c.id, fault.Usage); f.Pos.File != "roots.pem" || f.Pos.Line != c.line {
			t.Errorf("%s at %s, want line %d", c.id, f.Pos, c.line)
		}
	}
	_, err := rootsFile(true, filepath.Join(t.TempDir(), "missing.pem"))
	wantFault(t, err, "image.roots.read", fault.Usage)
}

func FuzzParseBundle(f *testing.F) {
	f.Add(authority(f, "Root"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END \n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		certs, err := parseBundle(raw, "roots.pem")
		if (err == nil) != (len(certs) > 0) {
			t.Errorf("%d certificates, %v", len(certs), err)
		}
	})
}

func TestUsers(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/sbin/nologin\n" +
		"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n" +
		"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
	const group = "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n"
	for user, want := range map[string][2]string{
		"":            {passwd, group},
		"65532:65532": {passwd, group},
		"0:0":         {passwd, group},
		"1000:65532":  {passwd + "app:x:1000:65532:app:/:/sbin/nologin\n", group},
		"1000":        {passwd + "app:x:1000:1000:app:/:/sbin/nologin\n", group + "app:x:1000:\n"},
		"65532:7":     {passwd, group + "app:x:7:\n"},
	} {
		p, g, err := users(user)
		if err != nil || string(p) != want[0] || string(g) != want[1] {
			t.Errorf("%s: %v\n%s%s", user, err, p, g)
		}
	}
	for _, user := range []string{"app", "1:app", "-1", "1:", "4294967296", "1:2:3", "1\n:2"} {
		_, _, err := users(user)
		wantFault(t, err, "image.user", fault.Usage)
	}
}

func zipOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		h := &zip.FileHeader{Name: strings.TrimPrefix(name, "link:")}
		if h.Name != name {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, name)
		}
		if err != nil && !strings.HasSuffix(name, "/") {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestZones(t *testing.T) {
	raw, err := os.ReadFile(zoneinfo)
	if err != nil {
		t.Fatal(err)
	}
	files, err := readZones(raw)
	if err != nil || len(files) < 500 {
		t.Fatalf("%d zones, %v", len(files), err)
	}
	for _, f := range files {
		r, err := f.open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil || int64(len(b)) != f.size {
			t.Fatalf("%s: %d bytes of %d, %v", f.name, len(b), f.size, err)
		}
		if _, err := time.LoadLocationFromTZData(f.name, b); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"../evil", "/etc/passwd", "Africa/../../x", "Africa/.wh.Abidjan", "a\\b", "link:UTC", "a b", "zone\x00", ".hidden"} {
		_, err := readZones(zipOf(t, "UTC", name))
		wantFault(t, err, "image.zones.name", fault.Failed)
	}
	_, err = readZones(zipOf(t, "UTC", "UTC"))
	wantFault(t, err, "image.zones.name", fault.Failed)
	if _, err := readZones(zipOf(t, "Africa/", "Africa/Abidjan")); err != nil {
		t.Error(err)
	}
	var c content
	wantFault(t, addZones(t.Context(), &c, filepath.Join(t.TempDir(), "none.zip")), "image.zones", fault.Failed)
	notZip := filepath.Join(t.TempDir(), "x.zip")
	if err := os.WriteFile(notZip, []byte("<html>"), 0o666); err != nil {
		t.Fatal(err)
	}
	if f := wantFault(t, addZones(t.Context(), &c, notZip), "image.zones", fault.Failed); f.Pos.File != notZip {
		t.Errorf("at %s", f.Pos)
	}
}

func FuzzZones(f *testing.F) {
	f.Add(zipOf(f, "UTC", "Africa/Abidjan"))
	f.Add(zipOf(f, "../x", "link:y"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		files, err := readZones(raw)
		if err != nil {
			return
		}
		var c content
		for _, z := range files {
			if strings.Contains(z.name, "..") || strings.HasPrefix(z.name, "/") || z.size < 0 {
				t.Errorf("zone %q of %d bytes", z.name, z.size)
			}
			c.items = append(c.items, item{Entry: Entry{Path: zoneDir + "/" + z.name, Size: z.size, Open: z.open}})
		}
		// It may be an error, but it must end.
		_ = writeTar(t.Context(), io.Discard, entriesOf(c), when)
	})
}

func entriesOf(c content) []Entry {
	var out []Entry
	for _, it := range c.items {
		out = append(out, it.Entry)
	}
	return out
}

// tarOf makes a tar of headers without content.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBaseTree(t *testing.T) {
	tr := tree{}
	for _, layer := range [][]byte{
		tarOf(t,
			tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
			tar.Header{Typeflag: tar.TypeDir, Name: "./usr/lib/", Mode: 0o755},
			tar.Header{Typeflag: tar.TypeSymlink, Name: "./lib", Linkname: "usr/lib"},
			tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
			tar.Header{Typeflag: tar.TypeDir, Name: "var/", Mode: 0o755},
			tar.Header{Typeflag: tar.TypeDir, Name: "var/tmp/", Mode: 0o1777},
			tar.Header{Typeflag: tar.TypeDir, Name: "srv/a/", Mode: 0o700},
			tar.Header{Typeflag: tar.TypeDir, Name: "opt/old/", Mode: 0o700},
			tar.Header{Typeflag: tar.TypeSymlink, Name: "loop", Linkname: "/loop/x"},
			tar.Header{Typeflag: tar.TypeSymlink, Name: "up", Linkname: "../../var/./tmp/.."}),
		tarOf(t,
			tar.Header{Typeflag: tar.TypeDir, Name: "home/app/", Mode: 0o700, Uid: 7, Gid: 8},
			tar.Header{Typeflag: tar.TypeReg, Name: "var/.wh.tmp"},
			tar.Header{Typeflag: tar.TypeDir, Name: "srv/b/", Mode: 0o700},
			tar.Header{Typeflag: tar.TypeReg, Name: "srv/.wh..wh..opq"},
			tar.Header{Typeflag: tar.TypeReg, Name: "opt"}),
	} {
		if err := tr.readTar(bytes.NewReader(layer)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]bool{
		"/usr/lib": true, "/lib": true, "/tmp": true, "/var": true, "/var/tmp": false, "/srv/a": false,
		"/srv/b": true, "/opt/old": false, "/opt": false, "/home/app": true, "/": false,
	} {
		if _, ok := tr[path]; ok != want {
			t.Errorf("%s is there: %t, want %t", path, ok, want)
		}
	}

	placed := tr.place([]item{
		{Entry: memFile("/lib/libapp.so", nil)},
		{Entry: memFile("/up/x", nil)},
		{Entry: memFile("/home/app/conf/a", nil)},
		{Entry: Entry{Path: "/tmp", Mode: 0o755, Dir: true}, implied: true},
		{Entry: Entry{Path: "/usr/lib", Mode: 0o711, Dir: true}},
	})
	got := map[string]int64{}
	for _, it := range placed {
		got[it.Path] = it.Mode
	}
	for path, mode := range map[string]int64{
		"/usr/lib/libapp.so": 0o644, "/var/x": 0o644, "/home/app": 0o700, "/home/app/conf/a": 0o644,
		"/tmp": 0o1777, "/usr/lib": 0o711, "/var": 0o755,
	} {
		if got[path] != mode {
			t.Errorf("%s has mode %o, want %o", path, got[path], mode)
		}
	}
	if len(got) != 9 { // with /home and /usr, as they are below
		t.Errorf("placed %v", got)
	}
	if p := tr.follow("/loop/y"); p != "/loop/y" {
		t.Errorf("the loop ends at %s", p)
	}
}

// The links of a base lead anywhere, in circles too; what is placed is placed
// under a clean path, and soon.
func FuzzBaseTree(f *testing.F) {
	f.Add(tarOf(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "../b/"}, tar.Header{Typeflag: tar.TypeDir, Name: "b/.wh.c/"}), "/c /a\n/a ../c/../a/b", "/a/x")
	f.Add(tarOf(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "a/a/a"}), "", "/a/a/a/a")
	f.Fuzz(func(t *testing.T, raw []byte, links, p string) {
		tr := tree{}
		if tr.readTar(bytes.NewReader(raw)) != nil || checkPath(p) != nil {
			return
		}
		for line := range strings.Lines(links) {
			name, target, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			if checkPath(name) == nil {
				tr[name] = Entry{Path: name, Link: target}
			}
		}
		for _, it := range tr.place([]item{{Entry: memFile(p, nil)}}) {
			if !strings.HasPrefix(it.Path, "/") || path.Clean(it.Path) != it.Path {
				t.Errorf("%q was placed at %q", p, it.Path)
			}
		}
	})
}
