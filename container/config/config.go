// Package container turns an image and the words of `docker run` into an OCI
// runtime config: the one document that says what a container is.
//
// An image brings what its author decided (entrypoint, environment, user,
// working directory, volumes); the flags bring what the caller decides; the
// Host brings the few facts of this machine that matter. The result holds
// everything, defaults spelled out, so that a reader of the config, and of the
// plan made from it, never has to know a hidden rule.
//
// Three rules:
//   - Config is a function of its arguments: it starts nothing, mounts nothing
//     and needs no privileges. Only files that a flag names are read.
//   - An image is a stranger. Its text lands in the config as data, is checked
//     like a flag would be, and never picks a path, a mount or a setting of
//     the host (HARDENING.md, rows 9 to 12 and 25).
//   - What a flag asks for is done or refused by name, never dropped.
//
// The meaning of each flag is docker's (docs.docker.com/reference/cli/docker/
// container/run); the defaults are stricter where HARDENING.md says so.
package config

import (
	"io/fs"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Config returns the OCI runtime config of a container that runs image as o
// asks. files is the image's merged root, read for /etc/passwd and /etc/group
// alone: Open must stay inside that root and must not block. The config's root
// path is "rootfs"; whoever mounts the root puts in its real path. The origin names the
// flag behind each field of the config.
func Config(o *Options, image ocispec.Image, files fs.FS, host Host) (*specs.Spec, Origin, error) {
	b := &builder{o, image.Config, files, host, "/", &specs.Spec{
		Version: specs.Version,
		Process: &specs.Process{},
		Root:    &specs.Root{Path: "rootfs", Readonly: o.ReadOnly},
		Linux:   &specs.Linux{CgroupsPath: "/" + CgroupParent + "/" + host.ID},
	}, newOrigin(o)}
	if _, err := StopSignal(o, image); err != nil {
		return nil, nil, err
	}
	for _, part := range []func(*builder) error{
		(*builder).setHostname,
		(*builder).setNamespaces,
		(*builder).setArgs,
		(*builder).setUser,
		(*builder).setEnv,
		(*builder).setCapabilities,
		(*builder).setSecurity,
		(*builder).setMounts,
		(*builder).setMasks,
		(*builder).setDevices,
		(*builder).setResources,
		(*builder).setRlimits,
		(*builder).setSysctls,
	} {
		if err := part(b); err != nil {
			return nil, nil, err
		}
	}
	return b.spec, b.origin, nil
}

// CgroupParent is the cgroup that holds those of all containers.
const CgroupParent = "minictr"
