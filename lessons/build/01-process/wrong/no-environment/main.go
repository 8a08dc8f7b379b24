// hint: the environment of the program
// Lesson 1: a process.
//
//	run COMMAND [ARGUMENT…]
//
// A container is a process. clone3(2) makes one, execve(2) makes it run another program, and
// wait4(2) waits for its end. This program is a list of such calls, and a loop over it.
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
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: run COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	command := os.Args[1:]
	os.Exit(run([]plan.Step{
		// Two processes from here on: this one, and its child, which makes the calls below.
		// The child would handle signals as Go does; CLONE_CLEAR_SIGHAND sets the defaults.
		call.Clone3(unix.CLONE_CLEAR_SIGHAND, "").As(plan.Pid),

		// This process blocks all signals around clone3, and a child inherits that.
		call.UnblockSignals(),

		// When this process dies, even by SIGKILL, the child is killed.
		call.PrctlPdeathsig(),

		// The same process goes on with another program. If this call succeeds, it never
		// returns. The program is the path of a file: to search PATH is the work of a shell.
		call.Execve(command[0], command, nil),
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
