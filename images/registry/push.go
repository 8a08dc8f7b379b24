package registry

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An Image is an image to push.
type Image struct {
	Type     string // of the manifest
	Manifest []byte
	Config   []byte
	Layers   []ocispec.Descriptor
	Open     func(ocispec.Descriptor) (io.ReadCloser, error) // opens the blob of a layer
}

const blobsAtOnce = 3 // as in a pull

// Push pushes an image: first the blobs that the registry does not have, then the
// manifest, under a tag or its digest. Progress, unless nil, is called with bytes.
func (r *Repository) Push(ctx context.Context, ref string, image Image, progress func(done, total int64)) error {
	core, err := partial.CompressedToImage(pushedImage{image})
	if err != nil {
		return err
	}
	options := append(r.options(ctx), remote.WithJobs(blobsAtOnce))
	// report the progress from a goroutine of its own
	if progress != nil {
		updates := make(chan v1.Update, 16)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for u := range updates {
				progress(u.Complete, u.Total)
			}
		}()
		defer func() { <-done }() // Write closes the channel
		options = append(options, remote.WithProgress(updates))
	}
	if err := remote.Write(r.reference(ref), core, options...); err != nil {
		return explain(r.name.Registry, err)
	}
	return nil
}

// PushIndex pushes an index, of which the registry has all manifests, under a tag or its
// digest.
func (r *Repository) PushIndex(ctx context.Context, ref, mediaType string, index []byte) error {
	image := pushedImage{Image{Type: mediaType, Manifest: index}}
	if err := remote.Put(r.reference(ref), image, r.options(ctx)...); err != nil {
		return explain(r.name.Registry, err)
	}
	return nil
}

func (r *Repository) options(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx), remote.WithTransport(r.client.Transport), remote.WithNondistributable,
	}
}

// reference returns the reference of a tag or a digest.
func (r *Repository) reference(ref string) name.Reference {
	if strings.Contains(ref, ":") {
		return r.name.Digest(ref)
	}
	return r.name.Tag(ref)
}

// pushedImage implements the interfaces of go-containerregistry.
type pushedImage struct{ Image }

func (s pushedImage) MediaType() (types.MediaType, error) { return types.MediaType(s.Type), nil }
func (s pushedImage) RawManifest() ([]byte, error)        { return s.Manifest, nil }
func (s pushedImage) RawConfigFile() ([]byte, error)      { return s.Config, nil }

func (s pushedImage) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range s.Layers {
		if d.Digest.String() == h.String() {
			return pushedLayer{s.Image, d}, nil
		}
	}
	return nil, fmt.Errorf("no layer %s in the manifest", h)
}

// A pushedLayer is a layer of a pushedImage.
type pushedLayer struct {
	image Image
	d     ocispec.Descriptor
}

func (l pushedLayer) Digest() (v1.Hash, error)            { return v1.NewHash(l.d.Digest.String()) }
func (l pushedLayer) Size() (int64, error)                { return l.d.Size, nil }
func (l pushedLayer) MediaType() (types.MediaType, error) { return types.MediaType(l.d.MediaType), nil }
func (l pushedLayer) Compressed() (io.ReadCloser, error)  { return l.image.Open(l.d) }
