//go:build !linux

package compare

import "github.com/slipway-build/slipway/internal/i18n"

func usage(int, map[Metric]float64) {}

func dropFile(string) error { return &errCell{msg: i18n.M("compare.cold.system")} }
