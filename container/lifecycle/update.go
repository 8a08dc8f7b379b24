package lifecycle

// The limits of a container are in three places: in the files of its cgroup, if it runs;
// in settings.json, as typed; and in config.json, with which its next task is created.
//
// The cgroup is changed first: the kernel may refuse. settings.json is next, and is the
// base of every later change. All limits are written each time, so the next update
// completes one that was killed.

import (
	"context"
	"fmt"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Update changes limits of a container, and its restart policy unless restart is "".
// Limits that change does not set stay. trace, if any, sees every system call that changes
// the container's cgroup.
func Update(root, name string, change config.Limits, restart string, trace func(*plan.Plan) walk.Trace) error {
	return withContainer(root, name, "update", func(c *container.Container) error {
		return update(c, change, restart, trace)
	})
}

// update locks the file image, which is never replaced: concurrent updates are made one
// after the other.
func update(c *container.Container, change config.Limits, restart string, trace func(*plan.Plan) walk.Trace) error {
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
	if err := apply(c, r, trace); err != nil {
		return err
	}
	saved := *r
	saved.Devices = spec.Linux.Resources.Devices
	spec.Linux.Resources = &saved
	if err := save(c, spec); err != nil {
		return err
	}
	if err := apply(c, r, nil); err != nil {
		return err
	}
	c.Event("update")
	return nil
}

// apply sets the limits of the container's cgroup if it runs.
func apply(c *container.Container, r *specs.LinuxResources, trace func(*plan.Plan) walk.Trace) error {
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
	change, err := cgroup.NewChange(s.Cgroup, r)
	if err == nil && c.Settings.Options.MemoryReservation != "" {
		err = change.Reserve()
	}
	if err == nil {
		err = runtime.Update(change, trace)
	}
	if s, now := c.State(); err != nil && now == nil && !s.Active() {
		return nil // it has exited, and its cgroup is removed
	}
	return container.WithFlag(err, c.Settings.Origin)
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
