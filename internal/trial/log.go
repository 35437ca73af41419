package trial

import (
	"bytes"
	"strings"
	"sync"
)

const (
	logLines = 40
	logWidth = 400 // bytes
)

// tail keeps the last lines of what a program prints.
type tail struct {
	mu    sync.Mutex
	lines []string
	open  []byte // a line without its end
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	for {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		t.open = append(t.open, line[:min(len(line), max(0, logWidth-len(t.open)))]...)
		if !ok {
			return n, nil
		}
		t.end()
		b = rest
	}
}

func (t *tail) end() {
	t.lines = append(t.lines, printable(string(t.open)))
	t.open = t.open[:0]
	if len(t.lines) > logLines {
		t.lines = t.lines[len(t.lines)-logLines:]
	}
}

// last gives the last n lines.
func (t *tail) last(n int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.open) > 0 {
		t.end()
	}
	return append([]string(nil), t.lines[max(0, len(t.lines)-n):]...)
}

// printable takes out what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
