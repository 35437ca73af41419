package facts

import (
	"encoding/json"
	"testing"
)

func TestSites(t *testing.T) {
	src := `package p

import (
	"crypto/tls"
	h "net/http"
)

const min = tls.VersionTLS12

type server struct{ cfg *tls.Config }

func (s *server) run(tls2 struct{ Config int }) {
	s.cfg = &tls.Config{MinVersion: min, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}}
	s.cfg.InsecureSkipVerify = true
	var c tls.Config
	_, _ = c, tls2.Config
}

func shadow(tls struct{ Config func() }) { tls.Config() }

var _ = h.DefaultClient
`
	g, err := readGoFile("p.go", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	type seen struct{ Kind, What, Func, Recv string }
	var got []seen
	readCode(&g, []byte(src))
	sites := g.Sites
	for _, s := range sites {
		got = append(got, seen{string(s.Kind), s.What, s.Func, s.Recv})
	}
	want := []seen{
		{"ref", "crypto/tls.Config", "", ""},
		{"literal", "crypto/tls.Config", "(*server).run", ""},
		{"assign", ".InsecureSkipVerify", "(*server).run", "s.cfg"},
		{"ref", "crypto/tls.Config", "(*server).run", ""},
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Fatalf("sites\n%s, want\n%s", a, b)
	}
	lit := sites[1]
	if got := lit.Fields["MinVersion"].Text; got != "crypto/tls.VersionTLS12" {
		t.Errorf("MinVersion is %q", got)
	}
	if es := lit.Fields["CurvePreferences"].Elems; len(es) != 2 || es[1].Text != "crypto/tls.CurveP256" || es[1].Pos.Line != 13 {
		t.Errorf("CurvePreferences has %+v", es)
	}
	if sites[2].Args[0].Text != "true" {
		t.Errorf("InsecureSkipVerify is %+v", sites[2].Args)
	}
}
