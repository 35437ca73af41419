package rootfs

import (
	"strconv"

	"github.com/slipway-build/slipway/internal/fault"
	"github.com/slipway-build/slipway/internal/i18n"
)

// refuse is the error of a layer that breaks the rules; why names the layer.
func refuse(why i18n.Message) error {
	return fault.UsageError(why, i18n.M("rootfs.refused.hint"))
}

// quote puts a name of foreign origin on one line, and bounds it.
func quote(name string) string {
	const most = 120
	if len(name) > most {
		return strconv.Quote(name[:most/2]) + "…" + strconv.Quote(name[len(name)-most/2:])
	}
	return strconv.Quote(name)
}
