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

// An Image is an entry of the index: an image under one of its names.
type Image struct {
	Name     string        // complete; "" for an image without a name
	ID       digest.Digest // of the config
	Manifest digest.Digest
	Digest   digest.Digest // of the index that it was pulled from, or else of the manifest
	Config   ocispec.Image
	Docker   DockerConfig
	Layers   []digest.Digest // diff IDs, bottom first
	Sizes    []int64         // of the unpacked layers, in bytes
	Size     int64           // their sum

	blobs []ocispec.Descriptor // of the layers, bottom first
}

// ErrNotFound is in the error for a name that the store does not have.
var ErrNotFound = errors.New("no such image")

// List returns the images, newest first. An image is listed once for each name. The error
// names those that are damaged; the others are listed.
func (s *Store) List() ([]*Image, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	var all []*Image
	var unread []error
	for _, d := range index {
		image, err := s.read(d)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		all = append(all, image)
	}
	slices.SortStableFunc(all, func(a, b *Image) int {
		return cmp.Or(b.Created().Compare(a.Created()), compareNames(a.Name, b.Name))
	})
	return all, errors.Join(unread...)
}

// compareNames orders complete names by repository, and then by tag.
func compareNames(a, b string) int {
	repositoryA, tagA := Split(a)
	repositoryB, tagB := Split(b)
	return cmp.Or(strings.Compare(repositoryA, repositoryB), strings.Compare(tagA, tagB))
}

// Image returns the image of a name, complete or short, of an ID, or of a unique
// prefix of an ID. The error is ErrNotFound if there is none.
func (s *Store) Image(name string) (*Image, error) {
	_, d, err := s.lookup(name)
	if err != nil {
		return nil, err
	}
	return s.read(d)
}

// lookup reads the index and finds an image in it.
func (s *Store) lookup(name string) (index []ocispec.Descriptor, d ocispec.Descriptor, err error) {
	if index, err = s.index(); err == nil {
		d, err = s.find(index, name)
	}
	return index, d, err
}

// find returns the descriptor of a name, an ID or a prefix of an ID.
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
	return ocispec.Descriptor{}, hint.New(err, "minictr pull "+name+", or from a file: minictr load -i FILE")
}

// findID returns the descriptor of the image whose ID has this prefix, or nil. If
// several have, it returns an error.
func (s *Store) findID(index []ocispec.Descriptor, prefix string) (*ocispec.Descriptor, error) {
	prefix = strings.TrimPrefix(prefix, "sha256:")
	if prefix == "" || strings.Trim(prefix, "0123456789abcdef") != "" {
		return nil, nil
	}
	var found *ocispec.Descriptor
	for _, d := range index {
		config, _, err := s.manifest(d)
		if err != nil { // a damaged image has no ID
			continue
		}
		if !strings.HasPrefix(config.Digest.Encoded(), prefix) {
			continue
		}
		if found != nil && found.Digest != d.Digest {
			return nil, fmt.Errorf("open image %q: ID prefix is ambiguous", prefix)
		}
		found = &d
	}
	return found, nil
}

// manifest reads the manifest of an image.
func (s *Store) manifest(d ocispec.Descriptor) (config ocispec.Descriptor, layers []ocispec.Descriptor, err error) {
	data, err := s.readBlob(d, maxManifest)
	if err != nil {
		return config, nil, err
	}
	return parseManifest(data, d.MediaType)
}

// read reads manifest and config of an image.
func (s *Store) read(d ocispec.Descriptor) (*Image, error) {
	image, err := readDocuments(s, d)
	if err != nil {
		return nil, damaged(d, err)
	}
	return image, nil
}

// readDocuments is read without a word about the image in errors.
func readDocuments(s *Store, d ocispec.Descriptor) (*Image, error) {
	// the documents
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
	// the annotated sizes
	sizes, err := splitSizes(d.Annotations[layerSizes])
	if err != nil {
		return nil, err
	}
	image := &Image{
		Name: nameOf(d), ID: config.Digest, Manifest: d.Digest, Digest: d.Digest, Config: *parsed, Docker: *docker,
		Layers: parsed.RootFS.DiffIDs, Sizes: sizes, blobs: blobs,
	}
	for _, n := range sizes {
		image.Size += n
	}
	index, has, err := indexOfImage(d)
	if has {
		image.Digest = index.Digest
	}
	return image, err
}

// Created returns when the image was built; the zero time if its config does not say so.
func (i *Image) Created() time.Time {
	if i.Config.Created == nil {
		return time.Time{}
	}
	return *i.Config.Created
}
