package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path"
	goruntime "runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/images"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// stopped is the root of a container that does not run.
type stopped struct {
	fd         int
	left, gone chan error
}

// leave unmounts it, before somebody else may stack the same folders.
func (s *stopped) leave() error {
	s.left <- nil
	return <-s.gone
}

// stoppedRoot mounts the container's layers, and its volumes on them. The thread
// it does that on is in a mount namespace of its own, which is there as long as
// the thread: until somebody leaves the root.
func stoppedRoot(c *container.Container, spec *specs.Spec, write bool) (*stopped, error) {
	s, mounted := &stopped{left: make(chan error), gone: make(chan error)}, make(chan error)
	go func() {
		goruntime.LockOSThread() // for good: the thread ends with this function
		err := s.mount(c, spec, write)
		mounted <- err
		if err == nil {
			<-s.left
			s.gone <- s.unmount()
		}
	}()
	return s, <-mounted
}

func (s *stopped) mount(c *container.Container, spec *specs.Spec, write bool) error {
	if err := ownMounts(); err != nil {
		return err
	}
	layers, err := holdLayers(c, spec)
	defer layers.close()
	if err != nil {
		return err
	}
	err = s.stack(c, spec, layers, write, write)
	if errors.Is(err, errNoPlace) { // its first life would make one: so do we
		err = s.stack(c, spec, layers, true, write)
	}
	return err
}

// stack mounts the layers, with an upper one that takes changes or without, and all
// that is mounted on them.
func (s *stopped) stack(c *container.Container, spec *specs.Spec, layers held, upper, write bool) (err error) {
	if s.fd, err = layers.mount(c, upper); err != nil {
		return fmt.Errorf("stack the layers: %w", err)
	}
	if err := unix.MoveMount(s.fd, "", unix.AT_FDCWD, "/", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		unix.Close(s.fd)
		return fmt.Errorf("move_mount: %w", err)
	}
	f := &furnisher{Container: c, root: s.fd, spec: spec, upper: upper, write: write}
	if err := f.furnish(); err != nil {
		return errors.Join(err, s.unmount())
	}
	return nil
}

func (s *stopped) unmount() error {
	defer unix.Close(s.fd)
	if err := unix.Fchdir(s.fd); err != nil {
		return fmt.Errorf("fchdir: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("umount2: %w", err)
	}
	return unix.Chdir("/")
}

// ownMounts puts this thread into a mount namespace that nobody else sees.
func ownMounts() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	private := unix.MountAttr{Propagation: unix.MS_PRIVATE}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &private); err != nil {
		return fmt.Errorf("mount_setattr: %w", err)
	}
	return nil
}

// held are layers, the topmost first, by descriptors.
type held []int

func (h held) close() {
	for _, fd := range h {
		unix.Close(fd)
	}
}

// holdLayers takes hold of the container's layers and of the floor below them. In
// a user namespace they are shown with its owners.
func holdLayers(c *container.Container, spec *specs.Spec) (h held, err error) {
	store, err := images.Open(c.StoreRoot)
	if err != nil {
		return nil, err
	}
	users, err := lendUsers(spec.Linux)
	if err != nil {
		return nil, err
	}
	defer users.Close()
	all := store.Layers()
	var paths []string
	for _, diffID := range slices.Backward(all.Visible(c.Settings.Layers)) {
		paths = append(paths, all.Path(diffID))
	}
	for _, layer := range append(paths, path.Join(all.Dir(), container.InitLayer)) {
		fd, err := openLayer(layer, users)
		if err != nil {
			return h, fmt.Errorf("open layer %s: %w", layer, err)
		}
		h = append(h, fd)
	}
	return h, nil
}

// openLayer opens a layer: as it is, or as an idmapped mount of its own.
func openLayer(layer string, users *os.File) (int, error) {
	if users == nil {
		return unix.Open(layer, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, layer, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, err
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(users.Fd())}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("mount_setattr: %w", err)
	}
	return fd, nil
}

// lendUsers is a user namespace with the container's ids, or nil if those are
// the host's. It needs a process that has it: one that stops at its execve for
// whoever traces it, and goes no further.
func lendUsers(linux *specs.Linux) (*os.File, error) {
	if len(linux.UIDMappings) == 0 {
		return nil, nil
	}
	goruntime.LockOSThread() // the tracer is a thread
	defer goruntime.UnlockOSThread()
	p, err := os.StartProcess("/proc/self/exe", nil, &os.ProcAttr{Sys: &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: processIDs(linux.UIDMappings), GidMappings: processIDs(linux.GIDMappings),
		Ptrace: true, Pdeathsig: unix.SIGKILL,
	}})
	if err != nil {
		return nil, fmt.Errorf("make a user namespace: %w", err)
	}
	users, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", p.Pid))
	if killed := p.Kill(); killed != nil {
		return users, errors.Join(err, killed)
	}
	_, waited := p.Wait()
	return users, errors.Join(err, waited)
}

func processIDs(mappings []specs.LinuxIDMapping) (ids []syscall.SysProcIDMap) {
	for _, m := range mappings {
		ids = append(ids, syscall.SysProcIDMap{ContainerID: int(m.ContainerID), HostID: int(m.HostID), Size: int(m.Size)})
	}
	return ids
}

// mount stacks the layers below what the container has changed.
func (h held) mount(c *container.Container, upper bool) (int, error) {
	fs, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	own := make(held, 0, 2)
	defer func() { own.close() }()
	for _, name := range []string{"upper", "work"} {
		fd, err := unix.Open(c.Path(name), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, fmt.Errorf("open %s: %w", name, err)
		}
		own = append(own, fd)
	}
	lower := h
	if !upper {
		lower = append(held{own[0]}, h...)
	}
	if err := lower.name(fs); err != nil {
		return -1, err
	}
	if upper {
		err = errors.Join(unix.FsconfigSetString(fs, "upperdir", descriptor(own[0])),
			unix.FsconfigSetString(fs, "workdir", descriptor(own[1])))
	}
	if err == nil {
		err = unix.FsconfigCreate(fs)
	}
	if err != nil {
		return -1, fmt.Errorf("fsconfig: %w", err)
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
}

// name names the lower layers: in one string if it is short enough, or one by
// one (Linux 6.7).
func (h held) name(fs int) error {
	const longest = 255 // fsconfig(2)
	var names []string
	for _, fd := range h {
		names = append(names, descriptor(fd))
	}
	if joined := strings.Join(names, ":"); len(joined) <= longest {
		return unix.FsconfigSetString(fs, "lowerdir", joined)
	}
	for _, name := range names {
		if err := unix.FsconfigSetString(fs, "lowerdir+", name); err != nil {
			return fmt.Errorf("fsconfig lowerdir+: %w", err)
		}
	}
	return nil
}

func descriptor(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }
