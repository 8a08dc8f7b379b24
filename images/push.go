package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/registry"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PushOptions are the options of Push.
type PushOptions struct {
	Settings *registry.Settings
	Progress func(done, total int64) // is called with bytes, one call at a time; may be nil
}

// Push sends an image, byte for byte as it was loaded, to the registry of its
// name. It returns the digest of the manifest and its size in bytes.
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
	if err := s.push(ctx, full, d, opts); err != nil {
		return "", 0, fmt.Errorf("push %s: %w", Familiar(full), err)
	}
	transferEvent(s, "push", full)
	return d.Digest, d.Size, nil
}

// push pushes the image of a descriptor.
func (s *Store) push(ctx context.Context, full string, d ocispec.Descriptor, opts PushOptions) error {
	tag, err := name.NewTag(full)
	if err != nil {
		return hint.New(err, "push to a tag: NAME:TAG")
	}
	// read the documents
	image := registry.Image{Type: d.MediaType, Open: func(l ocispec.Descriptor) (io.ReadCloser, error) {
		return os.Open(s.blobPath(l.Digest))
	}}
	if image.Manifest, err = s.readBlob(d, maxManifest); err != nil {
		return err
	}
	config, layers, err := parseManifest(image.Manifest, d.MediaType)
	if err != nil {
		return err
	}
	image.Layers = layers
	if image.Config, err = s.readBlob(config, maxConfig); err != nil {
		return err
	}
	// send it
	to, err := opts.Settings.To(ctx, full)
	if err != nil {
		return err
	}
	return to.Push(ctx, tag.TagStr(), image, opts.Progress)
}
