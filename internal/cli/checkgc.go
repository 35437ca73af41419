package cli

import (
	"math"
	"runtime"
	"runtime/debug"
)

// collectLater puts the first garbage collection off until the process holds
// limit bytes, and goes on with percent from there. A repository of ordinary
// size is then judged without any: for caddy that is half of the processor
// time. A large one ends with the same peak as before.
func collectLater(limit int64, percent int) {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(limit)
	// Nothing refers to this, so the first collection finds it.
	first := new([64]byte)
	runtime.AddCleanup(first, func(percent int) {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	}, percent)
}
