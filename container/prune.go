package container

import (
	"errors"
	"fmt"
)

// Prune removes all containers that do not run, and for which the filters hold, and
// returns their ids, and how many bytes the files held that they had changed. One
// that somebody starts at this moment stays; so does one that cannot be read or
// removed, which is an error beside the others.
func Prune(root string, words []string) (removed []string, freed int64, err error) {
	all, err := List(root)
	stuck := []error{err}
	f, err := parseFilters(words, all, root, pruneFilters)
	if err != nil {
		return nil, 0, err
	}
	for _, c := range all {
		size, chosen, err := c.prune(f)
		switch {
		case errors.Is(err, errNotExist):
		case err != nil:
			stuck = append(stuck, fmt.Errorf("remove %w", c.about(err)))
		case chosen:
			removed, freed = append(removed, c.ID), freed+size
		}
	}
	return removed, freed, errors.Join(stuck...)
}

// prune removes a container if nobody runs it and the filters hold.
func (c *Container) prune(f filters) (size int64, chosen bool, err error) {
	if err := c.take(0); errors.Is(err, errRunning) {
		return 0, false, nil
	} else if err != nil {
		return 0, false, err
	}
	if !f.choose(&Listed{Container: c}) {
		return 0, false, c.unlock()
	}
	if size, err = bytesIn(c.path("upper")); err != nil {
		return 0, false, errors.Join(err, c.unlock())
	}
	return size, true, c.remove()
}
