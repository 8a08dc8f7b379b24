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

// PushOptions are what Push may be given besides a name.
type PushOptions struct {
	Settings *registry.Settings
	Progress func(done, total int64) // of bytes, one call at a time; may be nil
}

// Push sends an image, byte for byte as it came, to the registry that its name
// begins with. It returns the digest and the size of the manifest.
func (s *Store) Push(ctx context.Context, short string, opts PushOptions) (digest.Digest, int64, error) {
	full, err := Normalize(short)
	if err != nil {
		return "", 0, err
	}
	release, err := s.Hold()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", 0, err
	}
	if err == nil {
		defer release()
	}
	index, err := s.index()
	if err != nil {
		return "", 0, err
	}
	d, err := s.find(index, full)
	if err != nil {
		return "", 0, hint.New(err, "give an image the name that it is to have there: minictr tag IMAGE "+Familiar(full))
	}
	if err := s.push(ctx, full, d, opts); err != nil {
		return "", 0, fmt.Errorf("push %s: %w", Familiar(full), err)
	}
	return d.Digest, d.Size, nil
}

func (s *Store) push(ctx context.Context, full string, d ocispec.Descriptor, opts PushOptions) error {
	tag, err := name.NewTag(full)
	if err != nil {
		return hint.New(err, "a digest cannot be pushed to: name a tag")
	}
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
	to, err := opts.Settings.To(ctx, full)
	if err != nil {
		return err
	}
	return to.Push(ctx, tag.TagStr(), image, opts.Progress)
}
