package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func (b *builder) setMounts() error {
	mounts, flags, err := b.userMounts()
	if err != nil {
		return err
	}
	devTaken, sysTaken := hasMount(mounts, "/dev"), hasMount(mounts, "/sys")
	for _, m := range slices.Concat(b.kernelMounts(), b.fileMounts()) {
		below := devTaken && isBelow(m.Destination, "/dev") || sysTaken && isBelow(m.Destination, "/sys")
		if !below && !hasMount(mounts, m.Destination) {
			mounts = append(mounts, m)
		}
	}
	for volume := range b.image.Volumes {
		m, err := rootVolume(path.Clean("/" + volume))
		if err != nil {
			return fmt.Errorf("image volume %q: %w", volume, err)
		}
		if hasMount(mounts, m.Destination) {
			continue
		}
		for _, kernel := range [...]string{"/proc", "/sys", "/dev"} {
			if isBelow(m.Destination, kernel) {
				return fmt.Errorf("image volume %q: %s is not the image's", volume, kernel)
			}
		}
		mounts = append(mounts, m)
	}
	slices.SortFunc(mounts, func(a, b specs.Mount) int { return strings.Compare(a.Destination, b.Destination) })
	b.spec.Mounts = mounts
	for i, m := range mounts {
		if flag, ok := flags[m.Destination]; ok {
			b.origin[fmt.Sprintf("mounts[%d]", i)] = flag
		}
	}
	return nil
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

// kernelMounts are the filesystems that the kernel fills (proc(5), sysfs(5),
// cgroups(7), pts(4), shm_overview(7), mq_overview(7)).
func (b *builder) kernelMounts() []specs.Mount {
	access := "ro"
	if b.o.Privileged && !b.o.ReadOnly {
		access = "rw"
	}
	terminals := []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}
	if isMapped(b.spec.Linux.GIDMappings, ttyGroup) {
		terminals = append(terminals, fmt.Sprintf("gid=%d", ttyGroup))
	}
	return append(b.mqueueMount(),
		b.procMount(),
		specs.Mount{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		specs.Mount{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: terminals},
		b.shmMount(),
		b.sysMount(access),
		specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", access}},
	)
}

// ttyGroup is the group "tty" that grantpt(3) expects on terminals.
const ttyGroup = 5

// procMount is /proc. The kernel makes one only for a pid namespace that the
// user namespace owns; otherwise the host's has to do, and shows the same.
func (b *builder) procMount() specs.Mount {
	if b.hasNamespace(specs.UserNamespace) && !b.hasNamespace(specs.PIDNamespace) {
		return hostMount("/proc", "rw")
	}
	return specs.Mount{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}}
}

// sysMount is /sys, which for the same reason depends on the network namespace.
func (b *builder) sysMount(access string) specs.Mount {
	if b.hasNamespace(specs.UserNamespace) && !b.hasNamespace(specs.NetworkNamespace) {
		return hostMount("/sys", "rro")
	}
	return specs.Mount{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", access}}
}

// shmMount is where processes share it: with --ipc host, the host's own place.
func (b *builder) shmMount() specs.Mount {
	if !b.hasNamespace(specs.IPCNamespace) {
		return hostMount("/dev/shm", "rw")
	}
	return specs.Mount{Destination: "/dev/shm", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}}
}

// mqueueMount shows those of the IPC namespace that it is made in, the host's with
// --ipc host, whether or not the host has it mounted. A user namespace may
// make it only for an IPC namespace of its own; otherwise the host's is shown,
// if there is one.
func (b *builder) mqueueMount() []specs.Mount {
	switch {
	case !b.hasNamespace(specs.UserNamespace) || b.hasNamespace(specs.IPCNamespace):
		return []specs.Mount{{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}}}
	case b.host.Mqueue:
		return []specs.Mount{hostMount("/dev/mqueue", "rw")}
	}
	return nil
}

func hostMount(dst, access string) specs.Mount {
	return specs.Mount{Destination: dst, Type: "bind", Source: dst, Options: []string{"rbind", access, "rprivate", "nosuid", "noexec", "nodev"}}
}

// fileMounts are the files of etc.go, and the init program.
func (b *builder) fileMounts() []specs.Mount {
	var mounts []specs.Mount
	for _, name := range EtcFiles {
		mounts = append(mounts, bindMount(path.Join(b.host.FilesDir, name), "/etc/"+name, b.o.ReadOnly, ""))
	}
	if b.o.Init {
		mounts = append(mounts, bindMount(b.host.Init, InitPath, true, ""))
	}
	return mounts
}

func hasMount(mounts []specs.Mount, destination string) bool {
	return slices.ContainsFunc(mounts, func(m specs.Mount) bool { return m.Destination == destination })
}

// IsKernelPath: below these lie no files of anybody's.
func IsKernelPath(target string) bool {
	return slices.ContainsFunc([]string{"/proc", "/sys", "/dev"}, func(kernel string) bool {
		return target == kernel || isBelow(target, kernel)
	})
}
