package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// Rename gives a container another name, atomically. Concurrent commands rename it one
// after the other.
func Rename(root, from, to string) error {
	c, err := container.Find(root, from)
	if err != nil {
		return fmt.Errorf("rename %w", err)
	}
	if err := state.CheckName(to); err != nil {
		return err
	}
	lock, err := lockfile.Lock(context.Background(), container.NamePath(c.StoreRoot, ""), lockfile.Exclusive)
	if err != nil {
		return fmt.Errorf("rename container %q: %w", from, err)
	}
	defer lock.Close()
	// it may have been renamed or removed before the lock was taken
	switch c.Name = container.NameOf(c); c.Name {
	case "":
		return fmt.Errorf("rename container %q: %w", from, container.ErrNotExist)
	case to:
		return hint.New(fmt.Errorf("rename container %q: it has this name already", from), "choose another name")
	}
	err = takeName(c.StoreRoot, to, func() error {
		return unix.Renameat2(unix.AT_FDCWD, container.NamePath(c.StoreRoot, c.Name),
			unix.AT_FDCWD, container.NamePath(c.StoreRoot, to), unix.RENAME_NOREPLACE)
	})
	if errors.Is(err, unix.ENOENT) {
		err = container.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("rename container %q to %q: %w", from, to, err)
	}
	old := "/" + c.Name // docker's
	c.Name = to
	c.Event("rename", "oldName", old)
	return nil
}
