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

// Update changes limits of a container, and its restart policy unless restart is "".
// Limits that change does not set stay.
func Update(root, name string, change config.Limits, restart string) error {
	return withContainer(root, name, "update", func(c *container.Container) error { return update(c, change, restart) })
}

// update locks the file image, which is never replaced: concurrent updates are made one
// after the other.
func update(c *container.Container, change config.Limits, restart string) error {
	lock, err := lockfile.Lock(context.Background(), c.Path("image"), lockfile.Exclusive)
	if err != nil {
		return err
	}
	defer lock.Close()
	// change the settings, read under the lock
	c.Settings = config.Settings{}
	if err := c.ReadJSON("settings.json", &c.Settings); err != nil {
		return err
	}
	if err := c.Settings.Update(change, restart); err != nil {
		return err
	}
	// make the resources of the OCI config
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
	// apply and save them; a task created meanwhile has the old ones
	if err := apply(c, r); err != nil {
		return err
	}
	saved := *r
	saved.Devices = spec.Linux.Resources.Devices
	spec.Linux.Resources = &saved
	if err := save(c, spec); err != nil {
		return err
	}
	return apply(c, r)
}

// apply sets the limits of the container's cgroup if it runs.
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
		return nil // it has exited, and its cgroup is removed
	}
	return explainRefusal(err, c.Settings.Origin)
}

// explainRefusal adds the flag of the limit that the kernel refused, and a hint.
func explainRefusal(err error, origin config.Origin) error {
	text := hint.Of(err)
	switch {
	case text != "":
	case errors.Is(err, unix.ENOENT):
		text = "this kernel does not support the limit"
	case errors.Is(err, unix.ENODEV):
		text = "name a whole disk, as listed by: lsblk -d"
	}
	var limit *cgroup.LimitError
	if errors.As(err, &limit) {
		err = origin.Wrap(err, "linux.resources."+limit.From)
	}
	return hint.New(err, text)
}

// checkMemory refuses a limit below the memory that the kernel cannot reclaim from the
// container: it would invoke the OOM killer. Page cache and slab caches are reclaimed.
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
	asked, uses := units.BytesSize(float64(limit)), units.BytesSize(float64(used))
	return hint.New(fmt.Errorf("--memory %s: the container uses %s", asked, uses),
		"choose a higher limit, or kill some of its processes, as listed by: minictr top")
}
