// Lesson 5: a root of layers.
//
//	run LAYER[:LAYER…] COMMAND [ARGUMENT…]
//
// overlayfs shows several directories as one. The lower ones, the layers, are only read, so
// that many containers share them. What a container changes goes to an upper one: here the
// directory "changes/upper". A file that it deletes is covered there by a whiteout.
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
		fmt.Fprintln(os.Stderr, "usage: run LAYER[:LAYER…] COMMAND [ARGUMENT…]; the topmost layer is the first")
		os.Exit(2)
	}
	layers, command := os.Args[1], os.Args[2:]
	_ = layers // remove this line when you use it

	os.MkdirAll("changes/upper", 0o755) // if it fails, so does the step that names it
	os.MkdirAll("changes/work", 0o755)
	os.Exit(run([]plan.Step{
		// An overlay filesystem, before there is a child: the layers, topmost first; the
		// directory that takes the changes; and one that the kernel needs to prepare files.
		call.Fsopen("overlay").As("overlay"),
		// HERE: calls are missing. They configure the filesystem, and create it.

		// A mount of it. It is attached nowhere yet: only its descriptor leads to it, which
		// the child inherits. When no process has it any longer, the kernel frees it.
		call.Fsmount("overlay", 0).As(plan.Root),

		call.Clone3(unix.CLONE_CLEAR_SIGHAND|unix.CLONE_NEWNS|unix.CLONE_NEWPID, "").As(plan.Pid),
		call.UnblockSignals(),
		call.PrctlPdeathsig(),

		// The root of lesson 3; its mount is there already.
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}),
		call.MoveMountTo(plan.Root, "/"),
		call.Fchdir(plan.Root),
		call.PivotRoot(".", "."),
		call.Umount2(".", unix.MNT_DETACH),

		// The /proc of lesson 4.
		call.Fsopen("proc").As("fs"),
		call.Fscreate("fs"),
		call.Fsmount("fs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC).As("proc"),
		call.Mkdirat("", "/proc", 0o555).Allow(unix.EEXIST),
		call.MoveMountTo("proc", "/proc"),

		call.Execve(command[0], command, []string{"PATH=/bin:/usr/bin"}),
	}))
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
