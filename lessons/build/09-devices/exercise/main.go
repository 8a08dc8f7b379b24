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

		// Kernel parameters: a mount of /proc/sys over itself that is read-only.
		call.OpenTree("", "/proc/sys", true).As("sys"),
		call.MountSetattr("sys", "", true, call.MountAttr{Set: unix.MOUNT_ATTR_RDONLY}),
		call.MoveMountTo("sys", "/proc/sys"),
	}

	// HERE: calls are missing. First the nodes null, zero and urandom, which everyone may read and
	// write. Then a mount of /dev/null over each of these files, if the kernel has it:
	masked := []string{"/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list"}
	_ = masked // remove this line when you use it

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
