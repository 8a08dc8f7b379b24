package lessons

import (
	"fmt"
	"runtime"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/proc"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// checkExec: the process is in all namespaces of a container that runs.
func checkExec(w *Work) error {
	runtime.LockOSThread() // the container dies with its parent, a thread
	defer runtime.UnlockOSThread()
	root, err := w.Root()
	if err != nil {
		return err
	}
	container, err := startContainer(root)
	if err != nil {
		return err
	}
	defer func() {
		unix.Kill(container, unix.SIGKILL)
		unix.Wait4(container, nil, 0, nil)
	}()
	p, err := w.Start(fmt.Sprint(container), "/bin/sh")
	if err != nil {
		return err
	}
	want, err := proc.Namespaces(container)
	if err != nil {
		return err
	}
	got, err := proc.Namespaces(p.Init)
	if err != nil {
		return err
	}
	for i, ns := range want {
		switch {
		case got[i] == ns:
		case ns.Type == "pid":
			return missing("a process is born into its pid namespace: which process has to join it?",
				"the shell is not in the pid namespace of the container")
		default:
			return missing("setns(2)", "the shell is not in the %s namespace of the container", ns.Type)
		}
	}
	return nil
}

// startContainer starts sleep(1) as the program of lesson 4 does, in some more namespaces.
func startContainer(root string) (pid int, err error) {
	const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET
	steps := []plan.Step{
		call.Clone3(unix.CLONE_CLEAR_SIGHAND|namespaces, "").As(plan.Pid),
		call.PrctlPdeathsig(),
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}),
		call.OpenTree("", root, true).As(plan.Root),
		call.MoveMountTo(plan.Root, "/"),
		call.Fchdir(plan.Root),
		call.PivotRoot(".", "."),
		call.Umount2(".", unix.MNT_DETACH),
		call.Fsopen("proc").As("fs"),
		call.Fscreate("fs"),
		call.Fsmount("fs", 0).As("proc"),
		call.MoveMountTo("proc", "/proc"),
		call.Execve("/bin/sleep", []string{"sleep", "1000"}, nil),
	}
	steps[0].Child = plan.Container
	for i := range steps[1:] {
		steps[1+i].Side = plan.Container
	}
	walked, err := walk.Start(&plan.Plan{Steps: steps}, walk.Caller{FDs: map[plan.Ref]int{}})
	if err != nil {
		return 0, err
	}
	defer walked.Close()
	pid, _ = walked.Result(plan.Pid)
	return pid, nil
}
