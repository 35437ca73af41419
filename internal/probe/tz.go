package probe

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
	"time"

	"github.com/slipway-build/slipway/internal/i18n"
)

// TZ is what a Go program knows of time zones.
type TZ struct {
	Sources []ZoneSource `json:"sources"`           // in the order time.LoadLocation asks them
	Version string       `json:"version,omitempty"` // of the database, such as 2026a; empty: unknown
	Local   Zone         `json:"local"`             // time.Local
	Zones   []Zone       `json:"zones"`             // those that were asked for
}

// ZoneSource is a place with a zone database.
type ZoneSource struct {
	Path  string `json:"path"`
	From  string `json:"from"` // ZONEINFO or default
	Found bool   `json:"found"`
	Error string `json:"error,omitempty"`
}

// Zone is one time zone, now.
type Zone struct {
	Name       string    `json:"name"`
	Source     string    `json:"source,omitempty"` // file it was read from; empty: built in, or not found
	Error      string    `json:"error,omitempty"`  // of time.LoadLocation
	Offset     int       `json:"offset"`           // seconds east of UTC
	Abbr       string    `json:"abbr,omitempty"`
	Next       time.Time `json:"next,omitzero"` // next change of the offset; zero: none
	NextOffset int       `json:"nextOffset,omitempty"`
	// SilentlyUTC is set when TZ names a zone that is not there: Go then takes
	// UTC and tells nobody.
	SilentlyUTC bool `json:"silentlyUTC,omitempty"`
}

// zoneDirs are where Go looks on Unix (src/time/zoneinfo_unix.go).
var zoneDirs = []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"}

// Zones says where zones come from and what time.Local is. Without names,
// Europe/Berlin stands for any zone.
func Zones(ctx context.Context, sys System, names []string) Report {
	r := newReport("tz", strings.Join(names, " "))
	z := &TZ{Zones: []Zone{}}
	r.TZ = z
	z.find(sys)
	any := false
	for _, s := range z.Sources {
		st := Step{Status: Info, What: i18n.M("probe.tz.source", s.Path), Seen: s.Error}
		if s.Found {
			st.Status, any = OK, true
		} else if s.From == "ZONEINFO" {
			st.Status, st.Note, st.Fix = Warn, i18n.M("probe.tz.zoneinfo"), i18n.M("probe.tz.zoneinfo.fix")
		}
		r.add(st)
	}
	if z.Version != "" {
		r.add(Step{Status: Info, What: i18n.M("probe.tz.version"), Seen: z.Version})
	}
	z.Local = z.local(sys)
	r.add(z.Local.localStep(sys))
	if len(names) == 0 && !any {
		r.add(Step{Status: Warn, What: i18n.M("probe.tz.none"), Seen: `time.LoadLocation("Europe/Berlin"): unknown time zone Europe/Berlin`,
			Note: i18n.M("probe.tz.none.note"), Fix: i18n.M("probe.tz.fix")})
	}
	for _, n := range names {
		if ctx.Err() != nil {
			break
		}
		zone := z.load(sys, n)
		z.Zones = append(z.Zones, zone)
		st := Step{Status: OK, What: i18n.M("probe.tz.zone", n), Seen: zone.String()}
		if zone.Error != "" {
			st.Status, st.Seen, st.Fix = Fail, zone.Error, i18n.M("probe.tz.fix")
		}
		r.add(st)
	}
	return r.done()
}

func (z *TZ) find(sys System) {
	add := func(p, from string) {
		s := ZoneSource{Path: p, From: from}
		if fi, err := os.Stat(sys.path(p)); err != nil {
			s.Error = cause(err)
		} else if fi.IsDir() || strings.HasSuffix(p, ".zip") {
			s.Found = true
		} else {
			s.Error = "not a directory"
		}
		z.Sources = append(z.Sources, s)
		if s.Found && z.Version == "" {
			z.Version = zoneVersion(sys, p)
		}
	}
	if v := sys.getenv("ZONEINFO"); v != "" {
		add(v, "ZONEINFO")
	}
	for _, d := range zoneDirs {
		add(d, "default")
	}
	if root := sys.getenv("GOROOT"); root != "" {
		add(path.Join(root, "lib/time/zoneinfo.zip"), "GOROOT")
	}
}

// zoneVersion reads the release of the database where distributions put it.
func zoneVersion(sys System, dir string) string {
	for _, f := range []string{"tzdata.zi", "+VERSION", "version"} {
		data, err := sys.read(path.Join(dir, f))
		if err != nil {
			continue
		}
		line, _, _ := strings.Cut(string(data[:min(len(data), 64)]), "\n")
		line = strings.TrimSpace(strings.TrimPrefix(line, "# version"))
		if len(line) >= 4 && len(line) < 20 && line[0] >= '1' && line[0] <= '2' {
			return line
		}
	}
	return ""
}

