package images

// Pulling an image goes the way of loading one (see load.go), with a registry
// for an archive:
//
//  1. The name leads to a manifest, often through an index of platforms. It,
//     and then the config, are fetched and checked.
//  2. Each layer that is not here is fetched, a few at a time, and unpacked
//     while it arrives: see partial.go. Once checked it is committed at once,
//     so that another pull that waits for it need not wait for the rest.
//  3. Config and manifest are stored, and the name is written last.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/minictr/minictr/images/registry"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// layersAtOnce is docker's number too.
const layersAtOnce = 3

// PullOptions are what Pull may be given besides a name.
type PullOptions struct {
	Settings *registry.Settings
	Platform string // os/arch[/variant]; "" is this machine
	// Progress, unless nil, is told how many bytes of a layer's blob are here,
	// from any goroutine. It may be all of them at the first call.
	Progress func(blob digest.Digest, done, total int64)
}

// Pulled is what came of a pull.
type Pulled struct {
	Name   string        // complete
	Digest digest.Digest // of what the name stands for at the registry: a manifest or an index
	New    bool          // it was not here before, under this name
}

// Pull takes an image from its registry into the store.
func (s *Store) Pull(ctx context.Context, short string, opts PullOptions) (*Pulled, error) {
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
	release, err := s.Hold()
	if err != nil {
		return nil, err
	}
	defer release()
	scratch, err := s.scratch()
	if err != nil {
		return nil, err
	}
	pulled, err := s.pull(ctx, full, opts, scratch)
	if err != nil {
		err = s.hintRoom(fmt.Errorf("pull %s: %w", Familiar(full), err))
	}
	return pulled, errors.Join(err, scratch.close())
}

func (s *Store) pull(ctx context.Context, full string, opts PullOptions, scratch *scratch) (*Pulled, error) {
	platform, err := parsePlatform(opts.Platform)
	if err != nil {
		return nil, err
	}
	p := &puller{store: s, scratch: scratch, progress: opts.Progress}
	var top digest.Digest
	var c *archiveImage
	err = opts.Settings.From(ctx, full, func(from *registry.Repository) (err error) {
		p.from = from
		top, c, err = p.resolve(ctx, full, platform)
		return err
	})
	if err != nil {
		return nil, err
	}
	if opts.Platform != "" {
		if err := matches(platform, c.configJSON, len(c.layers)); err != nil {
			return nil, err
		}
	}
	if p.known, err = s.known(); err != nil {
		return nil, err
	}
	here, err := s.hasNamed(full, c)
	if err != nil {
		return nil, err
	}
	pulled := &Pulled{Name: full, Digest: top, New: !here}
	if err := p.fetch(ctx, c); err != nil || here {
		return pulled, err
	}
	l := loader{store: s, scratch: scratch}
	if err := l.commit([]*archiveImage{c}); err != nil {
		return nil, err
	}
	_, err = l.tag([]*archiveImage{c})
	return pulled, err
}

// matches holds an image that has no index around it against what was asked.
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

// hasNamed: the name stands for this very image already.
func (s *Store) hasNamed(full string, c *archiveImage) (bool, error) {
	index, err := s.index()
	return slices.ContainsFunc(index, func(d ocispec.Descriptor) bool {
		return nameOf(d) == full && d.Digest == c.manifest.Digest
	}), err
}

// A puller is one pull under way.
type puller struct {
	store    *Store
	from     *registry.Repository
	scratch  *scratch
	known    map[digest.Digest]ocispec.Descriptor // see Store.known
	progress func(blob digest.Digest, done, total int64)
}

// resolve follows a name to the manifest for a platform.
func (p *puller) resolve(ctx context.Context, full string, platform ocispec.Platform) (top digest.Digest, c *archiveImage, err error) {
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
	for range maxDepth {
		if !isIndex(d.MediaType) {
			c, err := p.image(ctx, d, data)
			if err == nil {
				c.names = []string{full}
			}
			return top, c, err
		}
		offers, err := parseIndex(data, d.MediaType)
		if err != nil {
			return "", nil, err
		}
		if d, err = choosePlatform(platform, offers); err != nil {
			return "", nil, err
		}
		if !isIndex(d.MediaType) && !isManifest(d.MediaType) {
			return "", nil, fmt.Errorf("blob %s: type %q is neither a manifest nor an index", d.Digest, d.MediaType)
		}
		if data, err = p.document(ctx, d); err != nil {
			return "", nil, err
		}
	}
	return "", nil, fmt.Errorf("indexes are nested deeper than %d", maxDepth)
}

// document is a manifest or an index that a descriptor describes, from here
// or from there.
func (p *puller) document(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	data, err := p.store.readBlob(d, maxManifest)
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	data, _, err = p.from.Manifest(ctx, d.Digest.String(), []string{d.MediaType}, d.Size)
	if err == nil && int64(len(data)) != d.Size {
		err = fmt.Errorf("manifest %s is not %d bytes long", d.Digest, d.Size)
	}
	return data, err
}

// image reads a manifest and fetches its config.
func (p *puller) image(ctx context.Context, d ocispec.Descriptor, data []byte) (*archiveImage, error) {
	config, blobs, err := parseManifest(data, d.MediaType)
	if err != nil {
		return nil, err
	}
	configJSON, err := p.store.readBlob(config, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		body := p.from.Blob(ctx, config.Digest, config.Size, 0)
		defer body.Close()
		configJSON, err = readVerified(body, config)
	}
	if err != nil {
		return nil, err
	}
	image, err := parseConfig(configJSON, len(blobs))
	if err != nil {
		return nil, err
	}
	c := &archiveImage{
		manifest: ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, manifestJSON: data,
		config: config, configJSON: configJSON,
	}
	for i, b := range blobs {
		c.layers = append(c.layers, layerSource{blobFile(b.Digest), b.Size, b.Digest, image.RootFS.DiffIDs[i]})
	}
	return c, nil
}

// fetch gets the layers that are not here.
func (p *puller) fetch(ctx context.Context, c *archiveImage) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(layersAtOnce)
	asked := make(map[layerSource]bool) // an image may have a layer twice
	for i, src := range c.layers {
		if asked[src] {
			continue
		}
		asked[src] = true
		group.Go(func() error {
			if err := p.pullLayer(ctx, src, p.scratch.file(fmt.Sprintf("layer%d", i))); err != nil {
				return fmt.Errorf("layer %s: %w", src.blob, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (p *puller) report(src layerSource, done int64) {
	if p.progress != nil {
		p.progress(src.blob, done, src.size)
	}
}
