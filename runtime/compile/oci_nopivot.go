// Beyond a plain container: --no-pivot
//
// On a host that runs from its initramfs pivot_root(2) is not possible: its root, rootfs, is
// no mount that can be replaced. There the child changes its root by chroot(2) alone, and the
// host's mounts stay in its mount namespace. A process that gets CAP_SYS_ADMIN in a user
// namespace of its own could then mount a new procfs or sysfs with nothing masked: the kernel
// permits that as long as a complete one is mounted in the mount namespace, reachable or not
// (mount_too_revealing()). So those of the host are detached first.

package compile

import (
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// chrootOnly makes the working directory the root, and detaches the host's procfs and sysfs,
// which are mounted at these paths, the last one first.
func chrootOnly(l *list, hostProcfs []string) {
	l.from = "--no-pivot"
	for _, path := range hostProcfs {
		l.container("detach the host's: while it is mounted, a new one could be, with nothing masked",
			call.Umount2(path, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
	}
	l.container("make it the root; the host's root stays mounted, as pivot_root is not possible here",
		call.Chroot("."))
}
