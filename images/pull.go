package images

// Pull takes an image from a registry as Load takes it from an archive (load.go):
//
//  1. Resolve the name to a manifest, often through an index of platforms. Fetch
//     and verify the manifest, then the config.
//  2. Download each missing layer, a few at a time, and unpack it meanwhile: see
//     partial.go. Commit a layer as soon as it is verified, so that another pull
//     that waits for it does not wait for the rest.
//  3. Commit config and manifest, and write the name last: see commit.go.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/minictr/minictr/images/registry"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

const layersAtOnce = 3 // docker's default

// PullOptions are the options of Pull.
type PullOptions struct {
	Settings *registry.Settings
	Platform string // os/arch[/variant]; "" is this machine
	Found    func() // is called when the registry has the image; may be nil
	// Progress, unless nil, is called with the bytes of a layer's blob that are
	// stored, from any goroutine. The first call may be with all.
	Progress func(blob digest.Digest, done, total int64)
}

// Pulled is the result of Pull.
type Pulled struct {
	Name   string        // complete
	Digest digest.Digest // of the manifest or index that the name has in the registry
	New    bool          // the store did not have it under this name
}

// Pull downloads an image from its registry into the store.
func (s *Store) Pull(ctx context.Context, short string, opts PullOptions) (pulled *Pulled, err error) {
	full, err := Normalize(short)
	if err != nil {
		return nil, err
	}
	if err := s.create(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.path("partial"), 0o700); err != nil {
		return nil, err
	}
	err = s.locked(lockfile.Shared, "pull "+Familiar(full), func(scratch *scratch) (err error) {
		pulled, err = s.pull(ctx, full, opts, scratch)
		return err
	})
	if err == nil {
		transferEvent(s, "pull", full)
	}
	return pulled, err
}

// pull pulls an image of a complete name.
func (s *Store) pull(ctx context.Context, full string, opts PullOptions, scratch *scratch) (*Pulled, error) {
	platform, err := parsePlatform(opts.Platform)
	if err != nil {
		return nil, err
	}
	// fetch manifest and config
	p := &puller{store: s, scratch: scratch, progress: opts.Progress}
	var top digest.Digest
	var image *archiveImage
	err = opts.Settings.From(ctx, full, func(from *registry.Repository) (err error) {
		p.from = from
		top, image, err = p.resolve(ctx, full, platform)
		return err
	})
	if err != nil {
		return nil, err
	}
	if opts.Platform != "" {
		if err := matches(platform, image.configJSON, len(image.layers)); err != nil {
			return nil, err
		}
	}
	if opts.Found != nil {
		opts.Found()
	}
	// fetch the layers
	if p.known, err = s.known(); err != nil {
		return nil, err
	}
	present, err := s.hasNamed(full, image)
	if err != nil {
		return nil, err
	}
	pulled := &Pulled{Name: full, Digest: top, New: !present}
	if err := p.fetch(ctx, image); err != nil || present {
		return pulled, err
	}
	// write documents and name
	l := loader{store: s, scratch: scratch}
	_, err = l.commit([]*archiveImage{image})
	return pulled, err
}

// matches returns an error if an image that is in no index is for another platform.
func matches(want ocispec.Platform, configJSON []byte, layers int) error {
	config, err := parseConfig(configJSON, layers)
	if err != nil {
		return err
	}
	if config.OS != want.OS || config.Architecture != want.Architecture {
		return fmt.Errorf("no image for %s, only for %s", platformName(want), platformName(config.Platform))
	}
	return nil
}

// hasNamed reports whether the store has this image under this name.
func (s *Store) hasNamed(full string, image *archiveImage) (bool, error) {
	index, err := s.index()
	return slices.ContainsFunc(index, func(d ocispec.Descriptor) bool {
		return nameOf(d) == full && d.Digest == image.manifest.Digest
	}), err
}

// A puller is one pull.
type puller struct {
	store    *Store
	from     *registry.Repository
	scratch  *scratch
	known    map[digest.Digest]ocispec.Descriptor // see Store.known
	progress func(blob digest.Digest, done, total int64)
}

// resolve follows a name to the image for a platform. Top is the digest of the
// manifest or index of that name.
func (p *puller) resolve(ctx context.Context, full string, platform ocispec.Platform) (
	top digest.Digest, image *archiveImage, err error) {
	// fetch by tag or digest
	ref, err := name.ParseReference(full)
	if err != nil {
		return "", nil, err
	}
	accept := []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, dockerManifest, dockerList}
	data, mediaType, err := p.from.Manifest(ctx, ref.Identifier(), accept, maxManifest)
	if err != nil {
		return "", nil, err
	}
	d := describe(mediaType, data)
	top = d.Digest
	// follow indexes to the manifest
	for range maxDepth {
		if !isIndex(d.MediaType) {
			image, err := parseImage(d, data, func(config ocispec.Descriptor) ([]byte, error) {
				return p.config(ctx, config)
			})
			if err == nil {
				image.names = []string{full}
			}
			return top, image, err
		}
		offers, err := parseIndex(data, d.MediaType)
		if err != nil {
			return "", nil, err
		}
		if d, err = choosePlatform(platform, offers); err != nil {
			return "", nil, err
		}
		if data, err = p.document(ctx, d); err != nil {
			return "", nil, err
		}
	}
	return "", nil, fmt.Errorf("indexes are nested deeper than %d", maxDepth)
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

// config returns the config of a descriptor, from the store if it has it.
func (p *puller) config(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	data, err := p.store.readBlob(d, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		body := p.from.Blob(ctx, d.Digest, d.Size, 0)
		defer body.Close()
		data, err = readVerified(body, d)
	}
	return data, err
}

// fetch downloads the layers that the store does not have.
func (p *puller) fetch(ctx context.Context, image *archiveImage) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(layersAtOnce)
	asked := make(map[layerSource]bool) // an image may have a layer twice
	for i, src := range image.layers {
		if asked[src] {
			continue
		}
		asked[src] = true
		group.Go(func() error {
			if err := p.pullLayer(ctx, src, p.scratch.file(fmt.Sprintf("layer%d", i))); err != nil {
				return fmt.Errorf("layer %s: %w", src.Blob, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// report reports the progress of a layer.
func (p *puller) report(src layerSource, done int64) {
	if p.progress != nil {
		p.progress(src.Blob, done, src.Size)
	}
}
