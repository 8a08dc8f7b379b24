package config

import (
	"errors"
	"fmt"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const shmSize = 64 << 20 // docker's default, in bytes

// shmMount is /dev/shm, for shared memory (shm_overview(7)): the host's with --ipc host,
// none with --ipc none.
func (b *builder) shmMount() []specs.Mount {
	switch {
	case b.o.IPC == "none":
		return nil
	case !b.hasNamespace(specs.IPCNamespace):
		return []specs.Mount{hostMount("/dev/shm", bindOptions{})}
	}
	size, _ := b.o.ParseShmSize()
	return []specs.Mount{newMount("/dev/shm", "tmpfs",
		"nosuid", "noexec", "nodev", "mode=1777", fmt.Sprintf("size=%dk", (size+1023)>>10))}
}

// ParseShmSize returns the size of /dev/shm in bytes.
func (o *Options) ParseShmSize() (int64, error) {
	if o.ShmSize == "" || o.ShmSize == "0" {
		return shmSize, nil
	}
	n, err := units.RAMInBytes(o.ShmSize)
	if err != nil || n < 1<<10 {
		return 0, hint.New(fmt.Errorf("--shm-size %q: not a size of 1k or more", o.ShmSize),
			"write a number and b, k, m or g, as in 128m")
	}
	return n, nil
}

// checkShm refuses a size without effect: /dev/shm is not the container's own tmpfs.
func (b *builder) checkShm(mounts []specs.Mount) error {
	if _, err := b.o.ParseShmSize(); b.o.ShmSize == "" || err != nil {
		return err
	}
	switch {
	case b.o.IPC == "host" || b.o.IPC == "none":
		return fmt.Errorf("--shm-size and --ipc %s exclude each other", b.o.IPC)
	case hasMount(mounts, "/dev/shm") || hasMount(mounts, "/dev"):
		return hint.New(errors.New("--shm-size: another flag mounts /dev/shm"),
			"set the size there: --tmpfs /dev/shm:size="+b.o.ShmSize)
	}
	return nil
}
