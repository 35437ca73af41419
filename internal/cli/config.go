package cli

import (
	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/config"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/report"
)

// configDoc is the result of `slipway config`.
type configDoc struct {
	SchemaVersion int           `json:"schemaVersion"`
	Settings      []configEntry `json:"settings"`
}

type configEntry struct {
	Key    string        `json:"key"`
	Value  any           `json:"value"`
	Origin config.Origin `json:"origin"`
	Env    string        `json:"env,omitempty"`
	About  i18n.Message  `json:"about"`
}

func (a *app) configCommand() *cobra.Command {
	var schema, all bool
	c := &cobra.Command{
		Use:   "config",
		Short: a.say(i18n.M("cli.config.short")),
		Long:  a.say(i18n.M("cli.config.long")),
		Args:  a.noArgs,
	}
	settings := a.settingFlags(c)
	c.Flags().BoolVar(&schema, "schema", false, a.say(i18n.M("cli.flag.schema")))
	c.Flags().BoolVar(&all, "all", false, a.say(i18n.M("cli.flag.all")))
	c.RunE = func(*cobra.Command, []string) error {
		if schema {
			b, err := config.Schema()
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(b)
			return err
		}
		keys, err := settings()
		if err != nil {
			return err
		}
		dir, err := a.workDir()
		if err != nil {
			return err
		}
		s, err := a.settings(dir, keys)
		if err != nil {
			return err
		}
		doc := configDoc{SchemaVersion: 1}
		t := &report.Table{Columns: []report.Column{
			{Title: i18n.M("cli.config.key")}, {Title: i18n.M("cli.config.value")}, {Title: i18n.M("cli.config.origin")}, {Title: i18n.M("cli.config.about"), Wrap: true},
		}}
		for _, e := range s.List() {
			doc.Settings = append(doc.Settings, configEntry{e.Key, e.Value, e.Origin, e.Env, e.Description})
			if v := e.Text(); all || v != "" {
				t.Rows = append(t.Rows, []string{e.Key, v, a.say(e.Origin.Message()), a.say(e.Description)})
			}
		}
		if !all {
			t.Notes = append(t.Notes, i18n.M("cli.config.more"))
		}
		return a.result(doc, t)
	}
	return c
}
