// Beyond a plain container: a cgroup that exists, one that is delegated, reserved memory

package compile

import (
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// resourcesOf returns linux.resources. Before version 1.3 of the specification a limit of
// 0 processes could not be told from none, and engines write it for none.
func resourcesOf(spec *specs.Spec) *specs.LinuxResources {
	r := spec.Linux.Resources
	if r == nil || r.Pids == nil || r.Pids.Limit == nil || *r.Pids.Limit != 0 || !olderThan(spec.Version, 3) {
		return r
	}
	unlimited := *r
	unlimited.Pids = nil
	return &unlimited
}

// Limits returns the files of the cgroup that hold the limits of a config.
func Limits(spec *specs.Spec) ([]cgroup.File, error) {
	files, err := cgroup.Files(resourcesOf(spec))
	if err != nil {
		return nil, fmt.Errorf("linux.resources: %w", err)
	}
	return files, nil
}

// openExisting opens a cgroup that another program has made: it is not removed.
func openExisting(l *list, open plan.Step) {
	l.host("the container's cgroup: it exists, and stays when the container is deleted", open)
	l.plan.MadeAt = math.MaxInt
}

// olderThan reports whether version "1.N.…" has an N below minor.
func olderThan(version string, minor int) bool {
	n, _, _ := strings.Cut(strings.TrimPrefix(version, "1."), ".")
	number, err := strconv.Atoi(n)
	return err == nil && number < minor
}

// reserve keeps memory for the container. memory.low of a cgroup is worth no more than
// memory.low of the one above: that gets the sum.
func reserve(l *list, above string, reserved int64, r *specs.LinuxResources) {
	if r == nil || r.Memory == nil || r.Memory.Reservation == nil || above == "." {
		return
	}
	l.from = "linux.resources.memory.reservation"
	l.host("open the file that holds the limit",
		call.Openat(cgroupMount, path.Join(above, "memory.low"), unix.O_WRONLY).As(file))
	l.host("raise memory.low of the parent cgroup: it limits the sum of its children",
		call.Write(file, strconv.FormatInt(reserved+*r.Memory.Reservation, 10)))
}

// delegate gives the cgroup to the container's user, if that mounts it writable and sees
// it as the root: the user may then put processes and cgroups in it, but not change
// its limits (runtime-spec, config-linux.md, "Cgroup ownership").
func delegate(l *list, spec *specs.Spec) error {
	own := slices.Contains(spec.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	writable := slices.ContainsFunc(spec.Mounts, func(m specs.Mount) bool {
		return m.Source == "cgroup" && path.Clean(m.Destination) == "/sys/fs/cgroup" &&
			!slices.Contains(m.Options, "ro")
	})
	if !own || !writable {
		return nil
	}
	l.from = "process.user.uid"
	owner, err := HostID(spec.Process.User.UID, spec.Linux.UIDMappings)
	if err != nil {
		return fmt.Errorf("process.user.uid: %w", err)
	}
	if owner == 0 {
		return nil
	}
	l.host("let the container's user make cgroups below", call.Fchownat(cgroupFd, ".", owner, call.SameGroup))
	for _, name := range [...]string{
		"cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.oom.group", "memory.reclaim",
	} {
		l.host("let the user write this file (listed in /sys/kernel/cgroup/delegate)",
			call.Fchownat(cgroupFd, name, owner, call.SameGroup).Allow(unix.ENOENT))
	}
	return nil
}

// bindCgroup clones the directory of the container's cgroup, or of the caller's if it has none.
func bindCgroup(l *list, side plan.Side, m *mount, o *Options) error {
	show := call.OpenTree(cgroupFd, "", false)
	switch {
	case o.Cgroup2 == "" && o.CallerCgroup == "":
		return errors.New("type cgroup: requires a cgroup or a cgroup namespace")
	case o.Cgroup2 == "":
		show = call.OpenTree("", o.CallerCgroup, false)
	}
	l.begin(partOf[side], m.field()+": cgroup")
	l.add(side, "show its own cgroup only: it has no cgroup namespace", show.As(mountRef(m.index)))
	bindAttributes(l, side, m)
	return nil
}
