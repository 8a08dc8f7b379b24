package lifecycle

// The cgroups of all stores lie side by side, each named by the ID of its container. Those
// of a deleted store would stay forever. An empty cgroup without a container in this store
// may also belong to another store, whose command is about to start a process in it: so
// only one that is older than orphanAge is removed, by rmdir(2), which fails (EBUSY) if
// there is a process by then.

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// orphanAge is how long an empty cgroup without a container in this store is kept.
const orphanAge = 5 * time.Minute

// Collect recovers what killed commands left in the store at root, and removes orphaned
// cgroups. It waits for commands that create containers.
func Collect(root string) ([]container.Leftover, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	wait := func(path string, how lockfile.Mode) (*os.File, error) {
		return lockfile.Lock(context.Background(), path, how)
	}
	left, stuck, err := container.RecoverStore(root, wait)
	if err != nil {
		return left, errors.Join(append(stuck, err)...)
	}
	// cgroups that are named like a container of this store stay
	for id, path := range container.Cgroups() {
		if _, err := os.Lstat(filepath.Join(root, "containers", id)); err == nil || !container.IsID(id) {
			continue
		}
		st, err := os.Stat(path)
		if err == nil && time.Since(st.ModTime()) < orphanAge {
			continue
		}
		if err == nil {
			err = cgroup.RemoveEmpty(path)
		}
		switch {
		case err == nil:
			left = append(left, container.Leftover{Kind: "cgroup", Name: path, What: "removed"})
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.EBUSY):
			stuck = append(stuck, err)
		}
	}
	return left, errors.Join(stuck...)
}
