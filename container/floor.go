package container

// The floor is the lowest layer of every container's root: empty files and
// folders to mount on, for images that lack them. Without it overlayfs would
// have to make each of them in the container's own layer, on disk, for every
// container, and the container would seem to have made them itself. An image
// that has a /proc or an /etc/hosts of its own lies above it and wins.

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// floorName is its folder in the store's folder of layers. No layer is called
// so: their short names are hexadecimal.
const floorName = "floor"

// floorScratch is where it is made.
const floorScratch = ".floor-"

var floorFolders = []string{"proc", "sys", "dev", "etc"}

// layFloor makes the floor in the folder of layers, if it is not there yet:
// whole, by a rename, whoever else does the same. The caller holds the lock of
// containers/.
func layFloor(layers string) error {
	floor := filepath.Join(layers, floorName)
	if _, err := os.Lstat(floor); err == nil {
		return nil
	}
	scratch, err := os.MkdirTemp(layers, floorScratch)
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := os.Chmod(scratch, 0o755); err != nil {
		return err
	}
	for _, dir := range floorFolders {
		if err := os.Mkdir(filepath.Join(scratch, dir), 0o755); err != nil {
			return err
		}
	}
	for _, file := range etcFiles {
		if err := os.WriteFile(filepath.Join(scratch, "etc", file), nil, 0o644); err != nil {
			return err
		}
	}
	if err := os.Rename(scratch, floor); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// sweepFloors removes what was left of floors in the making. The caller holds
// the lock of containers/ alone, so that nobody makes one.
func sweepFloors(layers string) (left []Remnant, err error) {
	scratch, err := filepath.Glob(filepath.Join(layers, floorScratch+"*"))
	for _, dir := range scratch {
		left = append(left, Remnant{"floor", dir, "removed"})
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return left, err
}
