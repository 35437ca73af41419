package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/sandbox"
)

// meter takes the times of single starts.
type meter struct {
	runner  sandbox.Runner // of starts that name none
	probe   Probe
	until   Until
	timeout time.Duration // of one start
}

// once starts a cell once and gives what was measured.
func (m *meter) once(ctx context.Context, s Start) (_ map[Metric]float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	spec, probe, err := m.placed(s.Spec)
	if err != nil {
		return nil, err
	}
	var said tail
	spec.Stdout, spec.Stderr = &said, &said
	preparing := time.Now()
	box, err := cmp.Or(s.Runner, m.runner).Prepare(ctx, spec)
	prepared := time.Since(preparing)
	if err != nil {
		return nil, fmt.Errorf("prepare the start: %w", err)
	}
	defer func() {
		if cerr := box.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("end the program: %w", cerr)
		}
	}()
	if m.until != UntilExit && !box.Network().Own() {
		if err := free(ctx, box.Network(), probe.Addr); err != nil {
			return nil, err
		}
	}
	if s.Cache == Cold {
		if err := dropFile(s.File); err != nil {
			return nil, err
		}
	} else if err := readAhead(s.File); err != nil {
		return nil, err
	}
	began, err := box.Start(ctx)
	if err != nil {
		return nil, &errCell{msg: i18n.M("compare.start", err)}
	}
	exited := make(chan ended, 1)
	waiting, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		e, err := box.Wait(waiting)
		exited <- ended{e, err}
	}()
	defer func() {
		stop()
		<-done
	}()
	var values map[Metric]float64
	if m.until == UntilExit {
		values, err = m.exit(ctx, began, exited)
	} else {
		values, err = m.serve(ctx, box, began, probe, exited)
	}
	if err != nil {
		if e, ok := errors.AsType[*errCell](err); ok {
			e.said = said.text()
		}
		return nil, err
	}
	values[Whole] = values[m.until.metric()] + float64(prepared)
	return values, nil
}

type ended struct {
	exit sandbox.Exit
	err  error
}

func (m *meter) exit(ctx context.Context, began time.Time, exited <-chan ended) (map[Metric]float64, error) {
	e := <-exited
	switch {
	case e.err != nil && ctx.Err() != nil:
		return nil, m.slow(ctx)
	case e.err != nil:
		return nil, fmt.Errorf("wait for the program: %w", e.err)
	case e.exit.Code != 0:
		return nil, &errCell{msg: i18n.M("compare.exit.code", how(e.exit))}
	}
	v := map[Metric]float64{Exited: float64(e.exit.At.Sub(began))}
	if cpu := e.exit.User + e.exit.System; cpu > 0 {
		v[CPU] = float64(cpu)
	}
	if e.exit.MaxRSS > 0 {
		v[RSS] = float64(e.exit.MaxRSS)
	}
	return v, nil
}

// slow is the error of a start that took too long, or was interrupted.
func (m *meter) slow(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		if m.until == UntilExit {
			return &errCell{msg: i18n.M("compare.slow.exit", m.timeout)}
		}
		return &errCell{msg: i18n.M("compare.slow", m.timeout)}
	}
	return context.Cause(ctx)
}

// serve waits for the first connection and the first answers.
func (m *meter) serve(ctx context.Context, box sandbox.Box, began time.Time, probe Probe, exited <-chan ended) (map[Metric]float64, error) {
	v := map[Metric]float64{}
	status := 0 // of the last answer that was not 2xx
	slow := func() error {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && status > 0 {
			return &errCell{msg: i18n.M("compare.slow.status", m.timeout, probe, status)}
		}
		return m.slow(ctx)
	}
	pause := time.NewTimer(0)
	defer pause.Stop()
	wait := func() error {
		pause.Reset(pollStep)
		select {
		case e := <-exited:
			if e.err != nil && ctx.Err() != nil {
				return slow()
			}
			return &errCell{msg: i18n.M("compare.ended", how(e.exit))}
		case <-ctx.Done():
			return slow()
		case <-pause.C:
			return nil
		}
	}
	for {
		conn, err := box.Network().DialContext(ctx, "tcp", probe.Addr)
		if err != nil {
			if err := wait(); err != nil {
				return nil, err
			}
			continue
		}
		connected := time.Now()
		if _, ok := v[Listening]; !ok {
			v[Listening] = float64(connected.Sub(began))
			if m.until == UntilListening {
				conn.Close()
				usage(box.Pid(), v)
				return v, nil
			}
		}
		code, err := ask(ctx, conn, probe, began, connected, box.Pid(), v)
		conn.Close()
		if _, ok := v[Ready]; ok {
			return v, nil
		}
		status = cmp.Or(code, status)
		if e, is := errors.AsType[*errCell](err); is {
			return nil, e
		}
		if err := wait(); err != nil {
			return nil, err
		}
	}
}

func how(e sandbox.Exit) string {
	if e.Signal != "" {
		return e.Signal
	}
	return fmt.Sprint(e.Code)
}
