package layers

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const paxXattr = "SCHILY.xattr."

// setXattrs sets the extended attributes an image may bring: file
// capabilities, and the user's own. All others are dropped. trusted.* and
// user.overlay.* are how overlayfs keeps its notes: a layer that brought them
// could hide, redirect or replace files of other layers. security.selinux and
// its like, and ACLs, speak of the machine the image was made on.
func setXattrs(fd int, pax map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(pax)) {
		name, ok := strings.CutPrefix(key, paxXattr)
		if !ok || !allowedXattr(name) {
			continue
		}
		if err := unix.Fsetxattr(fd, name, []byte(pax[key]), 0); err != nil {
			return sys("fsetxattr "+name, err)
		}
	}
	return nil
}

func allowedXattr(name string) bool {
	return name == "security.capability" ||
		strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, "user.overlay.")
}
