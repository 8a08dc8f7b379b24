package state

// Recovery: a command that is killed leaves a container half made, with its
// process and its cgroup, or half removed. Its directory has a leading dot and no
// lock. Every command on the same root removes these leftovers first; where there
// are none, that costs the reading of one directory.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// recoverRoot removes the leftovers in root, and returns the names that stay: of
// containers, and of directories that other commands hold. What cannot be removed
// now is left to the next command; New reports why if it needs the name. In a root
// without the mark (package owned) nothing is a leftover.
func recoverRoot(root string) (names []string, marked bool, err error) {
	dir, err := os.Open(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer dir.Close()
	if err := checkRoot(dir); err != nil {
		return nil, false, err
	}
	if marked, err = owned.IsMarked(root, owned.State); err != nil {
		return nil, false, err
	}
	all, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, false, err
	}
	for _, name := range all {
		if !isHidden(name) || marked && errors.Is(removeLeftover(filepath.Join(root, name)), unix.EWOULDBLOCK) {
			names = append(names, name)
		}
	}
	return names, marked, nil
}

// isHidden reports whether a name is that of a directory that is made or removed.
func isHidden(name string) bool {
	return strings.HasPrefix(name, creating) || strings.HasPrefix(name, removed)
}

// markRoot gives a root its mark. Other runtimes may have containers in it. A directory
// that would be taken for a leftover from then on is an error.
func markRoot(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !isHidden(e.Name()) {
			continue
		}
		if marked, err := owned.IsMarked(root, owned.State); marked || err != nil { // by another command, meanwhile
			return err
		}
		return hint.New(fmt.Errorf("root %s: %s: not made by minictr", root, e.Name()),
			"move it elsewhere, or use another directory with --root")
	}
	return owned.Mark(root, owned.State)
}

// checkRoot refuses a root that other users may write to: they could put a record
// there that chooses which process is killed and which cgroup is removed.
func checkRoot(dir *os.File) error {
	const others = 0o022
	info, err := dir.Stat()
	if err == nil && info.Mode().Perm()&others != 0 {
		err = hint.New(fmt.Errorf("root %s: mode %#o: writable by others", dir.Name(), info.Mode().Perm()),
			"chmod go-w "+dir.Name())
	}
	return err
}

// removeLeftover removes the process, the cgroup with all its processes, and the
// directory. The error is EWOULDBLOCK if another command holds it.
func removeLeftover(path string) error {
	err := owned.CheckDir(path)
	var dir *os.File
	if err == nil {
		dir, err = lockDir(path, 0)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	var r Record
	err = r.read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrCorrupt) {
		return err
	}
	if err := r.Kill(); err != nil {
		return err
	}
	return owned.RemoveAll(path)
}

// Kill kills the container's process, and removes its cgroup with all processes
// in it. What is recorded of an earlier boot is gone already.
func (r *Record) Kill() error {
	if now, err := r.ThisBoot(); err != nil || !now {
		return err
	}
	// the process
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
	// the cgroup
	group, err := r.OwnCgroup()
	if group == "" || err != nil {
		return err
	}
	remove := cgroup.Remove
	if r.CgroupExisted {
		remove = cgroup.KillEach
	}
	if err := remove(group); !cgroup.IsGone(err) { // removed by another command
		return err
	}
	return nil
}

// OwnCgroup returns the path of the container's cgroup, "" if it has none, or no longer: the name
// may be that of another container's.
func (r *Record) OwnCgroup() (string, error) {
	if r.Cgroup == "" {
		return "", nil
	}
	n, err := inode(r.Cgroup)
	if errors.Is(err, fs.ErrNotExist) || err == nil && r.CgroupInode != 0 && n != r.CgroupInode {
		return "", nil
	}
	return r.Cgroup, err
}

// killAndWait kills a process and waits until it has ended.
func killAndWait(pidfd int) error {
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return waitExit(pidfd)
}

// waitExit waits until a process has ended or is a zombie: a pidfd is readable
// then (pidfd_open(2)).
func waitExit(pidfd int) error {
	for deadline := time.Now().Add(lockTimeout); ; {
		fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(time.Until(deadline).Milliseconds())+1)
		if n == 1 || err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("still running after %v", lockTimeout)
		}
	}
}
