package call

import (
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// The names of the bits that stand in the arguments, in the kernel's
// spelling. A bit without a name is printed as a number, never left out.

type flag struct {
	bit  uint64
	name string
}

// flags is a word of bits with its names: "CLONE_NEWNS|CLONE_NEWPID".
func flags(value uint64, set []flag) plan.Num {
	var names []string
	rest := value
	for _, f := range set {
		if f.bit&value == f.bit && f.bit&rest != 0 {
			names = append(names, f.name)
			rest &^= f.bit
		}
	}
	if rest != 0 || len(names) == 0 {
		names = append(names, hex(rest))
	}
	return plan.Named(value, strings.Join(names, "|"))
}

// Bit is the value of a name.
func Bit(name string, set []flag) (uint64, bool) {
	for _, f := range set {
		if f.name == name {
			return f.bit, true
		}
	}
	return 0, false
}

func hex(n uint64) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", n)
}

var fsopenFlags = []flag{{unix.FSOPEN_CLOEXEC, "FSOPEN_CLOEXEC"}}

var fspickFlags = []flag{
	{unix.FSPICK_CLOEXEC, "FSPICK_CLOEXEC"},
	{unix.FSPICK_EMPTY_PATH, "FSPICK_EMPTY_PATH"},
}

var fsmountFlags = []flag{{unix.FSMOUNT_CLOEXEC, "FSMOUNT_CLOEXEC"}}

