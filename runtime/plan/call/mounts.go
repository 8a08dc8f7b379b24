package call

import (
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Fsopen creates a filesystem that is not yet configured.
func Fsopen(fstype string) plan.Step {
	return plan.Syscall("fsopen", unix.SYS_FSOPEN, plan.Str(fstype), flags(unix.FSOPEN_CLOEXEC, fsopenFlags))
}

// Fsconfig sets an option; value "" is an option without a value.
func Fsconfig(fs plan.Ref, key, value string) plan.Step {
	if value == "" {
		return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
			plan.Named(unix.FSCONFIG_SET_FLAG, "FSCONFIG_SET_FLAG"), plan.Str(key), plan.Null, plan.Int(0))
	}
	return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
		plan.Named(unix.FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING"), plan.Str(key), plan.Str(value), plan.Int(0))
}

// FsconfigFd sets an option to a directory, by its descriptor.
func FsconfigFd(fs plan.Ref, key string, fd plan.Ref) plan.Step {
	return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
		plan.Named(unix.FSCONFIG_SET_FD, "FSCONFIG_SET_FD"), plan.Str(key), plan.Null, fd)
}

// Fscreate makes the superblock from what was configured.
func Fscreate(fs plan.Ref) plan.Step {
	return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
		plan.Named(unix.FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE"), plan.Null, plan.Null, plan.Int(0))
}

// Fspick opens the filesystem of the mount that is open as dir, to be configured
// anew.
func Fspick(dir plan.Ref) plan.Step {
	return plan.Syscall("fspick", unix.SYS_FSPICK, dir, plan.Str(""),
		flags(unix.FSPICK_CLOEXEC|unix.FSPICK_EMPTY_PATH, fspickFlags))
}

// Fsreconfigure changes the superblock to what was configured.
func Fsreconfigure(fs plan.Ref) plan.Step {
	return plan.Syscall("fsconfig", unix.SYS_FSCONFIG, fs,
		plan.Named(unix.FSCONFIG_CMD_RECONFIGURE, "FSCONFIG_CMD_RECONFIGURE"), plan.Null, plan.Null, plan.Int(0))
}

// Fsmount returns a detached mount of the filesystem.
func Fsmount(fs plan.Ref, attr uint64) plan.Step {
	return plan.Syscall("fsmount", unix.SYS_FSMOUNT, fs,
		flags(unix.FSMOUNT_CLOEXEC, fsmountFlags), flags(attr, mountAttrs))
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
	return plan.Syscall("open_tree", unix.SYS_OPEN_TREE, at(dir), plan.Str(path), flags(f, openTreeFlags))
}

// MoveMount attaches a mount on an open directory or file. There is no path, so nothing
// on it can be replaced meanwhile.
func MoveMount(mount, target plan.Ref) plan.Step {
	s := plan.Syscall("move_mount", unix.SYS_MOVE_MOUNT, mount, plan.Str(""), target, plan.Str(""),
		flags(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH, moveMountFlags))
	s.Hints = moveMountHints
	return s
}

// moveMountHints are those of move_mount(2).
var moveMountHints = []plan.Hint{{Errno: unix.EINVAL,
	Text: "mount a directory on a directory, a file on a file; without a new mount namespace, Linux 6.15 is needed"}}

// MoveMountTo attaches a mount at a path.
func MoveMountTo(mount plan.Ref, path string) plan.Step {
	s := plan.Syscall("move_mount", unix.SYS_MOVE_MOUNT, mount, plan.Str(""), at(""), plan.Str(path),
		flags(unix.MOVE_MOUNT_F_EMPTY_PATH, moveMountFlags))
	s.Hints = moveMountHints
	return s
}

// MountAttr is the argument of mount_setattr(2).
type MountAttr struct {
	Set, Clear, Propagation uint64
	Userns                  plan.Ref // for MOUNT_ATTR_IDMAP
}

// Put adds an attribute that an option sets or clears. Of access times there are three
// kinds, noatime, strictatime and relatime. The last is the kernel's default, and its bits
// are zero: so one is set by clearing all (mount_setattr(2)), and clearing one is setting
// the default.
func (a *MountAttr) Put(bit uint64, on bool) {
	if bit&^unix.MOUNT_ATTR__ATIME == 0 {
		chosen := a.Clear&unix.MOUNT_ATTR__ATIME != 0
		if !on && chosen && a.Set&unix.MOUNT_ATTR__ATIME != bit {
			return
		}
		if !on {
			bit = unix.MOUNT_ATTR_RELATIME
		}
		a.Forget(bit)
		a.Set |= bit
		a.Clear |= unix.MOUNT_ATTR__ATIME
		return
	}
	a.Forget(bit)
	if on {
		a.Set |= bit
	} else {
		a.Clear |= bit
	}
}

// Forget removes an attribute from both sets.
func (a *MountAttr) Forget(bit uint64) {
	if bit&^unix.MOUNT_ATTR__ATIME == 0 {
		bit = unix.MOUNT_ATTR__ATIME
	}
	a.Set &^= bit
	a.Clear &^= bit
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
			text = append(text, name+"="+flags(n, set).Text)
		}
	}
	add("attr_set", a.Set, mountAttrs)
	add("attr_clr", a.Clear, mountAttrs)
	add("propagation", a.Propagation, mountFlags)
	m := plan.Words("", a.Set, a.Clear, a.Propagation, 0)
	if a.Userns != "" {
		m.With(3*word, a.Userns)
		text = append(text, "userns_fd="+a.Userns.String())
	}
	m.Text = "{" + strings.Join(text, ", ") + "}"
	return plan.Syscall("mount_setattr", unix.SYS_MOUNT_SETATTR, at(dir), plan.Str(path),
		flags(f, atFlags), m, plan.Int(len(m.Bytes)))
}

func PivotRoot(newRoot, putOld string) plan.Step {
	return plan.Syscall("pivot_root", unix.SYS_PIVOT_ROOT, plan.Str(newRoot), plan.Str(putOld))
}

func Umount2(target string, f uint64) plan.Step {
	return plan.Syscall("umount2", unix.SYS_UMOUNT2, plan.Str(target), flags(f, umountFlags))
}
