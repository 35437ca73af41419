//go:build !linux

package probe

import "runtime"

func (u *User) kernel(System) {
	u.Kernel = runtime.GOOS + " " + runtime.GOARCH
	u.Effective, u.Bounding = []string{}, []string{}
}
