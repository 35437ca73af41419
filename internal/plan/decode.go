package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// Decode reads a plan that was written as JSON. name is the file the bytes
// came from. It refuses what it does not know, and what a plan made here
// would never say: paths that leave their directory, flags of the go command
// that run other programs.
func Decode(b []byte, name string) (Plan, error) {
	bad := func(offset int64, msg i18n.Message) error {
		e := fault.UsageError(msg, i18n.M("plan.decode.hint"))
		e.Pos = position(b, name, offset)
		return e
	}
	var head struct {
		SchemaVersion *int `json:"schemaVersion"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return Plan{}, bad(offsetOf(err, int64(len(b))), jsonMessage(err))
	}
	switch {
	case head.SchemaVersion == nil:
		return Plan{}, bad(0, i18n.M("plan.decode.noversion"))
	case *head.SchemaVersion != SchemaVersion:
		return Plan{}, bad(0, i18n.M("plan.decode.version", *head.SchemaVersion, SchemaVersion))
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var p Plan
	if err := dec.Decode(&p); err != nil {
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return Plan{}, bad(fieldOffset(b, strings.Trim(field, `"`)), i18n.M("plan.decode.field", strings.Trim(field, `"`)))
		}
		return Plan{}, bad(offsetOf(err, dec.InputOffset()), jsonMessage(err))
	}
	if msg := p.check(); !msg.IsZero() {
		return Plan{}, bad(0, msg)
	}
	return p, nil
}

func offsetOf(err error, otherwise int64) int64 {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return e.Offset
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return e.Offset
	}
	return otherwise
}

func jsonMessage(err error) i18n.Message {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return i18n.M("plan.decode.type", e.Field, e.Value)
	}
	return i18n.M("plan.decode.json", strings.TrimPrefix(err.Error(), "json: "))
}

// fieldOffset finds the first key of that name; 0 if there is none.
func fieldOffset(b []byte, field string) int64 {
	if loc := regexp.MustCompile(`"` + regexp.QuoteMeta(field) + `"\s*:`).FindIndex(b); loc != nil {
		return int64(loc[0]) + 1
	}
	return 0
}

// position turns an offset, which lies behind the byte it means, into a line
// and a column; 0 gives the file alone.
func position(b []byte, name string, offset int64) fault.Pos {
	if offset <= 0 || offset > int64(len(b)) {
		return fault.Pos{File: name}
	}
	before := b[:offset-1]
	return fault.Pos{File: name, Line: 1 + bytes.Count(before, []byte("\n")), Column: len(before) - bytes.LastIndexByte(before, '\n')}
}

// check says what a decoded plan holds that could not be carried out, or that
// would reach beyond the build; zero if nothing.
func (p Plan) check() i18n.Message {
	if len(p.Targets) == 0 {
		return i18n.M("plan.decode.empty", "targets")
	}
	var seen []Platform
	for _, t := range p.Targets {
		q, err := parsePlatform(t.Platform.String(), nil)
		if err != nil || q != t.Platform {
			return i18n.M("plan.decode.bad", "platform", t.Platform)
		}
		if slices.Contains(seen, q) {
			return i18n.M("plan.decode.twice", t.Platform)
		}
		seen = append(seen, q)
		if len(t.Binaries) == 0 {
			return i18n.M("plan.decode.empty", "binaries")
		}
		var names []string
		for _, b := range t.Binaries {
			if msg := b.check(t.Platform); !msg.IsZero() {
				return msg
			}
			if slices.Contains(names, b.Name) {
				return i18n.M("plan.decode.twice", b.Name)
			}
			names = append(names, b.Name)
		}
		if t.Image != nil {
			if msg := t.Image.check(); !msg.IsZero() {
				return msg
			}
		}
	}
	return i18n.Message{}
}

// buildArgs are the flags a plan gives to go build; -toolexec and its kin run
// programs.
var buildArgs = []string{"-trimpath", "-buildvcs", "-mod", "-tags", "-ldflags", "-gcflags"}

// envName keeps variables of the loader (LD_PRELOAD) and of this machine out.
var envName = regexp.MustCompile(`^(GO[A-Z0-9_]+|CGO_[A-Z_]+|CC|CXX|AR|FC|LC_ALL|SOURCE_DATE_EPOCH|PKG_CONFIG[A-Z_]*|[A-Z_]*(PATH|FLAGS|TARGET|SDKROOT))$`)

func (b Binary) check(p Platform) i18n.Message {
	if !validFileName(b.Name) {
		return i18n.M("plan.decode.bad", "name", b.Name)
	}
	if b.Package == "" || strings.HasPrefix(b.Package, "-") {
		return i18n.M("plan.decode.bad", "package", b.Package)
	}
	if !inside(b.Dir) || strings.HasPrefix(b.Dir, "-") {
		return i18n.M("plan.decode.bad", "dir", b.Dir)
	}
	if !slices.Contains([]Linkage{Static, Dynamic, Native}, b.Linkage) {
		return i18n.M("plan.decode.bad", "linkage", b.Linkage)
	}
	for _, a := range b.Args {
		if flag, _, _ := strings.Cut(a, "="); !slices.Contains(buildArgs, flag) {
			return i18n.M("plan.decode.bad", "args", a)
		}
	}
	for k, v := range b.Env {
		if !envName.MatchString(k) || k == "PATH" || strings.HasPrefix(k, "LD_") || strings.HasPrefix(k, "DYLD_") || strings.ContainsRune(v, 0) {
			return i18n.M("plan.decode.bad", "env", k)
		}
	}
	if b.Env["GOOS"] != p.OS || b.Env["GOARCH"] != p.Arch {
		return i18n.M("plan.decode.bad", "env", "GOOS="+b.Env["GOOS"]+" GOARCH="+b.Env["GOARCH"])
	}
	return i18n.Message{}
}

func (img Image) check() i18n.Message {
	switch {
	case !slices.Contains([]BaseKind{Assembled, Closure, Reference}, img.Base.Kind):
		return i18n.M("plan.decode.bad", "base.kind", img.Base.Kind)
	case img.Base.Kind == Reference && !pinnedRef.MatchString(img.Base.Ref):
		return i18n.M("plan.decode.bad", "base.ref", img.Base.Ref)
	case !path.IsAbs(img.BinDir) || path.Clean(img.BinDir) != img.BinDir:
		return i18n.M("plan.decode.bad", "binDir", img.BinDir)
	case !path.IsAbs(img.Workdir):
		return i18n.M("plan.decode.bad", "workdir", img.Workdir)
	case img.Compression != "gzip" && img.Compression != "zstd":
		return i18n.M("plan.decode.bad", "compression", img.Compression)
	}
	if id, err := parseUser("", img.User); err != nil || id != img.User {
		return i18n.M("plan.decode.bad", "user", img.User)
	}
	for _, f := range img.Files {
		if !inside(f.From) || f.From == "" {
			return i18n.M("plan.decode.bad", "files.from", f.From)
		}
		if !path.IsAbs(f.To) || path.Clean(f.To) != f.To && path.Clean(f.To)+"/" != f.To || f.Mode > 0o7777 || f.UID < 0 || f.GID < 0 {
			return i18n.M("plan.decode.bad", "files.to", f.To)
		}
	}
	return i18n.Message{}
}

// inside reports whether a slash-separated relative path stays below its root.
func inside(p string) bool {
	c := path.Clean(p)
	return !path.IsAbs(c) && c != ".." && !strings.HasPrefix(c, "../") && !strings.ContainsAny(p, "\\\x00")
}
