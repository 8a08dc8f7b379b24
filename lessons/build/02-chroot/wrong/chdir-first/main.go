// hint: ROOT may be a relative path
// Lesson 2: another root, by chroot, and the escape.
//
//	run [-escape] ROOT COMMAND [ARGUMENT…]
//
// Each process has a root: the directory at which its absolute paths begin. chroot(2) changes
// it. That is no wall: with -escape the same process leads itself out again.
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

// escape leads a process with CAP_SYS_CHROOT out of a root that chroot(2) has set. The root
// is the only directory at which ".." does not lead upwards. A second chroot sets another
// root, below the working directory: from there on no ".." meets the root.
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
		call.Clone3(unix.CLONE_CLEAR_SIGHAND, "").As(plan.Pid),
		call.UnblockSignals(),
		call.PrctlPdeathsig(),

		// Absolute paths of the child begin at ROOT from here on.
		call.Chdir(root),

		// The working directory is still outside, and relative paths begin there.
		call.Chroot(root),
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
