package inspect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/rootfs"
	"github.com/minictr/minictr/runtime/proc"
)

// Kernel is what the kernel says of a container, beside the process that asks.
type Kernel struct {
	Container *proc.View `json:"container"` // of its first process; nil if it has none
	Host      *proc.View `json:"host"`      // of the caller
	// Shared names, for each type of namespace, who is in the container's: "the host",
	// names of other containers.
	Shared map[string][]string `json:"sharedWith"`
	// Disk is what is left of a container that has no process.
	Disk []DiskFile `json:"onDisk"`
}

// DiskFile is a file of a container's directory, or a directory with all that it holds.
type DiskFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// TheHost is the name of the caller in Kernel.Shared.
const TheHost = "the host"

// AskKernel returns what the kernel says of the container with this name or ID.
func AskKernel(root, name string) (k *Kernel, err error) {
	c, err := container.Find(root, name)
	if err == nil {
		k, err = askKernel(c)
	}
	if err != nil {
		return nil, fmt.Errorf("inspect container %q: %w", name, err)
	}
	return k, nil
}

func askKernel(c *container.Container) (k *Kernel, err error) {
	k = &Kernel{}
	if k.Host, err = proc.Look(os.Getpid()); err != nil {
		return nil, err
	}
	s, err := c.State()
	if err != nil {
		return nil, err
	}
	if s.Active() {
		k.Container, err = proc.Look(s.Pid)
	}
	switch {
	case err != nil && !errors.Is(err, proc.ErrNotExist):
		return nil, err
	case k.Container == nil: // it has exited
		k.Disk, err = filesOnDisk(c)
		return k, err
	}
	return k, k.findShared(c)
}

// findShared asks for the namespaces of the other containers. One that cannot be read, or
// exits meanwhile, shares none.
func (k *Kernel) findShared(c *container.Container) error {
	k.Shared = map[string][]string{}
	add := func(name string, list []proc.Namespace) {
		for _, ns := range list {
			if slices.Contains(k.Container.Namespaces, ns) {
				k.Shared[ns.Type] = append(k.Shared[ns.Type], name)
			}
		}
	}
	add(TheHost, k.Host.Namespaces)
	others, _, err := container.All(c.StoreRoot)
	if err != nil {
		return err
	}
	for _, o := range others {
		s, err := o.State()
		if o.ID == c.ID || err != nil || !s.Active() {
			continue
		}
		if list, err := proc.Namespaces(s.Pid); err == nil {
			add(o.Name, list)
		}
	}
	return nil
}

// filesOnDisk lists the directory of a container.
func filesOnDisk(c *container.Container) (list []DiskFile, err error) {
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		f := DiskFile{e.Name(), info.Size()}
		if e.IsDir() {
			if f.Bytes, err = rootfs.BytesIn(filepath.Join(c.Dir, e.Name())); err != nil {
				return nil, err
			}
		}
		list = append(list, f)
	}
	return list, nil
}
