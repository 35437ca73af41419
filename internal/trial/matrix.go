package trial

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-build/slipway/internal/egress"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// Matrix says how a program is asked to reach what it will meet. Each probe is
// one of the program's own endpoints, which answers 2xx if it could and
// another status if it could not. Where there is none, Options.Slipway is asked
// in the program's surroundings.
type Matrix struct {
	DNS *Probe // with {name}
	TLS *Probe // with {url}
	DB  *Probe // with {dsn}, unless the program knows its database itself
	// Time tells the time in {zone}, with its offset; Tmp makes a temporary
	// file; User says who runs the program.
	Time, Tmp, User *Probe
	// Databases are connection strings by a short name. The servers are
	// reached by Options.Reach.
	Databases map[string]string
}

// Where the matrix's files are in the sandbox.
const (
	matrixDir  = "/slipway-matrix"
	matrixHost = "matrix.test" // RFC 6761 keeps .test for tests
)

// Who was asked.
const (
	byProgram = "program"
	byProbe   = "slipway"
)

// matrix gives a job for each sandbox that the cells need.
func (t *trial) matrix() []func(context.Context) error {
	m := t.o.Matrix
	var jobs []func(context.Context) error
	switch {
	case m.DNS != nil:
		jobs = append(jobs, func(ctx context.Context) error { return t.dns(ctx, false) })
		jobs = append(jobs, func(ctx context.Context) error { return t.dns(ctx, true) })
	case t.o.Slipway != "":
		jobs = append(jobs, t.surroundingsDNS)
	}
	switch {
	case m.TLS != nil:
		jobs = append(jobs, t.tls, t.proxied, t.withoutAnyRoots)
	case t.o.Slipway != "":
		jobs = append(jobs, t.surroundingsTLS)
	}
	if t.o.Slipway != "" {
		jobs = append(jobs, t.surroundingsRoots)
	}
	jobs = append(jobs, t.environment()...)
	if m.DB != nil {
		if len(m.Databases) == 0 {
			jobs = append(jobs, func(ctx context.Context) error { return t.db(ctx, "database", "") })
		}
		for name, dsn := range m.Databases {
			jobs = append(jobs, func(ctx context.Context) error { return t.db(ctx, name, dsn) })
		}
	}
	return jobs
}

// together runs the program once and asks it cells one after the other. cells
// are given back as not run, with the reason, if there is no such life.
func (t *trial) together(ctx context.Context, cells []Cell, spec sandbox.Spec, eo egress.Options, f func(context.Context, *run, *Cell) error) error {
	done := 0
	l, err := t.patient(false).liveWith(ctx, spec, eo, toReady, func(ctx context.Context, r *run) error {
		for i := range cells {
			if r.over() {
				return nil
			}
			if err := f(ctx, r, &cells[i]); err != nil {
				return err
			}
			if cells[i].Verdict != Pass {
				cells[i].Log = r.log.last(4)
			}
			if r.over() {
				cells[i].Verdict, cells[i].Evidence = Fail, i18n.M("trial.cell.died")
			}
			done++
		}
		return nil
	})
	if _, un := unsupported(err); err != nil && !un {
		return err
	}
	for i := range cells {
		if i >= done {
			if l != nil && l.Phase == Serving {
				cells[i].Verdict, cells[i].Evidence = NotRun, i18n.M("trial.cell.gone")
			} else if cerr := t.compare(&cells[i], l, err, true); cerr != nil {
				return cerr
			} else if cells[i].harder && cells[i].Verdict == Fail {
				cells[i].Verdict, cells[i].Evidence = NotRun, i18n.M("trial.cell.nostart")
			}
		}
		t.add(cells[i])
	}
	return nil
}

// question asks the program for one cell.
func question(ctx context.Context, r *run, p Probe, limit time.Duration) (Answer, float64) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	a := ask(ctx, r.box.Network(), p, r.life.Sockets)
	return a, millis(time.Since(began))
}

