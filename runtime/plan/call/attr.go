package call

import (
	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// MountAttr is the argument of mount_setattr(2).
type MountAttr struct {
	Set, Clear, Propagation uint64
	Userns                  plan.Ref // for MOUNT_ATTR_IDMAP
}

// Put adds what a word means to what is set and cleared. Of access times there
// are three kinds, noatime, strictatime and relatime, of which the last is the
// kernel's default and its bits are zero: so one is chosen by clearing all
// (mount_setattr(2)), and taking one away is choosing the default.
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

// Forget drops what was said about an attribute.
func (a *MountAttr) Forget(bit uint64) {
	if bit&^unix.MOUNT_ATTR__ATIME == 0 {
		bit = unix.MOUNT_ATTR__ATIME
	}
	a.Set &^= bit
	a.Clear &^= bit
}
