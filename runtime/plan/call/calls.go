package call

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// The calls in the order of their manual pages: mounts, files, namespaces and
// processes, identity, confinement.

const (
	Word     = 8          // bytes in a field of the structs below
	AllBits  = ^uint64(0) // "up to the last"
	cwd      = -100       // AT_FDCWD: relative to the working directory
	truncate = 96         // bytes of a file's new content that are printed
)

// At is a folder descriptor argument: "" is the working directory.
func At(dir plan.Ref) plan.Arg {
	if dir == "" {
		n := int64(cwd)
		return plan.Named(n, "AT_FDCWD")
	}
	return dir
}

func octal(mode uint32) plan.Num { return plan.Named(mode, fmt.Sprintf("%#o", mode)) }

// ---- mounts -------------------------------------------------------------

// Fsopen(2): a filesystem to be configured, not yet mounted.
func Fsopen(fstype string) plan.Step {
	return plan.Syscall("fsopen", unix.SYS_FSOPEN, plan.Str(fstype), Flags(unix.FSOPEN_CLOEXEC, fsopenFlags))
}

// Fsconfig(2) sets an option; value "" is an option without a value.
func Fsconfig(fs plan.Ref, key, value string) plan.Step {
	if value == "" {
		return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
			plan.Named(unix.FSCONFIG_SET_FLAG, "FSCONFIG_SET_FLAG"), plan.Str(key), plan.Null, plan.Int(0))
	}
	return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
		plan.Named(unix.FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING"), plan.Str(key), plan.Str(value), plan.Int(0))
}

// FsconfigFd hands the filesystem a folder by its descriptor.
func FsconfigFd(fs plan.Ref, key string, fd plan.Ref) plan.Step {
	return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
		plan.Named(unix.FSCONFIG_SET_FD, "FSCONFIG_SET_FD"), plan.Str(key), plan.Null, fd)
}

// Fscreate makes the superblock from what was configured.
func Fscreate(fs plan.Ref) plan.Step {
	return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
		plan.Named(unix.FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE"), plan.Null, plan.Null, plan.Int(0))
}

// Fspick(2): the filesystem of the mount that is open as dir, to be configured
// anew.
func Fspick(dir plan.Ref) plan.Step {
	return plan.Syscall("fspick", unix.SYS_FSPICK, dir, plan.Str(""), Flags(unix.FSPICK_CLOEXEC|unix.FSPICK_EMPTY_PATH, fspickFlags))
}

// Fsreconfigure changes the superblock to what was configured.
func Fsreconfigure(fs plan.Ref) plan.Step {
	return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
		plan.Named(unix.FSCONFIG_CMD_RECONFIGURE, "FSCONFIG_CMD_RECONFIGURE"), plan.Null, plan.Null, plan.Int(0))
}

// Fsmount(2): a mount of the superblock that is attached nowhere.
func Fsmount(fs plan.Ref, attr uint64) plan.Step {
	return plan.Syscall("fsmount", unix.SYS_FSMOUNT, fs,
		Flags(unix.FSMOUNT_CLOEXEC, fsmountFlags), Flags(attr, mountAttrs))
}

