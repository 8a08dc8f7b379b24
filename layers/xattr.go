package layers

import (
	"archive/tar"
	"errors"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// PAXXattr begins the name of an attribute in a tar's header.
const PAXXattr = "SCHILY.xattr."

// setXattrs sets the extended attributes an image may bring: file
// capabilities, and the user's own. All others are dropped. trusted.* and
// user.overlay.* are how overlayfs keeps its notes: a layer that brought them
// could hide, redirect or replace files of other layers. security.selinux and
// its like, and ACLs, speak of the machine the image was made on.
func (u *unpacker) setXattrs(fd int, h *tar.Header) error {
	for _, key := range slices.Sorted(maps.Keys(h.PAXRecords)) {
		name, ok := strings.CutPrefix(key, PAXXattr)
		if !ok || !AllowedXattr(name) {
			continue
		}
		err := sys("fsetxattr "+name, unix.Fsetxattr(fd, name, []byte(h.PAXRecords[key]), 0))
		if u.target != nil && errors.Is(err, unix.ENOTSUP) {
			u.target.Skipped(h.Name, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// AllowedXattr tells whether an image or a copy may bring the attribute.
func AllowedXattr(name string) bool {
	return name == "security.capability" ||
		strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, "user.overlay.")
}
