package rootfs

import (
	"errors"
	"fmt"
	goruntime "runtime"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// bareTaskRoot returns a descriptor of the container's root filesystem, which is mounted at dir,
// without the mounts in it. The error is state.ErrNotRunning or state.ErrNotExist if it has no process.
func bareTaskRoot(c *container.Container, dir string) (int, error) {
	_, pidfd, err := openTask(c)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	return cloneRoot(pidfd, dir)
}

// cloneRoot clones the mount at a directory of a process's mount namespace alone, not those in it
// (open_tree(2)). The root of the process itself may be elsewhere: it may call chroot(2). A
// mount is cloned only in its namespace, which a thread enters for it; the clone is in none.
func cloneRoot(pidfd int, dir string) (fd int, err error) {
	const flags = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_SYMLINK_NOFOLLOW
	cloned := make(chan error)
	go func() {
		goruntime.LockOSThread() // for good: the thread exits with this function
		cloned <- func() error {
			// a thread that shares its working directory with others cannot enter one
			if err := unix.Unshare(unix.CLONE_FS); err != nil {
				return fmt.Errorf("unshare: %w", err)
			}
			err := unix.Setns(pidfd, unix.CLONE_NEWNS)
			if errors.Is(err, unix.ESRCH) {
				return state.ErrNotRunning
			}
			if err != nil {
				return fmt.Errorf("setns: %w", err)
			}
			fd, err = unix.OpenTree(unix.AT_FDCWD, dir, flags)
			if err != nil {
				return fmt.Errorf("open_tree: %w", err)
			}
			return nil
		}()
	}()
	if err := <-cloned; err != nil {
		return -1, err
	}
	return fd, nil
}
