package config

import (
	"io/fs"
	"path"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Config returns the OCI runtime config of a container that runs image with the flags
// o. files is the image's merged root, read for /etc/passwd and /etc/group alone: Open
// must stay inside that root and must not block. The config's root path is "rootfs":
// the caller replaces it by the path of the mounted root. The origin names the
// flag behind each field of the config.
func Config(o *Options, image ocispec.Image, files fs.FS, host Host) (*specs.Spec, Origin, error) {
	// the parts of the config that need no flag
	b := &builder{o, image.Config, files, host, "/", &specs.Spec{
		Version: specs.Version,
		Process: &specs.Process{},
		Root:    &specs.Root{Path: "rootfs", Readonly: o.ReadOnly},
		Linux:   &specs.Linux{CgroupsPath: path.Join("/", host.CgroupParent(), host.ID)},
	}, newOrigin(o)}
	if _, _, err := StopSignal(o, image); err != nil {
		return nil, nil, err
	}
	// the parts that flags and the image decide; a later one may read what an earlier one set
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
		(*builder).setOOMScore,
		(*builder).setSysctls,
		(*builder).setAnnotations,
	} {
		if err := part(b); err != nil {
			return nil, nil, err
		}
	}
	return b.spec, b.origin, nil
}
