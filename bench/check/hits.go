package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// hit is one finding, with the repository it is in.
type hit struct {
	repo, dir, rule, pos, text string
	advisory                   bool
}

// hits prints what is found in the repositories of a set, "" for all of them.
func hits(ctx context.Context, set string, tsv bool) error {
	all, looked, err := collect(ctx, set)
	if err != nil {
		return err
	}
	if tsv {
		for _, h := range all {
			fmt.Printf("%s\t%s\t%s\t%t\t%s\n", h.rule, h.repo, h.pos, h.advisory, h.text)
		}
		return nil
	}
	table(all, looked)
	return nil
}

// collect checks every repository of the set that is in the module cache and
// tells how many these are.
func collect(ctx context.Context, set string) (all []hit, looked int, err error) {
	list, err := corpus()
	if err != nil {
		return nil, 0, err
	}
	cache, err := moduleCache(ctx)
	if err != nil {
		return nil, 0, err
	}
	bin, remove, err := buildSlipway(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer remove()
	for _, r := range list {
		if set != "" && r.set != set {
			continue
		}
		dir, err := r.dir(cache)
		if err != nil {
			return nil, 0, err
		}
		if _, err := os.Stat(dir); err != nil {
			fmt.Fprintf(os.Stderr, "%s@%s is not in the module cache: run fetch\n", r.module, r.version)
			continue
		}
		found, err := checkOne(ctx, bin, r.name(), dir)
		if err != nil {
			return nil, 0, err
		}
		looked++
		all = append(all, found...)
	}
	return all, looked, nil
}

// checkOne runs the program as a user would and reads its document.
func checkOne(ctx context.Context, bin, name, dir string) ([]hit, error) {
	c := exec.CommandContext(ctx, bin, "check", dir, "--format", "json", "--baseline", "none")
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
		return nil, fmt.Errorf("check %s: %w: %s", dir, err, stderr.String())
	}
	var doc struct {
		Findings []struct {
			ID       string
			Advisory bool
			Pos      struct {
				File string
				Line int
			}
			Message struct{ Text string }
		}
	}
	if err := json.Unmarshal(stdout.Bytes(), &doc); err != nil {
		return nil, fmt.Errorf("read the result of %s: %w", dir, err)
	}
	var out []hit
	for _, f := range doc.Findings {
		out = append(out, hit{name, dir, f.ID, fmt.Sprintf("%s:%d", f.Pos.File, f.Pos.Line), f.Message.Text, f.Advisory})
	}
	return out, nil
}

// table prints one line for each rule: how many findings, in which
// repositories, and the first of them.
func table(all []hit, looked int) {
	rules := map[string][]hit{}
	for _, h := range all {
		rules[h.rule] = append(rules[h.rule], h)
	}
	ids := make([]string, 0, len(rules))
	for id := range rules {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	fmt.Printf("%d findings of %d rules in %d repositories\n\n", len(all), len(ids), looked)
	fmt.Print("| rule | findings | advisory | repositories | for example |\n|---|---|---|---|---|\n")
	for _, id := range ids {
		counts := map[string]int{}
		advisory := 0
		for _, h := range rules[id] {
			counts[h.repo]++
			if h.advisory {
				advisory++
			}
		}
		repos := make([]string, 0, len(counts))
		for r := range counts {
			repos = append(repos, r)
		}
		slices.SortFunc(repos, func(a, b string) int { return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b)) })
		for i, r := range repos {
			repos[i] = fmt.Sprintf("%s %d", r, counts[r])
		}
		first := rules[id][0]
		fmt.Printf("| %s | %d | %d | %s | %s `%s` %s |\n", id, len(rules[id]), advisory, strings.Join(repos, ", "),
			first.repo, first.pos, strings.ReplaceAll(first.text, "|", `\|`))
	}
}
