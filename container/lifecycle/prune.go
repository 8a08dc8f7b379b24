package lifecycle

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/container/rootfs"
	"github.com/minictr/minictr/events"
)

// Prune removes all containers that do not run and match the filters. It returns their
// IDs, and the bytes that their writable layers held. A container that is being started
// stays; one that cannot be read or removed is an error beside the others.
func Prune(root string, words []string) (removed []string, freed int64, err error) {
	all, unread, err := container.All(root)
	if err != nil {
		return nil, 0, err
	}
	var stuck []error
	for _, u := range unread {
		stuck = append(stuck, u.About(u.Err))
	}
	f, err := inspect.ParseFilters(words, all, root, inspect.PruneFilters)
	if err != nil {
		return nil, 0, err
	}
	for _, c := range all {
		size, chosen, err := prune(c, f)
		switch {
		case errors.Is(err, container.ErrNotExist):
		case err != nil:
			stuck = append(stuck, fmt.Errorf("remove %w", c.About(err)))
		case chosen:
			removed, freed = append(removed, c.ID), freed+size
		}
	}
	attributes := map[string]string{"reclaimed": strconv.FormatInt(freed, 10)}
	events.Append(root, events.Container, "prune", events.Actor{Attributes: attributes})
	return removed, freed, errors.Join(stuck...)
}

// prune removes a container if its lock is free and it matches the filters.
func prune(c *container.Container, f inspect.Filters) (size int64, chosen bool, err error) {
	if err := c.Lock(0); errors.Is(err, container.ErrRunning) {
		return 0, false, nil
	} else if err != nil {
		return 0, false, err
	}
	if !f.Match(&inspect.Summary{Container: c}) {
		return 0, false, c.Unlock()
	}
	if size, err = rootfs.BytesIn(c.Path("upper")); err != nil {
		return 0, false, errors.Join(err, c.Unlock())
	}
	return size, true, c.Remove(false)
}
