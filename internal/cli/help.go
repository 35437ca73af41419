package cli

import (
	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// usageTemplate is cobra's, with its English headings taken from the
// catalogue: {0} usage, {1} commands, {2} flags, {3} flags of every command,
// {4} how to get more help.
func (a *app) usageTemplate() string {
	return a.say(i18n.M("cli.help.usage")) + `{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} ` + a.say(i18n.M("cli.help.command")) + `{{end}}{{if .HasExample}}

` + a.say(i18n.M("cli.help.examples")) + `
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

` + a.say(i18n.M("cli.help.commands")) + `{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

` + a.say(i18n.M("cli.help.flags")) + `
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

` + a.say(i18n.M("cli.help.global")) + `
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

` + a.say(i18n.M("cli.help.more", "{{.CommandPath}}")) + `{{end}}
`
}

// localise gives every command the user's language, and states the exit codes
// in the help of each.
func (a *app) localise(root *cobra.Command) {
	root.SetUsageTemplate(a.usageTemplate())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		switch c.Name() {
		case "help":
			c.Short = a.say(i18n.M("cli.help.short"))
		case "completion":
			c.Short = a.say(i18n.M("cli.completion.short"))
		}
		c.InitDefaultHelpFlag()
		if f := c.Flags().Lookup("help"); f != nil {
			f.Usage = a.say(i18n.M("cli.flag.help"))
		}
		if c.Runnable() && c.Long != "" && c.Parent() == root {
			c.Long += "\n\n" + a.say(i18n.M("cli.help.exit"))
		}
		if c.Args == nil && c.HasSubCommands() && !c.Runnable() {
			c.Args = func(c *cobra.Command, args []string) error { return a.unknownCommand(c, args) }
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
		for _, sub := range c.Commands() {
			each(sub)
		}
	}
	each(root)
}

func (a *app) unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := i18n.M("cli.usage.hint", c.CommandPath())
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = i18n.M("cli.unknown.near", near[0])
	}
	return fault.UsageError(i18n.M("cli.unknown", args[0]), hint)
}
