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

// Layers are unpacked once, with the owners that the image gives: 0 is root.
// In a user namespace root is another id outside, 100000 say, and to the
// kernel the files of 0 are a stranger's. They are not copied and chowned for
// that: an idmapped mount shows the same files with other owners
// (mount_setattr(2), MOUNT_ATTR_IDMAP), and overlayfs stacks such mounts. A bind
// mount is shown so if its config says idmap.
//
// Which ids become which is told by a user namespace that has the mapping.
// The container's own does not exist yet, so a short-lived process, the
// mapper, holds one of the same mapping while a descriptor of it is opened.
// There is one for each mapping.

const (
	mapper = plan.Ref("mapper")
	userns = plan.Ref("userns") // has the container's own mappings
)

// idMap makes @userns, a user namespace with the config's mappings.
func (b *builder) idMap() {
	b.begin("root", "linux.uidMappings")
	b.lendUserns(userns, "linux", b.linux.UIDMappings, b.linux.GIDMappings)
}

// mountUserns makes the user namespace whose mappings a bind mount asks for: its
// own, or the container's. Mounts of the same mappings share it.
func (b *builder) mountUserns(i int, o *mountOpts) (plan.Ref, error) {
	if !o.idmap {
		return "", nil
	}
	uids, gids := b.mountMappings(i)
	if len(uids) == 0 || len(gids) == 0 {
		return "", errors.New("option \"idmap\": neither the mount has uidMappings and gidMappings nor the container")
	}
	ref, field := userns, "linux"
	if !slices.Equal(uids, b.linux.UIDMappings) || !slices.Equal(gids, b.linux.GIDMappings) {
		first := slices.IndexFunc(b.spec.Mounts, func(m specs.Mount) bool {
			return slices.Equal(m.UIDMappings, uids) && slices.Equal(m.GIDMappings, gids)
		})
		ref, field = plan.Ref(fmt.Sprintf("%s[%d]", string(userns), first)), mountField(i)
	}
	if !slices.ContainsFunc(b.steps, func(s plan.Step) bool { return s.Result == string(ref) }) {
		b.begin("sources", mountField(i)+": idmap")
		b.lendUserns(ref, field, uids, gids)
	}
	return ref, nil
}

// mountMappings are the mount's own, or else the container's.
func (b *builder) mountMappings(i int) (uids, gids []specs.LinuxIDMapping) {
	if m := b.spec.Mounts[i]; len(m.UIDMappings) > 0 {
		return m.UIDMappings, m.GIDMappings
	}
	return b.linux.UIDMappings, b.linux.GIDMappings
}

// lendUserns makes a user namespace of the mappings that stand in field, as ref.
func (b *builder) lendUserns(ref plan.Ref, field string, uids, gids []specs.LinuxIDMapping) {
	s := call.Clone3(unix.CLONE_NEWUSER|unix.CLONE_CLEAR_SIGHAND, "").As(mapper)
	s.Child = plan.UsernsHelper
	b.host("a process whose only use is its user namespace", s)
	b.add(plan.UsernsHelper, "what is reported, the host alone reads", call.Close(plan.ReportRead))
	b.add(plan.UsernsHelper, "it goes with the host's process", call.Prctl(unix.PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG", plan.Named(uint64(unix.SIGKILL), "SIGKILL")))
	b.add(plan.UsernsHelper, "if that is gone already this answers EPIPE", call.Write(plan.ReportWrite, "."))
	b.add(plan.UsernsHelper, "wait for the end", call.ReadByte(plan.ResumeRead))
	b.writeIDMaps(mapper, field, uids, gids)
	b.host("the namespace, without the process", call.Openat("", "/proc/@mapper/ns/user", 0).As(ref))
	b.host("it has served", plan.Syscall("kill", unix.SYS_KILL, mapper, plan.Named(uint64(unix.SIGKILL), "SIGKILL")))
	b.host("and is gone", plan.Syscall("wait4", unix.SYS_WAIT4, mapper, plan.Null, plan.Int(0), plan.Null))
}

// writeIDMaps tells the user namespace of a process what its ids mean outside.
func (b *builder) writeIDMaps(process plan.Ref, field string, uids, gids []specs.LinuxIDMapping) {
	for _, m := range []struct {
		file, from string
		ids        []specs.LinuxIDMapping
	}{
		{"gid_map", field + ".gidMappings", gids},
		{"uid_map", field + ".uidMappings", uids},
	} {
		b.from = m.from
		b.host("what the ids inside mean outside", call.Openat("", "/proc/@"+string(process)+"/"+m.file, unix.O_WRONLY).As("map"))
		b.host("lines of: first id inside, first id outside, how many", call.Write("map", idMapLines(m.ids)))
	}
}

// mappedLayers hands the layers to overlayfs as idmapped mounts (Linux 6.15).
// The upper folder is not one of them: what the container changes is written
// with the ids that it has outside.
func (b *builder) mappedLayers(o *Overlay) error {
	const layer = plan.Ref("layer")
	for _, l := range o.Lower {
		b.host("the folder, as a mount of its own", call.OpenTree("", l, false).As(layer))
		b.host("its files belong to the container's ids", call.MountSetattr(layer, "", false, call.MountAttr{Set: unix.MOUNT_ATTR_IDMAP, Userns: userns}))
		b.host("the next layer down: only read, and shared by all containers", call.FsconfigFd(overlayFs, "lowerdir+", layer))
	}
	uid, err := HostID(0, b.linux.UIDMappings)
	if err != nil {
		return fmt.Errorf("linux.uidMappings: root: %w", err)
	}
	gid, err := HostID(0, b.linux.GIDMappings)
	if err != nil {
		return fmt.Errorf("linux.gidMappings: root: %w", err)
	}
	b.host("the container's root owns its /", call.Fchownat("", path.Join(o.Changes, upper), uid, gid))
	return nil
}
