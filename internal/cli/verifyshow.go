package cli

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/binary"
	"github.com/slipway-build/slipway/internal/finding"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
	"github.com/slipway-build/slipway/internal/verify"
)

// showVerify writes the report in the form asked for.
func (a *app) showVerify(v *verification) error {
	f, res := v.flags, v.report
	threshold := finding.Severity(f.severity)
	var text report.Texter
	switch f.format {
	case "json":
	case "sarif":
		text = report.SARIF{Version: ownVersion().Version, Rules: binarySARIF(), List: placed(res.Findings)}
	case "github":
		text = report.Annotations{List: res.Findings, Counts: func(x finding.Finding) bool { return !x.Advisory && x.Severity.AtLeast(threshold) }}
	case "html":
		text = a.verifyPage(v)
	default:
		text = a.verifySheet(v)
	}
	if f.output != "" {
		return writeFile(f.output, func(w io.Writer) error {
			if text == nil {
				return encodeJSON(w, res)
			}
			return text.WriteText(w, report.Style{Lang: a.lang})
		})
	}
	if text == nil {
		if !a.json { // --format json alone: the reporter expects text
			return encodeJSON(a.stdout, res)
		}
		return a.rep.Result(res)
	}
	return a.rep.Result(text)
}

// placed gives findings the file they are about, for readers that want one.
func placed(list []finding.Finding) []finding.Finding {
	out := make([]finding.Finding, len(list))
	for i, f := range list {
		if f.Pos.File == "" {
			f.Pos.File = f.Entity
		}
		out[i] = f
	}
	return out
}

func binarySARIF() []report.SARIFRule {
	var out []report.SARIFRule
	for _, r := range binaryRules() {
		out = append(out, report.SARIFRule{ID: r.ID, Slug: r.Slug, Severity: r.Severity, Advisory: r.Advisory, Title: r.Title, Why: r.Why, Fix: r.Fix})
	}
	return out
}

// verifySheet puts the report into words.
func (a *app) verifySheet(v *verification) report.Sheet {
	res := v.report
	s := report.Sheet{Findings: res.Findings, Notes: res.Notes, More: v.more}
	for i := range res.Images {
		s.Blocks = append(s.Blocks, a.imageBlock(res, &res.Images[i]))
	}
	shown := map[string]bool{}
	for i := range res.Programs {
		// A ship has each program twice: beside its image and in it.
		if p := &res.Programs[i]; shown[p.Digest] && slices.ContainsFunc(res.Images, func(m verify.Image) bool { return m.Program == p.Name }) {
			continue
		} else {
			shown[p.Digest] = true
		}
		s.Blocks = append(s.Blocks, a.programBlock(&res.Programs[i]))
	}
	programs := map[string]bool{}
	for i := range res.Programs {
		programs[res.Programs[i].Digest] = true
	}
	threshold := finding.Severity(v.flags.severity)
	bad := res.Count(threshold)
	s.Bad = bad > 0
	switch n := len(res.Findings); {
	case n == 0:
		s.Verdict = i18n.M("verify.verdict.clean", len(programs), len(res.Images))
	case bad == 0:
		s.Verdict = i18n.M("verify.verdict.advice", len(programs), len(res.Images), n)
	default:
		s.Verdict = i18n.M("verify.verdict.bad", len(programs), len(res.Images), n, bad, threshold)
	}
	return s
}

func (a *app) programBlock(p *verify.Program) report.Block {
	b := report.Block{Head: p.Name}
	add := func(name i18n.Message, text string) {
		if text != "" {
			b.Lines = append(b.Lines, report.Line{Name: name, Text: text})
		}
	}
	f := &p.File
	add(i18n.M("verify.line.file"), a.list(string(f.Format)+" "+p.Platform, report.Bytes(f.Size), a.symbols(f)))
	if f.Go != nil {
		add(i18n.M("verify.line.go"), a.list(f.Go.GoVersion, a.moduleLine(p)))
		add(i18n.M("verify.line.vcs"), a.vcsLine(f))
	}
	add(i18n.M("verify.line.linkage"), a.linkage(f))
	add(i18n.M("verify.line.hardening"), a.hardening(f))
	var brings []string
	for _, e := range p.Embeds {
		switch e {
		case "time-zones":
			brings = append(brings, a.say(i18n.M("cli.base.zones")))
		case "ca-roots":
			brings = append(brings, a.say(i18n.M("cli.base.roots")))
		}
	}
	add(i18n.M("verify.line.brings"), a.list(brings...))
	add(i18n.M("verify.line.fips"), p.FIPS)
	if d := p.Base; d != nil {
		add(i18n.M("verify.line.base"), a.verdict(d))
	}
	return b
}

