package images

// A name leads to a manifest, or to an index with a manifest for each platform, in a
// registry and in an archive. A resolver follows it and verifies the documents and configs;
// layers come later.

import (
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	maxMembers = 256      // manifests of an index
	maxExtra   = 64 << 20 // bytes of attestations, which are held in memory
)

// Wanted are the parts of an index that are wanted.
type wanted struct {
	platforms []ocispec.Platform
	all       bool // of the platforms, and attestations
	explicit  bool // the user asked for them
}

// thisMachine is what is wanted without a choice.
func thisMachine() wanted { return wanted{platforms: []ocispec.Platform{hostPlatform()}} }

// newWanted parses platforms, os/arch[/variant].
func newWanted(platforms []string, all bool) (w wanted, err error) {
	if len(platforms) == 0 {
		w = thisMachine()
	}
	for _, text := range platforms {
		p, err := parsePlatform(text)
		if err != nil {
			return w, err
		}
		w.platforms = append(w.platforms, p)
	}
	w.all, w.explicit = all, all || len(platforms) > 0
	return w, nil
}

// A resolver finds the images that a name leads to.
type resolver struct {
	wanted
	document func(ocispec.Descriptor) ([]byte, error) // reads a manifest or an index
	small    func(ocispec.Descriptor) ([]byte, error) // reads a config or a part of an attestation

	top       ocispec.Descriptor // the manifest or index of the name
	images    []*archiveImage    // of the platforms
	extra     []extraBlob        // the indexes, and attestations
	extraSize int64
	seen      map[digest.Digest]bool // manifests and indexes of an index
}

// resolve follows a manifest or an index to its images.
func (r *resolver) resolve(top ocispec.Descriptor, data []byte) error {
	r.top = bare(top)
	switch {
	case !isIndex(top.MediaType):
		return r.addImage(top, data)
	case r.all:
		r.seen = map[digest.Digest]bool{top.Digest: true}
		return r.addAll(top, data, 0)
	}
	for _, platform := range r.platforms {
		if err := r.addPlatform(platform, data); err != nil {
			return err
		}
	}
	return nil
}

// nameFirst gives names to this machine's image, or else to the first; the others are
// members of its index.
func (r *resolver) nameFirst(names ...string) {
	first := max(0, slices.IndexFunc(r.images, func(image *archiveImage) bool {
		return matches(hostPlatform(), image.configJSON, len(image.layers)) == nil
	}))
	for i, image := range r.images {
		image.member = i != first
	}
	image := r.images[first]
	image.names, image.extra = names, r.extra
	if isIndex(r.top.MediaType) {
		image.manifest = withIndex(image.manifest, r.top)
	}
}

// addPlatform follows indexes to the image for a platform.
func (r *resolver) addPlatform(platform ocispec.Platform, data []byte) error {
	d := r.top
	for range maxDepth {
		if !isIndex(d.MediaType) {
			return r.addImage(d, data)
		}
		r.extra = append(r.extra, extraBlob{d.Digest, data})
		offers, err := parseIndex(data, d.MediaType)
		if err != nil {
			return err
		}
		if len(offers) == 0 {
			return fmt.Errorf("index %s is empty", d.Digest)
		}
		if d, err = choosePlatform(platform, offers); err != nil {
			return err
		}
		if data, err = r.document(d); err != nil {
			return err
		}
	}
	return fmt.Errorf("indexes are nested deeper than %d", maxDepth)
}

// addAll adds all that an index refers to.
func (r *resolver) addAll(d ocispec.Descriptor, data []byte, depth int) error {
	if depth >= maxDepth {
		return fmt.Errorf("indexes are nested deeper than %d", maxDepth)
	}
	r.extra = append(r.extra, extraBlob{d.Digest, data})
	offers, err := parseIndex(data, d.MediaType)
	if err != nil {
		return err
	}
	for _, offer := range offers {
		if r.seen[offer.Digest] {
			continue
		}
		r.seen[offer.Digest] = true
		if len(r.seen) > maxMembers {
			return fmt.Errorf("index %s: more than %d manifests", r.top.Digest, maxMembers)
		}
		data, err := r.document(offer)
		if err != nil {
			return err
		}
		_, _, notImage := parseManifest(data, offer.MediaType)
		switch {
		case isIndex(offer.MediaType):
			err = r.addAll(offer, data, depth+1)
		case notImage == nil:
			err = r.addImage(offer, data)
		default:
			err = r.addAttestation(offer, data)
		}
		if err != nil {
			return err
		}
	}
	if len(r.images) == 0 && depth == 0 {
		return fmt.Errorf("index %s has no image", d.Digest)
	}
	return nil
}

// addImage adds an image, once.
func (r *resolver) addImage(d ocispec.Descriptor, data []byte) error {
	for _, image := range r.images {
		if image.manifest.Digest == d.Digest {
			return nil
		}
	}
	image, err := parseImage(d, data, r.small)
	if err == nil {
		r.images = append(r.images, image)
	}
	return err
}

// addAttestation adds a manifest whose layers are no file systems, with what it refers to.
func (r *resolver) addAttestation(d ocispec.Descriptor, data []byte) error {
	contents, err := parseContents(data, d.MediaType)
	if err != nil {
		return err
	}
	for _, blob := range contents {
		if r.extraSize += blob.Size; r.extraSize > maxExtra {
			return fmt.Errorf("attestations of more than %d bytes", maxExtra)
		}
		part, err := r.small(blob)
		if err != nil {
			return err
		}
		r.extra = append(r.extra, extraBlob{blob.Digest, part})
	}
	r.extra = append(r.extra, extraBlob{d.Digest, data})
	return nil
}
