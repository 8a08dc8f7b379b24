package rootfs

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// furnisher mounts on a root.
type furnisher struct {
	*container.Container
	root         int
	spec         *specs.Spec
	upper, write bool // the root takes changes; who copies makes some
}

// errNoPlace says that there is none for a volume, in a root that takes no changes.
var errNoPlace = errors.New("no place to mount it on")

func (f *furnisher) furnish() error {
	var memory held
	defer func() { memory.close() }()
	for _, m := range f.spec.Mounts {
		fd, err := f.put(m)
		if err != nil {
			return fmt.Errorf("mount %q: %w", m.Destination, err)
		}
		if fd >= 0 {
			memory = append(memory, fd)
		}
	}
	for _, fd := range memory {
		if err := seal(fd); err != nil {
			return err
		}
	}
	if !f.write || f.spec.Root.Readonly {
		return seal(f.root)
	}
	return nil
}

// seal makes a mount read-only, when all places in it are made.
func seal(mount int) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(mount, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		return fmt.Errorf("mount_setattr: %w", err)
	}
	return nil
}

// put mounts what the config does, but for what is the kernel's. It returns a
// descriptor of a tmpfs, or -1.
func (f *furnisher) put(m specs.Mount) (int, error) {
	memory, inRoot := m.Type == "tmpfs", strings.HasPrefix(m.Source, compile.RootSource)
	if config.IsKernelPath(m.Destination) || !memory && !compile.Binds(m) {
		return -1, nil
	}
	target, err := f.place(m)
	if err != nil || target < 0 {
		return -1, err
	}
	defer unix.Close(target)
	switch {
	case memory:
		return putMemory(target)
	case inRoot && !f.spec.Root.Readonly:
		return -1, nil
	case inRoot:
		return -1, f.bind(m, target, "", target)
	}
	return -1, f.bind(m, unix.AT_FDCWD, m.Source, target)
}

// place finds where something is mounted, or makes the place; -1 stands for none.
func (f *furnisher) place(m specs.Mount) (int, error) {
	target, err := f.open(m.Destination, 0)
	ours := filepath.Dir(m.Source) == f.Dir || m.Destination == config.InitPath
	switch {
	case !errors.Is(err, unix.ENOENT):
		return target, err
	case ours || !f.upper && m.Type == "tmpfs": // nobody will look for it
		return -1, nil
	case !f.upper:
		return -1, errNoPlace
	}
	if err := f.make(m); err != nil {
		return -1, err
	}
	if target, err = f.open(m.Destination, 0); errors.Is(err, unix.ENOENT) { // a link to nowhere
		return -1, nil
	}
	return target, err
}

func (f *furnisher) open(name string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	return unix.Openat2(f.root, name, &how)
}

// make makes a folder, and those on the way to it, for the container's root; or, for a
// file that is mounted, an empty one.
func (f *furnisher) make(m specs.Mount) error {
	uid, err := compile.HostID(0, f.spec.Linux.UIDMappings)
	if err != nil {
		return err
	}
	gid, err := compile.HostID(0, f.spec.Linux.GIDMappings)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	file := compile.Binds(m) && unix.Stat(m.Source, &st) == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR
	for end, c := range m.Destination + "/" {
		if c != '/' || end == 0 {
			continue
		}
		name := m.Destination[:end]
		folder, err := f.open(path.Dir(name), unix.O_DIRECTORY)
		if err != nil {
			return err
		}
		if file && name == m.Destination {
			err = unix.Mknodat(folder, path.Base(name), unix.S_IFREG|0o644, 0)
		} else {
			err = unix.Mkdirat(folder, path.Base(name), 0o755)
		}
		if err == nil {
			err = unix.Fchownat(folder, path.Base(name), int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW)
		}
		unix.Close(folder)
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("make %s: %w", name, err)
		}
	}
	return nil
}

// putMemory mounts a tmpfs.
func putMemory(target int) (int, error) {
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("fsconfig: %w", err)
	}
	mount, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOSUID)
	if err != nil {
		return -1, fmt.Errorf("fsmount: %w", err)
	}
	return mount, attach(mount, target)
}

// bind binds what has a name, in the container's root or the host's.
func (f *furnisher) bind(m specs.Mount, from int, name string, target int) error {
	source, err := unix.OpenTree(from, name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("open_tree %s: %w", m.Source, err)
	}
	defer unix.Close(source)
	attr := unix.MountAttr{Propagation: unix.MS_PRIVATE, Attr_set: unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSUID}
	if !f.write || slices.Contains(m.Options, "ro") || slices.Contains(m.Options, "rro") {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if err := unix.MountSetattr(source, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("mount_setattr: %w", err)
	}
	return attach(source, target)
}

func attach(mount, target int) error {
	err := unix.MoveMount(mount, "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("move_mount: %w", err)
	}
	return nil
}
