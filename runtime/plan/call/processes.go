package call

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Clone3 starts the container's process: in new namespaces, in the cgroup
// that is open as cgroup unless that is "".
func Clone3(f uint64, cgroup plan.Ref) plan.Step {
	const exitSignal, cgroupField = 4 * word, 10 * word
	text := fmt.Sprintf("{flags=%s, exit_signal=SIGCHLD}", flags(f, cloneFlags))
	m := plan.Words(text, f, 0, 0, 0, uint64(unix.SIGCHLD), 0, 0, 0, 0, 0, 0)
	if cgroup != "" {
		f |= unix.CLONE_INTO_CGROUP
		binary.NativeEndian.PutUint64(m.Bytes, f)
		m.With(cgroupField, cgroup)
		m.Text = fmt.Sprintf("{flags=%s, exit_signal=SIGCHLD, cgroup=%s}", flags(f, cloneFlags), cgroup)
	}
	return plan.Syscall("clone3", unix.SYS_CLONE3, m, plan.Int(len(m.Bytes)))
}

// CloneSibling makes a process whose parent is the caller's.
func CloneSibling(f uint64) plan.Step {
	s := Clone3(f|unix.CLONE_PARENT, "")
	m := s.Args[0].(*plan.Mem)
	binary.NativeEndian.PutUint64(m.Bytes[4*word:], 0)
	m.Text = strings.TrimSuffix(m.Text, ", exit_signal=SIGCHLD}") + "}"
	return s
}

func Unshare(f uint64) plan.Step {
	return plan.Syscall("unshare", unix.SYS_UNSHARE, flags(f, cloneFlags))
}

// Setns enters namespaces: the one that is open as fd, or all those named
// of the process that a pidfd holds.
func Setns(fd plan.Ref, f uint64) plan.Step {
	return plan.Syscall("setns", unix.SYS_SETNS, fd, flags(f, cloneFlags))
}

func PidfdOpen(pid plan.Ref) plan.Step {
	return plan.Syscall("pidfd_open", unix.SYS_PIDFD_OPEN, pid, plan.Int(0))
}

// PidfdSendSignal sends a signal; 0 asks whether the process is there.
func PidfdSendSignal(pidfd plan.Ref, signal int) plan.Step {
	return plan.Syscall("pidfd_send_signal", unix.SYS_PIDFD_SEND_SIGNAL, pidfd, plan.Int(signal), plan.Null,
		plan.Int(0))
}

func Kill(pid plan.Ref, signal unix.Signal) plan.Step {
	return plan.Syscall("kill", unix.SYS_KILL, pid, plan.Named(uint64(signal), unix.SignalName(signal)))
}

// Wait4 waits until a child has exited.
func Wait4(pid plan.Ref) plan.Step {
	return plan.Syscall("wait4", unix.SYS_WAIT4, pid, plan.Null, plan.Int(0), plan.Null)
}

// Pause waits for a signal that kills.
func Pause() plan.Step {
	return plan.Syscall("ppoll", unix.SYS_PPOLL, plan.Null, plan.Int(0), plan.Null, plan.Null)
}

func Gettid() plan.Step { return plan.Syscall("gettid", unix.SYS_GETTID) }

func Sethostname(name string) plan.Step {
	return plan.Syscall("sethostname", unix.SYS_SETHOSTNAME, plan.Str(name), plan.Int(len(name)))
}

func Setdomainname(name string) plan.Step {
	return plan.Syscall("setdomainname", unix.SYS_SETDOMAINNAME, plan.Str(name), plan.Int(len(name)))
}

// Keyctl joins a new, empty session keyring (keyctl(2)).
func Keyctl() plan.Step {
	return plan.Syscall("keyctl", unix.SYS_KEYCTL,
		plan.Named(unix.KEYCTL_JOIN_SESSION_KEYRING, "KEYCTL_JOIN_SESSION_KEYRING"), plan.Null)
}

func Setsid() plan.Step { return plan.Syscall("setsid", unix.SYS_SETSID) }

func Prlimit64(resource uint64, name string, soft, hard uint64) plan.Step {
	text := fmt.Sprintf("{rlim_cur=%s, rlim_max=%s}", limit(soft), limit(hard))
	return plan.Syscall("prlimit64", unix.SYS_PRLIMIT64, plan.Int(0), plan.Named(resource, name),
		plan.Words(text, soft, hard), plan.Null).
		Hint(unix.EPERM, "lower the hard limit, or run the command with CAP_SYS_RESOURCE to raise it")
}

func limit(n uint64) string {
	if n == AllBits {
		return "RLIM64_INFINITY"
	}
	return fmt.Sprint(n)
}

// UnblockSignals sets an empty mask of blocked signals.
func UnblockSignals() plan.Step {
	return plan.Syscall("rt_sigprocmask", unix.SYS_RT_SIGPROCMASK,
		plan.Named(unix.SIG_SETMASK, "SIG_SETMASK"), plan.Words("[]", 0), plan.Null, plan.Int(word))
}

// DefaultSignal gives a signal its default action. Go itself leaves alone only
// those two that may be ignored on purpose when a program begins.
func DefaultSignal(sig unix.Signal) plan.Step {
	return plan.Syscall("rt_sigaction", unix.SYS_RT_SIGACTION,
		plan.Named(sig, unix.SignalName(sig)), plan.Words("{sa_handler=SIG_DFL}", 0, 0, 0, 0),
		plan.Null, plan.Int(word))
}

