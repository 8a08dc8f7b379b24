// hint: setgroups(2)
// Lesson 8: user and capabilities.
//
//	run UID ROOT COMMAND [ARGUMENT…]
//
// Root's power is divided into capabilities, and the kernel asks for one of them, never for
// user 0. A process needs its capabilities to give up others: so the order counts.
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

// keep are the capabilities that root in the container keeps, a bit for each.
const keep = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_KILL

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: run UID ROOT COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	uid, err := strconv.ParseUint(os.Args[1], 10, 32)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	root, command := os.Args[2], os.Args[3:]
	steps := []plan.Step{
		call.Clone3(unix.CLONE_CLEAR_SIGHAND|unix.CLONE_NEWNS|unix.CLONE_NEWPID, "").As(plan.Pid),
		call.UnblockSignals(),

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
	}

	// execve(2) gives root all capabilities, but for those not in the bounding set. To take
	// one out of it needs CAP_SETPCAP, which a process loses with user 0.
	for n, name := range call.Capabilities {
		if keep&(1<<n) == 0 {
			steps = append(steps, call.PrctlDropBounding(n, name).Allow(unix.EINVAL)) // unknown to the kernel
		}
	}
	os.Exit(run(append(steps,
		// The user last, for groups need CAP_SETGID. A change from user 0 to another clears
		// the capabilities of the process, and the signal of PrctlPdeathsig.

		call.Setresgid(uint32(uid)),
		call.Setresuid(uint32(uid)),
		call.PrctlPdeathsig(),

		// From here on execve grants nothing more, not even by a set-user-ID program.
		call.PrctlNoNewPrivs(),
		call.Execve(command[0], command, []string{"PATH=/bin:/usr/bin"}),
	)))
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
