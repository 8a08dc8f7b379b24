// hint: chroot(2) detaches nothing
// Lesson 3: another root, by pivot_root in a mount namespace.
//
//	run [-escape] ROOT COMMAND [ARGUMENT…]
//
// chroot(2) only says where paths begin. Here the host's mounts leave the view of the process:
// it has a table of mounts of its own, and in that table its root is all there is.
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// escape is that of lesson 2. It leads to the topmost directory of the mount namespace.
var escape = []plan.Step{
	call.Mkdirat("", "x", 0o755).Allow(unix.EEXIST),
	call.Chroot("x"),
	call.Chdir("../../../../../../../../../../../../../../../.."),
	call.Chroot("."),
}

func main() {
	args := os.Args[1:]
	escapes := len(args) > 0 && args[0] == "-escape"
	if escapes {
		args = args[1:]
	}
	if len(args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: run [-escape] ROOT COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	root, command := args[0], args[1:]
	steps := []plan.Step{
		// The child begins with a copy of the table of mounts, in a new mount namespace.
		call.Clone3(unix.CLONE_CLEAR_SIGHAND|unix.CLONE_NEWNS, "").As(plan.Pid),
		call.UnblockSignals(),
		call.PrctlPdeathsig(),

		// A copy of a shared mount is shared too: what is mounted below it here would appear
		// on the host. Make all of them private.
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}),

		// pivot_root(2) wants a mount, and ROOT is a directory: clone it as a mount, and
		// attach that over "/". The root of the child is then below it, not on it.
		call.OpenTree("", root, true).As(plan.Root),
		call.MoveMountTo(plan.Root, "/"),
		call.Fchdir(plan.Root),

		call.Chroot("."),
		call.Chdir("/"),
	}
	if escapes {
		steps = slices.Concat(steps, escape)
	}
	os.Exit(run(append(steps, call.Execve(command[0], command, []string{"PATH=/bin:/usr/bin"}))))
}

// run makes the calls, the child those after clone3, and returns the exit code of the child.
// With the environment variable EXPLAIN it prints each call with its result.
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

	// The child's parent is a thread of this process: stay on it.
	runtime.LockOSThread()
	w, err := walk.Start(&plan.Plan{Steps: steps}, c)

	// A process that has exited remains, as a zombie, until its parent has read its status.
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
