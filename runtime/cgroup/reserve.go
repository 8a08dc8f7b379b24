package cgroup

import (
	"math"
	"path/filepath"
)

// memory.low protects memory of a cgroup, up to the protection of the cgroup above:
// so that one needs the sum (cgroup-v2.rst, "Memory Interface Files").

// Reserved returns the sum of memory.low of the cgroups in dir but one, in bytes.
func Reserved(dir, but string) (sum int64, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "memory.low"))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if filepath.Base(filepath.Dir(f)) == but {
			continue
		}
		n, err := readNumber(filepath.Dir(f), "memory.low")
		if err != nil && !IsGone(err) {
			return 0, err
		}
		sum += int64(min(n, uint64(math.MaxInt64-sum)))
	}
	return sum, nil
}
