package facts

import "strings"

// makefile keeps what it takes to read a makefile again, for one run of make.
type makefile struct{ src string }

// makeGoal is what is known of a target besides its commands.
type makeGoal struct {
	needs    []string // prerequisites
	made     bool     // the rule that is being read has a recipe
	recipes  int      // rules with one
	doubtful bool     // more than one rule has a recipe, or a condition chooses its lines
}

// conditional reports whether a line of a makefile makes what is around it
// depend on something.
func conditional(line string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch word {
	case "ifeq", "ifneq", "ifdef", "ifndef", "else":
		return true
	}
	return strings.HasPrefix(word, "ifeq(") || strings.HasPrefix(word, "ifneq(")
}

// rule notes the targets of a rule and what they need.
func (m *makeReader) rule(targets []string, rest string) {
	if m.goals == nil {
		m.goals = map[string]*makeGoal{}
	}
	rest = strings.TrimPrefix(rest, ":")
	rest, _, _ = strings.Cut(rest, ";")
	rest, _, _ = strings.Cut(rest, "#")
	needs := strings.Fields(strings.ReplaceAll(m.expand(rest, "", maxMakeDepth), "|", " "))
	for _, t := range targets {
		if m.first == "" && !strings.HasPrefix(t, ".") && !strings.Contains(t, "%") {
			m.first = t
		}
		g := m.goals[t]
		if g == nil {
			g = &makeGoal{}
			m.goals[t] = g
		}
		g.made = false
		if len(g.needs) < 1000 {
			g.needs = append(g.needs, needs...)
		}
	}
}

// makes notes a recipe line of targets.
func (m *makeReader) makes(targets []string) {
	for _, t := range targets {
		g := m.goals[t]
		if g == nil || g.made {
			continue
		}
		g.made = true
		if g.recipes++; g.recipes > 1 {
			g.doubtful = true
		}
	}
}

// doubt notes that a condition has a say in the recipe of targets.
func (m *makeReader) doubt(targets []string) {
	for _, t := range targets {
		if g := m.goals[t]; g != nil {
			g.doubtful = true
		}
	}
}
