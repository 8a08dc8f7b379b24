package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// Rename gives a container another name, in one step. Of several at once each begins
// where the last one has ended.
func Rename(root, from, to string) error {
	c, err := container.Find(root, from)
	if err != nil {
		return fmt.Errorf("rename %w", err)
	}
	if err := state.CheckName(to); err != nil {
		return err
	}
	lock, err := lockfile.Lock(context.Background(), filepath.Join(c.StoreRoot, "names"), lockfile.Exclusive)
	if err != nil {
		return fmt.Errorf("rename container %q: %w", from, err)
	}
	defer lock.Close()
	switch c.Name = container.NamesOf(c.StoreRoot)[c.ID]; c.Name {
	case "": // it was removed since
		return fmt.Errorf("rename container %q: %w", from, container.ErrNotExist)
	case to:
		return hint.New(fmt.Errorf("rename container %q: that is its name", from), "choose another one")
	}
	err = unix.Renameat2(unix.AT_FDCWD, c.Link(), unix.AT_FDCWD, filepath.Join(c.StoreRoot, "names", to), unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EEXIST) {
		return errNameTaken(to)
	}
	if errors.Is(err, unix.ENOENT) {
		err = container.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("rename container %q to %q: %w", from, to, err)
	}
	return nil
}
