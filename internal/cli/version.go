package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/i18n"
)

// versionDoc is the result of `slipway version`.
type versionDoc struct {
	SchemaVersion int    `json:"schemaVersion"`
	Version       string `json:"version"`
	Go            string `json:"go"`
	OS            string `json:"os"`
	Arch          string `json:"arch"`
	Revision      string `json:"revision,omitempty"`
	Modified      bool   `json:"modified,omitempty"`
}

// stamped is set by slipway when it builds itself.
var version string

func ownVersion() versionDoc {
	d := versionDoc{SchemaVersion: 1, Version: version}
	bi, ok := debug.ReadBuildInfo()
	if !ok {
		return d
	}
	d.Go = bi.GoVersion
	if d.Version == "" {
		d.Version = bi.Main.Version
	}
	for _, s := range bi.Settings {
		switch s.Key {
		case "GOOS":
			d.OS = s.Value
		case "GOARCH":
			d.Arch = s.Value
		case "vcs.revision":
			d.Revision = s.Value
		case "vcs.modified":
			d.Modified = s.Value == "true"
		}
	}
	return d
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: a.say(i18n.M("cli.version.short")),
		Long:  a.say(i18n.M("cli.version.long")),
		Args:  a.noArgs,
		RunE: func(*cobra.Command, []string) error {
			d := ownVersion()
			return a.result(d, fmt.Sprintf("slipway %s %s %s/%s", d.Version, d.Go, d.OS, d.Arch))
		},
	}
}
