package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Update changes the limits of a container, found by its name, its id or the
// beginning of its id, and if restart is not "" its restart policy. A limit that is
// not given stays.
func Update(root, name string, change config.Limits, restart string) error {
	c, err := container.Find(root, name)
	if err != nil {
		return fmt.Errorf("update %w", err)
	}
	if err := update(c, change, restart); err != nil {
		return fmt.Errorf("update container %q: %w", name, err)
	}
	return nil
}

// update: of two at once the second waits, and begins with what the first has
// written. The lock is on a file that is never replaced.
func update(c *container.Container, change config.Limits, restart string) error {
	lock, err := lockfile.Lock(context.Background(), c.Path("image"), lockfile.Exclusive)
	if err != nil {
		return err
	}
	defer lock.Close()
	c.Settings = config.Settings{}
	if err := c.ReadJSON("settings.json", &c.Settings); err != nil {
		return err
	}
	if err := c.Settings.Update(change, restart); err != nil {
		return err
	}
	o := &c.Settings.Options
	host, err := config.ThisHost(&config.Options{Limits: o.Limits})
	if err != nil {
		return err
	}
	r := &specs.LinuxResources{}
	if err := o.Limits.Set(r, host); err != nil {
		return err
	}
	spec, err := c.Spec()
	if err != nil {
		return err
	}
	if err := apply(c, r); err != nil {
		return err
	}
	with := *r
	with.Devices = spec.Linux.Resources.Devices
	spec.Linux.Resources = &with
	if err := save(c, spec); err != nil {
		return err
	}
	return apply(c, r) // a life may have begun meanwhile, with the old ones
}

// apply gives the limits to the container's cgroup, if it is there.
func apply(c *container.Container, r *specs.LinuxResources) error {
	s, err := c.State()
	if err != nil || !s.Active() {
		return err
	}
	if s.Cgroup == "" {
		return container.ErrNoCgroup
	}
	if err := checkMemory(s.Cgroup, r); err != nil {
		return err
	}
	err = cgroup.Update(s.Cgroup, r)
	if err == nil && c.Settings.Options.MemoryReservation != "" {
		err = cgroup.Reserve(filepath.Dir(s.Cgroup))
	}
	if err == nil {
		return nil
	}
	if s, now := c.State(); now == nil && !s.Active() {
		return nil // it has ended meanwhile
	}
	return explainRefusal(err, c.Settings.Origin)
}

// explainRefusal says by which flag a limit was asked for, and what can be done about it.
func explainRefusal(err error, origin config.Origin) error {
	text := hint.Of(err)
	switch {
	case text != "":
	case errors.Is(err, unix.ENOENT):
		text = "this kernel has no such limit"
	case errors.Is(err, unix.ENODEV):
		text = "a limit is for a whole disk, and some have none: lsblk -d lists disks"
	}
	var limit *cgroup.LimitError
	if errors.As(err, &limit) {
		err = origin.Wrap(err, "linux.resources."+limit.From)
	}
	return hint.New(err, text)
}

// checkMemory refuses a limit below what the container uses and the kernel cannot take
// back as it does with the cache of files: it would send the OOM killer.
func checkMemory(path string, r *specs.LinuxResources) error {
	if r.Memory == nil || r.Memory.Limit == nil || *r.Memory.Limit < 0 {
		return nil
	}
	s, err := cgroup.ReadStats(path)
	if err != nil {
		return err
	}
	limit, raw := uint64(*r.Memory.Limit), s.Memory.Raw
	used := s.Memory.Usage.Usage
	used -= min(used, raw["active_file"]+raw["inactive_file"]+raw["slab_reclaimable"])
	if used <= limit {
		return nil
	}
	return hint.New(fmt.Errorf("--memory %s: the container uses %s", units.BytesSize(float64(limit)), units.BytesSize(float64(used))),
		"give it more than that, or end some of its processes first: minictr top shows them")
}
