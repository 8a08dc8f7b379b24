package layers

// A tar entry becomes a file by a few calls, whose order matters: chown(2)
// clears setuid bits and file capabilities, so the owner is set first; later
// calls change the modification time, so it is set last.

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

// node makes an entry named base in the directory parent, in place of an
// existing file of that name. Name is its full path.
func (u *unpacker) node(parent int, base, name string, h *tar.Header, body io.Reader) error {
	err := u.create(parent, base, name, h, body)
	if !errors.Is(err, unix.EEXIST) {
		return err
	}
	// in an existing directory: replace a file of the same kind
	if u.target != nil {
		if err := displace(parent, base, h.Typeflag == tar.TypeDir); err != nil {
			return err
		}
		return u.create(parent, base, name, h, body)
	}
	// in a layer: replace what an earlier entry made
	hid, err := replace(parent, base, h.Typeflag == tar.TypeDir)
	if err != nil {
		return err
	}
	if err := u.create(parent, base, name, h, body); err != nil || !hid || h.Typeflag != tar.TypeDir {
		return err
	}
	return whiteout(parent, base)
}

// replace removes what an earlier entry made under this name, unless both are
// directories. It reports whether it removed a whiteout.
func replace(parent int, base string, byDir bool) (hid bool, err error) {
	st, err := lstat(parent, base)
	if err != nil {
		return false, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return isWhiteout(st), unlink(parent, base, 0)
	}
	if byDir {
		return false, nil
	}
	return false, owned.RemoveAll(fmt.Sprintf("/proc/self/fd/%d/%s", parent, base))
}

// create makes an entry. It fails with EEXIST if the name exists, unless the
// file and the entry are both directories.
func (u *unpacker) create(parent int, base, name string, h *tar.Header, body io.Reader) error {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		return u.file(parent, base, h, body)
	case tar.TypeDir:
		fd, err := makeDir(parent, base)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return u.finishDir(fd, name, h)
	case tar.TypeSymlink:
		if err := unix.Symlinkat(h.Linkname, parent, base); err != nil {
			return sys("symlinkat", err)
		}
		return finishName(parent, base, h)
	case tar.TypeLink:
		return u.link(parent, base, h.Linkname)
	case tar.TypeChar:
		return special(parent, base, unix.S_IFCHR, h)
	case tar.TypeBlock:
		return special(parent, base, unix.S_IFBLK, h)
	case tar.TypeFifo:
		return special(parent, base, unix.S_IFIFO, h)
	}
	return fmt.Errorf("unknown entry type %q", h.Typeflag)
}

// file makes a regular file.
func (u *unpacker) file(parent int, base string, h *tar.Header, body io.Reader) error {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(parent, base, flags, 0o600)
	if err != nil {
		return sys("openat", err)
	}
	defer unix.Close(fd)
	if err := writeSparse(fd, h.Size, body, u.buf); err != nil {
		return err
	}
	u.size += h.Size
	if err := u.finish(fd, h); err != nil {
		return err
	}
	return setTimes(fd, h.ModTime)
}

// makeDir makes a directory, or takes an existing one, and opens it. A new one
// belongs to root and has mode 0755, whatever the umask is.
func makeDir(parent int, base string) (int, error) {
	made := unix.Mkdirat(parent, base, 0o755)
	if made != nil && made != unix.EEXIST {
		return -1, sys("mkdirat", made)
	}
	// open it; another kind of file has the name if that fails
	fd, err := unix.Openat(parent, base, openDir|unix.O_NOFOLLOW, 0)
	if err == unix.ENOTDIR || err == unix.ELOOP {
		return -1, unix.EEXIST
	}
	if err != nil {
		return -1, sys("openat", err)
	}
	// give a new one its owner and mode
	if made == nil {
		if err = unix.Fchown(fd, 0, 0); err == nil {
			err = unix.Fchmod(fd, 0o755)
		}
	}
	if err != nil {
		unix.Close(fd)
		return -1, sys("fchown", err)
	}
	return fd, nil
}

