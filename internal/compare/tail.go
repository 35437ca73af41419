package compare

import (
	"strings"
	"sync"
)

// tail keeps the end of what a program says, for when it does not start.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailMax = 600 // bytes

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p[max(0, len(p)-tailMax):]...)
	t.b = t.b[max(0, len(t.b)-tailMax):]
	return len(p), nil
}

// text gives the last lines in one.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(t.b), "")), " ")
}
