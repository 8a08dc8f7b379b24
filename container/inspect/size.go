package inspect

import (
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/rootfs"
	"github.com/minictr/minictr/images"
)

// Size returns the bytes in the files that the container has changed, and in these and
// the layers of its image.
func Size(c *container.Container) (written, whole int64, err error) {
	if written, err = rootfs.BytesIn(c.Path("upper")); err != nil {
		return 0, 0, err
	}
	store, err := images.Open(c.StoreRoot)
	if err != nil {
		return 0, 0, err
	}
	whole = written
	for _, diffID := range c.Settings.Layers {
		n, err := store.Layers().Size(diffID)
		if err != nil {
			return 0, 0, err
		}
		whole += n
	}
	return written, whole, nil
}
