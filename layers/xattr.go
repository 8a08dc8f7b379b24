package layers

import (
	"archive/tar"
	"errors"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// PAXXattr is the prefix of an extended attribute among the PAX records of a tar
// header, as GNU tar and star write it.
const PAXXattr = "SCHILY.xattr."

// setXattrs sets the extended attributes that an image may have: file
// capabilities, user attributes and ACLs (acl(5)), whose users and groups are
// numbers, as the owner of a file is. It drops all others. overlayfs keeps its
// metadata in trusted.* and user.overlay.*: a layer with these could hide,
// redirect or replace files of other layers. security.selinux and the like are
// about the machine the image was built on.
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

// AllowedXattr reports whether unpacking sets an attribute: security.capability,
// ACLs, and user.*, except user.overlay.*.
func AllowedXattr(name string) bool {
	return name == "security.capability" ||
		name == "system.posix_acl_access" || name == "system.posix_acl_default" ||
		strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, "user.overlay.")
}
