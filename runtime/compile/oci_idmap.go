// Beyond a plain container: files are shown with other owners (idmapped mounts)
//
// Layers are unpacked once, with the owners that the image gives: 0 is root. In a user
// namespace root is another id outside, 100000 say, and the files of 0 belong to
// someone else. They are not copied and chowned for that: an idmapped mount shows the
// same files with other owners (mount_setattr(2), MOUNT_ATTR_IDMAP), and overlayfs
// stacks such mounts. A bind mount is shown so if its config says idmap.
//
// Which ids become which is taken from a user namespace that has the mapping. The
// container's own does not exist yet: so a short-lived process, the userns helper,
// holds one of the same mapping while a descriptor of it is opened. There is one for
// each mapping.

package compile

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	usernsHelper = plan.Ref("helper")
	userns       = plan.Ref("userns") // has the container's own mappings
)

// mountUserns makes the user namespace whose mappings a bind mount asks for: its
// own, or the container's. Mounts of the same mappings share it.
func mountUserns(l *list, m *mount, mounts []mount, linux *specs.Linux) (plan.Ref, error) {
	if !m.idmap {
		return "", nil
	}
	uids, gids := m.UIDMappings, m.GIDMappings
	if len(uids) == 0 {
		uids, gids = linux.UIDMappings, linux.GIDMappings
	}
	if len(uids) == 0 || len(gids) == 0 {
		return "", errors.New("option \"idmap\": requires uidMappings and gidMappings of mount or container")
	}
	ref, field := userns, "linux"
	if !slices.Equal(uids, linux.UIDMappings) || !slices.Equal(gids, linux.GIDMappings) {
		first := slices.IndexFunc(mounts, func(m mount) bool {
			return slices.Equal(m.UIDMappings, uids) && slices.Equal(m.GIDMappings, gids)
		})
		ref, field = plan.Ref(fmt.Sprintf("%s[%d]", string(userns), first)), m.field()
	}
	if !slices.ContainsFunc(l.plan.Steps, func(s plan.Step) bool { return s.Result == string(ref) }) {
		l.begin("sources", m.field()+": idmap")
		createUserns(l, ref, field, uids, gids)
	}
	return ref, nil
}

// setOwners shows the files of a bind mount with the owners that a user namespace maps theirs to.
func setOwners(l *list, side plan.Side, m *mount, userns plan.Ref) {
	if m.idmap {
		l.add(side, "show its files with the owners that this user namespace maps them to",
			call.MountSetattr(mountRef(m.index), "", m.idmapRecursive && m.recursive,
				call.MountAttr{Set: unix.MOUNT_ATTR_IDMAP, Userns: userns}).
				Hint(0, "this filesystem or kernel has no idmapped mounts: leave out idmap"))
	}
}

// createUserns makes a user namespace of the mappings that stand in field, as ref.
func createUserns(l *list, ref plan.Ref, field string, uids, gids []specs.LinuxIDMapping) {
	// a process in a new user namespace, which does nothing
	s := call.Clone3(unix.CLONE_NEWUSER|unix.CLONE_CLEAR_SIGHAND, "").As(usernsHelper)
	s.Child = plan.Helper
	l.host("a helper process, in a new user namespace", s)
	helper := func(why string, s plan.Step) { l.add(plan.Helper, why, s) }
	helper("close the host's end of the report pipe", call.Close(plan.ReportRead))
	helper("die when the host's process dies", call.PrctlPdeathsig())
	helper("parent alive? EPIPE if it died before prctl", call.Write(plan.ReportWrite, "."))
	helper("wait to be killed", call.ReadByte(plan.ResumeRead))

	// its mappings; a descriptor of the namespace; and the end of the process
	writeIDMaps(l, usernsHelper, field, uids, gids)
	l.host("open its user namespace", call.Openat("", "/proc/@"+string(usernsHelper)+"/ns/user", 0).As(ref))
	l.host("kill the helper process", call.Kill(usernsHelper, unix.SIGKILL))
	l.host("wait until it has exited", call.Wait4(usernsHelper))
}

// mapLayers hands the layers to overlayfs as idmapped mounts (Linux 6.15). The upper
// directory is not one of them: what the container changes is written with the ids
// that it has outside.
func mapLayers(l *list, o *Overlay, linux *specs.Linux) error {
	const layer = plan.Ref("layer")
	if o.ReadOnly {
		l.host("the files that the container has changed, with the owners on the host",
			call.Fsconfig(overlayFs, "lowerdir+", path.Join(o.Changes, upper)).Hint(unix.EINVAL, manyLayers))
	}
	for _, dir := range o.Lower {
		l.host("the layer, as a detached mount", call.OpenTree("", dir, false).As(layer))
		l.host("show its files with the owners that the container's ids map to",
			call.MountSetattr(layer, "", false, call.MountAttr{Set: unix.MOUNT_ATTR_IDMAP, Userns: userns}).
				Hint(0, "this filesystem or kernel has no idmapped mounts: layers of a user namespace need Linux 6.15"))
		l.host("the next lower layer: read-only, and shared by all containers",
			call.FsconfigFd(overlayFs, "lowerdir+", layer).
				Hint(unix.EINVAL, manyLayers))
	}
	if o.ReadOnly {
		return nil
	}
	uid, gid, err := rootIDs(linux)
	if err != nil {
		return err
	}
	l.host("give / to the container's root", call.Fchownat("", path.Join(o.Changes, upper), uid, gid))
	return nil
}

// rootIDs returns the ids on the host of the container's root.
func rootIDs(linux *specs.Linux) (uid, gid uint32, err error) {
	if uid, err = HostID(0, linux.UIDMappings); err != nil {
		return 0, 0, fmt.Errorf("linux.uidMappings: root: %w", err)
	}
	if gid, err = HostID(0, linux.GIDMappings); err != nil {
		return 0, 0, fmt.Errorf("linux.gidMappings: root: %w", err)
	}
	return uid, gid, nil
}