// detail is what the program said, short enough for a table.
func (a Answer) detail() string {
	s := strings.TrimSpace(printable(strings.ReplaceAll(a.body, "\n", " ")))
	if a.Err != "" {
		s = a.Err
	}
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// dnsCase is one way that a name can behave.
type dnsCase struct {
	id     string
	name   string // asked for; "": id in matrixHost
	fails  bool   // the name must not resolve
	files  bool   // nsswitch.conf says "hosts: files"
	within time.Duration
}

func dnsCases() []dnsCase {
	return []dnsCase{
		{id: "ipv4"}, {id: "ipv6"}, {id: "both"}, {id: "cname"},
		{id: "search", name: "short"},
		{id: "truncated"},
		{id: "slow", within: 4500 * time.Millisecond},
		{id: "lossy", within: 4500 * time.Millisecond},
		{id: "nxdomain", fails: true},
		{id: "servfail-first"},
		{id: "nsswitch-hosts", files: true},
		{id: "nsswitch-dns", files: true, fails: true},
	}
}

// filesOnly makes a run in which names come from /etc/hosts alone, as
// nsswitch.conf(5) can say. done removes the file for it.
func (t *trial) filesOnly(spec sandbox.Spec) (_ sandbox.Spec, done func(), err error) {
	dir, err := t.files(map[string][]byte{"nsswitch.conf": []byte("hosts: files\n")})
	if err != nil {
		return spec, nil, err
	}
	spec.Binds = append(slices.Clone(spec.Binds), sandbox.Bind{Source: filepath.Join(dir, "nsswitch.conf"), Target: "/etc/nsswitch.conf"})
	spec.Hosts = append(slices.Clone(spec.Hosts), sandbox.Host{IP: "198.18.0.99", Names: []string{"nsswitch-hosts." + matrixHost}})
	return spec, func() { os.RemoveAll(dir) }, nil
}

func dnsZone() map[string]egress.Answer {
	h := "." + matrixHost
	return map[string]egress.Answer{
		"ipv4" + h: {A: true}, "ipv6" + h: {AAAA: true}, "both" + h: {A: true, AAAA: true},
		"cname" + h: {CNAME: "second" + h}, "second" + h: {CNAME: "third" + h}, "third" + h: {A: true, AAAA: true},
		"short." + h[1:]: {A: true, AAAA: true}, "short": {RCode: 3},
		"truncated" + h:      {A: true, AAAA: true, Truncate: true},
		"slow" + h:           {A: true, AAAA: true, Delay: 2 * time.Second},
		"lossy" + h:          {A: true, AAAA: true, DropFirst: 1},
		"nxdomain" + h:       {RCode: 3},
		"servfail-first" + h: {A: true, AAAA: true, FailFirst: true},
		"nsswitch-dns" + h:   {A: true, AAAA: true},
	}
}

// dns asks the program for names, those for which nsswitch.conf matters or the
// others.
func (t *trial) dns(ctx context.Context, files bool) error {
	spec := t.spec()
	spec.Search = []string{matrixHost}
	if files {
		var done func()
		var err error
		if spec, done, err = t.filesOnly(spec); err != nil {
			return err
		}
		defer done()
	}
	var cells []Cell
	for _, c := range dnsCases() {
		if c.files != files {
			continue
		}
		cells = append(cells, Cell{Area: areaDNS, ID: c.id, By: byProgram, Name: dnsName(c.id)})
	}
	cases := dnsCases()
	return t.together(ctx, cells, spec, egress.Options{Reach: t.services(nil), Zone: dnsZone(), OnlyZone: true}, func(ctx context.Context, r *run, c *Cell) error {
		dc := cases[slices.IndexFunc(cases, func(d dnsCase) bool { return d.id == c.ID })]
		name := dc.name
		if name == "" {
			name = dc.id + "." + matrixHost
		}
		a, took := question(ctx, r, t.o.Matrix.DNS.with("name", name), 20*time.Second)
		c.Ms, c.Detail = took, a.detail()
		within := orDefault(dc.within, 2*time.Second)
		switch {
		case !a.http:
			c.Verdict, c.Evidence = Fail, i18n.M("trial.cell.noanswer", a.Err)
		case dc.files && dc.fails && a.ok:
			c.Verdict, c.Evidence = Degraded, i18n.M("trial.dns.asked")
		case dc.fails && a.ok:
			c.Verdict, c.Evidence = Fail, i18n.M("trial.dns.invented")
		case !dc.fails && !a.ok:
			c.Verdict, c.Evidence = Fail, i18n.M("trial.dns.unresolved", a.Status)
		case took > millis(within):
			c.Verdict, c.Evidence = Degraded, i18n.M("trial.cell.late", took)
		default:
			c.Verdict, c.Evidence = Pass, i18n.M("trial.cell.took", took)
		}
		return nil
	})
}

func dnsName(id string) i18n.Message {
	switch id {
	case "ipv4":
		return i18n.M("trial.dns.ipv4")
	case "ipv6":
		return i18n.M("trial.dns.ipv6")
	case "both":
		return i18n.M("trial.dns.both")
	case "cname":
		return i18n.M("trial.dns.cname")
	case "search":
		return i18n.M("trial.dns.search")
	case "truncated":
		return i18n.M("trial.dns.truncated")
	case "slow":
		return i18n.M("trial.dns.slow")
	case "lossy":
		return i18n.M("trial.dns.lossy")
	case "nxdomain":
		return i18n.M("trial.dns.nxdomain")
	case "nsswitch-hosts":
		return i18n.M("trial.dns.nsswitchhosts")
	case "nsswitch-dns":
		return i18n.M("trial.dns.nsswitchdns")
	}
	return i18n.M("trial.dns.servfail")
}

// services are the real servers that can be reached, through g if it is there.
func (t *trial) services(g *gate) map[string]egress.Service {
	out := map[string]egress.Service{}
	for at, addr := range t.o.Reach {
		out[at] = egress.Forward(addr)
		if g != nil {
			out[at] = g.forward(addr)
		}
	}
	return out
}

// gate is a way to servers that can be cut and shut.
type gate struct {
	mu    sync.Mutex
	shut  bool
	conns map[net.Conn]bool
}

func (g *gate) forward(addr string) egress.Service {
	through := egress.Forward(addr)
	return func(ctx context.Context, c net.Conn) {
		g.mu.Lock()
		if g.shut {
			g.mu.Unlock()
			c.Close()
			return
		}
		g.conns[c] = true
		g.mu.Unlock()
		through(ctx, c)
		g.mu.Lock()
		delete(g.conns, c)
		g.mu.Unlock()
	}
}

// set cuts all connections and says whether new ones are let through.
func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	for c := range g.conns {
		if tc, ok := c.(*net.TCPConn); ok {
			_ = tc.SetLinger(0) // as after the crash of a machine
		}
		c.Close()
	}
}

