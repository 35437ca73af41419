package sandbox

import (
	"os"
	"strconv"
	"strings"
)

// statusField reads a number from /proc/PID/status; 0 if it is not there.
func statusField(pid int, key string) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			first, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			n, _ := strconv.ParseInt(first, 10, 64)
			return n
		}
	}
	return 0
}
