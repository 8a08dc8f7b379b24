// hint: not 0022
// Lesson 9: devices and masks.
//
//	run ROOT COMMAND [ARGUMENT…]
//
// Some files are doors to the kernel. The container gets the harmless devices of /dev, and
// masks over the files of /proc that belong to the whole machine.
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
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: run ROOT COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	root, command := os.Args[1], os.Args[2:]
	steps := []plan.Step{
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

		// An empty /dev: a filesystem in memory. What is in the image's /dev is covered.
		call.Fsopen("tmpfs").As("fs"),
		call.Fscreate("fs"),
		call.Fsmount("fs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC).As("dev"),
		call.Mkdirat("", "/dev", 0o755).Allow(unix.EEXIST),
		call.MoveMountTo("dev", "/dev"),

		// A node is a name for a driver of the kernel, by two numbers. A mask would change its mode.
		call.Umask(0),
		call.Mknodat("dev", "null", unix.S_IFCHR|0o666, 1, 3),
		call.Mknodat("dev", "zero", unix.S_IFCHR|0o666, 1, 5),
		call.Mknodat("dev", "urandom", unix.S_IFCHR|0o666, 1, 9),
		call.Umask(0),
		// Kernel parameters: a mount of /proc/sys over itself that is read-only.
		call.OpenTree("", "/proc/sys", true).As("sys"),
		call.MountSetattr("sys", "", true, call.MountAttr{Set: unix.MOUNT_ATTR_RDONLY}),
		call.MoveMountTo("sys", "/proc/sys"),
	}

	// A mask is a mount of /dev/null over a file, which then reads as empty. Where the kernel
	// has no such file, the first step has no result, and those that need it are left out.
	for _, file := range []string{"/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list"} {
		steps = append(steps,
			call.Openat("", file, unix.O_PATH).As("file").Allow(unix.ENOENT),
			call.OpenTree("dev", "null", false).When("file").As("cover"),
			call.MoveMount("cover", "file"))
	}
	os.Exit(run(append(steps, call.Execve(command[0], command, []string{"PATH=/bin:/usr/bin"}))))
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
