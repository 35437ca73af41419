package compare

import (
	"crypto/sha256"
	"runtime"
	"time"
)

// Machine says where it was measured.
type Machine struct {
	OS        string  `json:"os"`
	Arch      string  `json:"arch"`
	CPU       string  `json:"cpu,omitempty"` // model
	CPUs      int     `json:"cpus"`
	Governor  string  `json:"governor,omitempty"` // of the clock of the processor
	Kernel    string  `json:"kernel,omitempty"`
	Memory    int64   `json:"memory,omitempty"` // bytes
	LoadBegan float64 `json:"loadBegan"`        // load average of the last minute
	LoadEnded float64 `json:"loadEnded"`
}

// Noise says how quiet the machine was.
type Noise struct {
	// Spin are the times of a fixed piece of work, in nanoseconds, one before
	// each round. On a quiet machine they are all the same.
	Spin []float64 `json:"spin,omitempty"`
	// Steal is the part of the processor time that the host of a virtual
	// machine gave to others.
	Steal float64 `json:"steal"`
	// Busy is the part of the processor time that was used, by whomever.
	Busy float64 `json:"busy"`
}

// Spread is how much longer the work took in the slowest tenth than in the
// fastest of all rounds, as a part of it.
func (n Noise) Spread() float64 {
	if len(n.Spin) == 0 {
		return 0
	}
	s := Summarize(n.Spin, 0.95)
	if s.Min <= 0 {
		return 0
	}
	return s.P90.Value/s.Min - 1
}

// spin does a fixed piece of work, some 1.5 ms, and says how long it took.
func spin() float64 {
	var block [8 << 10]byte
	sum := sha256.Sum256(nil)
	began := time.Now()
	for range 192 {
		copy(block[:], sum[:])
		sum = sha256.Sum256(block[:])
	}
	took := time.Since(began)
	runtime.KeepAlive(sum)
	return float64(took)
}

// ticks are counters of processor time.
type ticks struct{ busy, steal, all float64 }

func (n *Noise) between(a, b ticks) {
	if d := b.all - a.all; d > 0 {
		n.Steal, n.Busy = (b.steal-a.steal)/d, (b.busy-a.busy)/d
	}
}
