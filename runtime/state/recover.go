package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// What a kill -9 leaves, the next command on the same root clears away: a
// container half made, with its process and its cgroup, or half removed. Such a
// folder has a dot in front of its name and nobody holds its lock.
//
// In a root where all is well this costs the reading of one folder.

// lockTimeout is how long a command waits for another one's lock.
const lockTimeout = 10 * time.Second

// recoverRoot clears away what is left in root, and returns the names that stay:
// those of containers, and those of folders that somebody is working on. A
// remainder that cannot be cleared now is left to the next command; New, whose
// way it may stand in, says why.
func recoverRoot(root string) (names []string, err error) {
	dir, err := os.Open(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := checkRoot(dir); err != nil {
		return nil, err
	}
	all, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		hidden := strings.HasPrefix(name, creating) || strings.HasPrefix(name, removed)
		if !hidden || errors.Is(removeLeftover(filepath.Join(root, name)), unix.EWOULDBLOCK) {
			names = append(names, name)
		}
	}
	return names, nil
}

// checkRoot refuses a root that others may write to: who can put a record there
// chooses which process is killed and which cgroup is removed.
func checkRoot(dir *os.File) error {
	const others = 0o022
	info, err := dir.Stat()
	if err == nil && info.Mode().Perm()&others != 0 {
		err = hint.New(fmt.Errorf("root %s: mode %#o: others may write to it", dir.Name(), info.Mode().Perm()),
			"state is kept where only its owner can: chmod go-w "+dir.Name())
	}
	return err
}

// removeLeftover removes a remainder: the process, the cgroup with all in it, the
// folder. The error is EWOULDBLOCK if somebody holds it.
func removeLeftover(path string) error {
	held, err := lockDir(path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer held.Close()
	var r Record
	err = r.read(filepath.Join(path, "state.json"))
	if errors.Is(err, fs.ErrNotExist) || err == nil && r.Cgroup == "" {
		err = r.readExpected(path)
	}
	if err != nil {
		return err
	}
	if err := r.Kill(); err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// Kill ends what is left of the container: its process if that still lives,
// and its cgroup with all that is in it. Nothing of that outlives a boot.
func (r *Record) Kill() error {
	if now, err := r.ThisBoot(); err != nil || !now {
		return err
	}
	switch pidfd, err := r.Pidfd(); {
	case errors.Is(err, ErrNotRunning):
	case err != nil:
		return err
	default:
		defer unix.Close(pidfd)
		if err := killAndWait(pidfd); err != nil {
			return fmt.Errorf("kill process %d: %w", r.Pid, err)
		}
	}
	if r.Cgroup == "" {
		return nil
	}
	n, err := inode(r.Cgroup)
	if errors.Is(err, fs.ErrNotExist) || err == nil && r.CgroupInode != 0 && n != r.CgroupInode {
		return nil // it is gone, or has been removed and is another container's now
	}
	if err != nil {
		return err
	}
	if err := cgroup.Remove(r.Cgroup); !errors.Is(err, unix.ENODEV) {
		return err
	}
	return nil // another command was faster
}

// killAndWait kills a process and waits for it.
func killAndWait(pidfd int) error {
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return waitExit(pidfd)
}

// waitExit waits until a process is gone, or a zombie: then a pidfd can be read
// (pidfd_open(2)).
func waitExit(pidfd int) error {
	for deadline := time.Now().Add(lockTimeout); ; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(time.Until(deadline).Milliseconds())+1)
		if n == 1 || err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it lives on after %v", lockTimeout)
		}
	}
}

// lockDir opens a folder and locks it, if its holder gives it up in time. One that
// has been renamed or removed before we have the lock does not exist.
func lockDir(path string, wait time.Duration) (*os.File, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := lockOpenDir(dir, path, wait); err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

// lockOpenDir locks a folder that is open, if path still is its name.
func lockOpenDir(dir *os.File, path string, wait time.Duration) error {
	if err := lockFile(dir, wait); err != nil {
		return err
	}
	named, err := lockfile.StillNamed(dir, path)
	if !named {
		err = errors.Join(err, fs.ErrNotExist)
	}
	return err
}

// lockFile locks an open file. The error is EWOULDBLOCK if its holder does not
// close it in time.
func lockFile(file *os.File, wait time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), wait, unix.EWOULDBLOCK)
	defer cancel()
	return hint.New(lockfile.LockFile(ctx, file, lockfile.Exclusive), "another command is at work on this container")
}