// link makes a hard link to an earlier entry, whose owner, mode and time it
// shares. A file of a lower layer cannot be linked to: what a layer holds does
// not depend on the layers below.
func (u *unpacker) link(parent int, base, target string) error {
	to, err := Clean(target)
	if err != nil {
		return fmt.Errorf("link to %q: %w", target, err)
	}
	if IsPseudolink(to) {
		return u.linkPseudolink(parent, base, to)
	}
	dir, last := path.Split(to)
	fd, err := u.lookup(strings.TrimSuffix(dir, "/"), 0)
	if err != nil {
		return fmt.Errorf("link to %q in this layer: %w", target, err)
	}
	defer unix.Close(fd)
	if err := unix.Linkat(fd, last, parent, base, 0); err != nil {
		return fmt.Errorf("link to %q in this layer: %w", target, err)
	}
	return nil
}

// special makes a device or a FIFO.
func special(parent int, base string, kind uint32, h *tar.Header) error {
	var dev uint64
	if kind != unix.S_IFIFO {
		major, minor, err := Device(h)
		if err != nil {
			return err
		}
		dev = unix.Mkdev(major, minor)
	}
	if err := unix.Mknodat(parent, base, kind, int(dev)); err != nil {
		return sys("mknodat", err)
	}
	if err := finishName(parent, base, h); err != nil {
		return err
	}
	return chmod(parent, base, kind, mode(h))
}

// chmod sets the mode of a file that cannot be opened for writing. fchmodat(2)
// follows symbolic links, and in a tree that is in use the name may be one by
// now: so chmod opens the file with O_PATH, checks its type and changes that.
func chmod(parent int, base string, kind, mode uint32) error {
	fd, err := unix.Openat(parent, base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return sys("openat", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return sys("fstat", err)
	}
	if st.Mode&unix.S_IFMT != kind {
		return errors.New("replaced by another process")
	}
	return sys("chmod", unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), mode))
}

// finish sets owner, mode and attributes of an open file.
func (u *unpacker) finish(fd int, h *tar.Header) error {
	uid, gid, err := Owner(h)
	if err != nil {
		return err
	}
	if err := unix.Fchown(fd, int(uid), int(gid)); err != nil {
		return sys("fchown", err)
	}
	if err := unix.Fchmod(fd, mode(h)); err != nil {
		return sys("fchmod", err)
	}
	return u.setXattrs(fd, h)
}

// finishName sets owner and times of a file that cannot be opened for that: a
// symbolic link, device or FIFO. Neither call follows a link.
func finishName(parent int, base string, h *tar.Header) error {
	uid, gid, err := Owner(h)
	if err != nil {
		return err
	}
	if err := unix.Fchownat(parent, base, int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return sys("fchownat", err)
	}
	return utimensat(parent, base, h.ModTime, unix.AT_SYMLINK_NOFOLLOW)
}

// Owner returns the user and group ID of an entry. An ID that is not below
// 2^32-1 is an error: chown(2) would truncate it, or take it for -1, "unchanged".
func Owner(h *tar.Header) (uid, gid uint32, err error) {
	for _, id := range []int{h.Uid, h.Gid} {
		if id < 0 || int64(id) >= math.MaxUint32 {
			return 0, 0, fmt.Errorf("owner %d:%d is not a 32-bit number", h.Uid, h.Gid)
		}
	}
	return uint32(h.Uid), uint32(h.Gid), nil
}

// Device returns the numbers of a device entry. They are of 32 bits at most.
func Device(h *tar.Header) (major, minor uint32, err error) {
	if uint64(h.Devmajor) > math.MaxUint32 || uint64(h.Devminor) > math.MaxUint32 {
		return 0, 0, fmt.Errorf("device %d:%d: number out of range", h.Devmajor, h.Devminor)
	}
	return uint32(h.Devmajor), uint32(h.Devminor), nil
}

func mode(h *tar.Header) uint32 { return uint32(h.Mode) & 0o7777 }

func lstat(parent int, base string) (*unix.Stat_t, error) {
	var st unix.Stat_t
	return &st, unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW)
}

func unlink(parent int, base string, flags int) error {
	return sys("unlinkat", unix.Unlinkat(parent, base, flags))
}

// sys puts the name of a system call before its error.
func sys(call string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", call, err)
}
