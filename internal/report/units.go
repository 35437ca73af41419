package report

import (
	"fmt"
	"time"
)

// MB is the unit of all sizes: 10^6 bytes, as registries and disks count.
const MB = 1_000_000

// Bytes gives a size in MB with one decimal: 7.3 MB. What would round to
// nothing without being nothing is <0.1 MB.
func Bytes(n int64) string {
	if n > 0 && n < MB/20 {
		return "<0.1 MB"
	}
	return fmt.Sprintf("%.1f MB", float64(n)/MB)
}

// Duration gives a time at the precision a person reads: 340 ms, 3.1 s, 45 s,
// 2m05s, 1h02m.
func Duration(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 999500*time.Microsecond:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 9950*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 59500*time.Millisecond:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour-500*time.Millisecond:
		s := int(d.Round(time.Second).Seconds())
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	m := int(d.Round(time.Minute).Minutes())
	return fmt.Sprintf("%dh%02dm", m/60, m%60)
}
