package layers

// What a tar entry becomes, call by call. The order matters: chown(2) clears
// the setuid bits and file capabilities, so the owner comes first; anything
// later would change the time, so the time comes last.

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// node makes the entry under the name base in the folder parent; name is its
// whole path.
func (u *unpacker) node(parent int, base, name string, h *tar.Header, body io.Reader) error {
	err := u.create(parent, base, name, h, body)
	if !errors.Is(err, unix.EEXIST) {
		return err
	}
	if u.target != nil {
		if err := displace(parent, base, h.Typeflag == tar.TypeDir); err != nil {
			return err
		}
		return u.create(parent, base, name, h, body)
	}
	hid, err := replace(parent, base, h.Typeflag == tar.TypeDir)
	if err != nil {
		return err
	}
	if err := u.create(parent, base, name, h, body); err != nil || !hid || h.Typeflag != tar.TypeDir {
		return err
	}
	return whiteout(parent, base)
}

// replace takes away what an earlier entry put in this one's place, but for a
// folder that a folder replaces. It says whether that was a whiteout.
func replace(parent int, base string, byFolder bool) (hid bool, err error) {
	st, err := lstat(parent, base)
	if err != nil {
		return false, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return isWhiteout(st), unlink(parent, base, 0)
	}
	if byFolder {
		return false, nil
	}
	return false, os.RemoveAll(fmt.Sprintf("/proc/self/fd/%d/%s", parent, base))
}

// make makes the entry. It fails with EEXIST where there is something else.
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
	return fmt.Errorf("unknown type of entry %q", h.Typeflag)
}

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

// makeFolder makes a folder, or takes the one that is there, and opens it.
// Its mode is exactly 0755, whatever the umask is.
func makeDir(parent int, base string) (int, error) {
	made := unix.Mkdirat(parent, base, 0o755)
	if made != nil && made != unix.EEXIST {
		return -1, sys("mkdirat", made)
	}
	fd, err := unix.Openat(parent, base, openDir|unix.O_NOFOLLOW, 0)
	if err == unix.ENOTDIR || err == unix.ELOOP {
		return -1, unix.EEXIST
	}
	if err != nil {
		return -1, sys("openat", err)
	}
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

// link makes a hard link to an entry before it. Its owner, mode and time are
// that entry's already. An entry of a lower layer cannot be linked to: what a
// layer holds does not depend on what lies below.
func (u *unpacker) link(parent int, base, target string) error {
	to, err := clean(target)
	if err != nil {
		return fmt.Errorf("link to %q: %w", target, err)
	}
	dir, last := path.Split(to)
	folder, err := u.lookup(strings.TrimSuffix(dir, "/"), 0)
	if err != nil {
		return fmt.Errorf("link to %q in this layer: %w", target, err)
	}
	defer unix.Close(folder)
	if err := unix.Linkat(folder, last, parent, base, 0); err != nil {
		return fmt.Errorf("link to %q in this layer: %w", target, err)
	}
	return nil
}

// special makes a device or a FIFO.
func special(parent int, base string, kind uint32, h *tar.Header) error {
	var dev uint64
	if kind != unix.S_IFIFO {
		if uint64(h.Devmajor) > math.MaxUint32 || uint64(h.Devminor) > math.MaxUint32 {
			return fmt.Errorf("device %d:%d", h.Devmajor, h.Devminor)
		}
		dev = unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))
	}
	if err := unix.Mknodat(parent, base, kind, int(dev)); err != nil {
		return sys("mknodat", err)
	}
	if err := finishName(parent, base, h); err != nil {
		return err
	}
	return chmod(parent, base, kind, mode(h))
}

// chmod sets the mode of what cannot be opened for that. fchmodat(2) follows
// symbolic links, and in a tree that is in use the name may be one by now: so it
// is held, looked at, and changed by its descriptor.
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
		return errors.New("it was replaced meanwhile")
	}
	return sys("chmod", unix.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), mode))
}

// finish sets all but the times, through the descriptor.
func (u *unpacker) finish(fd int, h *tar.Header) error {
	uid, gid, err := owner(h)
	if err != nil {
		return err
	}
	if err := unix.Fchown(fd, uid, gid); err != nil {
		return sys("fchown", err)
	}
	if err := unix.Fchmod(fd, mode(h)); err != nil {
		return sys("fchmod", err)
	}
	return u.setXattrs(fd, h)
}

// finishName sets owner and times of what cannot be opened for that: symbolic
// links, devices, FIFOs. Neither call follows a link.
func finishName(parent int, base string, h *tar.Header) error {
	uid, gid, err := owner(h)
	if err != nil {
		return err
	}
	if err := unix.Fchownat(parent, base, uid, gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return sys("fchownat", err)
	}
	return utimensat(parent, base, h.ModTime, unix.AT_SYMLINK_NOFOLLOW)
}

// owner checks the ids: -1 means "leave as it is" to chown(2), and larger
// ones would be cut off.
func owner(h *tar.Header) (uid, gid int, err error) {
	for _, id := range []int{h.Uid, h.Gid} {
		if id < 0 || int64(id) >= math.MaxUint32 {
			return 0, 0, fmt.Errorf("owner %d:%d is not a 32-bit number", h.Uid, h.Gid)
		}
	}
	return h.Uid, h.Gid, nil
}

func mode(h *tar.Header) uint32 { return uint32(h.Mode) & 0o7777 }

func lstat(parent int, base string) (*unix.Stat_t, error) {
	var st unix.Stat_t
	return &st, unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW)
}

func unlink(parent int, base string, flags int) error {
	return sys("unlinkat", unix.Unlinkat(parent, base, flags))
}

// sys puts the call's name before its error. The entry's name is put
// before both by whoever knows it.
func sys(call string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", call, err)
}
