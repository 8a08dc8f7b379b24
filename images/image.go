package images

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An Image is one entry of the store: an image under one of its names.
type Image struct {
	Name     string        // complete; "" for an image that has lost its name
	ID       digest.Digest // of the config
	Manifest digest.Digest
	Config   ocispec.Image
	Docker   DockerConfig
	Layers   []digest.Digest // diff IDs, bottom first
	Sizes    []int64         // of the unpacked layers, in bytes
	Size     int64           // their sum
}

// ErrNotFound is in the error of Image for a name that is not in the store.
var ErrNotFound = errors.New("no such image")

// List returns the images, newest first, an image of several names once for
// each.
func (s *Store) List() ([]*Image, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	var all []*Image
	for _, d := range index {
		image, err := s.read(d)
		if err != nil {
			return nil, fmt.Errorf("read image %q: %w", nameOf(d), err)
		}
		all = append(all, image)
	}
	slices.SortStableFunc(all, func(a, b *Image) int {
		return cmp.Or(b.created().Compare(a.created()), strings.Compare(a.Name, b.Name))
	})
	return all, nil
}

// Image finds an image by its name, complete or short, by its ID, or by the
// beginning of its ID.
func (s *Store) Image(name string) (*Image, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	d, err := s.find(index, name)
	if err != nil {
		return nil, err
	}
	return s.read(d)
}

func (s *Store) find(index []ocispec.Descriptor, name string) (ocispec.Descriptor, error) {
	full, invalid := Normalize(name)
	for _, d := range index {
		if invalid == nil && nameOf(d) == full {
			return d, nil
		}
	}
	found, err := s.findID(index, name)
	switch {
	case err != nil:
		return ocispec.Descriptor{}, err
	case found != nil:
		return *found, nil
	case invalid != nil:
		return ocispec.Descriptor{}, invalid
	}
	err = fmt.Errorf("open image %q: %w", name, ErrNotFound)
	return ocispec.Descriptor{}, hint.New(err, "fetch it with: minictr pull "+name+", or load one with: minictr load -i FILE")
}

// findID looks for the one image whose ID begins so.
func (s *Store) findID(index []ocispec.Descriptor, prefix string) (*ocispec.Descriptor, error) {
	prefix = strings.TrimPrefix(prefix, "sha256:")
	if prefix == "" || strings.Trim(prefix, "0123456789abcdef") != "" {
		return nil, nil
	}
	var found *ocispec.Descriptor
	for _, d := range index {
		config, _, err := s.manifest(d)
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(config.Digest.Encoded(), prefix) {
			continue
		}
		if found != nil && found.Digest != d.Digest {
			return nil, fmt.Errorf("open image %q: several IDs begin so", prefix)
		}
		found = &d
	}
	return found, nil
}

func (s *Store) manifest(d ocispec.Descriptor) (config ocispec.Descriptor, layers []ocispec.Descriptor, err error) {
	data, err := s.readBlob(d, maxManifest)
	if err != nil {
		return config, nil, err
	}
	return parseManifest(data, d.MediaType)
}

func (s *Store) read(d ocispec.Descriptor) (*Image, error) {
	config, blobs, err := s.manifest(d)
	if err != nil {
		return nil, err
	}
	data, err := s.readBlob(config, maxConfig)
	if err != nil {
		return nil, err
	}
	parsed, docker, err := parseWholeConfig(data, len(blobs))
	if err != nil {
		return nil, err
	}
	sizes, err := splitSizes(d.Annotations[layerSizes])
	if err != nil {
		return nil, err
	}
	image := &Image{
		Name: nameOf(d), ID: config.Digest, Manifest: d.Digest, Config: *parsed, Docker: *docker,
		Layers: parsed.RootFS.DiffIDs, Sizes: sizes,
	}
	for _, n := range sizes {
		image.Size += n
	}
	return image, nil
}

func (i *Image) created() time.Time {
	if i.Config.Created == nil {
		return time.Time{}
	}
	return *i.Config.Created
}
