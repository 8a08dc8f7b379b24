package plan

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"golang.org/x/sys/unix"
)

// The system calls that make a container, one function each, in the order of
// their manual pages: mounts, files, namespaces and processes, identity,
// confinement. Each returns the step that makes the call; who makes it and
// why is added where the plan is compiled.

const (
	word     = 8          // bytes in a field of the structs below
	allBits  = ^uint64(0) // "up to the last"
	cwd      = -100       // AT_FDCWD: relative to the working directory
	truncate = 96         // bytes of a file's new content that are printed
)

var nothing = Num{0, "NULL"}

func call(name string, number uintptr, args ...Arg) Step {
	return Step{Name: name, Number: number, Args: args}
}

// as names the step's result.
func (s Step) as(r Ref) Step { s.Result = string(r); return s }

// accept adds errors that are as good as success.
func (s Step) accept(e ...unix.Errno) Step { s.Accept = append(s.Accept, e...); return s }

// when makes the step depend on an earlier result being there.
func (s Step) when(r Ref) Step { s.If = r; return s }

// unless makes the step depend on an earlier result being absent.
func (s Step) unless(r Ref) Step { s.Unless = r; return s }

// at is a folder descriptor argument: "" is the working directory.
func at(dir Ref) Arg {
	if dir == "" {
		n := int64(cwd)
		return Num{uint64(n), "AT_FDCWD"}
	}
	return dir
}

func num[T ~int | ~uint32 | ~uint64 | ~int64 | ~uintptr](n T) Num { return Num{Value: uint64(n)} }

func octal(mode uint32) Num { return Num{uint64(mode), fmt.Sprintf("%#o", mode)} }

// ---- mounts -------------------------------------------------------------

// fsopen(2): a filesystem to be configured, not yet mounted.
func fsopen(fstype string) Step {
	return call("fsopen", unix.SYS_FSOPEN, Str(fstype), flags(unix.FSOPEN_CLOEXEC, fsopenFlags))
}

