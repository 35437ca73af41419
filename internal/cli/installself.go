package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/inject"
	"github.com/slipway-build/slipway/internal/probe"
)

func (a *app) installSelf() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "install-self DIR",
		Short: a.say(i18n.M("install.short")),
		Long:  a.say(i18n.M("install.long")),
	}
	c.Flags().BoolVar(&force, "force", false, a.say(i18n.M("install.flag.force")))
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return fault.UsageError(i18n.M("install.args", c.CommandPath()), i18n.M("cli.usage.hint", c.CommandPath()))
		}
		self, err := probe.Executable()
		if err != nil {
			return fmt.Errorf("find the running program: %w", err)
		}
		r, err := inject.Install(c.Context(), inject.InstallOptions{Source: self, Dir: args[0], Force: force, Free: probe.Free})
		if err != nil {
			return err
		}
		if !r.Changed {
			return a.result(r, i18n.M("install.same", r.Path))
		}
		return a.result(r, i18n.M("install.done", r.Path, r.Size))
	}
	return c
}
