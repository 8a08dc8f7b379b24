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
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/registry"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

const layersAtOnce = 3 // docker's default

// PullOptions are the options of Pull.
type PullOptions struct {
	Settings     *registry.Settings
	Platforms    []string // os/arch[/variant]; without one, this machine
	AllPlatforms bool     // and what else the index has
	Found        func()   // is called when the registry has the image; may be nil
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
	if err := s.Create(); err != nil {
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
	want, err := newWanted(opts.Platforms, opts.AllPlatforms)
	if err != nil {
		return nil, err
	}
	// fetch manifests and configs
	p := &puller{store: s, scratch: scratch, progress: opts.Progress}
	err = opts.Settings.From(ctx, full, func(from *registry.Repository) error {
		p.from = from
		p.resolver = resolver{
			wanted:   want,
			document: func(d ocispec.Descriptor) ([]byte, error) { return p.fetchDocument(ctx, d) },
			small:    func(d ocispec.Descriptor) ([]byte, error) { return p.fetchSmall(ctx, d) },
		}
		return p.resolveName(ctx, full)
	})
	if err != nil {
		return nil, err
	}
	if !isIndex(p.top.MediaType) && len(opts.Platforms) > 0 {
		for _, platform := range want.platforms {
			if err := matches(platform, p.images[0].configJSON, len(p.images[0].layers)); err != nil {
				return nil, err
			}
		}
	}
	if opts.Found != nil {
		opts.Found()
	}
	// fetch the layers
	if p.known, err = s.known(); err != nil {
		return nil, err
	}
	present, err := p.isPresent(full)
	if err != nil {
		return nil, err
	}
	pulled := &Pulled{Name: full, Digest: p.top.Digest, New: !present}
	for _, image := range p.images {
		if err := p.fetch(ctx, image); err != nil {
			return pulled, err
		}
	}
	if present {
		return pulled, nil
	}
	// write documents and name
	p.nameFirst(full)
	l := loader{store: s, scratch: scratch}
	_, err = l.commit(p.images)
	return pulled, err
}

// matches returns an error if an image that is in no index is for another platform.
func matches(want ocispec.Platform, configJSON []byte, layers int) error {
	config, err := parseConfig(configJSON, layers)
	if err != nil {
		return err
	}
	if !runs(want, config.Platform) {
		return fmt.Errorf("no image for %s, only for %s", platformName(want), platformName(config.Platform))
	}
	return nil
}

// isPresent reports whether the store has all that was asked for under the name.
func (p *puller) isPresent(full string) (bool, error) {
	needed := slices.Clone(p.extra)
	for _, image := range p.images {
		needed = append(needed, image.documents()...)
	}
	for _, blob := range needed {
		if data, err := os.ReadFile(p.store.blobPath(blob.digest)); err != nil || !bytes.Equal(data, blob.data) {
			return false, nil
		}
	}
	index, err := p.store.index()
	return slices.ContainsFunc(index, func(d ocispec.Descriptor) bool {
		top, has, _ := indexOfImage(d)
		return nameOf(d) == full && has == isIndex(p.top.MediaType) && (!has || top.Digest == p.top.Digest) &&
			(len(p.images) > 1 || d.Digest == p.images[0].manifest.Digest)
	}), err
}

// A puller is one pull.
type puller struct {
	resolver
	store    *Store
	from     *registry.Repository
	scratch  *scratch
	known    map[digest.Digest]ocispec.Descriptor // see Store.known
	progress func(blob digest.Digest, done, total int64)
}

// resolveName fetches what a name leads to.
func (p *puller) resolveName(ctx context.Context, full string) error {
	// by tag or digest
	ref, err := name.ParseReference(full)
	if err != nil {
		return err
	}
	accept := []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, dockerManifest, dockerList}
	data, mediaType, err := p.from.Manifest(ctx, ref.Identifier(), accept, maxManifest)
	if err != nil {
		return err
	}
	return p.resolve(describe(mediaType, data), data)
}

// fetchDocument returns the manifest or index of a descriptor, from the store if it has
// it.
func (p *puller) fetchDocument(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	data, err := p.store.readBlob(d, maxManifest)
	if err == nil {
		return data, nil
	}
	data, _, err = p.from.Manifest(ctx, d.Digest.String(), []string{d.MediaType}, d.Size)
	if err == nil && int64(len(data)) != d.Size {
		err = fmt.Errorf("manifest %s: size is not %d bytes", d.Digest, d.Size)
	}
	return data, err
}

// fetchSmall returns the config of a descriptor, or another small blob, from the store if it
// has it.
func (p *puller) fetchSmall(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	data, err := p.store.readBlob(d, maxConfig)
	if err != nil {
		body := p.from.Blob(ctx, d.Digest, d.Size, 0)
		defer body.Close()
		if data, err = readVerified(body, d); hint.Of(err) == "" { // the connection did not fail
			err = hint.New(err, registry.WrongBytes)
		}
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
			tree := p.scratch.file(image.manifest.Digest.Encoded() + fmt.Sprint("-layer", i))
			if err := p.pullLayer(ctx, src, tree); err != nil {
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
