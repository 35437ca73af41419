package check

import (
	"slices"
	"strings"

	"github.com/slipway-build/slipway/internal/facts"
	"github.com/slipway-build/slipway/internal/finding"
)

// dropFlag takes a flag without a value out of a go command, and the blank
// before it; nil if it does not stand in the file as a word of its own.
func dropFlag(g facts.GoCommand, flag string) []finding.Edit {
	i := slices.IndexFunc(g.Raw, func(w facts.Line) bool { return w.Value == flag || w.Value == "-"+flag })
	if i < 0 {
		return nil
	}
	return dropWord(g, i)
}

func dropWord(g facts.GoCommand, i int) []finding.Edit {
	if i < 1 {
		return nil
	}
	w, before := g.Raw[i], g.Raw[i-1]
	if w.Pos.Line != before.Pos.Line || before.Pos.Column+len(before.Value)+1 != w.Pos.Column {
		return nil
	}
	pos := w.Pos
	pos.Column--
	return []finding.Edit{{Pos: pos, Old: " " + w.Value}}
}

// staticSpellings are the ways to write the flag within -ldflags.
var staticSpellings = []string{
	`-extldflags \"-static\"`, `-extldflags "-static"`, `-extldflags '-static'`, `-extldflags -static`,
	`-extldflags=\"-static\"`, `-extldflags="-static"`, `-extldflags='-static'`, `-extldflags=-static`,
	`-extldflags "-fno-PIC -static"`, `-extldflags '-fno-PIC -static'`,
}

// dropStatic takes -extldflags -static out of the -ldflags of a go command,
// and -ldflags itself if nothing else is in it.
func dropStatic(g facts.GoCommand) []finding.Edit {
	for i, w := range g.Raw {
		isFlags := strings.HasPrefix(strings.TrimLeft(w.Value, "-"), "ldflags=") || i > 0 && strings.TrimLeft(g.Raw[i-1].Value, "-") == "ldflags"
		if !isFlags {
			continue
		}
		for _, s := range staticSpellings {
			at := strings.Index(w.Value, s)
			if at < 0 {
				continue
			}
			before, after := w.Value[:at], w.Value[at+len(s):]
			if strings.Contains(after, "-static") || after != "" && !strings.HasPrefix(after, " ") && strings.Trim(after, `"'`) != "" {
				return nil
			}
			if strings.Trim(before, `-="' `) == "ldflags" && strings.Trim(after, `"' `) == "" {
				return dropWord(g, i)
			}
			if strings.Trim(before+after, `-="' `) == "" {
				return nil // the flag is a word of its own; two words go or none
			}
			pos, old := w.Pos, s
			pos.Column += at
			switch {
			case strings.HasSuffix(before, " "):
				pos.Column--
				old = " " + old
			case strings.HasPrefix(after, " "):
				old += " "
			}
			return []finding.Edit{{Pos: pos, Old: old}}
		}
		return nil
	}
	return nil
}
