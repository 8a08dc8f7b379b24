package config

// Every container gets these mounts:
//
//	/proc, /sys, /sys/fs/cgroup                  kernel filesystems
//	/dev, /dev/pts, /dev/shm, /dev/mqueue        devices, terminals, IPC
//	/etc/hostname, /etc/hosts, /etc/resolv.conf  files of its own (etcfiles.go)
//	/sbin/docker-init                            with --init, the host's init program
//
// A mount of the caller's with the same destination replaces one of them; one on /dev or
// /sys also replaces those below it.

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// setMounts sets the mounts, sorted by depth and destination: those of the flags, then those that
// every container gets and the image's volumes, where no flag mounts.
func (b *builder) setMounts() error {
	mounts, flags, err := b.userMounts()
	if err != nil {
		return err
	}
	if mounts, err = b.addVolumesFrom(mounts, flags); err != nil {
		return err
	}
	if err := b.checkShm(mounts); err != nil {
		return err
	}
	if b.o.ShmSize != "" {
		flags["/dev/shm"] = "--shm-size " + b.o.ShmSize
	}
	// the defaults; nothing below a /dev or /sys of the caller's
	devTaken, sysTaken := hasMount(mounts, "/dev"), hasMount(mounts, "/sys")
	for _, m := range slices.Concat(b.kernelMounts(), b.fileMounts()) {
		below := devTaken && isBelow(m.Destination, "/dev") || sysTaken && isBelow(m.Destination, "/sys")
		if !below && !hasMount(mounts, m.Destination) {
			mounts = append(mounts, m)
		}
	}
	// the image's volumes; none may cover part of a kernel filesystem
	for volume := range b.image.Volumes {
		m, err := b.host.anonymousVolume(path.Clean("/"+volume), bindOptions{})
		if err != nil {
			return fmt.Errorf("image volume %q: %w", volume, err)
		}
		if hasMount(mounts, m.Destination) {
			continue
		}
		for _, kernel := range [...]string{"/proc", "/sys", "/dev"} {
			if isBelow(m.Destination, kernel) {
				return fmt.Errorf("image volume %q: cannot lie below %s", volume, kernel)
			}
		}
		mounts = append(mounts, m)
	}
	// in docker's order: a mount point before those below it, and /run before the mount point
	// /etc/resolv.conf, which is in some images a link into /run
	slices.SortFunc(mounts, func(a, b specs.Mount) int {
		depth := cmp.Compare(strings.Count(a.Destination, "/"), strings.Count(b.Destination, "/"))
		return cmp.Or(depth, strings.Compare(a.Destination, b.Destination))
	})
	b.spec.Mounts = mounts
	for i, m := range mounts {
		if flag, ok := flags[m.Destination]; ok {
			b.origin[fmt.Sprintf("mounts[%d]", i)] = flag
		}
	}
	return nil
}

// addVolumesFrom adds what the containers of --volumes-from mount, where no other flag mounts. The
// last of them counts, as in docker.
func (b *builder) addVolumesFrom(mounts []specs.Mount, flags map[string]string) ([]specs.Mount, error) {
	for _, word := range slices.Backward(b.o.VolumesFrom) {
		name, readOnly, err := SplitVolumesFrom(word)
		if err != nil {
			return nil, err
		}
		for _, m := range b.host.VolumesFrom[name].Mounts {
			if hasMount(mounts, m.Destination) {
				continue
			}
			if m.Options = slices.Clone(m.Options); readOnly {
				m.Options = append(m.Options, "rro")
			}
			mounts, flags[m.Destination] = append(mounts, m), "--volumes-from "+word
		}
	}
	return mounts, nil
}

// userMounts returns the mounts of --volume, --mount and --tmpfs, and the flag behind
// each by its destination. Two mounts on one destination are an error.
func (b *builder) userMounts() (mounts []specs.Mount, flags map[string]string, err error) {
	flags = make(map[string]string)
	for _, source := range []struct {
		flag  string
		words []string
		parse func(string) (specs.Mount, error)
	}{
		{"--volume", b.o.Volumes, b.host.parseVolume},
		{"--mount", b.o.Mounts, b.host.parseMount},
		{"--tmpfs", b.o.Tmpfs, parseTmpfs},
	} {
		for _, word := range source.words {
			m, err := source.parse(word)
			if err == nil && hasMount(mounts, m.Destination) {
				err = hint.New(fmt.Errorf("duplicate mount point %q", m.Destination), "give each target once")
			}
			if err != nil {
				return nil, nil, fmt.Errorf("%s %q: %w", source.flag, word, err)
			}
			mounts = append(mounts, m)
			flags[m.Destination] = source.flag + " " + word
		}
	}
	return mounts, flags, nil
}