func Execve(path string, argv, envp []string) plan.Step {
	s := plan.Syscall("execve", unix.SYS_EXECVE, plan.Str(path), plan.Strs(argv), plan.Strs(envp))
	s.Hints = programHints
	return s
}

// programHints are those of execve(2), and of the questions before it.
var programHints = []plan.Hint{
	{Errno: unix.ENOENT, Text: "check that the container has the program, and the interpreter that it names"},
	{Errno: unix.EACCES, Text: "make the file executable: chmod +x; a directory cannot be executed"},
	{Errno: unix.ENOEXEC, Text: "use a program of this architecture, or a script that begins with #!"},
}

// ExecveatCheck asks whether the file could be executed, and executes nothing (execveat(2),
// AT_EXECVE_CHECK, Linux 6.14).
func ExecveatCheck(path string) plan.Step {
	s := plan.Syscall("execveat", unix.SYS_EXECVEAT, at(""), plan.Str(path), plan.Strs{path}, plan.Strs(nil),
		flags(atExecveCheck, atFlags))
	s.Hints = programHints
	return s
}

// Execveat executes the file that is open as fd, with an empty environment.
func Execveat(fd plan.Ref, argv []string) plan.Step {
	return plan.Syscall("execveat", unix.SYS_EXECVEAT, fd, plan.Str(""), plan.Strs(argv), plan.Strs(nil),
		flags(unix.AT_EMPTY_PATH, atFlags))
}

// SchedSetaffinity binds the calling thread, and what it makes, to CPUs: a bit for each.
func SchedSetaffinity(mask []uint64, text string) plan.Step {
	return plan.Syscall("sched_setaffinity", unix.SYS_SCHED_SETAFFINITY, plan.Int(0), plan.Int(len(mask)*word),
		plan.Words(text, mask...))
}

// SchedSetattr sets the scheduling policy of the caller. policy is the name of attr.Policy.
func SchedSetattr(policy string, attr unix.SchedAttr) plan.Step {
	attr.Size = unix.SizeofSchedAttr
	m := &plan.Mem{}
	m.Bytes, _ = binary.Append(nil, binary.NativeEndian, attr) // a struct of fixed size: no error
	text := []string{"sched_policy=" + policy, fmt.Sprintf("sched_nice=%d", attr.Nice)}
	if attr.Flags != 0 {
		text = append(text, "sched_flags="+flags(attr.Flags, SchedulerFlags).Text)
	}
	if attr.Priority != 0 {
		text = append(text, fmt.Sprintf("sched_priority=%d", attr.Priority))
	}
	if attr.Policy == unix.SCHED_DEADLINE {
		text = append(text, fmt.Sprintf("sched_runtime=%d, sched_deadline=%d, sched_period=%d",
			attr.Runtime, attr.Deadline, attr.Period))
	}
	m.Text = "{" + strings.Join(text, ", ") + "}"
	return plan.Syscall("sched_setattr", unix.SYS_SCHED_SETATTR, plan.Int(0), m, plan.Int(0))
}

// IoprioSet sets the I/O class and priority of the caller's process group.
func IoprioSet(class uint64, name string, priority int) plan.Step {
	const processGroup, classShift = 2, 13
	return plan.Syscall("ioprio_set", unix.SYS_IOPRIO_SET, plan.Named(processGroup, "IOPRIO_WHO_PGRP"), plan.Int(0),
		plan.Named(class<<classShift|uint64(priority), fmt.Sprintf("IOPRIO_PRIO_VALUE(%s, %d)", name, priority)))
}

// SetMempolicy sets which memory nodes pages come from: a bit for each, none for no nodes.
func SetMempolicy(mode plan.Num, nodes []uint64, text string) plan.Step {
	if len(nodes) == 0 {
		return plan.Syscall("set_mempolicy", unix.SYS_SET_MEMPOLICY, mode, plan.Null, plan.Int(0))
	}
	bits := len(nodes)*64 + 1 // the kernel looks at one bit less than it is told
	return plan.Syscall("set_mempolicy", unix.SYS_SET_MEMPOLICY, mode, plan.Words(text, nodes...), plan.Int(bits))
}

func Personality(domain plan.Num) plan.Step {
	return plan.Syscall("personality", unix.SYS_PERSONALITY, domain)
}

// IgnoreSignal ignores a signal. Of SIGCHLD that means: children leave no zombie (wait(2)).
func IgnoreSignal(sig unix.Signal) plan.Step {
	return plan.Syscall("rt_sigaction", unix.SYS_RT_SIGACTION,
		plan.Named(sig, unix.SignalName(sig)), plan.Words("{sa_handler=SIG_IGN}", 1, 0, 0, 0),
		plan.Null, plan.Int(word))
}

// KillGroup sends a signal to the process group of the caller.
func KillGroup(signal unix.Signal) plan.Step {
	return plan.Syscall("kill", unix.SYS_KILL, plan.Int(0), plan.Named(uint64(signal), unix.SignalName(signal)))
}

// Wait4Stopped waits until a child has stopped or exited.
func Wait4Stopped(pid plan.Ref) plan.Step {
	return plan.Syscall("wait4", unix.SYS_WAIT4, pid, plan.Null, plan.Named(unix.WUNTRACED, "WSTOPPED"), plan.Null)
}

func ExitGroup(status int) plan.Step {
	return plan.Syscall("exit_group", unix.SYS_EXIT_GROUP, plan.Int(status))
}
