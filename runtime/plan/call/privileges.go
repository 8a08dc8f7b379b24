package call

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// PrctlUndumpable keeps other processes from tracing the caller and from its files in procfs.
func PrctlUndumpable() plan.Step {
	return prctl(unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE", plan.Named(0, "SUID_DUMP_DISABLE"))
}

// PrctlDumpable lets them.
func PrctlDumpable() plan.Step {
	return prctl(unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE", plan.Named(1, "SUID_DUMP_USER"))
}

// PrctlPdeathsig kills the caller when the thread that made it exits.
func PrctlPdeathsig() plan.Step {
	return prctl(unix.PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG", plan.Named(uint64(unix.SIGKILL), "SIGKILL"))
}

// PrctlDropBounding takes capability n out of the bounding set.
func PrctlDropBounding(n int, name string) plan.Step {
	return prctl(unix.PR_CAPBSET_DROP, "PR_CAPBSET_DROP", plan.Named(n, name))
}

// PrctlKeepCaps lets the permitted capabilities outlive a change of user.
func PrctlKeepCaps() plan.Step { return prctl(unix.PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS", plan.Int(1)) }

// PrctlNoNewPrivs lets no execve(2) grant anything.
func PrctlNoNewPrivs() plan.Step {
	return prctl(unix.PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS", plan.Int(1))
}

// PrctlRaiseAmbient puts capability n into the ambient set.
func PrctlRaiseAmbient(n int, name string) plan.Step {
	s := prctl(unix.PR_CAP_AMBIENT, "PR_CAP_AMBIENT", plan.Named(unix.PR_CAP_AMBIENT_RAISE, "PR_CAP_AMBIENT_RAISE"))
	s.Args[2] = plan.Named(n, name)
	return s
}

func prctl(option uint64, name string, arg plan.Num) plan.Step {
	return plan.Syscall("prctl", unix.SYS_PRCTL, plan.Named(option, name), arg, plan.Int(0), plan.Int(0), plan.Int(0))
}

func Setgroups(gids []uint32) plan.Step {
	m := &plan.Mem{Text: strings.ReplaceAll(fmt.Sprint(gids), " ", ", ")}
	for _, g := range gids {
		m.Bytes = binary.NativeEndian.AppendUint32(m.Bytes, g)
	}
	return plan.Syscall("setgroups", unix.SYS_SETGROUPS, plan.Int(len(gids)), m)
}

func Setresgid(gid uint32) plan.Step {
	return plan.Syscall("setresgid", unix.SYS_SETRESGID, plan.Int(gid), plan.Int(gid), plan.Int(gid))
}

func Setresuid(uid uint32) plan.Step {
	return plan.Syscall("setresuid", unix.SYS_SETRESUID, plan.Int(uid), plan.Int(uid), plan.Int(uid))
}

// Capset sets the process's own capabilities. The kernel takes the three
// sets as two halves of 32 bits each, the lower halves first.
func Capset(effective, permitted, inheritable uint64) plan.Step {
	header := &plan.Mem{Text: "{_LINUX_CAPABILITY_VERSION_3, 0}"}
	header.Bytes = binary.NativeEndian.AppendUint32(nil, unix.LINUX_CAPABILITY_VERSION_3)
	header.Bytes = binary.NativeEndian.AppendUint32(header.Bytes, 0)
	data := &plan.Mem{Text: fmt.Sprintf("{effective=%#x, permitted=%#x, inheritable=%#x}",
		effective, permitted, inheritable)}
	for shift := 0; shift <= 32; shift += 32 {
		for _, set := range []uint64{effective, permitted, inheritable} {
			data.Bytes = binary.NativeEndian.AppendUint32(data.Bytes, uint32(set>>shift))
		}
	}
	return plan.Syscall("capset", unix.SYS_CAPSET, header, data)
}

// Seccomp, seccomp(2), puts a filter of n instructions over every later call.
func Seccomp(f uint64, program []byte, n int) plan.Step {
	text := fmt.Sprintf("{len=%d, filter=…}", n)
	prog := plan.Words(text, uint64(n), 0).With(word, &plan.Mem{Bytes: program, Text: "…"})
	return plan.Syscall("seccomp", unix.SYS_SECCOMP,
		plan.Named(unix.SECCOMP_SET_MODE_FILTER, "SECCOMP_SET_MODE_FILTER"), flags(f, seccompFlags), prog)
}

// BpfLoadDeviceProgram is bpf(2) BPF_PROG_LOAD of a program of n instructions that
// decides about devices.
func BpfLoadDeviceProgram(program []byte, n int) plan.Step {
	attr := plan.Words(fmt.Sprintf("{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt=%d, …}", n),
		unix.BPF_PROG_TYPE_CGROUP_DEVICE|uint64(n)<<32, 0, 0).
		With(1*word, &plan.Mem{Bytes: program, Text: "insns"}).
		With(2*word, plan.Str("GPL"))
	return bpf(unix.BPF_PROG_LOAD, "BPF_PROG_LOAD", attr)
}

// BpfAttachDeviceProgram is bpf(2) BPF_PROG_ATTACH of such a program to a cgroup.
func BpfAttachDeviceProgram(cgroup, prog plan.Ref) plan.Step {
	text := fmt.Sprintf("{attach_type=BPF_CGROUP_DEVICE, target_fd=%s, attach_bpf_fd=%s, "+
		"attach_flags=BPF_F_ALLOW_MULTI}", cgroup, prog)
	attr := plan.Words(text, 0, 0).With32(0, cgroup).With32(4, prog).
		With32(8, plan.Int(unix.BPF_CGROUP_DEVICE)).With32(12, plan.Int(unix.BPF_F_ALLOW_MULTI))
	return bpf(unix.BPF_PROG_ATTACH, "BPF_PROG_ATTACH", attr)
}

// BpfOpenProgram is bpf(2) BPF_PROG_GET_FD_BY_ID: it opens a program that is loaded.
func BpfOpenProgram(id uint32) plan.Step {
	attr := plan.Words(fmt.Sprintf("{prog_id=%d}", id), 0, 0).With32(0, plan.Int(id))
	return bpf(unix.BPF_PROG_GET_FD_BY_ID, "BPF_PROG_GET_FD_BY_ID", attr)
}

// BpfDetachDeviceProgram is bpf(2) BPF_PROG_DETACH of such a program from a cgroup.
func BpfDetachDeviceProgram(cgroup, prog plan.Ref) plan.Step {
	text := fmt.Sprintf("{attach_type=BPF_CGROUP_DEVICE, target_fd=%s, attach_bpf_fd=%s}", cgroup, prog)
	attr := plan.Words(text, 0, 0).With32(0, cgroup).With32(4, prog).With32(8, plan.Int(unix.BPF_CGROUP_DEVICE))
	return bpf(unix.BPF_PROG_DETACH, "BPF_PROG_DETACH", attr)
}

func bpf(command int, name string, attr *plan.Mem) plan.Step {
	return plan.Syscall("bpf", unix.SYS_BPF, plan.Named(command, name), attr, plan.Int(len(attr.Bytes)))
}
