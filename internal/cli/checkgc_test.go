package cli

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
)

// TestCollectLater sees the collector off before its first run and as it was
// asked for after it.
func TestCollectLater(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) }()
	collectLater(1<<30, 70)
	if got := debug.SetMemoryLimit(-1); got != 1<<30 {
		t.Errorf("the limit is %d", got)
	}
	for debug.SetMemoryLimit(-1) != math.MaxInt64 { // go test's own limit ends a wait for nothing
		runtime.GC()
	}
	if got := debug.SetGCPercent(100); got != 70 {
		t.Errorf("percent is %d", got)
	}
}
