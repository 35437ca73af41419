package rebuild

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// A link is the linker's command of a traced build, so that it can be carried
// out again with one input changed.
type link struct {
	tool string
	env  []string // KEY=value pairs that stood before the command
	args []string
	work string // the go command's work directory
	cfg  string // importcfg.link
	dir  string // where the command ran
}

var errNoLink = errors.New("the go command shows no linker command")

// parseLink finds the last linker command in the log of a build with -x.
func parseLink(log, dir string) (*link, error) {
	l := &link{dir: dir}
	line := ""
	for s := range strings.Lines(log) {
		s = strings.TrimRight(s, "\r\n")
		if w, ok := strings.CutPrefix(s, "WORK="); ok && l.work == "" {
			l.work = w
		}
		if strings.Contains(s, "/link ") || strings.Contains(s, `\link.exe `) || strings.Contains(s, "/link.exe ") {
			if strings.Contains(s, " -importcfg ") && strings.Contains(s, "importcfg.link") {
				line = s
			}
		}
	}
	if line == "" || l.work == "" {
		return nil, errNoLink
	}
	words, ok := shellWords(line)
	if !ok {
		return nil, errNoLink
	}
	for i, w := range words {
		words[i] = strings.ReplaceAll(w, "$WORK", l.work)
	}
	for len(words) > 0 && strings.Contains(words[0], "=") {
		l.env = append(l.env, words[0])
		words = words[1:]
	}
	if len(words) == 0 || !strings.Contains(filepath.ToSlash(words[0]), "/pkg/tool/") {
		return nil, errNoLink
	}
	l.tool, l.args = words[0], words[1:]
	for i, a := range l.args[:len(l.args)-1] {
		if a == "-importcfg" {
			l.cfg = l.args[i+1]
		}
	}
	if l.cfg == "" {
		return nil, errNoLink
	}
	return l, nil
}

// shellWords splits a line that the go command printed for a shell: words are
// quoted with ' or ", in part or whole, and \ protects a character
// (cmd/go/internal/work.joinUnambiguously).
func shellWords(s string) (words []string, ok bool) {
	var w strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == '"' && c == '\\' && i+1 < len(s):
			// The go command quotes with strconv.Quote.
			r, _, tail, err := strconv.UnquoteChar(s[i:], '"')
			if err != nil {
				return nil, false
			}
			w.WriteRune(r)
			i = len(s) - len(tail) - 1
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			w.WriteByte(c)
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ':
			if in {
				words = append(words, w.String())
			}
			w.Reset()
			in = false
		default:
			w.WriteByte(c)
			in = true
		}
	}
	if in {
		words = append(words, w.String())
	}
	return words, quote == 0
}

// stamps are what the go command puts into a program beside its code.
type stamps struct {
	info    *debug.BuildInfo
	buildID string
	goroot  string // for runtime.GOROOT; "" with -trimpath
	keep    bool   // goroot is as it was
}

// The marks around the module information (cmd/go/internal/modload.ModInfoData).
const (
	infoStart = "3077af0c9274080241e1c107e6d618e6"
	infoEnd   = "f932433186182072008242104116d8f2"
)

func modInfoData(bi *debug.BuildInfo) string {
	c := *bi
	c.GoVersion = "" // it stands elsewhere in the program
	start, _ := hex.DecodeString(infoStart)
	end, _ := hex.DecodeString(infoEnd)
	return string(start) + c.String() + string(end)
}

// relink links once more with s in place of what the go command had put in,
// and gives the path of the program.
func (b *builder) relink(ctx context.Context, l *link, s stamps) (string, error) {
	b.n++
	dir := filepath.Join(b.tmp, fmt.Sprintf("out%d", b.n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a directory for linking: %w", err)
	}
	cfg, err := os.ReadFile(l.cfg)
	if err != nil {
		return "", fmt.Errorf("read the linker's configuration: %w", err)
	}
	var out bytes.Buffer
	found := false
	for line := range bytes.Lines(cfg) {
		if bytes.HasPrefix(line, []byte("modinfo ")) {
			found = true
			fmt.Fprintf(&out, "modinfo %q\n", modInfoData(s.info))
			continue
		}
		out.Write(line)
	}
	if !found {
		return "", errNoLink
	}
	newCfg := filepath.Join(dir, "importcfg.link")
	if err := os.WriteFile(newCfg, out.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("write the linker's configuration: %w", err)
	}
	program := filepath.Join(dir, "a.out")
	linkID := beforeContent(s.buildID)
	args := make([]string, 0, len(l.args))
	for i := 0; i < len(l.args); i++ {
		a := l.args[i]
		switch {
		case a == "-o":
			args = append(args, a, program)
			i++
		case a == "-importcfg":
			args = append(args, a, newCfg)
			i++
		case strings.HasPrefix(a, "-buildid="):
			args = append(args, "-buildid="+linkID)
		default:
			args = append(args, a)
		}
	}
	env := append(b.g.Environ(b.env), b.extra...)
	env = append(env, l.env...)
	if !s.keep {
		env = append(env, "GOROOT="+s.goroot)
	}
	env = append(env, "GOTMPDIR="+dir, "TMPDIR="+dir)
	if err := b.g.Tool(ctx, l.tool, l.dir, env, args...); err != nil {
		return "", err
	}
	return program, putBuildID(program, linkID, s.buildID)
}

// beforeContent gives the build ID as the linker gets it: the last part, which
// names the content of the finished program, is the first part until then
// (cmd/go/internal/work/buildid.go).
func beforeContent(id string) string {
	i, j := strings.IndexByte(id, '/'), strings.LastIndexByte(id, '/')
	if i < 0 {
		return id
	}
	return id[:j+1] + id[:i]
}

// putBuildID writes the final build ID over that of the linker, as the go
// command does after linking.
func putBuildID(name, from, to string) error {
	if from == to || len(from) != len(to) || from == "" {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read the linked program: %w", err)
	}
	if err := os.WriteFile(name, bytes.ReplaceAll(data, []byte(from), []byte(to)), 0o755); err != nil {
		return fmt.Errorf("write the linked program: %w", err)
	}
	return nil
}
