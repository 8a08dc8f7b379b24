package layers

// How a layer says that a name is gone. In the tar, it is an empty file
// ".wh.NAME" in the directory of NAME (image-spec, layer.md, "Whiteouts"); in
// overlayfs, a character device 0:0 of that name. A directory whose lower
// contents are hidden is opaque: in the tar it has a file ".wh..wh..opq", in
// overlayfs the attribute trusted.overlay.opaque (the kernel's
// Documentation/filesystems/overlayfs.rst).
//
// A whiteout is about the layers below, wherever it stands in the tar: a layer
// with both .wh.NAME and NAME replaces the one by the other. If NAME is a file,
// the file alone says so; a directory NAME becomes opaque.

import (
	"archive/tar"
	"fmt"
	"path"
	"strings"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

const (
	whiteoutPrefix = ".wh."
	metaPrefix     = whiteoutPrefix + ".wh."
	opaqueMark     = metaPrefix + ".opq"
	opaqueXattr    = "trusted.overlay.opaque"
)

// A Marker is what the name of a tar entry says about the layers below.
type Marker uint8

const (
	Plain      Marker = iota // nothing: the entry is a file, directory, link or device
	Whiteout                 // the path does not exist above them
	Opaque                   // the contents of the directory are hidden
	Pseudolink               // it is what hard links of aufs refer to: see aufs.go
	Meta                     // metadata of aufs, or an entry without a name: to be ignored
)

// ParseHeader parses the name in a header as ParseName does. What has no name and is
// not a directory, the root, is ignored, as docker does.
func ParseHeader(h *tar.Header) (string, Marker, error) {
	if h.Name == "" && h.Typeflag != tar.TypeDir {
		return "", Meta, nil
	}
	name, marker, err := ParseName(h.Name)
	if IsPseudolink(name) && marker == Meta && h.Typeflag == tar.TypeReg {
		marker = Pseudolink
	}
	return name, marker, err
}

// ParseName parses the name of a tar entry. It returns the path that the entry
// is about, relative to the root of the layer, which is "", and its marker. A
// name outside is an error, and so is a whiteout of no name.
func ParseName(name string) (string, Marker, error) {
	name, err := Clean(name)
	if err != nil {
		return "", Plain, err
	}
	if strings.HasPrefix(name, metaPrefix) && name != opaqueMark {
		return name, Meta, nil
	}
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	if base == opaqueMark {
		return dir, Opaque, nil
	}
	hidden, ok := strings.CutPrefix(base, whiteoutPrefix)
	switch {
	case !ok:
		return name, Plain, nil
	case hidden == "" || hidden == "." || hidden == "..":
		return "", Plain, fmt.Errorf("whiteout of %q: invalid name", hidden)
	}
	return path.Join(dir, hidden), Whiteout, nil
}

// whiteout hides name in the layers below. A directory of that name becomes
// opaque; any other file hides what is below already.
func whiteout(parent int, name string) error {
	err := unix.Mknodat(parent, name, unix.S_IFCHR, 0)
	if err == unix.EPERM {
		return hint.New(sys("mknodat", err), noWhiteout)
	}
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

const noWhiteout = "the filesystem of the store takes no whiteouts, as another overlay in a container: " +
	"name a directory on ext4, xfs, btrfs or tmpfs: minictr --root DIR …"

func setOpaque(dir int) error {
	return sys("fsetxattr "+opaqueXattr, unix.Fsetxattr(dir, opaqueXattr, []byte("y"), 0))
}

// IsOpaque reports whether an open directory of an overlay is opaque.
func IsOpaque(dir int) bool {
	var y [1]byte
	n, err := unix.Fgetxattr(dir, opaqueXattr, y[:])
	return err == nil && n == 1 && y[0] == 'y'
}

func isWhiteout(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0
}
