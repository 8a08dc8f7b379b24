package lessons

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// checkPivotRoot: in the mount namespace of the process its root is the only mount, and the
// escape of lesson 2 stays inside.
func checkPivotRoot(w *Work) error {
	root, err := w.Root()
	if err != nil {
		return err
	}
	p, err := w.Start(root, "/bin/sh")
	if err != nil {
		return err
	}
	if err := wantOwn(p, "mount", "CLONE_NEWNS"); err != nil {
		return err
	}
	v, err := p.View()
	if err != nil {
		return err
	}
	switch n := len(v.Mounts); {
	case n > 1:
		return missing("pivot_root(2), NOTES: what becomes of the old root?",
			"the old root is still there: the shell sees %d mounts, not one", n)
	case n == 0:
		return missing("chroot(2) detaches nothing: another call exchanges the roots",
			"the root of the shell is a directory, not a mount")
	}

	// the root of the host is not below that mount
	if _, err := p.Shell("umount -l /"); err != nil {
		return err
	}
	if below, err := showsHostRoot(p.file("ns/mnt")); err != nil {
		return err
	} else if below {
		return missing("chroot(2) detaches nothing: another call exchanges the roots",
			"the root of the host is still mounted below: umount -l / in the shell leads to it")
	}
	if _, err := p.End(); err != nil {
		return err
	}

	// the escape
	if p, err = w.Start("-escape", root, "/bin/sh"); err != nil {
		return err
	}
	inside, err := sameFile(p.file("root"), root)
	if err == nil && !inside {
		err = missing("pivot_root(2), NOTES: what becomes of the old root?",
			"the escape of lesson 2 leads out of the root")
	}
	return err
}

// showsHostRoot reports whether a process that joins a mount namespace has the root of this one.
func showsHostRoot(namespace string) (same bool, err error) {
	host, err := os.Stat("/")
	if err != nil {
		return false, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with this goroutine: it is in another namespace
		fd, err2 := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err = err2; err != nil {
			return
		}
		defer unix.Close(fd)
		if err = errors.Join(unix.Unshare(unix.CLONE_FS), unix.Setns(fd, unix.CLONE_NEWNS)); err != nil {
			return
		}
		root, err2 := os.Stat("/")
		same, err = err2 == nil && os.SameFile(host, root), err2
	}()
	<-done
	return same, err
}

// wantOwn returns an error if the process is in the program's namespace of a type.
func wantOwn(p *Program, kind, flag string) error {
	shared, err := p.Shares(kind)
	if err == nil && shared {
		err = missing("clone3(2): the flags, "+flag, "the shell is not in a %s namespace of its own", kind)
	}
	return err
}
