package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// judgedDir holds what people said of findings, one file for each rule.
const judgedDir = "bench/check/judged"

// verdict is what somebody who read the code at a finding says of it.
type verdict struct {
	true   bool
	reason string
}

// judgedKey names a finding. It holds for one version of a repository, which
// corpus.txt pins.
type judgedKey struct{ rule, repo, pos string }

// judged reads <RULE>.tsv: repository, path:line, true or false, reason. A
// reason of " is the one above.
func judged() (map[judgedKey]verdict, error) {
	names, err := filepath.Glob(filepath.Join(judgedDir, "*.tsv"))
	if err != nil {
		return nil, fmt.Errorf("list judgements: %w", err)
	}
	out := map[judgedKey]verdict{}
	for _, name := range names {
		if err := readJudged(name, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readJudged(name string, out map[judgedKey]verdict) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("read judgements: %w", err)
	}
	defer f.Close()
	rule := strings.TrimSuffix(filepath.Base(name), ".tsv")
	s := bufio.NewScanner(f)
	last := ""
	for n := 1; s.Scan(); n++ {
		if s.Text() == "" || strings.HasPrefix(s.Text(), "#") {
			continue
		}
		cols := strings.Split(s.Text(), "\t")
		if len(cols) != 4 || cols[2] != "true" && cols[2] != "false" || cols[3] == "" || cols[3] == `"` && last == "" {
			return fmt.Errorf("%s:%d: want repository, path:line, true or false, and a reason, with tabs between them", name, n)
		}
		k := judgedKey{rule, cols[0], cols[1]}
		if _, ok := out[k]; ok {
			return fmt.Errorf("%s:%d: %s %s is judged twice", name, n, k.repo, k.pos)
		}
		if cols[3] != `"` {
			last = cols[3]
		}
		out[k] = verdict{cols[2] == "true", last}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read judgements: %s: %w", name, err)
	}
	return nil
}
