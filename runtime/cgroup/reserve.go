package cgroup

import (
	"math"
	"path/filepath"
)

// memory.low keeps memory for a cgroup, but no more than is kept for the one above
// it: so that one needs the sum (cgroup-v2, "Memory Interface Files").

// Reserved is the sum of memory.low of the cgroups in dir, in bytes.
func Reserved(dir string) (sum int64, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "memory.low"))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		n, err := readNumber(filepath.Dir(f), "memory.low")
		if err != nil && !IsGone(err) {
			return 0, err
		}
		sum += int64(min(n, uint64(math.MaxInt64-sum)))
	}
	return sum, nil
}

// Reserve keeps for dir what is kept for the cgroups in it. Without the controller
// that is nothing.
func Reserve(dir string) error {
	sum, err := Reserved(dir)
	if err != nil {
		return err
	}
	if err := put(dir, "memory.low", number(sum)); !IsGone(err) {
		return err
	}
	return nil
}
