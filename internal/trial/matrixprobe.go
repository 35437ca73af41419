package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-build/slipway/internal/egress"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// probePath is where slipway is in a sandbox in which it asks itself.
const probePath = "/slipway-probe"

// probed is how a probe ended.
type probed struct {
	code  int    // 0: it could, 3: it could not
	says  string // what is in the way
	ms    float64
	steps []probeStep
}

// probe runs `slipway probe` in the surroundings of the program: its root file
// system, user and environment. cannot says why slipway itself cannot run there.
func (t *trial) probe(ctx context.Context, spec sandbox.Spec, eo egress.Options, args ...string) (p probed, cannot string, err error) {
	log, out := &tail{}, &document{}
	spec.Args = append([]string{probePath, "probe", "--json"}, args...)
	spec.Binds = append(slices.Clone(spec.Binds), sandbox.Bind{Source: t.o.Slipway, Target: probePath})
	spec.Stdout, spec.Stderr = out, log
	box, err := t.o.Runner.Prepare(ctx, spec)
	if err != nil {
		return p, "", fmt.Errorf("make the sandbox: %w", err)
	}
	defer func() {
		if cerr := box.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("remove the sandbox: %w", cerr)
		}
	}()
	rec, err := egress.Start(ctx, box.Network(), eo)
	if err != nil {
		return p, "", err
	}
	defer rec.Close()
	began, err := box.Start(ctx)
	if err != nil {
		if _, un := unsupported(err); un || ctx.Err() != nil {
			return p, "", err
		}
		return p, printable(err.Error()), nil
	}
	wctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	exit, err := box.Wait(wctx)
	if err != nil {
		if ctx.Err() != nil {
			return p, "", err
		}
		return probed{code: -1, says: "30 s"}, "", nil
	}
	p = probed{code: exit.Code, ms: millis(exit.At.Sub(began))}
	p.steps = out.steps()
	if i := slices.IndexFunc(p.steps, func(s probeStep) bool { return s.Status == "fail" }); i >= 0 {
		p.says = p.steps[i].says()
	} else if lines := log.last(logLines); len(p.steps) == 0 && len(lines) > 0 {
		p.says = printable(lines[len(lines)-1])
	}
	return p, "", nil
}

// probeStep is a step in the document of slipway probe --json.
type probeStep struct {
	Status string `json:"status"`
	What   struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	} `json:"what"`
	Seen string `json:"seen"`
}

func (s probeStep) says() string { return printable(s.What.Text + ": " + s.Seen) }

// step gives the step with this ID; nil if there is none.
func (p probed) step(id string) *probeStep {
	if i := slices.IndexFunc(p.steps, func(s probeStep) bool { return s.What.ID == id }); i >= 0 {
		return &p.steps[i]
	}
	return nil
}

// document keeps what slipway probe prints, up to a bound: it runs among files
// that are not ours.
type document struct{ b bytes.Buffer }

const maxDocument = 4 << 20

func (d *document) Write(b []byte) (int, error) {
	if room := maxDocument - d.b.Len(); room > 0 {
		d.b.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

func (d *document) steps() []probeStep {
	var doc struct {
		Steps []probeStep `json:"steps"`
	}
	if json.Unmarshal(d.b.Bytes(), &doc) != nil {
		return nil // it ended in the middle: its exit code says enough
	}
	return doc.Steps
}

// surroundingsDNS asks for the names that the program cannot be asked for.
func (t *trial) surroundingsDNS(ctx context.Context) error {
	spec := t.spec()
	spec.Search = []string{matrixHost}
	files, done, err := t.filesOnly(spec)
	if err != nil {
		return err
	}
	defer done()
	for _, dc := range dnsCases() {
		spec := spec
		if dc.files {
			spec = files
		}
		c := Cell{Area: areaDNS, ID: dc.id, By: byProbe, Name: dnsName(dc.id)}
		name := dc.name
		if name == "" {
			name = dc.id + "." + matrixHost
		}
		p, cannot, err := t.probe(ctx, spec, egress.Options{Zone: dnsZone(), OnlyZone: true}, "dns", name)
		if !c.notRun(cannot, err) {
			if err != nil {
				return fmt.Errorf("probe %s: %w", dc.id, err)
			}
			c.Ms, c.Detail = p.ms, p.says
			switch {
			case dc.files && dc.fails && p.code == 0:
				c.Verdict, c.Evidence = Degraded, i18n.M("trial.dns.asked")
			case dc.fails && p.code == 0:
				c.Verdict, c.Evidence = Fail, i18n.M("trial.dns.invented")
			case dc.fails, p.code == 0:
				c.Verdict, c.Evidence = Pass, i18n.M("trial.cell.took", p.ms)
				// The probe asks step by step, each step as slow as the last.
				if dc.id != "slow" && p.ms > millis(orDefault(dc.within, 2*time.Second)) {
					c.Verdict, c.Evidence = Degraded, i18n.M("trial.cell.late", p.ms)
				}
			default:
				c.Verdict, c.Evidence = Fail, i18n.M("trial.probe.fails", p.code)
			}
		}
		t.add(c)
	}
	return nil
}

// surroundingsTLS calls the servers that the program cannot be asked to call.
func (t *trial) surroundingsTLS(ctx context.Context) error {
	_, spec, eo, done, err := t.tlsRun()
	if err != nil {
		return err
	}
	defer done()
	for _, tc := range tlsCases() {
		spec := spec
		switch tc.id {
		case "http-proxy":
			continue // slipway probe tells that way by way
		case "no-roots":
			spec = withoutRoots(spec)
		}
		c := Cell{Area: areaTLS, ID: tc.id, By: byProbe, Name: tc.title}
		p, cannot, err := t.probe(ctx, spec, eo, "net", "https://"+tc.id+"."+matrixHost+"/")
		if !c.notRun(cannot, err) {
			if err != nil {
				return fmt.Errorf("probe %s: %w", tc.id, err)
			}
			c.Ms, c.Detail = p.ms, p.says
			c.judgeTLS(tc, p.code == 0)
		}
		t.add(c)
	}
	return nil
}

// notRun says so in the cell if there was nothing to be seen.
func (c *Cell) notRun(cannot string, err error) bool {
	switch {
	case cannot != "":
		c.Verdict, c.Evidence, c.Detail = NotRun, i18n.M("trial.probe.cannot"), cannot
	case errors.Is(err, sandbox.ErrUnsupported):
		c.Verdict, c.Evidence, c.Detail = NotRun, i18n.M("trial.notrun"), err.Error()
	default:
		return false
	}
	return true
}

// ByProbe reports whether slipway was asked, and not the program.
func (c Cell) ByProbe() bool { return c.By == byProbe }
