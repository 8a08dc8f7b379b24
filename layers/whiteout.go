package layers

// How a layer says "gone". In the tar, an empty file ".wh.name" beside where
// name was (image-spec, layer.md). In overlayfs, a character device 0:0 of
// that very name. And "everything that was in this folder": in the tar a file
// ".wh..wh..opq" in it, in overlayfs the attribute trusted.overlay.opaque.
//
// A whiteout speaks of the layers below only, wherever it stands in the tar:
// a layer that has both .wh.name and name replaces the one by the other. For
// a file, name alone says that; a folder of that name is opaque.

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	whiteoutPrefix = ".wh."
	metaPrefix     = whiteoutPrefix + ".wh."
	opaqueMark     = metaPrefix + ".opq"
	opaqueXattr    = "trusted.overlay.opaque"
)

// whiteout hides name in the layers below.
func whiteout(parent int, name string) error {
	switch name {
	case "", ".", "..":
		return fmt.Errorf("whiteout of %q", name)
	}
	err := unix.Mknodat(parent, name, unix.S_IFCHR, 0)
	if err != unix.EEXIST {
		return sys("mknodat", err)
	}
	fd, err := unix.Openat(parent, name, openDir|unix.O_NOFOLLOW, 0)
	if err == unix.ENOTDIR || err == unix.ELOOP {
		return nil
	}
	if err != nil {
		return sys("openat", err)
	}
	defer unix.Close(fd)
	return setOpaque(fd)
}

func setOpaque(folder int) error {
	return sys("fsetxattr "+opaqueXattr, unix.Fsetxattr(folder, opaqueXattr, []byte("y"), 0))
}

func isOpaque(folder int) bool {
	var y [1]byte
	n, err := unix.Fgetxattr(folder, opaqueXattr, y[:])
	return err == nil && n == 1 && y[0] == 'y'
}

func isWhiteout(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0
}