// fsconfig(2) sets an option; value "" is an option without a value.
func fsconfig(fs Ref, key, value string) Step {
	if value == "" {
		return call("fsconfig", unix.SYS_FSCONFIG, fs,
			Num{unix.FSCONFIG_SET_FLAG, "FSCONFIG_SET_FLAG"}, Str(key), nothing, num(0))
	}
	return call("fsconfig", unix.SYS_FSCONFIG, fs,
		Num{unix.FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING"}, Str(key), Str(value), num(0))
}

// fsconfigFd hands the filesystem a folder by its descriptor.
func fsconfigFd(fs Ref, key string, fd Ref) Step {
	return call("fsconfig", unix.SYS_FSCONFIG, fs,
		Num{unix.FSCONFIG_SET_FD, "FSCONFIG_SET_FD"}, Str(key), nothing, fd)
}

// fscreate makes the superblock from what was configured.
func fscreate(fs Ref) Step {
	return call("fsconfig", unix.SYS_FSCONFIG, fs,
		Num{unix.FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE"}, nothing, nothing, num(0))
}

// fspick(2): the filesystem of the mount that is open as dir, to be configured
// anew.
func fspick(dir Ref) Step {
	return call("fspick", unix.SYS_FSPICK, dir, Str(""), flags(unix.FSPICK_CLOEXEC|unix.FSPICK_EMPTY_PATH, fspickFlags))
}

// fsreconfigure changes the superblock to what was configured.
func fsreconfigure(fs Ref) Step {
	return call("fsconfig", unix.SYS_FSCONFIG, fs,
		Num{unix.FSCONFIG_CMD_RECONFIGURE, "FSCONFIG_CMD_RECONFIGURE"}, nothing, nothing, num(0))
}

// fsmount(2): a mount of the superblock that is attached nowhere.
func fsmount(fs Ref, attr uint64) Step {
	return call("fsmount", unix.SYS_FSMOUNT, fs,
		flags(unix.FSMOUNT_CLOEXEC, fsmountFlags), flags(attr, mountAttrs))
}

// openTree clones the mount at a path, with all below it if recursive, as a
// tree that is attached nowhere: half of a bind mount. An empty path means
// dir itself.
func openTree(dir Ref, path string, recursive bool) Step {
	f := uint64(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if recursive {
		f |= unix.AT_RECURSIVE
	}
	if path == "" {
		f |= unix.AT_EMPTY_PATH
	}
	return call("open_tree", unix.SYS_OPEN_TREE, at(dir), Str(path), flags(f, openTreeFlags))
}

// moveMount attaches a mount onto an open folder or file: no path, so
// nothing to swap on the way.
func moveMount(mount, target Ref) Step {
	return call("move_mount", unix.SYS_MOVE_MOUNT, mount, Str(""), target, Str(""),
		flags(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH, moveMountFlags))
}

// mountAttr is the argument of mount_setattr(2).
type mountAttr struct {
	set, clear, propagation uint64
	userns                  Ref // for MOUNT_ATTR_IDMAP
}

// mountSetattr changes a mount that is open as dir, or the one at path.
func mountSetattr(dir Ref, path string, recursive bool, a mountAttr) Step {
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
			text = append(text, name+"="+flags(n, set).Text)
		}
	}
	add("attr_set", a.set, mountAttrs)
	add("attr_clr", a.clear, mountAttrs)
	add("propagation", a.propagation, mountFlags)
	m := words("", a.set, a.clear, a.propagation, 0)
	if a.userns != "" {
		m.with(3*word, a.userns)
		text = append(text, "userns_fd="+a.userns.String())
	}
	m.Text = "{" + strings.Join(text, ", ") + "}"
	return call("mount_setattr", unix.SYS_MOUNT_SETATTR, at(dir), Str(path),
		flags(f, atFlags), m, num(len(m.Bytes)))
}

func pivotRoot(newRoot, putOld string) Step {
	return call("pivot_root", unix.SYS_PIVOT_ROOT, Str(newRoot), Str(putOld))
}

func umount2(target string, f uint64) Step {
	return call("umount2", unix.SYS_UMOUNT2, Str(target), flags(f, umountFlags))
}

// ---- files --------------------------------------------------------------

func openat(dir Ref, path string, f uint64) Step {
	return call("openat", unix.SYS_OPENAT, at(dir), Str(path), flags(f|unix.O_CLOEXEC, openFlags))
}

// openat2(2) opens a path under rules that the kernel keeps for every part of
// it: RESOLVE_NO_SYMLINKS follows no link at all, RESOLVE_NO_MAGICLINKS none
// of /proc's doors to other roots.
func openat2(dir Ref, path string, f, resolve uint64) Step {
	f |= unix.O_CLOEXEC
	text := fmt.Sprintf("{flags=%s, resolve=%s}", flags(f, openFlags), flags(resolve, resolveFlags))
	how := words(text, f, 0, resolve)
	return call("openat2", unix.SYS_OPENAT2, at(dir), Str(path), how, num(len(how.Bytes)))
}

// makeFile makes an empty file to mount something on.
func makeFile(dir Ref, path string, mode uint32) Step {
	return call("mknodat", unix.SYS_MKNODAT, at(dir), Str(path),
		Num{uint64(unix.S_IFREG | mode), fmt.Sprintf("S_IFREG|%#o", mode)}, num(0))
}

func mkdirat(dir Ref, path string, mode uint32) Step {
	return call("mkdirat", unix.SYS_MKDIRAT, at(dir), Str(path), octal(mode))
}

func rmdirat(dir Ref, path string) Step {
	return call("unlinkat", unix.SYS_UNLINKAT, at(dir), Str(path), flags(unix.AT_REMOVEDIR, unlinkFlags))
}

func mknodat(dir Ref, path string, mode, major, minor uint32) Step {
	return call("mknodat", unix.SYS_MKNODAT, at(dir), Str(path),
		Num{uint64(mode), fmt.Sprintf("%s|%#o", kindName(mode), mode&^unix.S_IFMT)},
		Num{unix.Mkdev(major, minor), fmt.Sprintf("makedev(%d, %d)", major, minor)})
}

// kindName is what mknod(2) calls the kind of a node.
func kindName(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFCHR:
		return "S_IFCHR"
	case unix.S_IFBLK:
		return "S_IFBLK"
	}
	return "S_IFIFO"
}

// sameGroup, for fchownat(2), leaves the group as it is.
const sameGroup = ^uint32(0)

// statx(2) of what is open as fd.
func statx(fd Ref, text string) Step {
	const size = 256 // struct statx
	return call("statx", unix.SYS_STATX, fd, Str(""), flags(unix.AT_EMPTY_PATH, atFlags),
		Num{unix.STATX_BASIC_STATS, "STATX_BASIC_STATS"}, &Mem{Bytes: make([]byte, size), Text: text})
}

func fchownat(dir Ref, path string, uid, gid uint32) Step {
	group := num(gid)
	if gid == sameGroup {
		group.Text = "-1"
	}
	return call("fchownat", unix.SYS_FCHOWNAT, at(dir), Str(path), num(uid), group,
		flags(unix.AT_SYMLINK_NOFOLLOW, atFlags))
}

func fchmodat(dir Ref, path string, mode uint32) Step {
	return call("fchmodat", unix.SYS_FCHMODAT, at(dir), Str(path), octal(mode))
}

func symlinkat(target string, dir Ref, path string) Step {
	return call("symlinkat", unix.SYS_SYMLINKAT, Str(target), at(dir), Str(path))
}

func write(fd Ref, data string) Step {
	return call("write", unix.SYS_WRITE, fd, &Mem{Bytes: []byte(data), Text: printable.Quote(fold(data, truncate))}, num(len(data)))
}

// fsetxattr(2) sets an attribute of the file that is open as fd.
func fsetxattr(fd Ref, name, value string) Step {
	return call("fsetxattr", unix.SYS_FSETXATTR, fd, Str(name), Str(value), num(len(value)), num(0))
}

// readByte waits until a byte, or the end of the file, comes.
func readByte(fd Ref) Step {
	return call("read", unix.SYS_READ, fd, &Mem{Bytes: make([]byte, word), Text: "buf"}, num(1))
}

func dup3(old, fd Arg) Step { return call("dup3", unix.SYS_DUP3, old, fd, num(0)) }

func closeFd(fd Ref) Step { return call("close", unix.SYS_CLOSE, fd) }

func closeRange(first int, f uint64) Step {
	return call("close_range", unix.SYS_CLOSE_RANGE, num(first), Num{uint64(^uint32(0)), "~0U"}, flags(f, closeRangeFlags))
}

func chdir(path string) Step { return call("chdir", unix.SYS_CHDIR, Str(path)) }

func fchdir(dir Ref) Step { return call("fchdir", unix.SYS_FCHDIR, dir) }

func umask(mask uint32) Step { return call("umask", unix.SYS_UMASK, octal(mask)) }

// ioctl with a request that the kernel headers call name.
func ioctl(fd Arg, name string, request uint64, arg Arg) Step {
	return call("ioctl", unix.SYS_IOCTL, fd, Num{request, name}, arg)
}

// memfdCreate makes a file that lies in memory and has no path. To say that it
// is going to be executed is possible from Linux 6.3 on, and later needed.
func memfdCreate(name string, exec bool) Step {
	f := uint64(unix.MFD_CLOEXEC)
	if exec {
		f |= unix.MFD_EXEC
	}
	return call("memfd_create", unix.SYS_MEMFD_CREATE, Str(name), flags(f, memfdFlags))
}

func closeOnExec(fd Ref, on bool) Step {
	f := Num{0, "0"}
	if on {
		f = Num{unix.FD_CLOEXEC, "FD_CLOEXEC"}
	}
	return call("fcntl", unix.SYS_FCNTL, fd, Num{unix.F_SETFD, "F_SETFD"}, f)
}

// faccessat2 asks for the ids that the process has now.
func faccessat2(path string, mode uint64) Step {
	return call("faccessat2", unix.SYS_FACCESSAT2, at(""), Str(path), flags(mode, accessFlags), flags(unix.AT_EACCESS, accessAtFlags))
}

func chroot(path string) Step { return call("chroot", unix.SYS_CHROOT, Str(path)) }

// ---- namespaces and processes --------------------------------------------

// clone3(2) starts the container's process: in new namespaces, in the cgroup
// that is open as cgroup unless that is "".
func clone3(f uint64, cgroup Ref) Step {
	const exitSignal, cgroupField = 4 * word, 10 * word
	text := fmt.Sprintf("{flags=%s, exit_signal=SIGCHLD}", flags(f, cloneFlags))
	m := words(text, f, 0, 0, 0, uint64(unix.SIGCHLD), 0, 0, 0, 0, 0, 0)
	if cgroup != "" {
		f |= unix.CLONE_INTO_CGROUP
		binary.NativeEndian.PutUint64(m.Bytes, f)
		m.with(cgroupField, cgroup)
		m.Text = fmt.Sprintf("{flags=%s, exit_signal=SIGCHLD, cgroup=%s}", flags(f, cloneFlags), cgroup)
	}
	return call("clone3", unix.SYS_CLONE3, m, num(len(m.Bytes)))
}

// cloneSibling makes a process whose parent is the caller's.
func cloneSibling(f uint64) Step {
	s := clone3(f|unix.CLONE_PARENT, "")
	m := s.Args[0].(*Mem)
	binary.NativeEndian.PutUint64(m.Bytes[4*word:], 0)
	m.Text = strings.TrimSuffix(m.Text, ", exit_signal=SIGCHLD}") + "}"
	return s
}

func unshare(f uint64) Step { return call("unshare", unix.SYS_UNSHARE, flags(f, cloneFlags)) }

func sethostname(name string) Step {
	return call("sethostname", unix.SYS_SETHOSTNAME, Str(name), num(len(name)))
}

func setdomainname(name string) Step {
	return call("setdomainname", unix.SYS_SETDOMAINNAME, Str(name), num(len(name)))
}

// keyctl joins a new, empty session keyring (keyctl(2)).
func keyctl() Step {
	return call("keyctl", unix.SYS_KEYCTL, Num{unix.KEYCTL_JOIN_SESSION_KEYRING, "KEYCTL_JOIN_SESSION_KEYRING"}, nothing)
}

func setsid() Step { return call("setsid", unix.SYS_SETSID) }

func prlimit64(resource uint64, name string, soft, hard uint64) Step {
	text := fmt.Sprintf("{rlim_cur=%s, rlim_max=%s}", limit(soft), limit(hard))
	return call("prlimit64", unix.SYS_PRLIMIT64, num(0), Num{resource, name}, words(text, soft, hard), nothing)
}

func limit(n uint64) string {
	if n == allBits {
		return "RLIM64_INFINITY"
	}
	return fmt.Sprint(n)
}

// unblockSignals sets an empty mask of blocked signals.
func unblockSignals() Step {
	return call("rt_sigprocmask", unix.SYS_RT_SIGPROCMASK,
		Num{unix.SIG_SETMASK, "SIG_SETMASK"}, words("[]", 0), nothing, num(word))
}

// defaultSignal gives a signal its default action. Go itself leaves alone only
// those two that may be ignored on purpose when a program begins.
func defaultSignal(sig unix.Signal) Step {
	return call("rt_sigaction", unix.SYS_RT_SIGACTION,
		Num{uint64(sig), unix.SignalName(sig)}, words("{sa_handler=SIG_DFL}", 0, 0, 0, 0), nothing, num(word))
}

func execve(path string, argv, envp []string) Step {
	return call("execve", unix.SYS_EXECVE, Str(path), Strs(argv), Strs(envp))
}

// execveat executes the file that is open as fd, with an empty environment.
func execveat(fd Ref, argv []string) Step {
	return call("execveat", unix.SYS_EXECVEAT, fd, Str(""), Strs(argv), Strs(nil), flags(unix.AT_EMPTY_PATH, atFlags))
}

// setns(2) enters namespaces: the one that is open as fd, or all those named
// of the process that a pidfd holds.
func setns(fd Ref, f uint64) Step { return call("setns", unix.SYS_SETNS, fd, flags(f, cloneFlags)) }

// ---- identity and confinement ---------------------------------------------

func prctl(option uint64, name string, arg Num) Step {
	return call("prctl", unix.SYS_PRCTL, Num{option, name}, arg, num(0), num(0), num(0))
}

func setgroups(gids []uint32) Step {
	m := &Mem{Text: strings.ReplaceAll(fmt.Sprint(gids), " ", ", ")}
	for _, g := range gids {
		m.Bytes = binary.NativeEndian.AppendUint32(m.Bytes, g)
	}
	return call("setgroups", unix.SYS_SETGROUPS, num(len(gids)), m)
}

func setresgid(gid uint32) Step {
	return call("setresgid", unix.SYS_SETRESGID, num(gid), num(gid), num(gid))
}

func setresuid(uid uint32) Step {
	return call("setresuid", unix.SYS_SETRESUID, num(uid), num(uid), num(uid))
}

// capset(2) sets the process's own capabilities. The kernel takes the three
// sets as two halves of 32 bits each, the lower halves first.
func capset(effective, permitted, inheritable uint64) Step {
	header := &Mem{Text: "{_LINUX_CAPABILITY_VERSION_3, 0}"}
	header.Bytes = binary.NativeEndian.AppendUint32(nil, unix.LINUX_CAPABILITY_VERSION_3)
	header.Bytes = binary.NativeEndian.AppendUint32(header.Bytes, 0)
	data := &Mem{Text: fmt.Sprintf("{effective=%#x, permitted=%#x, inheritable=%#x}", effective, permitted, inheritable)}
	for shift := 0; shift <= 32; shift += 32 {
		for _, set := range []uint64{effective, permitted, inheritable} {
			data.Bytes = binary.NativeEndian.AppendUint32(data.Bytes, uint32(set>>shift))
		}
	}
	return call("capset", unix.SYS_CAPSET, header, data)
}

// loadSeccomp, seccomp(2), puts a filter of n instructions over every later call.
func loadSeccomp(f uint64, program []byte, n int) Step {
	text := fmt.Sprintf("{len=%d, filter=…}", n)
	prog := words(text, uint64(n), 0).with(word, &Mem{Bytes: program, Text: "…"})
	return call("seccomp", unix.SYS_SECCOMP,
		Num{unix.SECCOMP_SET_MODE_FILTER, "SECCOMP_SET_MODE_FILTER"}, flags(f, seccompFlags), prog)
}