// read finds the data of a zone in the sources, in their order.
func (z *TZ) read(sys System, name string, defaultsOnly bool) ([]byte, string, error) {
	err := error(fs.ErrNotExist)
	for _, s := range z.Sources {
		if !s.Found || defaultsOnly && s.From != "default" {
			continue
		}
		p := path.Join(s.Path, name)
		var data []byte
		var rerr error
		if strings.HasSuffix(s.Path, ".zip") {
			data, rerr = zipped(sys, s.Path, name)
		} else {
			data, rerr = sys.read(p)
		}
		if rerr == nil {
			return data, p, nil
		}
		if !errors.Is(rerr, fs.ErrNotExist) {
			err = rerr
		}
	}
	return nil, "", err
}

func zipped(sys System, file, name string) ([]byte, error) {
	data, err := sys.read(file)
	if err != nil {
		return nil, err
	}
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	f, err := zr.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}

// load does what time.LoadLocation does.
func (z *TZ) load(sys System, name string) Zone {
	zone := Zone{Name: name}
	if name == "" || name == "UTC" {
		return zone.at(time.UTC)
	}
	if strings.Contains(name, "..") || name[0] == '/' || name[0] == '\\' {
		zone.Error = "time: invalid location name"
		return zone
	}
	data, p, err := z.read(sys, name, false)
	if err != nil {
		zone.Error = "unknown time zone " + name
		if !errors.Is(err, fs.ErrNotExist) {
			zone.Error = err.Error()
		}
		return zone
	}
	return zone.parse(data, p)
}

func (zone Zone) parse(data []byte, p string) Zone {
	loc, err := time.LoadLocationFromTZData(zone.Name, data)
	if err != nil {
		zone.Error = err.Error()
		return zone
	}
	zone.Source = p
	return zone.at(loc)
}

func (zone Zone) at(loc *time.Location) Zone {
	now := time.Now().In(loc)
	zone.Abbr, zone.Offset = now.Zone()
	// Where a rule continues the table, ZoneBounds ends at the turn of the year
	// as well, though nothing changes there.
	_, end := now.ZoneBounds()
	for range 4 {
		if end.IsZero() {
			break
		}
		if abbr, off := end.Zone(); off != zone.Offset || abbr != zone.Abbr {
			zone.Next, zone.NextOffset = end, off
			break
		}
		_, end = end.ZoneBounds()
	}
	return zone
}

// local does what package time does for time.Local (src/time/zoneinfo_unix.go).
func (z *TZ) local(sys System) Zone {
	tz, set := sys.lookup("TZ")
	utc := Zone{Name: "UTC"}.at(time.UTC)
	switch {
	case !set:
		if data, err := sys.read("/etc/localtime"); err == nil {
			if zone := (Zone{Name: "Local"}).parse(data, "/etc/localtime"); zone.Error == "" {
				if target, err := os.Readlink(sys.path("/etc/localtime")); err == nil {
					zone.Source = target
				}
				return zone
			}
		}
		return utc
	case tz == "":
		return utc
	}
	name := strings.TrimPrefix(tz, ":")
	if name == "" || name == "UTC" {
		return utc
	}
	var data []byte
	var p string
	var err error
	if name[0] == '/' {
		p = name
		data, err = sys.read(name)
	} else {
		data, p, err = z.read(sys, name, true)
	}
	if err == nil {
		zone := Zone{Name: name}.parse(data, p)
		if zone.Error == "" {
			return zone
		}
		err = errors.New(zone.Error)
	}
	utc.SilentlyUTC = true
	utc.Error = fmt.Sprintf("TZ=%s: %s", tz, cause(err))
	return utc
}

func (zone Zone) localStep(sys System) Step {
	st := Step{Status: OK, What: i18n.M("probe.tz.local"), Seen: zone.String()}
	_, set := sys.lookup("TZ")
	switch {
	case zone.SilentlyUTC:
		st.Status, st.Seen, st.Note, st.Fix = Fail, zone.Error, i18n.M("probe.tz.silent"), i18n.M("probe.tz.silent.fix")
	case zone.Source == "" && !set && runtime.GOOS != "windows":
		st.Note = i18n.M("probe.tz.utc")
	}
	return st
}

// String gives the offset now and the next change.
func (zone Zone) String() string {
	s := zone.Name + " " + offset(zone.Offset)
	if zone.Abbr != "" && zone.Abbr != zone.Name && !strings.HasPrefix(zone.Abbr, "+") && !strings.HasPrefix(zone.Abbr, "-") {
		s += " " + zone.Abbr
	}
	if !zone.Next.IsZero() {
		s += " → " + offset(zone.NextOffset) + " " + zone.Next.UTC().Format("2006-01-02 15:04Z")
	}
	if zone.Source != "" {
		s += " (" + zone.Source + ")"
	}
	return s
}

func offset(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	return fmt.Sprintf("%c%02d:%02d", sign, seconds/3600, seconds%3600/60)
}
