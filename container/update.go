package container

// Update changes the limits of a container. They stand in three places: in the
// files of its cgroup, if it runs; in settings.json, as they were typed; and in
// config.json, with which its next life begins.
//
// The cgroup is first, for the kernel may refuse. What was typed comes next, and
// is the base of every later change: as all limits are written each time,
// the next update finishes what a killed one has left.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Update changes the limits of a container, found by its name, its id or the
// beginning of its id, and if restart is not "" its restart policy. A limit that is
// not given stays.
func Update(root, name string, change Limits, restart string) error {
	c, err := Find(root, name)
	if err != nil {
		return fmt.Errorf("update %w", err)
	}
	if err := c.update(change, restart); err != nil {
		return fmt.Errorf("update container %q: %w", name, err)
	}
	return nil
}

// update: of two at once the second waits, and begins with what the first has
// written. The lock is on a file that is never replaced.
func (c *Container) update(change Limits, restart string) error {
	lock, err := lockfile.Lock(context.Background(), c.path("image"), lockfile.Exclusive)
	if err != nil {
		return err
	}
	defer lock.Close()
	c.Settings = Settings{}
	if err := c.read("settings.json", &c.Settings); err != nil {
		return err
	}
	if err := c.Settings.change(change, restart); err != nil {
		return err
	}
	o := &c.Settings.Options
	host, err := ThisHost(&Options{Limits: o.Limits})
	if err != nil {
		return err
	}
	r := &specs.LinuxResources{}
	if err := o.Limits.set(r, host); err != nil {
		return err
	}
	spec, err := c.Spec()
	if err != nil {
		return err
	}
	if err := c.enforce(r); err != nil {
		return err
	}
	with := *r
	with.Devices = spec.Linux.Resources.Devices
	spec.Linux.Resources = &with
	if err := c.save(spec); err != nil {
		return err
	}
	return c.enforce(r) // a life may have begun meanwhile, with the old ones
}

func (s *Settings) change(limits Limits, restart string) (err error) {
	o := &s.Options
	o.Limits = o.Limits.with(limits)
	if restart == "" {
		return nil
	}
	o.Restart = restart
	s.Restart, err = parseRestart(restart)
	if err == nil && o.Remove && s.Restart.Policy != RestartNo {
		err = fmt.Errorf("--restart %s: a container of --rm ends once and for all", o.Restart)
	}
	return err
}

// with is l, changed. --cpus says the same as quota and period, which it replaces.
func (l Limits) with(change Limits) Limits {
	if change.CPUs != "" {
		l.CPUQuota, l.CPUPeriod = nil, nil
	} else if change.CPUQuota != nil {
		l.CPUs = ""
	}
	return Limits{
		Memory:             cmp.Or(change.Memory, l.Memory),
		MemorySwap:         cmp.Or(change.MemorySwap, l.MemorySwap),
		MemoryReservation:  cmp.Or(change.MemoryReservation, l.MemoryReservation),
		CPUs:               cmp.Or(change.CPUs, l.CPUs),
		CPUPeriod:          cmp.Or(change.CPUPeriod, l.CPUPeriod),
		CPUQuota:           cmp.Or(change.CPUQuota, l.CPUQuota),
		CPUShares:          cmp.Or(change.CPUShares, l.CPUShares),
		CpusetCPUs:         cmp.Or(change.CpusetCPUs, l.CpusetCPUs),
		CpusetMems:         cmp.Or(change.CpusetMems, l.CpusetMems),
		PidsLimit:          cmp.Or(change.PidsLimit, l.PidsLimit),
		BlkioWeight:        cmp.Or(change.BlkioWeight, l.BlkioWeight),
		BlkioWeightDevices: later(l.BlkioWeightDevices, change.BlkioWeightDevices, ":"),
		DeviceReadBps:      later(l.DeviceReadBps, change.DeviceReadBps, ":"),
		DeviceWriteBps:     later(l.DeviceWriteBps, change.DeviceWriteBps, ":"),
		DeviceReadIOps:     later(l.DeviceReadIOps, change.DeviceReadIOps, ":"),
		DeviceWriteIOps:    later(l.DeviceWriteIOps, change.DeviceWriteIOps, ":"),
		HugetlbLimits:      later(l.HugetlbLimits, change.HugetlbLimits, ":"),
		CgroupConf:         later(l.CgroupConf, change.CgroupConf, "="),
	}
}

// later is one list after another: of two limits for one thing the later counts. What
// it is for stands before the last mark, as in DEVICE:BYTES.
func later(words, more []string, mark string) []string {
	subject := func(w string) string { return w[:max(0, strings.LastIndex(w, mark))] }
	words = slices.DeleteFunc(slices.Clone(words), func(old string) bool {
		return slices.ContainsFunc(more, func(w string) bool { return subject(w) == subject(old) })
	})
	return append(words, more...)
}

// enforce gives the limits to the container's cgroup, if it is there.
func (c *Container) enforce(r *specs.LinuxResources) error {
	s, err := c.State()
	if err != nil || !s.Lives() {
		return err
	}
	if s.Cgroup == "" {
		return errNoCgroup
	}
	if err := enough(s.Cgroup, r); err != nil {
		return err
	}
	err = cgroup.Update(s.Cgroup, r)
	if err == nil && c.Settings.Options.MemoryReservation != "" {
		err = cgroup.Reserve(filepath.Dir(s.Cgroup))
	}
	if err == nil {
		return nil
	}
	if s, now := c.State(); now == nil && !s.Lives() {
		return nil // it has ended meanwhile
	}
	return refused(err, &c.Settings.Options.Limits)
}

// refused says by which flag a limit was asked for, and what can be done about it.
func refused(err error, l *Limits) error {
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
		if flag := l.flag(limit.From); flag != "" {
			err = fmt.Errorf("%s: %w", flag, err)
		}
	}
	return hint.New(err, text)
}

// enough refuses a limit below what the container uses and the kernel cannot take
// back as it does with the cache of files: it would send the OOM killer.
func enough(path string, r *specs.LinuxResources) error {
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

var errNoCgroup = errors.New("it has no cgroup, which would know of it")