// db asks the program for its database, through a loss of all connections.
func (t *trial) db(ctx context.Context, name, dsn string) error {
	p := t.o.Matrix.DB.with("dsn", dsn)
	g := &gate{conns: map[net.Conn]bool{}}
	cells := []Cell{
		{Area: areaDB, ID: name, By: byProgram, Name: i18n.M("trial.db.query", name)},
		{Area: areaDB, ID: name + "-lost", By: byProgram, Name: i18n.M("trial.db.lost", name)},
		{Area: areaDB, ID: name + "-away", By: byProgram, Name: i18n.M("trial.db.away", name)},
		{Area: areaDB, ID: name + "-back", By: byProgram, Name: i18n.M("trial.db.back", name)},
	}
	first := false
	return t.together(ctx, cells, t.spec(), egress.Options{Reach: t.services(g)}, func(ctx context.Context, r *run, c *Cell) error {
		if c.ID != name && !first {
			c.Verdict, c.Evidence = NotRun, i18n.M("trial.db.never")
			return nil
		}
		switch c.ID {
		case name:
			a, took := question(ctx, r, p, 15*time.Second)
			c.Ms, c.Detail, first = took, a.detail(), a.ok
			c.Verdict, c.Evidence = Pass, i18n.M("trial.cell.took", took)
			if !a.ok {
				c.Verdict, c.Evidence = Fail, i18n.M("trial.db.failed", a.Status)
			}
		case name + "-away":
			g.set(true)
			a, took := question(ctx, r, p, 15*time.Second)
			c.Ms, c.Detail = took, a.detail()
			switch {
			case !a.http:
				c.Verdict, c.Evidence = Fail, i18n.M("trial.db.hangs", took)
			case a.ok:
				c.Verdict, c.Evidence = Degraded, i18n.M("trial.db.pretends")
			case took > 5000:
				c.Verdict, c.Evidence = Degraded, i18n.M("trial.cell.late", took)
			default:
				c.Verdict, c.Evidence = Pass, i18n.M("trial.db.says", a.Status, took)
			}
		default: // lost, back
			g.set(false)
			t.recover(ctx, r, p, c)
		}
		return nil
	})
}

// recover asks until the database is there again.
func (t *trial) recover(ctx context.Context, r *run, p Probe, c *Cell) {
	began := time.Now()
	failed := 0
	for {
		a, _ := question(ctx, r, p, 10*time.Second)
		took := millis(time.Since(began))
		c.Ms = took
		if !a.ok && c.Detail == "" {
			c.Detail = a.detail()
		}
		switch {
		case a.ok && failed == 0:
			c.Verdict, c.Evidence = Pass, i18n.M("trial.db.unnoticed", took)
			return
		case a.ok:
			c.Verdict, c.Evidence = Degraded, i18n.M("trial.db.recovered", failed, took)
			return
		case took > 10000:
			c.Verdict, c.Evidence = Fail, i18n.M("trial.db.gone", failed, took)
			return
		}
		failed++
		if !r.pause(ctx, 200*time.Millisecond) {
			c.Verdict, c.Evidence = Fail, i18n.M("trial.db.gone", failed, took)
			return
		}
	}
}

// files writes files for a sandbox to bind.
func (t *trial) files(files map[string][]byte) (dir string, err error) {
	if dir, err = os.MkdirTemp(t.o.TempDir, "slipway-matrix-"); err != nil {
		return "", fmt.Errorf("make a directory: %w", err)
	}
	if err = os.Chmod(dir, 0o755); err == nil {
		for name, b := range files {
			if err = os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
				break
			}
		}
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("write files for the matrix: %w", err)
	}
	return dir, nil
}
