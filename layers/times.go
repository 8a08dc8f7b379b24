package layers

// A folder's time is that of its entry, but it changes with whatever is made
// in the folder. So all folders get theirs when the layer is whole.
//
// By then a path may lead elsewhere: of two entries of one name the later
// wins, and a symbolic link may have taken the folder's place, or that of one
// on the way to it. Hence the path is followed once more below the layer's
// root, never through a link at its end, and what it leads to must be the
// very folder that the entry was about: the same inode. Else that folder is no
// more, and nothing has its time.

import (
	"archive/tar"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// folderTime is the time that a folder is to have.
type dirTime struct {
	path  string
	inode uint64
	time  time.Time
}

// finishFolder sets all of a folder but the time.
func (u *unpacker) finishDir(fd int, name string, h *tar.Header) error {
	u.names += len(name)
	if u.names > u.max.Names {
		return fmt.Errorf("folders of a layer or a copy: more than %d bytes in their names", u.max.Names)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return sys("fstat", err)
	}
	u.dirs = append(u.dirs, dirTime{name, st.Ino, h.ModTime})
	return u.finish(fd, h)
}

// setTimes gives the folders that are still there the times they had.
func (u *unpacker) setTimes() error {
	for _, f := range u.dirs {
		fd, err := u.lookup(f.path, unix.O_NOFOLLOW)
		switch err {
		case nil:
		case unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ENAMETOOLONG, unix.EXDEV: // links lead nowhere
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

// set sets the time of the folder fd, if it is the one.
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
