package images

// An image for several platforms is an index in its registry. index.json of the store has
// one of its manifests, which is the image that is run, and an annotation that refers to
// the index:
//
//	index.json ──► manifest ──► config, layers
//	    └───────► index ──► manifests of other platforms, as far as the store has them
//
// So several platforms can be pushed and saved under the digest that their registry has. A
// manifest of the index is in the store if its blob is: it is renamed into blobs/ after all
// that it refers to. Besides images, an index may have attestations, whose layers are no
// file systems: of these there are only blobs.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// indexAnnotation is the annotation with the descriptor of the index, in JSON.
const indexAnnotation = "io.minictr.index"

// withIndex returns the descriptor of a manifest with the annotation for an index.
func withIndex(manifest, index ocispec.Descriptor) ocispec.Descriptor {
	text, err := json.Marshal(bare(index))
	if err != nil {
		panic(err) // of three strings and a number
	}
	manifest.Annotations = map[string]string{indexAnnotation: string(text)}
	return manifest
}

// indexOfImage returns the index of an entry in index.json. Without one, has is false.
func indexOfImage(entry ocispec.Descriptor) (index ocispec.Descriptor, has bool, err error) {
	text := entry.Annotations[indexAnnotation]
	if text == "" {
		return index, false, nil
	}
	if err = json.Unmarshal([]byte(text), &index); err == nil {
		err = check(index, maxManifest)
	}
	if err == nil && !isIndex(index.MediaType) {
		err = fmt.Errorf("media type %q is not that of an index", index.MediaType)
	}
	if err != nil {
		err = fmt.Errorf("annotation %s of %s: %w", indexAnnotation, entry.Digest, err)
	}
	return index, true, err
}

// Members are what an entry in index.json refers to.
type members struct {
	indexes   []ocispec.Descriptor // the index first, then those in it
	manifests []ocispec.Descriptor // that the store has, with their platforms
	missing   []ocispec.Descriptor // manifests that the store does not have
}

// members returns the members of an entry. If it has no index, it is its only member.
func (s *Store) members(entry ocispec.Descriptor) (m members, err error) {
	index, has, err := indexOfImage(entry)
	if err != nil {
		return m, err
	}
	if has {
		err = addMembers(s, &m, index, make(map[digest.Digest]bool), 0)
	}
	isEntry := func(d ocispec.Descriptor) bool { return d.Digest == entry.Digest }
	if !slices.ContainsFunc(m.manifests, isEntry) {
		m.manifests = append([]ocispec.Descriptor{bare(entry)}, m.manifests...)
	}
	return m, err
}

// addMembers adds an index and what is in it, each digest once.
func addMembers(s *Store, m *members, index ocispec.Descriptor, seen map[digest.Digest]bool, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("indexes are nested deeper than %d", maxDepth)
	}
	data, err := s.readBlob(index, maxManifest)
	if err != nil {
		return err
	}
	list, err := parseIndex(data, index.MediaType)
	if err != nil {
		return err
	}
	m.indexes = append(m.indexes, index)
	for _, d := range list {
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		_, err := os.Stat(s.blobPath(d.Digest))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			m.missing = append(m.missing, d)
		case err != nil:
			return err
		case isIndex(d.MediaType):
			if err := addMembers(s, m, d, seen, depth+1); err != nil {
				return err
			}
		default:
			m.manifests = append(m.manifests, d)
		}
	}
	return nil
}

// contents returns the blobs that a manifest of any kind refers to, its config first.
func contents(s *Store, manifest ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	data, err := s.readBlob(manifest, maxManifest)
	if err != nil {
		return nil, err
	}
	return parseContents(data, manifest.MediaType)
}

// parseContents returns the blobs that a manifest of any kind refers to.
func parseContents(data []byte, mediaType string) ([]ocispec.Descriptor, error) {
	d, err := parseDocument(data, mediaType)
	if err != nil {
		return nil, err
	}
	if d.Config == nil || !isManifest(mediaType) || len(d.Layers) > maxLayers {
		return nil, fmt.Errorf("parse %s: not a manifest", mediaType)
	}
	all := append([]ocispec.Descriptor{*d.Config}, d.Layers...)
	for _, blob := range all {
		if err := check(blob, maxLayer); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// choose returns the members for platforms, os/arch[/variant]; without one, all that are
// images. whole reports whether the index and all that it refers to is chosen.
func choose(s *Store, entry ocispec.Descriptor, platforms []string) (m members, whole bool, err error) {
	if m, err = s.members(entry); err != nil {
		return m, false, err
	}
	if len(platforms) == 0 {
		if whole = len(m.indexes) > 0 && len(m.missing) == 0; !whole {
			m.manifests = slices.DeleteFunc(m.manifests, func(d ocispec.Descriptor) bool {
				return d.Digest != entry.Digest && !s.isImage(d)
			})
		}
		return m, whole, nil
	}
	var chosen []ocispec.Descriptor
	for _, text := range platforms {
		want, err := parsePlatform(text)
		if err != nil {
			return m, false, err
		}
		d, err := choosePresent(s, want, m.manifests)
		if err != nil {
			return m, false, hint.New(err, "minictr pull --platform "+text+" NAME")
		}
		if !slices.ContainsFunc(chosen, func(c ocispec.Descriptor) bool { return c.Digest == d.Digest }) {
			chosen = append(chosen, d)
		}
	}
	m.manifests = chosen
	return m, false, nil
}

// choosePresent is choosePlatform for manifests of the store; the platform of one that is
// in no index is in its config.
func choosePresent(s *Store, want ocispec.Platform, manifests []ocispec.Descriptor) (ocispec.Descriptor, error) {
	manifests = slices.Clone(manifests)
	for i, d := range manifests {
		if d.Platform == nil && s.isImage(d) {
			image, err := s.read(d)
			if err != nil {
				return d, err
			}
			manifests[i].Platform = &image.Config.Platform
		}
	}
	return choosePlatform(want, manifests)
}

// isImage reports whether a manifest of the store is that of an image.
func (s *Store) isImage(manifest ocispec.Descriptor) bool {
	_, _, err := s.manifest(manifest)
	return err == nil
}
