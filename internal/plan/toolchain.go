package plan

import (
	"go/version"
	"strings"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Toolchain gives the toolchain the plan will name, such as go1.26.8.
func Toolchain(f facts.Facts, c config.Config) (string, error) {
	t, _, err := decideToolchain(f, c)
	return t, err
}

// goLine gives the go line in effect as a Go version (go1.22), or zero. In a
// workspace that is the one of go.work, which must be at least as new as that
// of every module in it (go.dev/ref/mod#go-work-file-go).
func goLine(f facts.Facts) facts.Line {
	l := f.Module.Go
	if f.Work != nil && f.Work.Go.Value != "" {
		l = f.Work.Go
	}
	if l.Value != "" {
		l.Value = "go" + strings.TrimPrefix(l.Value, "go")
	}
	return l
}

// toolchainLine gives the toolchain line in effect, or zero if there is none
// that asks for anything.
func toolchainLine(f facts.Facts) facts.Line {
	l := f.Module.Toolchain
	if f.Work != nil {
		l = f.Work.Toolchain
	}
	if !version.IsValid(l.Value) {
		return facts.Line{}
	}
	return l
}

// machineVersion gives the release of the go command here (go1.26.8), or ""
// for one built from a development tree.
func machineVersion(f facts.Facts) string {
	v, _, _ := strings.Cut(f.GoEnv.Version, " ")
	if !version.IsValid(v) {
		return ""
	}
	return v
}

// release makes a version that can be downloaded out of one that may name a
// language version only: since Go 1.21 the first release is 1.N.0.
func release(v string) string {
	if version.Lang(v) == v && version.Compare(v, "go1.21") >= 0 {
		return v + ".0"
	}
	return v
}

// decideToolchain names one release. The first row that applies wins:
//
//	go in slipway.yaml                       | that; an error if older than the go line
//	GOTOOLCHAIN names a release              | that; an error if older; with +auto the newest of it and the lines
//	GOTOOLCHAIN=local or path                | this machine's; an error if older than the go line
//	toolchain line newer than this machine   | the toolchain line
//	go line newer than this machine          | the go line
//	otherwise                                | this machine's: nothing to download
func decideToolchain(f facts.Facts, c config.Config) (string, Decision, error) {
	d := Decision{ID: "toolchain"}
	line, tool, machine := goLine(f), toolchainLine(f), machineVersion(f)
	if line.Value != "" {
		d.Facts = append(d.Facts, Fact{line.Pos, i18n.M("plan.fact.goline", strings.TrimPrefix(line.Value, "go"))})
	} else {
		d.Facts = append(d.Facts, Fact{f.Module.Pos, i18n.M("plan.fact.nogoline")})
	}
	if tool.Value != "" {
		d.Facts = append(d.Facts, Fact{tool.Pos, i18n.M("plan.fact.toolchainline", tool.Value)})
	}
	if f.GoEnv.Version != "" {
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.machine", f.GoEnv.Version)))
	}
	tooOld := func(v string) bool { return line.Value != "" && version.Compare(v, line.Value) < 0 }
	user := f.GoEnv.GOTOOLCHAIN
	named, auto := strings.CutSuffix(user, "+auto")
	named = strings.TrimSuffix(named, "+path")
	local := user == "local" || user == "path"

	switch {
	case c.Go != "":
		want := "go" + strings.TrimPrefix(c.Go, "go")
		if !version.IsValid(want) {
			return "", d, wrong("go", c.Go, i18n.M("plan.toolchain.form.hint"))
		}
		if release(want) != want {
			return "", d, wrong("go", c.Go, i18n.M("plan.toolchain.language.hint", strings.TrimPrefix(release(want), "go")))
		}
		if tooOld(want) {
			e := fault.UsageError(i18n.M("plan.toolchain.old", want, line.Value), i18n.M("plan.toolchain.old.hint", strings.TrimPrefix(release(line.Value), "go")))
			e.Pos = line.Pos
			return "", d, e
		}
		d.Choice, d.Why = want, i18n.M("plan.toolchain.asked")
		d.Facts = append(d.Facts, asked("go", c.Go))
		d.reject(machine, i18n.M("plan.toolchain.no.asked"))
	case version.IsValid(named):
		want := named
		if auto {
			want = newest(named, line.Value, tool.Value)
		}
		if tooOld(want) {
			e := fault.UsageError(i18n.M("plan.toolchain.env", user, line.Value), i18n.M("plan.toolchain.env.hint"))
			e.Pos = line.Pos
			return "", d, e
		}
		d.Choice, d.Why = release(want), i18n.M("plan.toolchain.env.named", user)
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.gotoolchain", user)))
		d.reject(machine, i18n.M("plan.toolchain.no.env", user))
	case machine == "":
		// A development build has no name that another machine could fetch.
		d.Choice, d.Why = "local", i18n.M("plan.toolchain.devel", f.GoEnv.Version)
	case local:
		d.Facts = append(d.Facts, said(i18n.M("plan.fact.gotoolchain", user)))
		if tooOld(machine) {
			e := fault.UsageError(i18n.M("plan.toolchain.local", line.Value, machine, user), i18n.M("plan.toolchain.local.hint", strings.TrimPrefix(release(line.Value), "go")))
			e.Pos = line.Pos
			return "", d, e
		}
		d.Choice, d.Why = machine, i18n.M("plan.toolchain.local.machine", user)
		if tool.Value != "" && version.Compare(tool.Value, machine) > 0 {
			d.reject(tool.Value, i18n.M("plan.toolchain.no.local", user))
		}
	case tool.Value != "" && version.Compare(tool.Value, machine) > 0 && !tooOld(tool.Value):
		d.Choice, d.Why = release(tool.Value), i18n.M("plan.toolchain.line")
		d.reject(machine, i18n.M("plan.toolchain.no.older"))
	case tooOld(machine):
		d.Choice, d.Why = release(line.Value), i18n.M("plan.toolchain.goline")
		d.reject(machine, i18n.M("plan.toolchain.no.older"))
	default:
		d.Choice, d.Why = machine, i18n.M("plan.toolchain.machine")
		if tool.Value != "" {
			d.reject(tool.Value, i18n.M("plan.toolchain.no.download"))
		} else if line.Value != "" {
			d.reject(release(line.Value), i18n.M("plan.toolchain.no.download"))
		}
	}
	d.Facts = append(d.Facts, heldBack(f, d.Choice)...)
	return d.Choice, d, nil
}

// reject adds an alternative unless it is what was chosen.
func (d *Decision) reject(choice string, why i18n.Message) {
	if choice != "" && choice != d.Choice {
		d.Rejected = append(d.Rejected, Alternative{choice, why})
	}
}

func newest(vs ...string) string {
	best := ""
	for _, v := range vs {
		if v != "" && (best == "" || version.Compare(v, best) > 0) {
			best = v
		}
	}
	return best
}
