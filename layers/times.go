package layers

// A directory has the modification time of its entry, but making a file in it
// changes that. So the times of directories are set when the tree is complete.
//
// By then a path may lead elsewhere: of two entries of one name the later wins,
// and a symbolic link may have replaced the directory or one of its parents.
// Hence the path is resolved again below the root of the layer, not through a
// link at its end, and must lead to the same inode. Otherwise the directory was
// replaced, and no time is set.

import (
	"archive/tar"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// dirTime is the modification time of a directory, to be set at the end.
type dirTime struct {
	path  string
	inode uint64
	time  time.Time
}

// finishDir sets owner, mode and attributes of a directory, and notes its time.
func (u *unpacker) finishDir(fd int, name string, h *tar.Header) error {
	u.names += len(name)
	if u.names > u.max.Names {
		return fmt.Errorf("directory names of a layer exceed %d bytes", u.max.Names)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return sys("fstat", err)
	}
	u.dirs = append(u.dirs, dirTime{name, st.Ino, h.ModTime})
	return u.finish(fd, h)
}

// setTimes sets the times of the directories that still exist.
func (u *unpacker) setTimes() error {
	for _, f := range u.dirs {
		fd, err := u.lookup(f.path, unix.O_NOFOLLOW)
		switch err {
		case nil:
		case unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ENAMETOOLONG, unix.EXDEV: // dangling links
			continue
		default:
			return fmt.Errorf("open %q: %w", f.path, err)
		}
		err = f.set(fd)
		unix.Close(fd)
		if err != nil {
			return fmt.Errorf("set times of %q: %w", f.path, err)
		}
	}
	return nil
}

// set sets the time of the directory fd, unless it is another one.
func (f *dirTime) set(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return sys("fstat", err)
	}
	if st.Ino != f.inode {
		return nil
	}
	return setTimes(fd, f.time)
}

func setTimes(fd int, t time.Time) error {
	return utimensat(fd, "", t, unix.AT_EMPTY_PATH)
}

func utimensat(dir int, name string, t time.Time, flags int) error {
	ts, err := unix.TimeToTimespec(t)
	if err != nil {
		return err
	}
	return sys("utimensat", unix.UtimesNanoAt(dir, name, []unix.Timespec{ts, ts}, flags))
}
