// Lesson 4: process numbers of its own, and /proc.
//
//	run ROOT COMMAND [ARGUMENT…]
//
// In a new pid namespace processes are numbered from 1, and see and signal no others. /proc
// is a filesystem: each mount of it shows one pid namespace, that of the process that made it.
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
	os.Exit(run([]plan.Step{
		// The child is the first process of a new pid namespace: its number there is 1.
		call.Clone3(unix.CLONE_CLEAR_SIGHAND|unix.CLONE_NEWNS|unix.CLONE_NEWPID, "").As(plan.Pid),
		call.UnblockSignals(),
		call.PrctlPdeathsig(),

		// The root, as in lesson 3.
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}),
		call.OpenTree("", root, true).As(plan.Root),
		call.MoveMountTo(plan.Root, "/"),
		call.Fchdir(plan.Root),
		call.PivotRoot(".", "."),
		call.Umount2(".", unix.MNT_DETACH),

		// HERE: calls are missing. Make a filesystem of type proc, and a mount of it; make the
		// directory /proc, which may exist; attach the mount there.

		call.Execve(command[0], command, []string{"PATH=/bin:/usr/bin"}),
	}))
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
