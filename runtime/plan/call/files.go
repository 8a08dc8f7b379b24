package call

import (
	"encoding/binary"
	"fmt"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

func Openat(dir plan.Ref, path string, f uint64) plan.Step {
	return plan.Syscall("openat", unix.SYS_OPENAT, at(dir), plan.Str(path), flags(f|unix.O_CLOEXEC, openFlags))
}

// Openat2 opens a path under rules that the kernel applies to every part of
// it: RESOLVE_NO_SYMLINKS follows no link at all, RESOLVE_NO_MAGICLINKS none
// of procfs that lead to open files (proc(5)).
func Openat2(dir plan.Ref, path string, f, resolve uint64) plan.Step {
	f |= unix.O_CLOEXEC
	text := fmt.Sprintf("{flags=%s, resolve=%s}", flags(f, openFlags), flags(resolve, resolveFlags))
	how := plan.Words(text, f, 0, resolve)
	s := plan.Syscall("openat2", unix.SYS_OPENAT2, at(dir), plan.Str(path), how, plan.Int(len(how.Bytes)))
	s.Hints = linkHints
	return s
}

// linkHints are shared by all calls of openat2 that refuse links.
var linkHints = []plan.Hint{
	{Errno: unix.ELOOP, Text: "replace the symbolic link in the image by a directory or file: it is not followed " +
		"(proc and sysfs must be mounted on ordinary directory)"},
}

// MakeFile makes an empty file to mount something on.
func MakeFile(dir plan.Ref, path string, mode uint32) plan.Step {
	return plan.Syscall("mknodat", unix.SYS_MKNODAT, at(dir), plan.Str(path),
		plan.Named(uint64(unix.S_IFREG|mode), fmt.Sprintf("S_IFREG|%#o", mode)), plan.Int(0))
}

func Mkdirat(dir plan.Ref, path string, mode uint32) plan.Step {
	return plan.Syscall("mkdirat", unix.SYS_MKDIRAT, at(dir), plan.Str(path), octal(mode))
}

func Rmdirat(dir plan.Ref, path string) plan.Step {
	return plan.Syscall("unlinkat", unix.SYS_UNLINKAT, at(dir), plan.Str(path), flags(unix.AT_REMOVEDIR, unlinkFlags))
}

func Mknodat(dir plan.Ref, path string, mode, major, minor uint32) plan.Step {
	return plan.Syscall("mknodat", unix.SYS_MKNODAT, at(dir), plan.Str(path),
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

// SameGroup, for fchownat(2) and fchown(2), leaves the group as it is.
const SameGroup = ^uint32(0)

func group(gid uint32) plan.Num {
	if gid == SameGroup {
		return plan.Named(gid, "-1")
	}
	return plan.Int(gid)
}

func Fchownat(dir plan.Ref, path string, uid, gid uint32) plan.Step {
	return plan.Syscall("fchownat", unix.SYS_FCHOWNAT, at(dir), plan.Str(path), plan.Int(uid), group(gid),
		flags(unix.AT_SYMLINK_NOFOLLOW, atFlags))
}

func Fchown(fd plan.Ref, uid, gid uint32) plan.Step {
	return plan.Syscall("fchown", unix.SYS_FCHOWN, fd, plan.Int(uid), group(gid))
}

func Fchmodat(dir plan.Ref, path string, mode uint32) plan.Step {
	return fchmodat(dir, path, octal(mode))
}

// FchmodatRef sets the mode that an earlier step has returned.
func FchmodatRef(dir plan.Ref, path string, mode plan.Ref) plan.Step {
	return fchmodat(dir, path, mode)
}

func fchmodat(dir plan.Ref, path string, mode plan.Arg) plan.Step {
	return plan.Syscall("fchmodat", unix.SYS_FCHMODAT, at(dir), plan.Str(path), mode)
}

func Symlinkat(target string, dir plan.Ref, path string) plan.Step {
	return plan.Syscall("symlinkat", unix.SYS_SYMLINKAT, plan.Str(target), at(dir), plan.Str(path))
}

// Statx returns the attributes of the file that is open as fd.
func Statx(fd plan.Ref, text string) plan.Step {
	const size = 256 // struct statx
	return plan.Syscall("statx", unix.SYS_STATX, fd, plan.Str(""), flags(unix.AT_EMPTY_PATH, atFlags),
		plan.Named(unix.STATX_BASIC_STATS, "STATX_BASIC_STATS"), &plan.Mem{Bytes: make([]byte, size), Text: text})
}

// FstatfsIs fails unless a file is on the kind of filesystem that has this magic number
// (statfs(2)), or, with not, if it is.
func FstatfsIs(file plan.Ref, magic uint64, name string, not bool) plan.Step {
	const statfsSize = 120 // struct statfs on 64-bit machines; f_type comes first
	text := "{f_type == " + name + "}"
	if not {
		text = "{f_type != " + name + "}"
	}
	s := plan.Syscall("fstatfs", unix.SYS_FSTATFS, file, &plan.Mem{Bytes: make([]byte, statfsSize), Text: text})
	s.Expect = &plan.Expect{Arg: 1, Mask: AllBits, Value: magic, Not: not}
	return s
}

// FstatfsFlags fails unless the flags of the mount of a file, AND mask, are value (statfs(2),
// "f_flags").
func FstatfsFlags(file plan.Ref, mask, value uint64) plan.Step {
	const statfsSize, flagsOffset = 120, 80
	text := fmt.Sprintf("{f_flags & %#x == %#x}", mask, value)
	s := plan.Syscall("fstatfs", unix.SYS_FSTATFS, file, &plan.Mem{Bytes: make([]byte, statfsSize), Text: text})
	s.Expect = &plan.Expect{Arg: 1, Offset: flagsOffset, Mask: mask, Value: value}
	return s
}

// Fsetxattr sets an attribute of the file that is open as fd.
func Fsetxattr(fd plan.Ref, name, value string) plan.Step {
	return plan.Syscall("fsetxattr", unix.SYS_FSETXATTR, fd, plan.Str(name), plan.Str(value), plan.Int(len(value)),
		plan.Int(0))
}

// ReadByte waits until a byte, or the end of the file, comes.
func ReadByte(fd plan.Ref) plan.Step {
	return plan.Syscall("read", unix.SYS_READ, fd, &plan.Mem{Bytes: make([]byte, word), Text: "buf"}, plan.Int(1))
}

func Write(fd plan.Ref, data string) plan.Step {
	return plan.Syscall("write", unix.SYS_WRITE, fd,
		&plan.Mem{Bytes: []byte(data), Text: printable.Quote(plan.Fold(data, truncate))}, plan.Int(len(data)))
}

// WriteProgram writes the program that makes the calls of side Trampoline.
func WriteProgram(fd plan.Ref) plan.Step {
	return plan.Syscall("write", unix.SYS_WRITE, fd, plan.ProgramFile, plan.ProgramSize)
}

func Dup3(old, fd plan.Arg) plan.Step {
	return plan.Syscall("dup3", unix.SYS_DUP3, old, fd, plan.Int(0))
}

func Close(fd plan.Ref) plan.Step { return plan.Syscall("close", unix.SYS_CLOSE, fd) }

func CloseRange(first int, f uint64) plan.Step {
	return plan.Syscall("close_range", unix.SYS_CLOSE_RANGE, plan.Int(first), plan.Named(uint64(^uint32(0)), "~0U"),
		flags(f, closeRangeFlags))
}

func CloseOnExec(fd plan.Ref, on bool) plan.Step {
	f := plan.Named(0, "0")
	if on {
		f = plan.Named(unix.FD_CLOEXEC, "FD_CLOEXEC")
	}
	return plan.Syscall("fcntl", unix.SYS_FCNTL, fd, plan.Named(unix.F_SETFD, "F_SETFD"), f)
}

// MemfdCreate makes a file that lies in memory and has no path. To say that it
// is going to be executed is possible from Linux 6.3 on, and later needed.
// DupFrom duplicates a descriptor as the lowest free number from min on, which stays open at
// execve(2).
func DupFrom(fd plan.Ref, min int) plan.Step {
	return plan.Syscall("fcntl", unix.SYS_FCNTL, fd, plan.Named(unix.F_DUPFD, "F_DUPFD"), plan.Int(min))
}

// WriteFile writes a program that this one made.
func WriteFile(fd plan.Ref, data []byte) plan.Step {
	return plan.Syscall("write", unix.SYS_WRITE, fd, &plan.Mem{Bytes: data, Text: "…"}, plan.Int(len(data)))
}

func MemfdCreate(name string, exec bool) plan.Step {
	f := uint64(unix.MFD_CLOEXEC)
	if exec {
		f |= unix.MFD_EXEC
	}
	return plan.Syscall("memfd_create", unix.SYS_MEMFD_CREATE, plan.Str(name), flags(f, memfdFlags))
}

// Faccessat2 asks for the ids that the process has now.
func Faccessat2(path string, mode uint64) plan.Step {
	s := plan.Syscall("faccessat2", unix.SYS_FACCESSAT2, at(""), plan.Str(path), flags(mode, accessFlags),
		flags(unix.AT_EACCESS, accessAtFlags))
	s.Hints = programHints
	return s
}

func Chdir(path string) plan.Step { return plan.Syscall("chdir", unix.SYS_CHDIR, plan.Str(path)) }

func Fchdir(dir plan.Ref) plan.Step { return plan.Syscall("fchdir", unix.SYS_FCHDIR, dir) }

func Chroot(path string) plan.Step { return plan.Syscall("chroot", unix.SYS_CHROOT, plan.Str(path)) }

func Umask(mask uint32) plan.Step { return plan.Syscall("umask", unix.SYS_UMASK, octal(mask)) }

// TiocSptlck lets the other end of a new terminal be opened (ioctl_tty(2)).
func TiocSptlck(ptmx plan.Ref) plan.Step {
	return ioctl(ptmx, "TIOCSPTLCK", unix.TIOCSPTLCK, plan.Words("[0]", 0))
}

// TiocGptpeer opens it.
func TiocGptpeer(ptmx plan.Ref) plan.Step {
	return ioctl(ptmx, "TIOCGPTPEER", unix.TIOCGPTPEER,
		flags(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, openFlags))
}

// TiocSwinsz sets the size of a terminal, in characters.
func TiocSwinsz(terminal plan.Ref, rows, columns uint) plan.Step {
	m := &plan.Mem{Text: fmt.Sprintf("{ws_row=%d, ws_col=%d}", rows, columns)}
	for _, n := range []uint{rows, columns, 0, 0} { // struct winsize
		m.Bytes = binary.NativeEndian.AppendUint16(m.Bytes, uint16(n))
	}
	return ioctl(terminal, "TIOCSWINSZ", unix.TIOCSWINSZ, m)
}

// TiocSctty makes standard input the controlling terminal of the session.
func TiocSctty() plan.Step { return ioctl(plan.Int(0), "TIOCSCTTY", unix.TIOCSCTTY, plan.Int(0)) }

// SetLinkUp brings a network link up (netdevice(7)).
func SetLinkUp(socket plan.Ref, name string) plan.Step {
	const ifreqSize, flagsOffset = 40, 16
	req := &plan.Mem{Bytes: make([]byte, ifreqSize), Text: fmt.Sprintf("{ifr_name=%q, ifr_flags=IFF_UP}", name)}
	copy(req.Bytes, name)
	binary.NativeEndian.PutUint16(req.Bytes[flagsOffset:], unix.IFF_UP)
	return ioctl(socket, "SIOCSIFFLAGS", unix.SIOCSIFFLAGS, req)
}

// ioctl makes a request that the kernel headers call name.
func ioctl(fd plan.Arg, name string, request uint64, arg plan.Arg) plan.Step {
	return plan.Syscall("ioctl", unix.SYS_IOCTL, fd, plan.Named(request, name), arg)
}

// Socket makes a socket, which execve(2) closes.
func Socket(domain, kind, protocol plan.Num) plan.Step {
	kind = plan.Named(kind.Value|unix.SOCK_CLOEXEC, kind.Text+"|SOCK_CLOEXEC")
	return plan.Syscall("socket", unix.SYS_SOCKET, domain, kind, protocol)
}