// list joins what is not empty with the punctuation of the user's language.
func (a *app) list(parts ...string) string {
	out := ""
	for _, p := range parts {
		switch {
		case p == "":
		case out == "":
			out = p
		default:
			out = a.say(i18n.M("verify.join.list", out, p))
		}
	}
	return out
}

func (a *app) symbols(f *binary.File) string {
	switch {
	case f.Format == binary.Wasm:
		return ""
	case f.DWARF:
		return a.say(i18n.M("verify.symbols.dwarf"))
	case f.Symbols:
		return a.say(i18n.M("verify.symbols.table"))
	}
	return a.say(i18n.M("verify.symbols.none"))
}

// moduleLine names the package, and the module if that is another. Where the
// program says no version, what is recorded beside it does.
func (a *app) moduleLine(p *verify.Program) string {
	bi, version := p.File.Go, p.File.Go.Main.Version
	if p.Recorded != "" {
		version = a.say(i18n.M("verify.recorded", p.Recorded))
	}
	switch s := strings.TrimSpace(bi.Main.Path + " " + version); {
	case bi.Main.Path == "":
		return bi.Path
	case bi.Path != bi.Main.Path:
		return bi.Path + " (" + s + ")"
	default:
		return s
	}
}

func (a *app) vcsLine(f *binary.File) string {
	rev, _ := f.Setting("vcs.revision")
	if rev == "" {
		return ""
	}
	state := a.say(i18n.M("verify.vcs.clean"))
	if m, _ := f.Setting("vcs.modified"); m == "true" {
		state = a.say(i18n.M("verify.vcs.modified"))
	}
	when, _ := f.Setting("vcs.time")
	return a.list(rev, when, state)
}

func (a *app) linkage(f *binary.File) string {
	switch {
	case f.Format == binary.Wasm:
		return ""
	case f.Format != binary.ELF:
		return strings.Join(f.Needed, ", ")
	case f.Interp == "" && len(f.Needed) == 0:
		return a.say(i18n.M("verify.linkage.static"))
	}
	libs := strings.Join(f.Needed, ", ")
	if f.GlibcNeeded != "" {
		libs = a.say(i18n.M("verify.linkage.glibc", libs, f.GlibcNeeded, f.GlibcSymbol))
	}
	if libs == "" {
		libs = a.say(i18n.M("verify.linkage.nothing"))
	}
	return a.say(i18n.M("verify.linkage.dynamic", cmp.Or(f.Interp, "–"), libs))
}

func (a *app) hardening(f *binary.File) string {
	if f.Format == binary.Wasm {
		return ""
	}
	var parts []string
	if f.NX {
		parts = append(parts, "NX")
	}
	if f.Type == binary.PIE {
		parts = append(parts, "PIE")
	}
	switch f.RELRO {
	case binary.PartialRELRO:
		parts = append(parts, a.say(i18n.M("verify.relro.partial")))
	case binary.FullRELRO:
		parts = append(parts, a.say(i18n.M("verify.relro.full")))
	}
	return a.list(parts...)
}

func (a *app) verdict(d *verify.Verdict) string {
	s := a.say(i18n.M("verify.join.says", d.Name, a.answer(d.Starts)))
	for _, w := range d.Why {
		s = a.say(i18n.M("verify.join.also", s, a.say(w)))
	}
	return s
}

// answer says whether a program can start.
func (a *app) answer(x verify.Answer) string {
	switch x {
	case verify.Yes:
		return a.say(i18n.M("verify.starts.yes"))
	case verify.No:
		return a.say(i18n.M("verify.starts.no"))
	}
	return a.say(i18n.M("verify.starts.unknown"))
}

func (a *app) imageBlock(res *verify.Report, m *verify.Image) report.Block {
	b := report.Block{Head: m.Name}
	add := func(name i18n.Message, text string) {
		if text != "" {
			b.Lines = append(b.Lines, report.Line{Name: name, Text: text})
		}
	}
	add(i18n.M("verify.line.image"), a.say(i18n.M("verify.image.layers", m.Digest, report.Bytes(m.Size), len(m.Layers))))
	starts := strings.Join(slices.Concat(m.Entrypoint, m.Cmd), " ")
	if i := slices.IndexFunc(res.Programs, func(p verify.Program) bool { return p.Name == m.Program && p.Base != nil }); i >= 0 {
		starts = a.say(i18n.M("verify.join.remark", starts, a.answer(res.Programs[i].Base.Starts)))
	}
	add(i18n.M("verify.line.starts"), starts)
	add(i18n.M("verify.line.user"), a.list(cmp.Or(m.User, "root"), m.Workdir))
	add(i18n.M("verify.line.ports"), strings.Join(m.Ports, ", "))
	add(i18n.M("verify.line.env"), strings.Join(m.Env, " "))
	add(i18n.M("verify.line.health"), strings.Join(m.Healthcheck, " "))
	add(i18n.M("verify.line.stop"), m.StopSignal)
	return b
}