// kernelMounts returns the kernel's filesystems and the tmpfs of /dev (proc(5), sysfs(5),
// cgroups(7), pts(4), shm_overview(7), mq_overview(7)).
func (b *builder) kernelMounts() []specs.Mount {
	access := "ro"
	if b.o.Privileged && !b.o.ReadOnly {
		access = "rw"
	}
	pts := []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}
	if isMapped(b.spec.Linux.GIDMappings, ttyGroup) {
		pts = append(pts, fmt.Sprintf("gid=%d", ttyGroup))
	}
	return append(slices.Concat(b.mqueueMount(), b.shmMount()),
		b.procMount(),
		newMount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
		newMount("/dev/pts", "devpts", pts...),
		b.sysMount(access),
		newMount("/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", access),
	)
}

// ttyGroup is the group "tty" that grantpt(3) expects on pts.
const ttyGroup = 5

// procMount is /proc. In a user namespace the kernel mounts procfs only for a PID
// namespace that the user namespace owns; otherwise the host's /proc, which shows the
// same processes, is bound.
func (b *builder) procMount() specs.Mount {
	if b.hasNamespace(specs.UserNamespace) && !b.hasNamespace(specs.PIDNamespace) {
		return hostMount("/proc", bindOptions{})
	}
	return newMount("/proc", "proc", "nosuid", "noexec", "nodev")
}

// sysMount is /sys: sysfs, in the same way, needs a network namespace.
func (b *builder) sysMount(access string) specs.Mount {
	if b.hasNamespace(specs.UserNamespace) && !b.hasNamespace(specs.NetworkNamespace) {
		return hostMount("/sys", bindOptions{access: "ro"})
	}
	return newMount("/sys", "sysfs", "nosuid", "noexec", "nodev", access)
}

// mqueueMount is /dev/mqueue, the POSIX message queues of the IPC namespace that mounts
// it, so of the host's with --ipc host. In a user namespace the kernel mounts it only for
// an IPC namespace that the user namespace owns; otherwise the host's /dev/mqueue, if
// there is one, is bound.
func (b *builder) mqueueMount() []specs.Mount {
	switch {
	case !b.hasNamespace(specs.UserNamespace) || b.hasNamespace(specs.IPCNamespace):
		return []specs.Mount{newMount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev")}
	case b.host.Mqueue:
		return []specs.Mount{hostMount("/dev/mqueue", bindOptions{})}
	}
	return nil
}

// newMount returns a mount of a filesystem without a device.
func newMount(dst, fsType string, options ...string) specs.Mount {
	return specs.Mount{Destination: dst, Type: fsType, Source: fsType, Options: options}
}

// hostMount returns a recursive bind mount of a kernel filesystem of the host.
func hostMount(dst string, o bindOptions) specs.Mount {
	o.attributes = []string{"nosuid", "noexec", "nodev"}
	return bindMount(dst, dst, o)
}

// fileMounts returns the bind mounts of EtcFiles and of the init program.
func (b *builder) fileMounts() []specs.Mount {
	var mounts []specs.Mount
	o := bindOptions{}
	if b.o.ReadOnly {
		o.access = "ro"
	}
	for _, name := range EtcFiles {
		mounts = append(mounts, bindMount(path.Join(b.host.FilesDir, name), "/etc/"+name, o))
	}
	if b.o.Init {
		mounts = append(mounts, bindMount(b.host.Init, InitPath, bindOptions{access: "ro"}))
	}
	return mounts
}

func hasMount(mounts []specs.Mount, destination string) bool {
	return slices.ContainsFunc(mounts, func(m specs.Mount) bool { return m.Destination == destination })
}

// IsKernelPath reports whether target is /proc, /sys or /dev, or lies below one of them.
func IsKernelPath(target string) bool {
	return slices.ContainsFunc([]string{"/proc", "/sys", "/dev"}, func(kernel string) bool {
		return target == kernel || isBelow(target, kernel)
	})
}
