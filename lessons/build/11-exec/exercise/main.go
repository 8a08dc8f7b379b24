// Lesson 11: another process in a container.
//
//	exec PID COMMAND [ARGUMENT…]
//
// No container is "entered": a new process joins the namespaces of one that runs. PID is the
// number on the host of a process of the container.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: exec PID COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	pid, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	command := os.Args[2:]

	// A pidfd holds the process: its number may be given to another one when it has exited.
	init, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pidfd_open:", err)
		os.Exit(125)
	}
	os.Exit(run(map[plan.Ref]int{plan.Init: init}, []plan.Step{
		// HERE: two calls are missing, one above clone3 and one below. Which process joins what?
		call.Clone3(unix.CLONE_CLEAR_SIGHAND, "").As(plan.Pid),
		call.UnblockSignals(),
		call.PrctlPdeathsig(),

		// That was all of the container that it has. It has none of its limits, and all
		// capabilities: what lessons 7 to 10 did for the first process is to be done again.
		call.Execve(command[0], command, []string{"PATH=/bin:/usr/bin"}),
	}))
}

// run is that of lesson 1; fds are descriptors that the steps have names for.
func run(fds map[plan.Ref]int, steps []plan.Step) int {
	side := plan.Host
	for i := range steps {
		if steps[i].Side = side; steps[i].Name == "clone3" {
			side, steps[i].Child = plan.Container, plan.Container
		}
	}
	c := walk.Caller{FDs: fds}
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
