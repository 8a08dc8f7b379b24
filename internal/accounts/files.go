package accounts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Files is a file system (fs.FS) of the regular files below a directory, which is an open
// descriptor. No path leads out of the directory, and Open never blocks.
type Files int

// Open opens a regular file for reading.
func (root Files) Open(name string) (fs.File, error) {
	f, err := root.open(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: "/" + name, Err: err}
	}
	return f, nil
}

// open looks the name up as the container would, and checks what it found before it opens
// it: a FIFO or /proc/kmsg would block, and a device might act.
func (root Files) open(name string) (*os.File, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(int(root), name, &how)
	for errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) { // a rename raced with the lookup
		fd, err = unix.Openat2(int(root), name, &how)
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	// only regular files that are not procfs's
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.New("not a regular file")
	}
	var system unix.Statfs_t
	if err := unix.Fstatfs(fd, &system); err != nil {
		return nil, err
	}
	if system.Type == unix.PROC_SUPER_MAGIC {
		return nil, errors.New("not a regular file: in procfs")
	}
	return os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDONLY|unix.O_NONBLOCK, 0)
}
