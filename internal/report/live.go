package report

import (
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// frame is the time between two redraws of the live lines.
const frame = 100 * time.Millisecond

// Control sequences (ECMA-48; hiding the cursor is DEC's, understood by all).
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	eraseLine  = "\x1b[K"
	eraseBelow = "\x1b[J"
	lineUp     = "\x1b[A"
)

// live draws the tasks at the bottom of a terminal. The cursor rests at the
// beginning of the line below them. All its methods but the goroutine's own
// are called with the Reporter's lock held; a nil *live does nothing.
type live struct {
	r     *Reporter
	drawn []int // width of every line that stands on the screen, in cells
	quit  chan struct{}
	done  sync.WaitGroup
}

// start begins to draw, the first time after one frame: what takes less is
// not worth a flicker.
func (l *live) start() {
	if l == nil || l.quit != nil {
		return
	}
	quit := make(chan struct{})
	l.quit = quit
	l.done.Go(func() {
		tick := time.NewTicker(frame)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				l.r.mu.Lock()
				if l.quit == quit {
					l.draw()
				}
				l.r.mu.Unlock()
			}
		}
	})
}

// stop wipes the lines and ends the drawing. The function it gives waits for
// the goroutine; call it without the lock.
func (l *live) stop() (wait func()) {
	if l == nil || l.quit == nil {
		return func() {}
	}
	close(l.quit)
	l.quit = nil
	_, _ = io.WriteString(l.r.o.Stderr, l.wipe())
	return l.done.Wait
}

// wipe gives the sequence that takes the lines off the screen.
func (l *live) wipe() string {
	if l.drawn == nil {
		return ""
	}
	s := l.home() + eraseBelow + showCursor
	l.drawn = nil
	return s
}

// home moves to the first of the lines. A terminal that has become narrower
// since may have wrapped them, so that they take more rows now.
func (l *live) home() string {
	width, _ := l.r.size()
	rows := 0
	for _, w := range l.drawn {
		rows += max(1, (w+width-1)/width)
	}
	return "\r" + strings.Repeat(lineUp, rows)
}

// draw writes one frame in one piece.
func (l *live) draw() {
	width, height := l.r.size()
	lines := l.r.liveLines(width-1, height-1) // a full last column wraps on some terminals
	if len(lines) == 0 {
		return
	}
	var b strings.Builder
	if l.drawn == nil {
		b.WriteString(hideCursor)
	} else {
		b.WriteString(l.home())
	}
	l.drawn = l.drawn[:0]
	for _, line := range lines {
		b.WriteString(line.text)
		b.WriteString(eraseLine + "\n")
		l.drawn = append(l.drawn, line.width)
	}
	b.WriteString(eraseBelow)
	_, _ = io.WriteString(l.r.o.Stderr, b.String())
}

// liveLine is a line with its width in cells.
type liveLine struct {
	text  string
	width int
}

// liveLines gives at most height lines of at most width cells: the tasks in
// their order, or those that changed last if there are too many.
func (r *Reporter) liveLines(width, height int) []liveLine {
	show := slices.Clone(r.tasks)
	if height = max(height, 1); len(show) > height {
		slices.SortStableFunc(show, func(a, b *task) int {
			if a.done != b.done {
				if a.done {
					return 1
				}
				return -1
			}
			return b.touched - a.touched
		})
		show = show[:height]
		slices.SortStableFunc(show, func(a, b *task) int {
			return slices.Index(r.tasks, a) - slices.Index(r.tasks, b)
		})
	}
	rows := make([][4]string, len(show))
	var col [4]int
	for i, t := range show {
		rows[i] = r.liveCells(*t)
		for j, c := range rows[i] {
			col[j] = max(col[j], Width(c))
		}
	}
	lines := make([]liveLine, len(rows))
	for i, row := range rows {
		var b strings.Builder
		for j, c := range row {
			if col[j] == 0 {
				continue
			}
			if b.Len() > 0 {
				b.WriteString("  ")
			}
			pad := strings.Repeat(" ", col[j]-Width(c))
			if j == 2 { // numbers
				b.WriteString(pad + c)
			} else {
				b.WriteString(c + pad)
			}
		}
		text := Cut(strings.TrimRight(b.String(), " "), width)
		lines[i] = liveLine{text: text, width: Width(text)}
		if show[i].done {
			lines[i].text = r.errStyle().paint(faint, text)
		}
	}
	return lines
}

// liveCells gives task, stage, bytes, and time with what else is to say.
func (r *Reporter) liveCells(t task) [4]string {
	c := [4]string{clean(t.name), stageName(t.stage).In(r.o.Lang)}
	if t.bytes > 0 {
		c[2] = Bytes(t.bytes)
	}
	took := t.took
	if !t.done {
		took = r.now().Sub(t.since)
	}
	c[3] = strings.Join(append([]string{Duration(took)}, r.remarks(t)...), "  ")
	return c
}