var openTreeFlags = []flag{
	{unix.OPEN_TREE_CLONE, "OPEN_TREE_CLONE"},
	{unix.OPEN_TREE_CLOEXEC, "OPEN_TREE_CLOEXEC"},
	{unix.AT_RECURSIVE, "AT_RECURSIVE"},
	{unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"},
}

var moveMountFlags = []flag{
	{unix.MOVE_MOUNT_F_EMPTY_PATH, "MOVE_MOUNT_F_EMPTY_PATH"},
	{unix.MOVE_MOUNT_T_EMPTY_PATH, "MOVE_MOUNT_T_EMPTY_PATH"},
}

var mountAttrs = []flag{
	{unix.MOUNT_ATTR_RDONLY, "MOUNT_ATTR_RDONLY"},
	{unix.MOUNT_ATTR_NOSUID, "MOUNT_ATTR_NOSUID"},
	{unix.MOUNT_ATTR_NODEV, "MOUNT_ATTR_NODEV"},
	{unix.MOUNT_ATTR_NOEXEC, "MOUNT_ATTR_NOEXEC"},
	{unix.MOUNT_ATTR__ATIME, "MOUNT_ATTR__ATIME"},
	{unix.MOUNT_ATTR_NOATIME, "MOUNT_ATTR_NOATIME"},
	{unix.MOUNT_ATTR_STRICTATIME, "MOUNT_ATTR_STRICTATIME"},
	{unix.MOUNT_ATTR_NODIRATIME, "MOUNT_ATTR_NODIRATIME"},
	{unix.MOUNT_ATTR_IDMAP, "MOUNT_ATTR_IDMAP"},
	{unix.MOUNT_ATTR_NOSYMFOLLOW, "MOUNT_ATTR_NOSYMFOLLOW"},
}

var mountFlags = []flag{
	{unix.MS_UNBINDABLE, "MS_UNBINDABLE"},
	{unix.MS_PRIVATE, "MS_PRIVATE"},
	{unix.MS_SLAVE, "MS_SLAVE"},
	{unix.MS_SHARED, "MS_SHARED"},
}

var umountFlags = []flag{{unix.MNT_DETACH, "MNT_DETACH"}, {unix.UMOUNT_NOFOLLOW, "UMOUNT_NOFOLLOW"}}

var atFlags = []flag{
	{unix.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
	{unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"},
	{unix.AT_RECURSIVE, "AT_RECURSIVE"},
	{atExecveCheck, "AT_EXECVE_CHECK"},
}

const atExecveCheck = 0x10000 // fcntl.h of Linux 6.14

// AT_REMOVEDIR is the same bit as AT_EACCESS: each call has its own meaning of it.
var unlinkFlags = []flag{{unix.AT_REMOVEDIR, "AT_REMOVEDIR"}}

var openFlags = []flag{
	{unix.O_WRONLY, "O_WRONLY"},
	{unix.O_RDWR, "O_RDWR"},
	{unix.O_NONBLOCK, "O_NONBLOCK"},
	{unix.O_NOCTTY, "O_NOCTTY"},
	{unix.O_PATH, "O_PATH"},
	{unix.O_DIRECTORY, "O_DIRECTORY"},
	{unix.O_NOFOLLOW, "O_NOFOLLOW"},
	{unix.O_CLOEXEC, "O_CLOEXEC"},
}

var resolveFlags = []flag{
	{unix.RESOLVE_NO_XDEV, "RESOLVE_NO_XDEV"},
	{unix.RESOLVE_NO_SYMLINKS, "RESOLVE_NO_SYMLINKS"},
	{unix.RESOLVE_NO_MAGICLINKS, "RESOLVE_NO_MAGICLINKS"},
	{unix.RESOLVE_BENEATH, "RESOLVE_BENEATH"},
	{unix.RESOLVE_IN_ROOT, "RESOLVE_IN_ROOT"},
}

var closeRangeFlags = []flag{{unix.CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC"}}

var cloneFlags = []flag{
	{unix.CLONE_NEWUSER, "CLONE_NEWUSER"},
	{unix.CLONE_NEWPID, "CLONE_NEWPID"},
	{unix.CLONE_NEWNS, "CLONE_NEWNS"},
	{unix.CLONE_NEWUTS, "CLONE_NEWUTS"},
	{unix.CLONE_NEWIPC, "CLONE_NEWIPC"},
	{unix.CLONE_NEWNET, "CLONE_NEWNET"},
	{unix.CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
	{unix.CLONE_NEWTIME, "CLONE_NEWTIME"},
	{unix.CLONE_FS, "CLONE_FS"},
	{unix.CLONE_VM, "CLONE_VM"},
	{unix.CLONE_VFORK, "CLONE_VFORK"},
	{unix.CLONE_PARENT, "CLONE_PARENT"},
	{unix.CLONE_CLEAR_SIGHAND, "CLONE_CLEAR_SIGHAND"},
	{unix.CLONE_INTO_CGROUP, "CLONE_INTO_CGROUP"},
}

var seccompFlags = []flag{
	{unix.SECCOMP_FILTER_FLAG_TSYNC, "SECCOMP_FILTER_FLAG_TSYNC"},
	{unix.SECCOMP_FILTER_FLAG_LOG, "SECCOMP_FILTER_FLAG_LOG"},
	{unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"},
	{unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, "SECCOMP_FILTER_FLAG_NEW_LISTENER"},
	{unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"},
}

var memfdFlags = []flag{{unix.MFD_CLOEXEC, "MFD_CLOEXEC"}, {unix.MFD_EXEC, "MFD_EXEC"}}

var accessFlags = []flag{{unix.X_OK, "X_OK"}}

var accessAtFlags = []flag{{unix.AT_EACCESS, "AT_EACCESS"}}

var MemoryModes = []flag{
	{unix.MPOL_DEFAULT, "MPOL_DEFAULT"}, {unix.MPOL_PREFERRED, "MPOL_PREFERRED"}, {unix.MPOL_BIND, "MPOL_BIND"},
	{unix.MPOL_INTERLEAVE, "MPOL_INTERLEAVE"}, {unix.MPOL_LOCAL, "MPOL_LOCAL"},
	{unix.MPOL_PREFERRED_MANY, "MPOL_PREFERRED_MANY"}, {unix.MPOL_WEIGHTED_INTERLEAVE, "MPOL_WEIGHTED_INTERLEAVE"},
}

var MemoryFlags = []flag{
	{unix.MPOL_F_NUMA_BALANCING, "MPOL_F_NUMA_BALANCING"},
	{unix.MPOL_F_RELATIVE_NODES, "MPOL_F_RELATIVE_NODES"},
	{unix.MPOL_F_STATIC_NODES, "MPOL_F_STATIC_NODES"},
}

var Schedulers = []flag{
	{unix.SCHED_NORMAL, "SCHED_OTHER"}, {unix.SCHED_FIFO, "SCHED_FIFO"}, {unix.SCHED_RR, "SCHED_RR"},
	{unix.SCHED_BATCH, "SCHED_BATCH"}, {4, "SCHED_ISO"}, {unix.SCHED_IDLE, "SCHED_IDLE"},
	{unix.SCHED_DEADLINE, "SCHED_DEADLINE"},
}

var SchedulerFlags = []flag{
	{unix.SCHED_FLAG_RESET_ON_FORK, "SCHED_FLAG_RESET_ON_FORK"},
	{unix.SCHED_FLAG_RECLAIM, "SCHED_FLAG_RECLAIM"},
	{unix.SCHED_FLAG_DL_OVERRUN, "SCHED_FLAG_DL_OVERRUN"},
	{unix.SCHED_FLAG_KEEP_POLICY, "SCHED_FLAG_KEEP_POLICY"},
	{unix.SCHED_FLAG_KEEP_PARAMS, "SCHED_FLAG_KEEP_PARAMS"},
	{unix.SCHED_FLAG_UTIL_CLAMP_MIN, "SCHED_FLAG_UTIL_CLAMP_MIN"},
	{unix.SCHED_FLAG_UTIL_CLAMP_MAX, "SCHED_FLAG_UTIL_CLAMP_MAX"},
}

var IoClasses = []flag{{1, "IOPRIO_CLASS_RT"}, {2, "IOPRIO_CLASS_BE"}, {3, "IOPRIO_CLASS_IDLE"}}

var Personalities = []flag{{0, "PER_LINUX"}, {8, "PER_LINUX32"}}