// OpenTree clones the mount at a path, with all below it if recursive, as a
// tree that is attached nowhere: half of a bind mount. An empty path means
// dir itself.
func OpenTree(dir plan.Ref, path string, recursive bool) plan.Step {
	f := uint64(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if recursive {
		f |= unix.AT_RECURSIVE
	}
	if path == "" {
		f |= unix.AT_EMPTY_PATH
	}
	return plan.Syscall("open_tree", unix.SYS_OPEN_TREE, At(dir), plan.Str(path), Flags(f, openTreeFlags))
}

// MoveMount attaches a mount onto an open folder or file: no path, so
// nothing to swap on the way.
func MoveMount(mount, target plan.Ref) plan.Step {
	return plan.Syscall("move_mount", unix.SYS_MOVE_MOUNT, mount, plan.Str(""), target, plan.Str(""),
		Flags(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH, MoveMountFlags))
}

// MountSetattr changes a mount that is open as dir, or the one at path.
func MountSetattr(dir plan.Ref, path string, recursive bool, a MountAttr) plan.Step {
	f := uint64(0)
	if path == "" {
		f |= unix.AT_EMPTY_PATH
	}
	if recursive {
		f |= unix.AT_RECURSIVE
	}
	var text []string
	add := func(name string, n uint64, set []flag) {
		if n != 0 {
			text = append(text, name+"="+Flags(n, set).Text)
		}
	}
	add("attr_set", a.Set, mountAttrs)
	add("attr_clr", a.Clear, mountAttrs)
	add("propagation", a.Propagation, mountFlags)
	m := plan.Words("", a.Set, a.Clear, a.Propagation, 0)
	if a.Userns != "" {
		m.With(3*Word, a.Userns)
		text = append(text, "userns_fd="+a.Userns.String())
	}
	m.Text = "{" + strings.Join(text, ", ") + "}"
	return plan.Syscall("mount_setattr", unix.SYS_MOUNT_SETATTR, At(dir), plan.Str(path),
		Flags(f, atFlags), m, plan.Int(len(m.Bytes)))
}

func PivotRoot(newRoot, putOld string) plan.Step {
	return plan.Syscall("pivot_root", unix.SYS_PIVOT_ROOT, plan.Str(newRoot), plan.Str(putOld))
}

func Umount2(target string, f uint64) plan.Step {
	return plan.Syscall("umount2", unix.SYS_UMOUNT2, plan.Str(target), Flags(f, umountFlags))
}

// ---- files --------------------------------------------------------------

func Openat(dir plan.Ref, path string, f uint64) plan.Step {
	return plan.Syscall("openat", unix.SYS_OPENAT, At(dir), plan.Str(path), Flags(f|unix.O_CLOEXEC, OpenFlags))
}

// Openat2(2) opens a path under rules that the kernel keeps for every part of
// it: RESOLVE_NO_SYMLINKS follows no link at all, RESOLVE_NO_MAGICLINKS none
// of /proc's doors to other roots.
func Openat2(dir plan.Ref, path string, f, resolve uint64) plan.Step {
	f |= unix.O_CLOEXEC
	text := fmt.Sprintf("{flags=%s, resolve=%s}", Flags(f, OpenFlags), Flags(resolve, resolveFlags))
	how := plan.Words(text, f, 0, resolve)
	return plan.Syscall("openat2", unix.SYS_OPENAT2, At(dir), plan.Str(path), how, plan.Int(len(how.Bytes)))
}

// MakeFile makes an empty file to mount something on.
func MakeFile(dir plan.Ref, path string, mode uint32) plan.Step {
	return plan.Syscall("mknodat", unix.SYS_MKNODAT, At(dir), plan.Str(path),
		plan.Named(uint64(unix.S_IFREG|mode), fmt.Sprintf("S_IFREG|%#o", mode)), plan.Int(0))
}

func Mkdirat(dir plan.Ref, path string, mode uint32) plan.Step {
	return plan.Syscall("mkdirat", unix.SYS_MKDIRAT, At(dir), plan.Str(path), octal(mode))
}

func Rmdirat(dir plan.Ref, path string) plan.Step {
	return plan.Syscall("unlinkat", unix.SYS_UNLINKAT, At(dir), plan.Str(path), Flags(unix.AT_REMOVEDIR, unlinkFlags))
}

func Mknodat(dir plan.Ref, path string, mode, major, minor uint32) plan.Step {
	return plan.Syscall("mknodat", unix.SYS_MKNODAT, At(dir), plan.Str(path),
		plan.Named(mode, fmt.Sprintf("%s|%#o", KindName(mode), mode&^unix.S_IFMT)),
		plan.Named(unix.Mkdev(major, minor), fmt.Sprintf("makedev(%d, %d)", major, minor)))
}

// KindName is what mknod(2) calls the kind of a node.
func KindName(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFCHR:
		return "S_IFCHR"
	case unix.S_IFBLK:
		return "S_IFBLK"
	}
	return "S_IFIFO"
}

// SameGroup, for fchownat(2), leaves the group as it is.
const SameGroup = ^uint32(0)

// Statx(2) of what is open as fd.
func Statx(fd plan.Ref, text string) plan.Step {
	const size = 256 // struct statx
	return plan.Syscall("statx", unix.SYS_STATX, fd, plan.Str(""), Flags(unix.AT_EMPTY_PATH, atFlags),
		plan.Named(unix.STATX_BASIC_STATS, "STATX_BASIC_STATS"), &plan.Mem{Bytes: make([]byte, size), Text: text})
}

func Fchownat(dir plan.Ref, path string, uid, gid uint32) plan.Step {
	group := plan.Int(gid)
	if gid == SameGroup {
		group.Text = "-1"
	}
	return plan.Syscall("fchownat", unix.SYS_FCHOWNAT, At(dir), plan.Str(path), plan.Int(uid), group,
		Flags(unix.AT_SYMLINK_NOFOLLOW, atFlags))
}

func Fchmodat(dir plan.Ref, path string, mode uint32) plan.Step {
	return plan.Syscall("fchmodat", unix.SYS_FCHMODAT, At(dir), plan.Str(path), octal(mode))
}

