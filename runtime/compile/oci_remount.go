// Beyond a plain container: mounts that are changed

package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// remount changes a mount that an earlier one has put there: its attributes, and
// with options of its filesystem also that, in all its mounts. Only what the words say
// is changed. mount_setattr(2) refuses a place that is no mount.
func remount(l *list, m *mount) {
	if len(m.data) > 0 && !m.bind {
		const fs = plan.Ref("fs")
		l.container("the filesystem that is mounted there", call.Fspick(target).As(fs))
		for _, option := range m.data {
			setOption(l, plan.Container, fs, option)
		}
		l.container("apply the new options", call.Fsreconfigure(fs))
	}
	a := m.topAttributes()
	if a != (call.MountAttr{}) || len(m.data) == 0 {
		l.container("change the attributes of the mount that is there", call.MountSetattr(target, "", false, a).
			Hint(unix.EINVAL, "put remount after the entry of mounts that makes the mount"))
	}
	propagate(l, plan.Container, target, m.propagation, true)
}
