package lessons

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// A check has a scratch directory, and a cgroup of the same name if the student's program
// makes one. The directory is locked while the check runs: what a killed check has left is
// removed by the next.
const scratchName = "minictr-lesson-"

// makeScratch makes the scratch directory, which others can read: a container may have other
// users.
func (w *Work) makeScratch() error {
	if err := recoverScratch(); err != nil {
		return err
	}
	for {
		dir, err := os.MkdirTemp("", scratchName)
		if err != nil {
			return err
		}
		// another check may remove it before it is locked
		lock, err := lockfile.Try(dir, lockfile.Exclusive)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return err
		}
		if named, err := lockfile.StillNamed(lock, dir); err != nil || !named {
			lock.Close()
			if err != nil {
				return err
			}
			continue
		}
		w.scratch, w.lock = dir, lock
		return errors.Join(os.Chmod(dir, 0o755), os.Mkdir(w.Cwd(), 0o755))
	}
}

// recoverScratch removes what killed checks have left.
func recoverScratch() error {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), scratchName+"*"))
	for _, dir := range dirs {
		var st unix.Stat_t
		if unix.Lstat(dir, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() {
			continue // it is gone, or another user's
		}
		lock, held := lockfile.Try(dir, lockfile.Exclusive)
		if held == nil {
			err = errors.Join(err, removeScratch(dir))
			lock.Close()
		}
	}
	return err
}

// removeScratch removes a scratch directory and its cgroup.
func removeScratch(dir string) error {
	var err error
	if mount, none := cgroup.Mount(); none == nil {
		err = cgroup.Remove(filepath.Join(mount, filepath.Base(dir)))
	}
	return errors.Join(err, owned.RemoveAll(dir))
}

// Cgroup returns the path of a cgroup (version 2) that does not exist. If the student's
// program makes it, the check removes it with all processes in it.
func (w *Work) Cgroup() (string, error) {
	mount, err := cgroup.Mount()
	return filepath.Join(mount, filepath.Base(w.scratch)), err
}
