package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/egress"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// probePath is where slipway is in a sandbox in which it asks itself.
const probePath = "/slipway-probe"

// probed is how a probe ended.
type probed struct {
	code int // 0: it could, 3: it could not
	says string
	ms   float64
}

// probe runs `slipway probe` in the surroundings of the program: its root file
// system, user and environment. cannot says why slipway itself cannot run there.
func (t *trial) probe(ctx context.Context, spec sandbox.Spec, eo egress.Options, args ...string) (p probed, cannot string, err error) {
	log := &tail{}
	spec.Args = append([]string{probePath, "probe"}, args...)
	spec.Binds = append(slices.Clone(spec.Binds), sandbox.Bind{Source: t.o.Slipway, Target: probePath})
	spec.Stdout, spec.Stderr = log, log
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
	if lines := log.last(logLines); len(lines) > 0 {
		p.says = strings.TrimSpace(lines[0])
		for _, l := range lines {
			if l := strings.TrimSpace(l); strings.HasPrefix(l, "FAIL") || strings.HasPrefix(l, "slipway: error") {
				p.says = strings.Join(strings.Fields(l), " ")
				break
			}
		}
	}
	return p, "", nil
}

// surroundingsDNS asks for the names that the program cannot be asked for.
func (t *trial) surroundingsDNS(ctx context.Context) error {
	spec := t.spec()
	spec.Search = []string{matrixHost}
	for _, dc := range dnsCases() {
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
	cases := tlsCases()
	for _, tc := range cases[:len(cases)-1] {
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
