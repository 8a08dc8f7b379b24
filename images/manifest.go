package images

// Manifests, indexes and configs come from strangers. A descriptor tells the
// type, size and digest of what it names, and all three are checked before
// anything is believed: a digest before it becomes a path, the size against a
// cap before anything is read, the type exactly. A document that could be read
// as two types (a manifest with "manifests" in it) is refused: two programs
// would see two images under one digest (CVE-2021-41190).

import (
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Caps on what is read into memory.
const (
	maxManifest = 4 << 20
	maxConfig   = 8 << 20
	maxDepth    = 4   // indexes in indexes
	maxLayers   = 127 // as docker; overlayfs takes 500
)

// Docker's names for the same documents.
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

func isConfig(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageConfig || mediaType == dockerConfig
}

func isLayer(mediaType string) bool {
	switch mediaType {
	case ocispec.MediaTypeImageLayer, ocispec.MediaTypeImageLayerGzip, ocispec.MediaTypeImageLayerZstd,
		"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
		"application/vnd.docker.image.rootfs.diff.tar.zstd":
		return true
	}
	return false
}

// check validates a descriptor before anything it says is used.
func check(d ocispec.Descriptor, max int64) error {
	if err := checkDigest(d.Digest); err != nil {
		return err
	}
	if d.Size < 0 || d.Size > max {
		return fmt.Errorf("blob %s: %d bytes is not between 0 and %d", d.Digest, d.Size, max)
	}
	return nil
}

func checkDigest(d digest.Digest) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("digest %q: %w", string(d), err)
	}
	if d.Algorithm() != digest.SHA256 {
		return fmt.Errorf("digest %q: only sha256 is known here", string(d))
	}
	return nil
}

// document has the fields by which manifests and indexes are told apart.
type document struct {
	SchemaVersion int                  `json:"schemaVersion"`
	MediaType     string               `json:"mediaType"`
	Config        *ocispec.Descriptor  `json:"config"`
	Layers        []ocispec.Descriptor `json:"layers"`
	Manifests     []ocispec.Descriptor `json:"manifests"`
	FSLayers      json.RawMessage      `json:"fsLayers"`
}

func parseDocument(data []byte, mediaType string) (*document, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("parse %s: %w", mediaType, err)
	}
	if d.SchemaVersion != 2 {
		return nil, fmt.Errorf("parse %s: schema version %d", mediaType, d.SchemaVersion)
	}
	if d.MediaType != "" && d.MediaType != mediaType {
		return nil, fmt.Errorf("parse %s: it calls itself %q", mediaType, d.MediaType)
	}
	manifest := d.Config != nil || d.Layers != nil || d.FSLayers != nil
	if manifest && isIndex(mediaType) || d.Manifests != nil && isManifest(mediaType) || d.FSLayers != nil {
		return nil, fmt.Errorf("parse %s: it has fields of another type", mediaType)
	}
	return &d, nil
}

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

func parseManifest(data []byte, mediaType string) (config ocispec.Descriptor, layers []ocispec.Descriptor, err error) {
	d, err := parseDocument(data, mediaType)
	if err != nil {
		return config, nil, err
	}
	if d.Config == nil || !isConfig(d.Config.MediaType) {
		return config, nil, fmt.Errorf("parse %s: it has no image config", mediaType)
	}
	if err := check(*d.Config, maxConfig); err != nil {
		return config, nil, err
	}
	if len(d.Layers) > maxLayers {
		return config, nil, fmt.Errorf("parse %s: %d layers are more than %d", mediaType, len(d.Layers), maxLayers)
	}
	for _, l := range d.Layers {
		if !isLayer(l.MediaType) {
			return config, nil, fmt.Errorf("parse %s: unknown type of layer %q", mediaType, l.MediaType)
		}
		if err := check(l, maxLayer); err != nil {
			return config, nil, err
		}
	}
	return *d.Config, d.Layers, nil
}

// parseConfig reads an image's config. It must have a diff ID for each of n
// layers.
func parseConfig(data []byte, n int) (*ocispec.Image, error) {
	image, _, err := parseWholeConfig(data, n)
	return image, err
}

// parseWholeConfig reads docker's part of it, too.
func parseWholeConfig(data []byte, n int) (*ocispec.Image, *DockerConfig, error) {
	var c dockerImageConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, nil, fmt.Errorf("parse image config: %w", err)
	}
	c.Image.Config = c.Config.ImageConfig
	return &c.Image, &c.Config.DockerConfig, checkConfig(&c.Image, n)
}

func checkConfig(c *ocispec.Image, n int) error {
	if c.RootFS.Type != "layers" {
		return fmt.Errorf("parse image config: rootfs type %q", c.RootFS.Type)
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
