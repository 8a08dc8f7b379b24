// hint: was killed
// Lesson 10: a filter of system calls.
//
//	run ROOT COMMAND [ARGUMENT…]
//
// seccomp(2) puts a small program into the kernel, which runs it before each later system call
// of the process. It is written for the classic BPF machine: one register, jumps forward only.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

const load, equal, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ, unix.BPF_RET

var machine = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// filter loads 32 bits of struct seccomp_data, at offset K: first the number of the call, then the
// machine. A jump skips Jt instructions if the register is equal to K, and Jf if it is not.
var filter = []unix.SockFilter{
	{Code: load, K: 4}, // the machine: for another, such as i386, a number means another call
	{Code: equal, Jt: 1, K: machine[runtime.GOARCH]},
	{Code: ret, K: unix.SECCOMP_RET_KILL_PROCESS},
	{Code: load}, // the number
	{Code: equal, Jt: 3, K: unix.SYS_UNSHARE},
	{Code: equal, Jt: 2, K: unix.SYS_PERSONALITY},
	{Code: equal, Jt: 1, K: unix.SYS_KEYCTL},
	{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	{Code: ret, K: unix.SECCOMP_RET_KILL_PROCESS}, // it is not made, and fails
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: run ROOT COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	root, command := os.Args[1], os.Args[2:]
	program, _ := binary.Append(nil, binary.NativeEndian, filter)
	os.Exit(run([]plan.Step{
		call.Clone3(unix.CLONE_CLEAR_SIGHAND|unix.CLONE_NEWNS|unix.CLONE_NEWPID, "").As(plan.Pid),
		call.UnblockSignals(),

		// The root of lesson 3.
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}),
		call.OpenTree("", root, true).As(plan.Root),
		call.MoveMountTo(plan.Root, "/"),
		call.Fchdir(plan.Root),
		call.PivotRoot(".", "."),
		call.Umount2(".", unix.MNT_DETACH),

		// The user of lesson 8, without capabilities.
		call.Setgroups(nil),
		call.Setresgid(1000),
		call.Setresuid(1000),
		call.PrctlPdeathsig(),

		// Without CAP_SYS_ADMIN a filter needs no_new_privs: a set-user-ID program must not
		// be deceived by calls that fail. The filter comes last: it stays for ever.
		call.PrctlNoNewPrivs(),
		call.Seccomp(0, program, len(filter)),
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
