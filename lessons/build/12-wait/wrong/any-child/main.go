// hint: which one is the command
// Lesson 12: who waits.
//
//	run ROOT COMMAND [ARGUMENT…]
//
// An exited process is a zombie until its parent waits for it. Process 1 is the parent of all
// orphans, and ignores signals that it does not handle. So an init is process 1: this program.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

func main() {
	runtime.LockOSThread()
	signals := make(chan os.Signal, 16)
	signal.Notify(signals) // from here on a signal does not kill this process, but comes here
	pid, err := 0, error(nil)
	switch {
	case os.Args[0] == "init":
		pid, err = syscall.ForkExec(os.Args[1], os.Args[1:],
			&syscall.ProcAttr{Env: []string{"PATH=/bin:/usr/bin"}, Files: []uintptr{0, 1, 2}})
	case len(os.Args) < 3:
		err = fmt.Errorf("usage: run ROOT COMMAND [ARGUMENT…]")
	default:
		pid, err = start(os.Args[1], os.Args[2:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(125)
	}
	os.Exit(wait(pid, signals))
}

// start starts the init, which starts the command.
func start(root string, command []string) (pid int, err error) {
	steps := []plan.Step{
		// An open file can be executed, and this one has no path in the container.
		call.Openat("", "/proc/self/exe", unix.O_PATH).As("init"),
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
		// A session without the terminal: Ctrl-C there signals this process, which passes it on.
		call.Setsid(),
		call.Execveat("init", append([]string{"init"}, command...)),
	}
	side := plan.Host
	for i := range steps {
		if steps[i].Side = side; steps[i].Name == "clone3" {
			side, steps[i].Child = plan.Container, plan.Container
		}
	}
	w, err := walk.Start(&plan.Plan{Steps: steps}, walk.Caller{FDs: map[plan.Ref]int{}})
	if err == nil {
		pid, _ = w.Result(plan.Pid)
	}
	return pid, err
}

// wait passes signals on to a child, waits for all children, and returns its exit code.
func wait(pid int, signals <-chan os.Signal) int {
	go func() {
		for s := range signals {
			if s != unix.SIGCHLD && s != unix.SIGURG { // one for each child, and one of Go's own
				unix.Kill(pid, s.(unix.Signal))
			}
		}
	}()
	for {
		var status unix.WaitStatus
		switch _, _ = unix.Wait4(-1, &status, 0, nil); {
		case status.Signaled(): // the convention of shells
			return 128 + int(status.Signal())
		default:
			return status.ExitStatus()
		}
	}
}
