package volume

// A copy of a directory of an image: owners, modes, times, extended attributes (with ACLs and
// file capabilities), hard links, devices and holes are those of the source. Nobody else
// writes to the source, which is mounted for the copy, nor to the new volume.

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Copy copies the contents and the attributes of the open directory from into the open, empty
// directory to.
func Copy(to, from *os.File) error {
	c := &copier{top: int(to.Fd()), links: make(map[inode]string)}
	return c.dir(to, from, "")
}

type inode struct{ dev, ino uint64 }

// copier is one call of Copy.
type copier struct {
	top   int              // the target
	links map[inode]string // paths below it of the copies of inodes that have several names
}

// dir copies the contents of a directory, then its attributes. name is its path.
func (c *copier) dir(to, from *os.File, name string) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(from.Fd()), &st); err != nil {
		return copyError("stat", name, err)
	}
	for {
		bases, err := from.Readdirnames(256)
		for _, base := range bases {
			if err := c.entry(to, from, base, path.Join(name, base)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return setAttributes(to, from, &st, name)
		}
		if err != nil {
			return copyError("read directory", name, err)
		}
	}
}

// entry copies a name of a directory.
func (c *copier) entry(to, from *os.File, base, name string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(int(from.Fd()), base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return copyError("stat", name, err)
	}
	kind := st.Mode & unix.S_IFMT
	// a second name of a file
	key := inode{uint64(st.Dev), st.Ino}
	if first, ok := c.links[key]; ok {
		return copyError("link", name, unix.Linkat(c.top, first, int(to.Fd()), base, 0))
	}
	if st.Nlink > 1 && kind != unix.S_IFDIR {
		c.links[key] = name
	}
	// what has no contents to open
	switch kind {
	case unix.S_IFDIR, unix.S_IFREG:
		return c.opened(to, from, &st, base, name)
	case unix.S_IFLNK:
		text := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(int(from.Fd()), base, text)
		if err == nil {
			err = unix.Symlinkat(string(text[:max(n, 0)]), int(to.Fd()), base)
		}
		if err != nil {
			return copyError("symlink", name, err)
		}
	default:
		if err := unix.Mknodat(int(to.Fd()), base, st.Mode, int(st.Rdev)); err != nil {
			return copyError("mknod", name, err)
		}
	}
	err := unix.Fchownat(int(to.Fd()), base, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && kind != unix.S_IFLNK {
		err = unix.Fchmodat(int(to.Fd()), base, st.Mode&0o7777, 0)
	}
	if err == nil {
		err = unix.UtimesNanoAt(int(to.Fd()), base, []unix.Timespec{st.Atim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW)
	}
	return copyError("copy", name, err)
}

// opened copies a directory or a regular file.
func (c *copier) opened(to, from *os.File, st *unix.Stat_t, base, name string) error {
	kind, create := 0, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		kind, create = unix.O_DIRECTORY, unix.O_DIRECTORY
		if err := unix.Mkdirat(int(to.Fd()), base, 0o700); err != nil {
			return copyError("mkdir", name, err)
		}
	}
	source, err := openat(from, base, unix.O_RDONLY|kind)
	if err != nil {
		return copyError("open", name, err)
	}
	defer source.Close()
	target, err := openat(to, base, create)
	if err != nil {
		return copyError("create", name, err)
	}
	defer target.Close()
	if kind != 0 {
		return c.dir(target, source, name)
	}
	if err := copyData(target, source, st.Size); err != nil {
		return copyError("copy", name, err)
	}
	return setAttributes(target, source, st, name)
}

func openat(dir *os.File, base string, flags int) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), base, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), base), nil
}

// copyData copies the bytes of a file, and leaves its holes (lseek(2)) out.
func copyData(to, from *os.File, size int64) error {
	for at := int64(0); at < size; {
		data, err := unix.Seek(int(from.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // nothing but a hole
			break
		}
		if err != nil {
			return err
		}
		hole, err := unix.Seek(int(from.Fd()), data, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		for _, f := range []*os.File{to, from} {
			if _, err := f.Seek(data, io.SeekStart); err != nil {
				return err
			}
		}
		if _, err := io.CopyN(to, from, hole-data); err != nil {
			return err
		}
		at = hole
	}
	return to.Truncate(size)
}

// setAttributes sets the attributes of a copy. Capabilities follow the owner and the mode,
// which would remove them (capabilities(7)).
func setAttributes(to, from *os.File, st *unix.Stat_t, name string) error {
	fd := int(to.Fd())
	err := unix.Fchown(fd, int(st.Uid), int(st.Gid))
	if err == nil {
		err = unix.Fchmod(fd, st.Mode&0o7777)
	}
	if err == nil {
		err = copyXattrs(fd, int(from.Fd()))
	}
	if err == nil {
		err = unix.UtimesNanoAt(fd, "", []unix.Timespec{st.Atim, st.Mtim}, unix.AT_EMPTY_PATH)
	}
	return copyError("set the attributes of", name, err)
}

// copyXattrs copies the extended attributes of a file, but for its SELinux label: a file has
// that of its place.
func copyXattrs(to, from int) error {
	names := make([]byte, 64<<10) // XATTR_LIST_MAX, as XATTR_SIZE_MAX
	n, err := unix.Flistxattr(from, names)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return err
	}
	var value []byte
	for name := range strings.SplitSeq(string(names[:n]), "\x00") {
		if name == "" || name == "security.selinux" {
			continue
		}
		if value == nil {
			value = make([]byte, 64<<10)
		}
		n, err := unix.Fgetxattr(from, name, value)
		if err != nil {
			return fmt.Errorf("fgetxattr %s: %w", name, err)
		}
		if err := unix.Fsetxattr(to, name, value[:n], 0); err != nil {
			return fmt.Errorf("fsetxattr %s: %w", name, err)
		}
	}
	return nil
}

func copyError(operation, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q of the image: %w", operation, "/"+name, err)
}
