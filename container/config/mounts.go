package config

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func (c *config) setMounts() error {
	mounts, flags, err := c.userMounts()
	if err != nil {
		return err
	}
	devTaken, sysTaken := hasMount(mounts, "/dev"), hasMount(mounts, "/sys")
	for _, m := range slices.Concat(c.kernelMounts(), c.fileMounts()) {
		below := devTaken && isBelow(m.Destination, "/dev") || sysTaken && isBelow(m.Destination, "/sys")
		if !below && !hasMount(mounts, m.Destination) {
			mounts = append(mounts, m)
		}
	}
	for volume := range c.image.Volumes {
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
	c.spec.Mounts = mounts
	for i, m := range mounts {
		if flag, ok := flags[m.Destination]; ok {
			c.origin[fmt.Sprintf("mounts[%d]", i)] = flag
		}
	}
	return nil
}

// userMounts returns the mounts of --volume, --mount and --tmpfs, and the flag behind
// each by its destination. Two mounts on one destination are an error.
func (c *config) userMounts() (mounts []specs.Mount, flags map[string]string, err error) {
	flags = make(map[string]string)
	for _, source := range []struct {
		flag  string
		words []string
		parse func(string) (specs.Mount, error)
	}{
		{"--volume", c.o.Volumes, c.host.parseVolume},
		{"--mount", c.o.Mounts, c.host.parseMount},
		{"--tmpfs", c.o.Tmpfs, parseTmpfs},
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
func (c *config) kernelMounts() []specs.Mount {
	access := "ro"
	if c.o.Privileged && !c.o.ReadOnly {
		access = "rw"
	}
	terminals := []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}
	if mapped(c.spec.Linux.GIDMappings, ttyGroup) {
		terminals = append(terminals, fmt.Sprintf("gid=%d", ttyGroup))
	}
	return append(c.queues(),
		c.processes(),
		specs.Mount{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		specs.Mount{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: terminals},
		c.memory(),
		c.machine(access),
		specs.Mount{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", access}},
	)
}

// ttyGroup is the group "tty" that grantpt(3) expects on terminals.
const ttyGroup = 5

// processes is /proc. The kernel makes one only for a pid namespace that the
// user namespace owns; otherwise the host's has to do, and shows the same.
func (c *config) processes() specs.Mount {
	if c.own(specs.UserNamespace) && !c.own(specs.PIDNamespace) {
		return hostMount("/proc", "rw")
	}
	return specs.Mount{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}}
}

// machine is /sys, which for the same reason depends on the network namespace.
func (c *config) machine(access string) specs.Mount {
	if c.own(specs.UserNamespace) && !c.own(specs.NetworkNamespace) {
		return hostMount("/sys", "rro")
	}
	return specs.Mount{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", access}}
}

// memory is where processes share it: with --ipc host, the host's own place.
func (c *config) memory() specs.Mount {
	if !c.own(specs.IPCNamespace) {
		return hostMount("/dev/shm", "rw")
	}
	return specs.Mount{Destination: "/dev/shm", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}}
}

// queues shows those of the IPC namespace that it is made in, the host's with
// --ipc host, whether or not the host has it mounted. A user namespace may
// make it only for an IPC namespace of its own; otherwise the host's is shown,
// if there is one.
func (c *config) queues() []specs.Mount {
	switch {
	case !c.own(specs.UserNamespace) || c.own(specs.IPCNamespace):
		return []specs.Mount{{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}}}
	case c.host.Queues:
		return []specs.Mount{hostMount("/dev/mqueue", "rw")}
	}
	return nil
}

func hostMount(dst, access string) specs.Mount {
	return specs.Mount{Destination: dst, Type: "bind", Source: dst, Options: []string{"rbind", access, "rprivate", "nosuid", "noexec", "nodev"}}
}

// fileMounts are the files of etc.go, and the init program.
func (c *config) fileMounts() []specs.Mount {
	var mounts []specs.Mount
	for _, name := range EtcFiles {
		mounts = append(mounts, bindMount(path.Join(c.host.FilesDir, name), "/etc/"+name, c.o.ReadOnly, ""))
	}
	if c.o.Init {
		mounts = append(mounts, bindMount(c.host.Init, InitPath, true, ""))
	}
	return mounts
}

func hasMount(mounts []specs.Mount, destination string) bool {
	return slices.ContainsFunc(mounts, func(m specs.Mount) bool { return m.Destination == destination })
}

func isBelow(name, folder string) bool { return strings.HasPrefix(name, folder+"/") }

// IsKernelPath: below these lie no files of anybody's.
func IsKernelPath(target string) bool {
	return slices.ContainsFunc([]string{"/proc", "/sys", "/dev"}, func(kernel string) bool {
		return target == kernel || isBelow(target, kernel)
	})
}
