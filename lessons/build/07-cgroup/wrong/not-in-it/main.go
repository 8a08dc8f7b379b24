// hint: in which cgroup does the child begin
// Lesson 7: a control group.
//
//	run CGROUP ROOT COMMAND [ARGUMENT…]
//
// A control group is a directory in the cgroup2 filesystem, and a set of processes: children
// are born into that of their parent. The kernel counts and limits what they use together.
package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: run CGROUP ROOT COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	cgroup, root, command := os.Args[1], os.Args[2], os.Args[3:]
	code := run([]plan.Step{
		// Making a directory makes a cgroup, and the kernel fills it with files.
		call.Mkdirat("", cgroup, 0o755).Allow(unix.EEXIST),
		call.Openat("", cgroup, unix.O_PATH|unix.O_DIRECTORY).As("cgroup"),

		// A limit is a file. It exists if the host has enabled the controller here; a step
		// that fails with an allowed error has no result, and those that need it are left out.
		call.Openat("cgroup", "pids.max", unix.O_WRONLY).As("pids").Allow(unix.ENOENT),
		call.Write("pids", "16"),
		call.Openat("cgroup", "memory.max", unix.O_WRONLY).As("memory").Allow(unix.ENOENT),
		call.Write("memory", "64M"),

		call.Clone3(unix.CLONE_CLEAR_SIGHAND|unix.CLONE_NEWNS|unix.CLONE_NEWPID, "").As(plan.Pid),
		call.UnblockSignals(),
		call.PrctlPdeathsig(),

		// The root of lesson 3 and the /proc of lesson 4.
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}),
		call.OpenTree("", root, true).As(plan.Root),
		call.MoveMountTo(plan.Root, "/"),
		call.Fchdir(plan.Root),
		call.PivotRoot(".", "."),
		call.Umount2(".", unix.MNT_DETACH),
		call.Fsopen("proc").As("fs"),
		call.Fscreate("fs"),
		call.Fsmount("fs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC).As("proc"),
		call.Mkdirat("", "/proc", 0o555).Allow(unix.EEXIST),
		call.MoveMountTo("proc", "/proc"),

		call.Execve(command[0], command, []string{"PATH=/bin:/usr/bin"}),
	})

	// Its processes are gone, for the first of a pid namespace takes the others with it.
	if _, err := walk.Host(&plan.Plan{Steps: []plan.Step{call.Rmdirat("", cgroup)}}, walk.Caller{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// run is that of lesson 1.
func run(steps []plan.Step) int {
	side := plan.Host
	for i := range steps {
		if steps[i].Side = side; steps[i].Name == "clone3" {
			side, steps[i].Child = plan.Container, plan.Container
		}
	}
	c := walk.Caller{FDs: map[plan.Ref]int{}}
	if os.Getenv("EXPLAIN") != "" {
		c.Trace = func(i int, r walk.Result) { fmt.Fprintln(os.Stderr, steps[i].Side, steps[i].Call(), r) }
	}
	runtime.LockOSThread()
	w, err := walk.Start(&plan.Plan{Steps: steps}, c)
	var status unix.WaitStatus
	if err == nil {
		pid, _ := w.Result(plan.Pid)
		_, err = unix.Wait4(pid, &status, 0, nil)
		w.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 125
	}
	return status.ExitStatus()
}
