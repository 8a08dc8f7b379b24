package config

import (
	"io/fs"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// builder holds a config while its parts are set.
type builder struct {
	o      *Options
	image  ocispec.ImageConfig
	files  fs.FS
	host   Host
	home   string // the user's home directory, from /etc/passwd
	spec   *specs.Spec
	origin Origin
}

// hasNamespace reports whether the container gets a new namespace of this type.
func (b *builder) hasNamespace(kind specs.LinuxNamespaceType) bool {
	return slices.ContainsFunc(b.spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == kind
	})
}
