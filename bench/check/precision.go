package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

const precisionPage = "docs/precision.md"

// precision joins what is found now with what was said of it and writes the
// page. A finding that counts and that nobody has judged is an error; so is a
// judgement of something that is no longer found, which would only look like
// proof.
func precision(ctx context.Context, list bool) error {
	said, err := judged()
	if err != nil {
		return err
	}
	found, looked, err := collect(ctx, "")
	if err != nil {
		return err
	}
	repos, err := corpus()
	if err != nil {
		return err
	}
	if looked != len(repos) {
		return fmt.Errorf("%d of %d repositories were looked at: run fetch", looked, len(repos))
	}
	sets := map[string]string{}
	for _, r := range repos {
		sets[r.name()] = r.set
	}
	open := 0
	seen := map[judgedKey]bool{}
	for _, h := range found {
		k := h.key()
		seen[k] = true
		if _, ok := said[k]; !ok && !h.advisory {
			open++
			if list {
				fmt.Printf("%s\t%s\t%s\t%s\n", h.rule, h.repo, h.pos, h.text)
			}
		}
	}
	stale := 0
	for k := range said {
		if !seen[k] {
			stale++
			fmt.Fprintf(os.Stderr, "judged, but not found any more: %s %s %s\n", k.rule, k.repo, k.pos)
		}
	}
	if !list {
		if err := os.WriteFile(precisionPage, page(found, said, sets, repos), 0o644); err != nil {
			return fmt.Errorf("write the page: %w", err)
		}
	}
	if open+stale > 0 {
		return fmt.Errorf("%d findings are not judged, %d judgements are stale", open, stale)
	}
	return nil
}

func (h hit) key() judgedKey { return judgedKey{h.rule, h.repo, h.pos} }

// score counts findings that count against a threshold, and advisory ones.
type score struct{ hits, right, wrong, advisory, advisoryWrong, advisoryRight int }

func (s *score) add(h hit, v verdict, ok bool) {
	switch {
	case h.advisory:
		s.advisory++
		if ok && v.true {
			s.advisoryRight++
		} else if ok {
			s.advisoryWrong++
		}
		return
	case ok && v.true:
		s.right++
	case ok:
		s.wrong++
	}
	s.hits++
}

func (s score) share() string {
	if s.right+s.wrong == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*float64(s.right)/float64(s.right+s.wrong))
}

func page(found []hit, said map[judgedKey]verdict, sets map[string]string, repos []repository) []byte {
	byRule := map[string]map[string]*score{}
	total := map[string]*score{"development": {}, "held-back": {}}
	for _, h := range found {
		if byRule[h.rule] == nil {
			byRule[h.rule] = map[string]*score{"development": {}, "held-back": {}}
		}
		v, ok := said[h.key()]
		byRule[h.rule][sets[h.repo]].add(h, v, ok)
		total[sets[h.repo]].add(h, v, ok)
	}
	var b bytes.Buffer
	b.WriteString(`# Precision

How often a finding of ` + "`slipway check`" + ` is right, on real repositories. Every
finding that counts (all but advisory ones) was read in its place and judged:
true if an owner who knows the consequence would want to mend it, false if not.
The judgements with their reasons are in [bench/check/judged](../bench/check/judged),
one file for each rule; ` + "`go run ./bench/check precision`" + ` checks the repositories
again, refuses to go on if a finding is not judged or a judgement has nothing to
stand on, and writes this page.

The rules were worked out on the development set. The held-back set was looked
at afterwards, and a few rules were narrowed by what was false there, as by what
was false in some 2,000 other modules that happened to be in a module cache, most
of them libraries. There the families CGO, TAG, TLS, K8S and WEB had 167 findings
that count in 77 modules, 39 of them false; nine rules were narrowed, and of the
128 that were left one was false. What has no row below rests on its test
repositories and, where [faults.md](faults.md) has a row, on a fault that was seen.

`)
	fmt.Fprintf(&b, "| set | repositories | findings that count | true | false | true | advisory |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, set := range []string{"development", "held-back"} {
		n := 0
		for _, s := range sets {
			if s == set {
				n++
			}
		}
		t := total[set]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %s | %d |\n", set, n, t.hits, t.right, t.wrong, t.share(), t.advisory)
	}
	b.WriteString("\n## By rule\n\nA rule that is not here found nothing in these repositories.\n\n")
	b.WriteString("| rule | development: hits | true | false | held back: hits | true | false | advisory |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	ids := make([]string, 0, len(byRule))
	for id := range byRule {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		d, h := byRule[id]["development"], byRule[id]["held-back"]
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d |\n", id, d.hits, d.right, d.wrong, h.hits, h.right, h.wrong, d.advisory+h.advisory)
	}
	b.WriteString("\n## What is false, and why\n\n")
	none := true
	for _, h := range found {
		if v, ok := said[h.key()]; ok && !v.true && !h.advisory {
			none = false
			fmt.Fprintf(&b, "- %s in %s, `%s`: %s\n", h.rule, h.repo, h.pos, v.reason)
		}
	}
	if none {
		b.WriteString("Nothing that counts.\n")
	}
	b.WriteString("\n## What was looked at\n\n| repository | module | set | findings that count | advisory |\n|---|---|---|--:|--:|\n")
	counts := map[string]*score{}
	for _, h := range found {
		if counts[h.repo] == nil {
			counts[h.repo] = &score{}
		}
		counts[h.repo].add(h, verdict{}, false)
	}
	slices.SortFunc(repos, func(x, y repository) int { return cmp.Or(cmp.Compare(x.set, y.set), cmp.Compare(x.name(), y.name())) })
	for _, r := range repos {
		s := cmp.Or(counts[r.name()], &score{})
		fmt.Fprintf(&b, "| %s | `%s@%s` | %s | %d | %d |\n", r.name(), r.module, r.version, r.set, s.hits, s.advisory)
	}
	b.WriteString("\n## True findings\n\n")
	for _, id := range ids {
		lines := []string{}
		for _, h := range found {
			if v, ok := said[h.key()]; ok && v.true && h.rule == id && !h.advisory {
				lines = append(lines, fmt.Sprintf("- %s, `%s`: %s\n", h.repo, h.pos, v.reason))
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(&b, "### %s\n\n%s\n", id, strings.Join(lines, ""))
		}
	}
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n')
}
