// Other limits for a container that runs
//
// The limits of a cgroup with processes are changed by the same calls that set them first
// (cgroup.go). What is there is known beforehand (package cgroup): the controllers that the
// cgroup has, and its device programs.

package compile

import (
	"path"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Update returns the plan that changes the limits of a cgroup. If a step fails those before
// it have been made: the caller has read what to restore (cgroup.Change.Present).
func Update(c *cgroup.Change) (*plan.Plan, error) {
	l := &list{}
	l.begin("cgroup", "linux.resources")

	// the cgroup, and its new controllers
	l.host("the cgroup2 filesystem, as the host has mounted it",
		call.Openat("", c.Mount, unix.O_PATH|unix.O_DIRECTORY).As(cgroupMount))
	names := strings.Split(c.Group, "/")
	for i := range names {
		enableControllers(l, path.Join(names[:i]...), c.Enable, nil)
	}
	l.host("the container's cgroup", call.Openat(cgroupMount, c.Group, unix.O_PATH|unix.O_DIRECTORY).As(cgroupFd))

	// its limits
	const quota, burst = "cpu.max", "cpu.max.burst"
	for i, f := range c.Files {
		if f.Name == quota && i+1 < len(c.Files) && c.Files[i+1].Name == burst {
			limit(l, cgroup.File{Name: burst, Value: "0", From: f.From, Why: "a quota below the old burst is refused"})
		}
		limit(l, f)
	}
	if len(c.Devices) == 0 {
		return &l.plan, nil
	}

	// its device rules: while both programs are attached, both have to allow
	if err := limitDevices(l, &specs.LinuxResources{Devices: c.Devices}); err != nil {
		return nil, err
	}
	const former = plan.Ref("former")
	for _, id := range c.Programs {
		l.host("open the program of the former rules", call.BpfOpenProgram(id).As(former))
		l.host("detach it: the former rules no longer apply", call.BpfDetachDeviceProgram(cgroupFd, former))
	}
	return &l.plan, nil
}
