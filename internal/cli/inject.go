package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
	"github.com/slipway-build/slipway/internal/inject"
)

// injectFormats are the values of --format: everything with explanations, or
// one of the files alone.
var injectFormats = []string{"text", "patch", "undo", "json-patch", "custom", "ephemeral"}

type injectFlags struct {
	inject.Options
	namespace, workload, format, output string
}

func (a *app) inject() *cobra.Command {
	var f injectFlags
	c := &cobra.Command{
		Use:     "inject POD | KIND/NAME | FILE | -",
		Short:   a.say(i18n.M("inject.short")),
		Long:    a.say(i18n.M("inject.long")),
		Example: "  slipway inject --image registry.example.com/slipway deployment.yaml\n  slipway inject --image registry.example.com/slipway --target app --output patches deployment/orders\n  kubectl get pod orders-0 -o yaml | slipway inject --image registry.example.com/slipway --format custom -",
	}
	fs := c.Flags()
	fs.StringVar(&f.Image, "image", "", a.say(i18n.M("inject.flag.image")))
	fs.StringVar(&f.Target, "target", "", a.say(i18n.M("inject.flag.target")))
	fs.Int64Var(&f.FSGroup, "fs-group", 0, a.say(i18n.M("inject.flag.fsgroup")))
	fs.StringVarP(&f.namespace, "namespace", "n", "", a.say(i18n.M("inject.flag.namespace")))
	fs.StringVar(&f.workload, "workload", "", a.say(i18n.M("inject.flag.workload")))
	fs.StringVar(&f.format, "format", "text", a.say(i18n.M("inject.flag.format", strings.Join(injectFormats, ", "))))
	fs.StringVarP(&f.output, "output", "o", "", a.say(i18n.M("inject.flag.output")))
	c.RunE = func(c *cobra.Command, args []string) error {
		hint := i18n.M("cli.usage.hint", c.CommandPath())
		switch {
		case len(args) != 1:
			return fault.UsageError(i18n.M("inject.args", c.CommandPath()), hint)
		case !slices.Contains(injectFormats, f.format):
			return fault.UsageError(i18n.M("inject.format", f.format), i18n.M("inject.format.hint", strings.Join(injectFormats, ", ")))
		case a.json && c.Flags().Changed("format"):
			return fault.UsageError(i18n.M("inject.format.json"), hint)
		case f.FSGroup < 0:
			return fault.UsageError(i18n.M("inject.fsgroup", f.FSGroup), hint)
		}
		w, err := a.workload(args[0], f)
		if err != nil {
			return err
		}
		r, err := inject.Make(w, f.Options)
		if err != nil {
			return err
		}
		if f.output != "" {
			if err := writePatches(f.output, r); err != nil {
				return err
			}
		}
		if a.json {
			return a.rep.Result(r)
		}
		text, err := a.injectText(r, f.format)
		if err != nil {
			return err
		}
		return a.rep.Result(text)
	}
	return c
}

// workload reads a manifest where the argument names one; otherwise it is the
// name of something in a cluster.
func (a *app) workload(arg string, f injectFlags) (inject.Workload, error) {
	var in io.Reader
	switch fi, err := os.Stat(arg); {
	case arg == "-":
		in = a.stdin
	case err == nil && fi.Mode().IsRegular():
		file, err := os.Open(arg)
		if err != nil {
			return inject.Workload{}, fmt.Errorf("open %s: %w", arg, err)
		}
		defer file.Close()
		in = file
	case slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(arg)):
		return inject.Workload{}, fault.UsageError(i18n.M("inject.file", arg), i18n.M("inject.file.hint"))
	default:
		return inject.Named(arg, f.namespace)
	}
	data, err := io.ReadAll(io.LimitReader(in, inject.MaxManifest+1))
	if err != nil {
		return inject.Workload{}, fmt.Errorf("read %s: %w", arg, err)
	}
	if len(data) > inject.MaxManifest {
		return inject.Workload{}, fault.UsageError(i18n.M("inject.large", arg, inject.MaxManifest>>20), i18n.Message{})
	}
	return inject.Parse(data, arg, f.workload, f.namespace)
}

// patchFiles are the files of --output, by their names in the commands shown.
func patchFiles(r inject.Result) (map[string]string, error) {
	files := map[string]string{}
	for name, v := range map[string]any{"patch.yaml": r.Patch, "undo.yaml": r.Undo, "custom.yaml": r.Custom} {
		if m, ok := v.(map[string]any); ok && len(m) == 0 {
			continue
		}
		s, err := inject.YAML(v)
		if err != nil {
			return nil, err
		}
		files[name] = s
	}
	if r.JSONPatch != nil {
		var b bytes.Buffer
		if err := encodeJSON(&b, r.JSONPatch); err != nil {
			return nil, err
		}
		files["patch.json"] = b.String()
	}
	return files, nil
}

func writePatches(dir string, r inject.Result) error {
	files, err := patchFiles(r)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := writeFile(filepath.Join(dir, name), func(w io.Writer) error {
			_, err := io.WriteString(w, content)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) injectText(r inject.Result, format string) (string, error) {
	files, err := patchFiles(r)
	if err != nil {
		return "", err
	}
	name := map[string]string{"patch": "patch.yaml", "undo": "undo.yaml", "json-patch": "patch.json", "custom": "custom.yaml"}[format]
	switch {
	case format == "ephemeral":
		return inject.YAML(r.Ephemeral)
	case name != "" && files[name] == "":
		return "", fault.UsageError(i18n.M("inject.format.none", format), i18n.M("inject.format.none.hint"))
	case name != "":
		return files[name], nil
	}
	var b strings.Builder
	for _, part := range []struct {
		file string
		what i18n.Message
	}{{"patch.yaml", i18n.M("inject.part.patch")}, {"undo.yaml", i18n.M("inject.part.undo")}, {"custom.yaml", i18n.M("inject.part.custom")}} {
		if files[part.file] != "" {
			fmt.Fprintf(&b, "# %s: %s\n%s---\n", part.file, a.say(part.what), files[part.file])
		}
	}
	for _, c := range r.Use {
		fmt.Fprintf(&b, "# %s\n#   %s\n", a.say(c.What), c.Line)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "# %s %s\n", a.say(i18n.M("inject.note")), a.say(n))
	}
	return b.String(), nil
}
