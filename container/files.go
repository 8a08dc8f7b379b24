package container

// Files of a container that runs, which may have made anything of them: a link to
// the host's, a FIFO, a device. So a path is looked up below a descriptor of the
// container's root, which no link leaves (openat2(2)); what is found is opened only
// when it is known to be a regular file, and none of proc(5): those are the kernel's
// words, and some make who reads them wait.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// rootFiles are the regular files below a folder, which is a descriptor.
type rootFiles int

// Open opens a file to be read.
func (root rootFiles) Open(name string) (fs.File, error) {
	f, err := root.open(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: "/" + name, Err: err}
	}
	return f, nil
}

func (root rootFiles) open(name string) (*os.File, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(int(root), name, &how)
	for errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) { // something was renamed meanwhile
		fd, err = unix.Openat2(int(root), name, &how)
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
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
		return nil, errors.New("not a regular file, but one of procfs")
	}
	return os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", fd), os.O_RDONLY|unix.O_NONBLOCK, 0)
}