func Symlinkat(target string, dir plan.Ref, path string) plan.Step {
	return plan.Syscall("symlinkat", unix.SYS_SYMLINKAT, plan.Str(target), At(dir), plan.Str(path))
}

func Write(fd plan.Ref, data string) plan.Step {
	return plan.Syscall("write", unix.SYS_WRITE, fd, &plan.Mem{Bytes: []byte(data), Text: printable.Quote(plan.Fold(data, truncate))}, plan.Int(len(data)))
}

// Fsetxattr(2) sets an attribute of the file that is open as fd.
func Fsetxattr(fd plan.Ref, name, value string) plan.Step {
	return plan.Syscall("fsetxattr", unix.SYS_FSETXATTR, fd, plan.Str(name), plan.Str(value), plan.Int(len(value)), plan.Int(0))
}

// ReadByte waits until a byte, or the end of the file, comes.
func ReadByte(fd plan.Ref) plan.Step {
	return plan.Syscall("read", unix.SYS_READ, fd, &plan.Mem{Bytes: make([]byte, Word), Text: "buf"}, plan.Int(1))
}

func Dup3(old, fd plan.Arg) plan.Step {
	return plan.Syscall("dup3", unix.SYS_DUP3, old, fd, plan.Int(0))
}

func Close(fd plan.Ref) plan.Step { return plan.Syscall("close", unix.SYS_CLOSE, fd) }

func CloseRange(first int, f uint64) plan.Step {
	return plan.Syscall("close_range", unix.SYS_CLOSE_RANGE, plan.Int(first), plan.Named(uint64(^uint32(0)), "~0U"), Flags(f, closeRangeFlags))
}

func Chdir(path string) plan.Step { return plan.Syscall("chdir", unix.SYS_CHDIR, plan.Str(path)) }

func Fchdir(dir plan.Ref) plan.Step { return plan.Syscall("fchdir", unix.SYS_FCHDIR, dir) }

func Umask(mask uint32) plan.Step { return plan.Syscall("umask", unix.SYS_UMASK, octal(mask)) }

// Ioctl with a request that the kernel headers call name.
func Ioctl(fd plan.Arg, name string, request uint64, arg plan.Arg) plan.Step {
	return plan.Syscall("ioctl", unix.SYS_IOCTL, fd, plan.Named(request, name), arg)
}

// MemfdCreate makes a file that lies in memory and has no path. To say that it
// is going to be executed is possible from Linux 6.3 on, and later needed.
func MemfdCreate(name string, exec bool) plan.Step {
	f := uint64(unix.MFD_CLOEXEC)
	if exec {
		f |= unix.MFD_EXEC
	}
	return plan.Syscall("memfd_create", unix.SYS_MEMFD_CREATE, plan.Str(name), Flags(f, memfdFlags))
}

func CloseOnExec(fd plan.Ref, on bool) plan.Step {
	f := plan.Named(0, "0")
	if on {
		f = plan.Named(unix.FD_CLOEXEC, "FD_CLOEXEC")
	}
	return plan.Syscall("fcntl", unix.SYS_FCNTL, fd, plan.Named(unix.F_SETFD, "F_SETFD"), f)
}

// Faccessat2 asks for the ids that the process has now.
func Faccessat2(path string, mode uint64) plan.Step {
	return plan.Syscall("faccessat2", unix.SYS_FACCESSAT2, At(""), plan.Str(path), Flags(mode, accessFlags), Flags(unix.AT_EACCESS, accessAtFlags))
}

func Chroot(path string) plan.Step { return plan.Syscall("chroot", unix.SYS_CHROOT, plan.Str(path)) }

// ---- namespaces and processes --------------------------------------------

// Clone3(2) starts the container's process: in new namespaces, in the cgroup
// that is open as cgroup unless that is "".
func Clone3(f uint64, cgroup plan.Ref) plan.Step {
	const exitSignal, cgroupField = 4 * Word, 10 * Word
	text := fmt.Sprintf("{flags=%s, exit_signal=SIGCHLD}", Flags(f, cloneFlags))
	m := plan.Words(text, f, 0, 0, 0, uint64(unix.SIGCHLD), 0, 0, 0, 0, 0, 0)
	if cgroup != "" {
		f |= unix.CLONE_INTO_CGROUP
		binary.NativeEndian.PutUint64(m.Bytes, f)
		m.With(cgroupField, cgroup)
		m.Text = fmt.Sprintf("{flags=%s, exit_signal=SIGCHLD, cgroup=%s}", Flags(f, cloneFlags), cgroup)
	}
	return plan.Syscall("clone3", unix.SYS_CLONE3, m, plan.Int(len(m.Bytes)))
}

