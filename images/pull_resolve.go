package images

// A name leads to a manifest, or to an index with a manifest for each platform. Documents
// and configs are fetched and verified here; layers are not.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/minictr/minictr/images/registry"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	maxMembers = 256      // manifests of an index
	maxExtra   = 64 << 20 // bytes of attestations, which are held in memory
)

// A puller is one pull.
type puller struct {
	store     *Store
	from      *registry.Repository
	scratch   *scratch
	known     map[digest.Digest]ocispec.Descriptor // see Store.known
	progress  func(blob digest.Digest, done, total int64)
	platforms []ocispec.Platform
	all       bool // platforms, and attestations

	top       ocispec.Descriptor // the manifest or index of the name
	images    []*archiveImage    // of the platforms
	extra     []extraBlob        // the indexes, and attestations
	extraSize int64
}

// resolve follows a name to its images.
func (p *puller) resolve(ctx context.Context, full string) error {
	// fetch by tag or digest
	ref, err := name.ParseReference(full)
	if err != nil {
		return err
	}
	accept := []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, dockerManifest, dockerList}
	data, mediaType, err := p.from.Manifest(ctx, ref.Identifier(), accept, maxManifest)
	if err != nil {
		return err
	}
	p.top = describe(mediaType, data)
	switch {
	case !isIndex(mediaType):
		return p.addImage(ctx, p.top, data)
	case p.all:
		return p.addAll(ctx, p.top, data, 0)
	}
	for _, platform := range p.platforms {
		if err := p.addPlatform(ctx, platform, data); err != nil {
			return err
		}
	}
	return nil
}

// addPlatform follows indexes to the image for a platform.
func (p *puller) addPlatform(ctx context.Context, platform ocispec.Platform, data []byte) error {
	d := p.top
	for range maxDepth {
		if !isIndex(d.MediaType) {
			return p.addImage(ctx, d, data)
		}
		p.extra = append(p.extra, extraBlob{d.Digest, data})
		offers, err := parseIndex(data, d.MediaType)
		if err != nil {
			return err
		}
		if d, err = choosePlatform(platform, offers); err != nil {
			return err
		}
		if data, err = p.document(ctx, d); err != nil {
			return err
		}
	}
	return fmt.Errorf("indexes are nested deeper than %d", maxDepth)
}

// addAll adds all that an index refers to.
func (p *puller) addAll(ctx context.Context, d ocispec.Descriptor, data []byte, depth int) error {
	if depth >= maxDepth {
		return fmt.Errorf("indexes are nested deeper than %d", maxDepth)
	}
	p.extra = append(p.extra, extraBlob{d.Digest, data})
	offers, err := parseIndex(data, d.MediaType)
	if err != nil {
		return err
	}
	if len(offers)+len(p.images) > maxMembers {
		return fmt.Errorf("index %s: more than %d manifests", d.Digest, maxMembers)
	}
	for _, offer := range offers {
		data, err := p.document(ctx, offer)
		if err != nil {
			return err
		}
		_, _, notImage := parseManifest(data, offer.MediaType)
		switch {
		case isIndex(offer.MediaType):
			err = p.addAll(ctx, offer, data, depth+1)
		case notImage == nil:
			err = p.addImage(ctx, offer, data)
		default:
			err = p.addAttestation(ctx, offer, data)
		}
		if err != nil {
			return err
		}
	}
	if len(p.images) == 0 && depth == 0 {
		return fmt.Errorf("index %s has no image", d.Digest)
	}
	return nil
}

// addImage adds an image, once.
func (p *puller) addImage(ctx context.Context, d ocispec.Descriptor, data []byte) error {
	for _, image := range p.images {
		if image.manifest.Digest == d.Digest {
			return nil
		}
	}
	image, err := parseImage(d, data, func(config ocispec.Descriptor) ([]byte, error) {
		return p.small(ctx, config)
	})
	if err == nil {
		p.images = append(p.images, image)
	}
	return err
}

// addAttestation adds a manifest whose layers are no file systems, with what it refers to.
func (p *puller) addAttestation(ctx context.Context, d ocispec.Descriptor, data []byte) error {
	contents, err := parseContents(data, d.MediaType)
	if err != nil {
		return err
	}
	for _, blob := range contents {
		if p.extraSize += blob.Size; p.extraSize > maxExtra {
			return fmt.Errorf("attestations of more than %d bytes", maxExtra)
		}
		part, err := p.small(ctx, blob)
		if err != nil {
			return err
		}
		p.extra = append(p.extra, extraBlob{blob.Digest, part})
	}
	p.extra = append(p.extra, extraBlob{d.Digest, data})
	return nil
}

// document returns the manifest or index of a descriptor, from the store if it has
// it.
func (p *puller) document(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	data, err := p.store.readBlob(d, maxManifest)
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	data, _, err = p.from.Manifest(ctx, d.Digest.String(), []string{d.MediaType}, d.Size)
	if err == nil && int64(len(data)) != d.Size {
		err = fmt.Errorf("manifest %s: size is not %d bytes", d.Digest, d.Size)
	}
	return data, err
}

// small returns the config of a descriptor, or another small blob, from the store if it
// has it.
func (p *puller) small(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	data, err := p.store.readBlob(d, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		body := p.from.Blob(ctx, d.Digest, d.Size, 0)
		defer body.Close()
		data, err = readVerified(body, d)
	}
	return data, err
}
