package cli

import (
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/probe"
	"github.com/slipway-build/slipway/internal/report"
)

// probesDoc is the result of `slipway probe` without a subcommand.
type probesDoc struct {
	SchemaVersion int            `json:"schemaVersion"`
	Probe         string         `json:"probe"` // all
	Verdict       probe.Status   `json:"verdict"`
	Areas         []probe.Report `json:"areas"`
}

// probeLimit bounds one probe, whatever it waits for.
const probeLimit = 2 * time.Minute

func (a *app) probe() *cobra.Command {
	c := &cobra.Command{
		Use:     "probe",
		Short:   a.say(i18n.M("probe.short")),
		Long:    a.say(i18n.M("probe.long")),
		Example: "  slipway probe\n  slipway probe dns orders.shop.svc\n  slipway probe tls db.internal:5432 --starttls postgres\n  slipway probe net https://api.example.com\n  slipway probe signal --stay",
		Args:    func(c *cobra.Command, args []string) error { return a.unknownCommand(c, args) },
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), probeLimit)
			defer cancel()
			return a.probeAll(ctx)
		},
	}
	c.PersistentFlags().StringVar(&a.probeRoot, "root", "", a.say(i18n.M("probe.flag.root")))
	c.AddCommand(a.probeDNS(), a.probeTLS(), a.probeCA(), a.probeTZ(), a.probeTmp(), a.probeUser(), a.probeSignal(), a.probeNet())
	return c
}

func (a *app) system() probe.System { return probe.System{Root: a.probeRoot, Env: a.env} }

// probeAll runs what needs no argument, on one page: of each area the verdict
// and what is not as it should be.
func (a *app) probeAll(ctx context.Context) error {
	sys := a.system()
	dns, err := probe.Resolve(ctx, sys, probe.DNSOptions{})
	if err != nil {
		return err
	}
	network, err := probe.Reach(ctx, sys, probe.NetOptions{})
	if err != nil {
		return err
	}
	doc := probesDoc{SchemaVersion: probe.SchemaVersion, Probe: "all", Verdict: probe.OK, Areas: []probe.Report{
		probe.Identity(ctx, sys), probe.Places(ctx, sys), probe.Roots(ctx, sys, ""), probe.Zones(ctx, sys, nil), network, dns,
	}}
	var out report.Steps
	for _, r := range doc.Areas {
		if r.Verdict == probe.Fail || r.Verdict == probe.Warn && doc.Verdict == probe.OK {
			doc.Verdict = r.Verdict
		}
		area := a.probeArea(r)
		area.Steps = keySteps(r)
		area.Footer = i18n.M("probe.details", r.Probe)
		out.Areas = append(out.Areas, area)
	}
	if doc.Verdict == probe.Fail {
		a.code = fault.Findings
	}
	return a.result(doc, out)
}

// keySteps are the steps of a page that shows every area: those that are not
// well, and the first of the others for what the area is about.
func keySteps(r probe.Report) []report.StepLine {
	var out []report.StepLine
	good := 0
	for _, s := range r.Steps {
		if s.Status == probe.OK || s.Status == probe.Info {
			if s.Status == probe.Info && r.Probe != "net" {
				continue
			}
			if good++; good > 3 {
				continue
			}
		}
		out = append(out, stepLine(s))
	}
	return out
}

func stepLine(s probe.Step) report.StepLine {
	l := report.StepLine{What: s.What, Seen: s.Seen, Note: s.Note, Fix: s.Fix, Took: time.Duration(s.Millis * float64(time.Millisecond))}
	l.Level, l.Status = level(s.Status)
	return l
}

func level(s probe.Status) (report.Level, i18n.Message) {
	switch s {
	case probe.OK:
		return report.Good, i18n.M("probe.status.ok")
	case probe.Warn:
		return report.Doubtful, i18n.M("probe.status.warn")
	case probe.Fail:
		return report.Bad, i18n.M("probe.status.fail")
	}
	return report.Plain, i18n.M("probe.status.info")
}

func (a *app) probeArea(r probe.Report) report.StepArea {
	title := r.Probe
	if r.Subject != "" {
		title += " " + r.Subject
	}
	l, word := level(r.Verdict)
	return report.StepArea{
		Title: i18n.M("probe.verdict", title, a.say(word), report.Short(time.Duration(r.Seconds*float64(time.Second)))),
		Level: l,
	}
}

// probed prints what one probe found; what does not work ends with exit code 3.
func (a *app) probed(r probe.Report) error {
	if r.Verdict == probe.Fail {
		a.code = fault.Findings
	}
	area := a.probeArea(r)
	for _, s := range r.Steps {
		area.Steps = append(area.Steps, stepLine(s))
	}
	return a.result(r, report.Steps{Areas: []report.StepArea{area}})
}

// probeInput is the error of a probe that could not make sense of its input.
func (a *app) probeInput(c *cobra.Command, err error) error {
	return fault.UsageError(i18n.M("probe.input", err), i18n.M("cli.usage.hint", c.CommandPath()))
}

func (a *app) probeDNS() *cobra.Command {
	var o probe.DNSOptions
	c := &cobra.Command{Use: "dns [NAME...]", Short: a.say(i18n.M("probe.dns.short"))}
	c.Flags().StringVar(&o.Server, "server", "", a.say(i18n.M("probe.flag.server")))
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, cancel := context.WithTimeout(c.Context(), probeLimit)
		defer cancel()
		o.Names = args
		r, err := probe.Resolve(ctx, a.system(), o)
		if err != nil {
			return a.probeInput(c, err)
		}
		return a.probed(r)
	}
	return c
}

