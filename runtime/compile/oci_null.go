package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// makeNull makes a null(4) for a process that joins a container without /dev/null. It is in
// a filesystem of its own, which is mounted nowhere: the process may change owner and mode
// of this file, and those of the host's file stay.
func (b *builder) makeNull() error {
	const fs, dir = plan.Ref("fs"), plan.Ref("dir")
	if !b.shape.options.OwnNull {
		return nil
	}
	b.begin("dev", "process")
	b.host("the container has no /dev/null: a filesystem for one", call.Fsopen("tmpfs").As(fs))
	b.host("make it", call.Fscreate(fs))
	b.host("a detached mount of it", call.Fsmount(fs, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC).As(dir))
	d := defaultDevices[0]
	b.host("device 1:3", call.Mknodat(dir, "null", d.kind, d.major, d.minor))
	b.host("set its mode", call.Fchmodat(dir, "null", d.mode))
	b.host("open it for streams that are not connected",
		call.Openat(dir, "null", unix.O_RDWR|unix.O_NOCTTY).As(nowhere))
	return nil
}