// CloneSibling makes a process whose parent is the caller's.
func CloneSibling(f uint64) plan.Step {
	s := Clone3(f|unix.CLONE_PARENT, "")
	m := s.Args[0].(*plan.Mem)
	binary.NativeEndian.PutUint64(m.Bytes[4*Word:], 0)
	m.Text = strings.TrimSuffix(m.Text, ", exit_signal=SIGCHLD}") + "}"
	return s
}

func Unshare(f uint64) plan.Step {
	return plan.Syscall("unshare", unix.SYS_UNSHARE, Flags(f, cloneFlags))
}

func Sethostname(name string) plan.Step {
	return plan.Syscall("sethostname", unix.SYS_SETHOSTNAME, plan.Str(name), plan.Int(len(name)))
}

func Setdomainname(name string) plan.Step {
	return plan.Syscall("setdomainname", unix.SYS_SETDOMAINNAME, plan.Str(name), plan.Int(len(name)))
}

// Keyctl joins a new, empty session keyring (keyctl(2)).
func Keyctl() plan.Step {
	return plan.Syscall("keyctl", unix.SYS_KEYCTL, plan.Named(unix.KEYCTL_JOIN_SESSION_KEYRING, "KEYCTL_JOIN_SESSION_KEYRING"), plan.Null)
}

func Setsid() plan.Step { return plan.Syscall("setsid", unix.SYS_SETSID) }

func Prlimit64(resource uint64, name string, soft, hard uint64) plan.Step {
	text := fmt.Sprintf("{rlim_cur=%s, rlim_max=%s}", limit(soft), limit(hard))
	return plan.Syscall("prlimit64", unix.SYS_PRLIMIT64, plan.Int(0), plan.Named(resource, name), plan.Words(text, soft, hard), plan.Null)
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
		plan.Named(unix.SIG_SETMASK, "SIG_SETMASK"), plan.Words("[]", 0), plan.Null, plan.Int(Word))
}

// DefaultSignal gives a signal its default action. Go itself leaves alone only
// those two that may be ignored on purpose when a program begins.
func DefaultSignal(sig unix.Signal) plan.Step {
	return plan.Syscall("rt_sigaction", unix.SYS_RT_SIGACTION,
		plan.Named(sig, unix.SignalName(sig)), plan.Words("{sa_handler=SIG_DFL}", 0, 0, 0, 0), plan.Null, plan.Int(Word))
}

func Execve(path string, argv, envp []string) plan.Step {
	return plan.Syscall("execve", unix.SYS_EXECVE, plan.Str(path), plan.Strs(argv), plan.Strs(envp))
}

// Execveat executes the file that is open as fd, with an empty environment.
func Execveat(fd plan.Ref, argv []string) plan.Step {
	return plan.Syscall("execveat", unix.SYS_EXECVEAT, fd, plan.Str(""), plan.Strs(argv), plan.Strs(nil), Flags(unix.AT_EMPTY_PATH, atFlags))
}

// Setns(2) enters namespaces: the one that is open as fd, or all those named
// of the process that a pidfd holds.
func Setns(fd plan.Ref, f uint64) plan.Step {
	return plan.Syscall("setns", unix.SYS_SETNS, fd, Flags(f, cloneFlags))
}

// ---- identity and confinement ---------------------------------------------

func Prctl(option uint64, name string, arg plan.Num) plan.Step {
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

// Capset(2) sets the process's own capabilities. The kernel takes the three
// sets as two halves of 32 bits each, the lower halves first.
func Capset(effective, permitted, inheritable uint64) plan.Step {
	header := &plan.Mem{Text: "{_LINUX_CAPABILITY_VERSION_3, 0}"}
	header.Bytes = binary.NativeEndian.AppendUint32(nil, unix.LINUX_CAPABILITY_VERSION_3)
	header.Bytes = binary.NativeEndian.AppendUint32(header.Bytes, 0)
	data := &plan.Mem{Text: fmt.Sprintf("{effective=%#x, permitted=%#x, inheritable=%#x}", effective, permitted, inheritable)}
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
	prog := plan.Words(text, uint64(n), 0).With(Word, &plan.Mem{Bytes: program, Text: "…"})
	return plan.Syscall("seccomp", unix.SYS_SECCOMP,
		plan.Named(unix.SECCOMP_SET_MODE_FILTER, "SECCOMP_SET_MODE_FILTER"), Flags(f, seccompFlags), prog)
}
