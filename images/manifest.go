package images

// Manifests, indexes and configs are untrusted. A descriptor (image-spec,
// descriptor.md) has the media type, size and digest of a blob. All three are
// checked first: the digest before it becomes part of a path, the size against a
// limit before anything is read, the type exactly. A document of two types (a
// manifest with "manifests") is refused: two programs would see two images under
// one digest (CVE-2021-41190).

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Limits of an image.
const (
	maxManifest = 4 << 20  // bytes, as registries have it
	maxConfig   = 8 << 20  // bytes
	maxLayer    = 64 << 30 // bytes, compressed
	maxDepth    = 4        // indexes in indexes
	maxLayers   = 127      // docker's limit; overlayfs has 500
)

// docker's media types of the same documents.
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

func isManifest(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageManifest || mediaType == dockerManifest
}

func isIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList
}

// isConfig reports whether a config of this type may be that of an image. Registries
// of 2016 named other types (github.com/docker/distribution/issues/1621), which docker
// accepts: it is the content that counts.
func isConfig(mediaType string) bool {
	switch mediaType {
	case ocispec.MediaTypeImageConfig, dockerConfig, "", "application/octet-stream", "application/json", "text/html":
		return true
	}
	return false
}

// layerMediaTypes are the types of layers in image-spec (media-types.md) and docker, as
// containerd knows them (core/images/mediatypes.go); whether one names the right
// compression does not matter: see layers.Decompress. Those that may not be
// distributed are deprecated: an archive has their bytes, or only says where they are.
var layerMediaTypes = []string{
	ocispec.MediaTypeImageLayer, ocispec.MediaTypeImageLayerGzip, ocispec.MediaTypeImageLayerZstd,
	"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar.zstd",

	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
	"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.foreign.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.foreign.diff.tar.zstd",
}

func isLayer(mediaType string) bool { return slices.Contains(layerMediaTypes, mediaType) }

// check validates a descriptor, whose size may be max bytes.
func check(d ocispec.Descriptor, max int64) error {
	if err := checkDigest(d.Digest); err != nil {
		return err
	}
	if d.Size < 0 || d.Size > max {
		return fmt.Errorf("blob %s: size %d is not between 0 and %d", d.Digest, d.Size, max)
	}
	return nil
}

func checkDigest(d digest.Digest) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("digest %q: %w", string(d), err)
	}
	if d.Algorithm() != digest.SHA256 {
		return fmt.Errorf("digest %q: only sha256 is supported", string(d))
	}
	return nil
}

// describe returns the descriptor of a document.
func describe(mediaType string, data []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
}

// bare returns a descriptor without annotations and platform.
func bare(d ocispec.Descriptor) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
}

// blobFile returns the path of a blob in an OCI layout. The digest must be valid.
func blobFile(d digest.Digest) string {
	return path.Join(ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

// A document has the fields that distinguish manifests from indexes.
type document struct {
	SchemaVersion int                  `json:"schemaVersion"`
	MediaType     string               `json:"mediaType"`
	Config        *ocispec.Descriptor  `json:"config"`
	Layers        []ocispec.Descriptor `json:"layers"`
	Manifests     []ocispec.Descriptor `json:"manifests"`
	FSLayers      json.RawMessage      `json:"fsLayers"`
}

// parseDocument parses a document, which must be of the given type alone.
func parseDocument(data []byte, mediaType string) (*document, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("parse %s: %w", mediaType, err)
	}
	if d.SchemaVersion != 2 {
		return nil, fmt.Errorf("parse %s: schemaVersion is %d, not 2", mediaType, d.SchemaVersion)
	}
	if d.MediaType != "" && d.MediaType != mediaType {
		return nil, fmt.Errorf("parse %s: mediaType is %q", mediaType, d.MediaType)
	}
	manifest := d.Config != nil || d.Layers != nil || d.FSLayers != nil
	if manifest && isIndex(mediaType) || d.Manifests != nil && isManifest(mediaType) || d.FSLayers != nil {
		return nil, fmt.Errorf("parse %s: fields of another document type", mediaType)
	}
	return &d, nil
}

// parseIndex returns the descriptors of an index.
func parseIndex(data []byte, mediaType string) ([]ocispec.Descriptor, error) {
	d, err := parseDocument(data, mediaType)
	if err != nil {
		return nil, err
	}
	for _, m := range d.Manifests {
		if err := check(m, maxManifest); err != nil {
			return nil, err
		}
	}
	return d.Manifests, nil
}

// parseManifest returns the descriptors of a manifest.
func parseManifest(data []byte, mediaType string) (config ocispec.Descriptor, layers []ocispec.Descriptor, err error) {
	d, err := parseDocument(data, mediaType)
	if err != nil {
		return config, nil, err
	}
	// the config
	if d.Config == nil || !isConfig(d.Config.MediaType) {
		return config, nil, fmt.Errorf("parse %s: no image config", mediaType)
	}
	if err := check(*d.Config, maxConfig); err != nil {
		return config, nil, err
	}
	// the layers
	if len(d.Layers) > maxLayers {
		err := fmt.Errorf("parse %s: %d layers exceed the limit of %d", mediaType, len(d.Layers), maxLayers)
		return config, nil, err
	}
	for _, l := range d.Layers {
		if !isLayer(l.MediaType) {
			return config, nil, fmt.Errorf("parse %s: unknown layer media type %q", mediaType, l.MediaType)
		}
		if err := check(l, maxLayer); err != nil {
			return config, nil, err
		}
	}
	return *d.Config, d.Layers, nil
}

// parseConfig parses an image config (image-spec, config.md). It must have a diff
// ID for each of n layers.
func parseConfig(data []byte, n int) (*ocispec.Image, error) {
	image, _, err := parseWholeConfig(data, n)
	return image, err
}

// parseWholeConfig also returns docker's part.
func parseWholeConfig(data []byte, n int) (*ocispec.Image, *DockerConfig, error) {
	var c struct {
		ocispec.Image
		Config struct {
			runConfig
			Entrypoint, Cmd, Shell commandLine
		} `json:"config"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, nil, fmt.Errorf("parse image config: %w", err)
	}
	c.Image.Config = c.Config.ImageConfig
	c.Image.Config.Entrypoint, c.Image.Config.Cmd = c.Config.Entrypoint, c.Config.Cmd
	c.Config.DockerConfig.Shell = c.Config.Shell
	return &c.Image, &c.Config.DockerConfig, checkConfig(&c.Image, n)
}

// checkConfig checks the diff IDs of n layers.
func checkConfig(c *ocispec.Image, n int) error {
	if c.RootFS.Type != "layers" {
		return fmt.Errorf("parse image config: rootfs.type is %q, not layers", c.RootFS.Type)
	}
	if len(c.RootFS.DiffIDs) != n {
		return fmt.Errorf("parse image config: %d diff IDs for %d layers", len(c.RootFS.DiffIDs), n)
	}
	for _, d := range c.RootFS.DiffIDs {
		if err := checkDigest(d); err != nil {
			return fmt.Errorf("parse image config: %w", err)
		}
	}
	return nil
}
