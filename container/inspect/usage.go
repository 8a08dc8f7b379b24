package inspect

import (
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/rootfs"
)

// Usage is the disk usage of the files that containers have changed, in bytes.
type Usage struct {
	Containers  []Summary // all, with Written
	Size        int64
	Reclaimable int64 // of those that do not run
	Active      int   // those that run
}

// DiskUsage returns the disk usage of the containers in the store at root. A container that
// cannot be read is in the list, with Err, and in the error.
func DiskUsage(root string) (*Usage, error) {
	list, err := List(root, Query{All: true})
	u := &Usage{}
	for _, s := range list {
		written, sizeErr := rootfs.BytesIn(s.Path("upper"))
		if sizeErr != nil && s.Has("image") {
			s.Err = sizeErr
		}
		s.Written = written
		u.Containers = append(u.Containers, s)
		u.Size += written
		switch s.State.Status {
		case container.Running, container.Paused, container.Restarting:
			u.Active++
		default:
			u.Reclaimable += written
		}
	}
	return u, err
}
