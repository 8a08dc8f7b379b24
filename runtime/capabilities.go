package runtime

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Permitted is the capabilities of this process, a bit for each (capget(2)), for
// plan.Options: no container can be given others.
func Permitted() (set uint64, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var halves [2]unix.CapUserData
	if err := unix.Capget(&header, &halves[0]); err != nil {
		return 0, fmt.Errorf("capget: %w", err)
	}
	return uint64(halves[0].Permitted) | uint64(halves[1].Permitted)<<32, nil
}
