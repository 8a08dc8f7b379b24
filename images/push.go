package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/registry"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PushOptions are the options of Push.
type PushOptions struct {
	Settings  *registry.Settings
	Platforms []string                // os/arch[/variant]; without one, all that the store has
	Progress  func(done, total int64) // is called with bytes, one call at a time; may be nil
}

// Push sends an image, byte for byte as it was loaded, to the registry of its
// name. It returns the digest and the size in bytes of the manifest or index.
func (s *Store) Push(ctx context.Context, short string, opts PushOptions) (digest.Digest, int64, error) {
	full, err := Normalize(short)
	if err != nil {
		return "", 0, err
	}
	// keep it from being removed
	release, err := s.Hold()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", 0, err
	}
	if err == nil {
		defer release()
	}
	_, d, err := s.lookup(full)
	if errors.Is(err, ErrNotFound) {
		err = hint.New(err, "name an image for that registry with: minictr tag IMAGE "+Familiar(full))
	}
	if err != nil {
		return "", 0, err
	}
	pushed, err := s.push(ctx, full, d, opts)
	if err != nil {
		return "", 0, fmt.Errorf("push %s: %w", Familiar(full), err)
	}
	transferEvent(s, "push", full)
	return pushed.Digest, pushed.Size, nil
}

// push pushes what an entry refers to: its manifest, or its index if the store has all of
// it, or a new index of several platforms that were asked for.
func (s *Store) push(ctx context.Context, full string, entry ocispec.Descriptor, opts PushOptions) (
	pushed ocispec.Descriptor, err error) {
	tag, err := name.NewTag(full)
	if err != nil {
		return pushed, hint.New(err, "push to a tag: NAME:TAG")
	}
	m, whole, err := choose(s, entry, opts.Platforms)
	if err != nil {
		return pushed, err
	}
	if !whole && len(opts.Platforms) == 0 && len(m.manifests) > 1 {
		err := fmt.Errorf("the store has only %d of the %d manifests of its index", len(m.manifests),
			len(m.manifests)+len(m.missing))
		return pushed, hint.New(err, "minictr pull --all-platforms NAME, or push one: --platform OS/ARCH")
	}
	to, err := opts.Settings.To(ctx, full)
	if err != nil {
		return pushed, err
	}
	if !whole && len(m.manifests) == 1 {
		return m.manifests[0], pushManifest(s, ctx, to, tag.TagStr(), m.manifests[0], opts)
	}
	// from the manifests to the index
	for _, d := range m.manifests {
		if err := pushManifest(s, ctx, to, d.Digest.String(), d, opts); err != nil {
			return pushed, err
		}
	}
	if !whole {
		data, err := json.Marshal(newIndex(m.manifests))
		if err != nil {
			return pushed, err
		}
		pushed = describe(ocispec.MediaTypeImageIndex, data)
		return pushed, to.PushIndex(ctx, tag.TagStr(), pushed.MediaType, data)
	}
	for i, d := range slices.Backward(m.indexes) {
		data, err := s.readBlob(d, maxManifest)
		if err != nil {
			return pushed, err
		}
		ref := d.Digest.String()
		if i == 0 {
			ref = tag.TagStr()
		}
		if err := to.PushIndex(ctx, ref, d.MediaType, data); err != nil {
			return pushed, err
		}
	}
	return m.indexes[0], nil
}

// newIndex returns an index of manifests.
func newIndex(manifests []ocispec.Descriptor) ocispec.Index {
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests}
	index.SchemaVersion = 2
	return index
}

// pushManifest pushes a manifest, and before it what it refers to.
func pushManifest(s *Store, ctx context.Context, to *registry.Repository, ref string, d ocispec.Descriptor,
	opts PushOptions) (err error) {
	image := registry.Image{Type: d.MediaType, Open: func(l ocispec.Descriptor) (io.ReadCloser, error) {
		return os.Open(s.blobPath(l.Digest))
	}}
	if image.Manifest, err = s.readBlob(d, maxManifest); err != nil {
		return err
	}
	contents, err := parseContents(image.Manifest, d.MediaType)
	if err != nil {
		return err
	}
	image.Layers = contents[1:]
	if image.Config, err = s.readBlob(contents[0], maxConfig); err != nil {
		return err
	}
	return to.Push(ctx, ref, image, opts.Progress)
}
