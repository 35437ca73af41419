package report

import (
	"strconv"
	"strings"
	"sync"
	"testing"
)

// screen is a terminal as far as the live lines use one: it interprets what
// is written to it and fails on any sequence it does not know.
type screen struct {
	t        *testing.T
	mu       sync.Mutex
	w, h     int
	row, col int
	cells    [][]string // "" is the second half of a wide character
	hidden   bool
	colors   int // SGR sequences seen
}

func newScreen(t *testing.T, w, h int) *screen {
	s := &screen{t: t, w: w, h: h}
	for range h {
		s.cells = append(s.cells, s.blank())
	}
	return s
}

func (s *screen) blank() []string {
	return strings.Split(strings.Repeat(" ", s.w), "")
}

func (s *screen) newline() {
	if s.row == s.h-1 {
		s.cells = append(s.cells[1:], s.blank())
		return
	}
	s.row++
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := string(b)
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			i := strings.IndexFunc(rest, func(r rune) bool { return r >= 0x40 && r <= 0x7e })
			if i < 0 {
				s.t.Fatalf("cut escape sequence in %q", text)
			}
			s.control(rest[:i], rest[i])
			text = rest[i+1:]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch {
		case r == '\n': // as a terminal driver does it: with a carriage return
			s.col = 0
			s.newline()
		case r == '\r':
			s.col = 0
		case r < 0x20:
			s.t.Fatalf("control character %q", r)
		default:
			s.put(string(r), runeWidth(r))
		}
	}
	return len(b), nil
}

func (s *screen) control(param string, final byte) {
	n, err := strconv.Atoi(param)
	if err != nil {
		n = 1
	}
	switch {
	case final == 'A':
		s.row = max(0, s.row-n)
	case final == 'K' && param == "":
		for i := s.col; i < s.w; i++ {
			s.cells[s.row][i] = " "
		}
	case final == 'J' && param == "":
		s.control("", 'K')
		for i := s.row + 1; i < s.h; i++ {
			s.cells[i] = s.blank()
		}
	case final == 'm':
		s.colors++
	case param == "?25" && final == 'l':
		s.hidden = true
	case param == "?25" && final == 'h':
		s.hidden = false
	default:
		s.t.Fatalf("unknown sequence %q", param+string(final))
	}
}

func (s *screen) put(c string, width int) {
	if width == 0 {
		return
	}
	if s.col+width > s.w {
		s.col = 0
		s.newline()
	}
	s.cells[s.row][s.col] = c
	if width == 2 {
		s.cells[s.row][s.col+1] = ""
	}
	s.col += width
}

// text gives the screen without trailing blanks.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, row := range s.cells {
		lines = append(lines, strings.TrimRight(strings.Join(row, ""), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func (s *screen) want(when, want string) {
	s.t.Helper()
	if got := s.text(); got != strings.Trim(want, "\n") {
		s.t.Errorf("%s:\n%s\nwant:\n%s", when, got, strings.Trim(want, "\n"))
	}
}

func (s *screen) cursorHidden() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hidden
}