func (a *app) probeTLS() *cobra.Command {
	var o probe.TLSOptions
	c := &cobra.Command{Use: "tls HOST[:PORT]", Short: a.say(i18n.M("probe.tls.short"))}
	known := strings.Join(probe.StartTLSProtocols, ", ")
	fs := c.Flags()
	fs.StringVar(&o.Name, "name", "", a.say(i18n.M("probe.flag.name")))
	fs.StringVar(&o.CAFile, "ca", "", a.say(i18n.M("probe.flag.ca")))
	fs.StringVar(&o.ClientCert, "client-cert", "", a.say(i18n.M("probe.flag.clientcert")))
	fs.StringVar(&o.ClientKey, "client-key", "", a.say(i18n.M("probe.flag.clientkey")))
	fs.StringVar(&o.Proxy, "proxy", "", a.say(i18n.M("probe.flag.proxy")))
	fs.StringVar(&o.StartTLS, "starttls", "", a.say(i18n.M("probe.flag.starttls", known)))
	fs.DurationVar(&o.Timeout, "timeout", 5*time.Second, a.say(i18n.M("probe.flag.timeout")))
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fault.UsageError(i18n.M("probe.args.one", c.CommandPath()), i18n.M("cli.usage.hint", c.CommandPath()))
		}
		if o.StartTLS != "" && !strings.Contains(", "+known+",", " "+o.StartTLS+",") {
			return fault.UsageError(i18n.M("probe.starttls", o.StartTLS), i18n.M("probe.starttls.hint", known))
		}
		ctx, cancel := context.WithTimeout(c.Context(), probeLimit)
		defer cancel()
		o.Target = args[0]
		r, err := probe.Handshakes(ctx, a.system(), o)
		if err != nil {
			return a.probeInput(c, err)
		}
		return a.probed(r)
	}
	return c
}

func (a *app) probeCA() *cobra.Command {
	return &cobra.Command{Use: "ca [FILE]", Short: a.say(i18n.M("probe.ca.short")), RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fault.UsageError(i18n.M("probe.args.atmost", c.CommandPath()), i18n.M("cli.usage.hint", c.CommandPath()))
		}
		return a.probed(probe.Roots(c.Context(), a.system(), strings.Join(args, "")))
	}}
}

func (a *app) probeTZ() *cobra.Command {
	return &cobra.Command{Use: "tz [ZONE...]", Short: a.say(i18n.M("probe.tz.short")), RunE: func(c *cobra.Command, args []string) error {
		return a.probed(probe.Zones(c.Context(), a.system(), args))
	}}
}

func (a *app) probeTmp() *cobra.Command {
	return &cobra.Command{Use: "tmp", Short: a.say(i18n.M("probe.tmp.short")), Args: a.noArgs, RunE: func(c *cobra.Command, _ []string) error {
		return a.probed(probe.Places(c.Context(), a.system()))
	}}
}

func (a *app) probeUser() *cobra.Command {
	return &cobra.Command{Use: "user", Short: a.say(i18n.M("probe.user.short")), Args: a.noArgs, RunE: func(c *cobra.Command, _ []string) error {
		return a.probed(probe.Identity(c.Context(), a.system()))
	}}
}

func (a *app) probeSignal() *cobra.Command {
	var o probe.SignalOptions
	c := &cobra.Command{Use: "signal", Short: a.say(i18n.M("probe.signal.short")), Args: a.noArgs}
	c.Flags().DurationVar(&o.For, "for", 0, a.say(i18n.M("probe.flag.for")))
	c.Flags().BoolVar(&o.Stay, "stay", false, a.say(i18n.M("probe.flag.stay")))
	c.RunE = func(c *cobra.Command, _ []string) error {
		// Told as it happens: whoever waits for the end may never see it. Standard
		// output is left to the document with --json.
		w := a.stdout
		if a.json {
			w = a.stderr
		}
		o.Again = []string{"slipway", "probe", "signal", "--for", o.For.String(), "--stay=" + strconv.FormatBool(o.Stay), "--json=" + strconv.FormatBool(a.json), "--lang", string(a.lang)}
		o.Env = a.env
		var lost error
		o.Event = func(s probe.Step) {
			if err := writeStep(w, s, report.Style{Lang: a.lang}); err != nil {
				lost = err
			}
		}
		r, err := probe.Signals(c.Context(), o)
		if err != nil {
			return err
		}
		if lost != nil || !a.json {
			return lost
		}
		return a.rep.Result(r)
	}
	return c
}

func writeStep(w io.Writer, s probe.Step, style report.Style) error {
	return report.Steps{Areas: []report.StepArea{{Steps: []report.StepLine{stepLine(s)}}}}.WriteText(w, style)
}

func (a *app) probeNet() *cobra.Command {
	var o probe.NetOptions
	c := &cobra.Command{Use: "net [HOST:PORT | URL]...", Short: a.say(i18n.M("probe.net.short"))}
	fs := c.Flags()
	fs.StringVar(&o.Proxy, "proxy", "", a.say(i18n.M("probe.flag.proxy")))
	fs.StringVar(&o.CAFile, "ca", "", a.say(i18n.M("probe.flag.ca")))
	fs.DurationVar(&o.Timeout, "timeout", 5*time.Second, a.say(i18n.M("probe.flag.timeout")))
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, cancel := context.WithTimeout(c.Context(), probeLimit)
		defer cancel()
		o.Targets = args
		r, err := probe.Reach(ctx, a.system(), o)
		if err != nil {
			return a.probeInput(c, err)
		}
		return a.probed(r)
	}
	return c
}
