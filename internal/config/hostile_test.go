package config

import (
	"strings"
	"testing"
	"time"

	"github.com/slipway-build/slipway/internal/fault"
)

// TestHostileFiles: what is small enough to be read is refused at once,
// however it is built.
func TestHostileFiles(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x]\n")
	for i := 1; i < 40; i++ {
		prev := "*a" + string(rune('0'+(i-1)%10))
		bomb.WriteString("a" + string(rune('0'+i%10)) + strings.Repeat("x", i) + ": &a" + string(rune('0'+i%10)) + " [" + strings.Repeat(prev+",", 9) + prev + "]\n")
	}
	const n = MaxFileSize / 16
	for name, content := range map[string]string{
		"aliases":      bomb.String(),
		"own alias":    "main: &m [*m]\n",
		"deep lists":   "main: " + strings.Repeat("[", n),
		"deep tables":  "main: " + strings.Repeat("{a: ", n/2),
		"many keys":    "image: {env: {" + strings.Repeat("A: b, ", n/2) + "}}\n",
		"many unknown": strings.Repeat("x: y\n", n/2),
		"long line":    "name: " + strings.Repeat("x ", n),
		"many anchors": "main: [" + strings.Repeat("&a x, ", n/2) + "]\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			s := Settings{Origins: map[string]Origin{}}
			err := s.decode("f", []byte(content))
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("%d bytes took %v", len(content), d)
			}
			f, ok := err.(*fault.Error)
			if !ok && name != "many anchors" { // which are odd, but mean nothing
				t.Fatalf("got %T, want a *fault.Error", err)
			}
			if ok && len(f.Error()) > 500 {
				t.Errorf("the error is %d bytes long", len(f.Error()))
			}
		})
	}
}
