package container

// Collecting garbage: what every command puts in order on its way (sweep.go), told,
// and cgroups that are nobody's.
//
// The cgroups of all stores lie side by side, and one whose store is gone would stay
// for ever. It is called like a container, so it is somebody's only if there is
// such a container: in this store, or in one that we do not know of. There it has
// processes, or is about to get one, or was emptied a moment ago and its end is being
// written down. So one that has been empty for long is nobody's; and what rmdir(2)
// removes has no process in it, whoever would put one there this very moment.

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// forgotten is how old an empty cgroup is that nobody comes back for.
const forgotten = 5 * time.Minute

// Collect settles what killed commands have left in the store at root, waiting for
// those that make containers now, and removes cgroups that are nobody's.
func Collect(root string) ([]Remnant, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	wait := func(path string, how lockfile.Mode) (*os.File, error) {
		return lockfile.Lock(context.Background(), path, how)
	}
	left, stuck, err := sweep(root, wait)
	if err != nil {
		return left, errors.Join(append(stuck, err)...)
	}
	for id, path := range listCgroups() {
		if _, err := os.Lstat(filepath.Join(root, "containers", id)); err == nil || !isID(id) {
			continue
		}
		st, err := os.Stat(path)
		if err == nil && time.Since(st.ModTime()) < forgotten {
			continue
		}
		if err == nil {
			err = cgroup.RemoveEmpty(path)
		}
		switch {
		case err == nil:
			left = append(left, Remnant{"cgroup", path, "removed"})
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.EBUSY):
			stuck = append(stuck, err)
		}
	}
	return left, errors.Join(stuck...)
}

// isID tells whether it looks as newID's do.
func isID(name string) bool {
	for _, digit := range name {
		if (digit < '0' || digit > '9') && (digit < 'a' || digit > 'f') {
			return false
		}
	}
	return len(name) == 64
}
