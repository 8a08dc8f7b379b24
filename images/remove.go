package images

// Removing an image is untagging it. When its last name has gone, and no
// container was made from it, everything that no image needs any more is
// collected: first the index forgets it, then blobs are unlinked and layers
// renamed away. A crash in between leaves what nobody sees, and the next
// removal or load collects it.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Remove takes a name from an image, or an image by its ID from the store.
// With the last name the image goes, unless a container was made from it,
// which is an error. It returns the lines that docker rmi prints.
func (s *Store) Remove(name string) ([]string, error) { return s.remove(name, false) }

// ForceRemove removes an image by ID with all its names, and takes the last
// name of an image that a container needs; the image then stays without name.
func (s *Store) ForceRemove(name string) ([]string, error) { return s.remove(name, true) }

func (s *Store) remove(name string, force bool) ([]string, error) {
	index, err := s.index() // a store that is not there, or is not ours, is told here
	if err != nil {
		return nil, err
	}
	if _, err := s.find(index, name); err != nil {
		return nil, err
	}
	release, err := s.lock("lock", lockfile.Exclusive)
	if err != nil {
		return nil, err
	}
	defer release()
	scratch, err := s.scratch()
	if err != nil {
		return nil, err
	}
	lines, err := s.removeLocked(name, force, scratch)
	if err != nil {
		err = s.hintRoom(fmt.Errorf("remove image %s: %w", name, err))
	}
	return lines, errors.Join(err, scratch.close())
}

func (s *Store) removeLocked(name string, force bool, scratch *scratch) (lines []string, err error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	d, err := s.find(index, name)
	if err != nil {
		return nil, err
	}
	image, err := s.read(d)
	if err != nil {
		return nil, err
	}
	chosen, all, err := choice(index, d, name, force)
	if err != nil {
		return nil, err
	}
	users, err := s.containersOf(d.Digest)
	if err != nil {
		return nil, err
	}
	if all && len(users) > 0 && !force {
		err := fmt.Errorf("container %s was made from it", strings.Join(users, ", "))
		return nil, hint.New(err, "remove the container first, or take just the name with: minictr rmi -f "+name)
	}
	err = s.changeIndex(scratch, func(index []ocispec.Descriptor) []ocispec.Descriptor {
		index, names := untag(index, chosen)
		for _, n := range names {
			lines = append(lines, "Untagged: "+Familiar(n))
		}
		if all && len(users) == 0 {
			index = slices.DeleteFunc(index, func(o ocispec.Descriptor) bool { return o.Digest == d.Digest })
		}
		return index
	})
	if err != nil {
		return nil, err
	}
	if all && len(users) == 0 {
		lines = append(lines, "Deleted: "+image.ID.String())
	}
	deleted, err := s.collect(scratch)
	for _, dead := range deleted {
		lines = append(lines, "Deleted: "+dead.String())
	}
	return lines, err
}

// choice says which descriptors name means, and whether those are all that
// the image has.
func choice(index []ocispec.Descriptor, d ocispec.Descriptor, name string, force bool) (func(ocispec.Descriptor) bool, bool, error) {
	same := func(o ocispec.Descriptor) bool { return o.Digest == d.Digest }
	count := 0
	for _, o := range index {
		if same(o) {
			count++
		}
	}
	full, _ := Normalize(name)
	if nameOf(d) != "" && nameOf(d) == full {
		return func(o ocispec.Descriptor) bool { return nameOf(o) == full }, count == 1, nil
	}
	if count > 1 && !force {
		return nil, false, hint.New(errors.New("it has several names"), "remove them by name, or all at once with: minictr rmi -f "+name)
	}
	return same, true, nil
}

// users are the containers made from an image: each has the digest of its
// manifest in containers/<id>/image.
func (s *Store) containersOf(manifest digest.Digest) ([]string, error) {
	files, err := filepath.Glob(s.path("containers", "*", "image"))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(string(text)) == manifest.String() {
			ids = append(ids, filepath.Base(filepath.Dir(file)))
		}
	}
	return ids, nil
}

// collect deletes blobs and layers that no image in the index needs. It
// returns the diff IDs of the layers.
func (s *Store) collect(scratch *scratch) (deleted []digest.Digest, err error) {
	blobs, trees, err := s.reachable()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(s.path("blobs", "sha256"))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		d := digest.NewDigestFromEncoded(digest.SHA256, e.Name())
		if blobs[d] {
			continue
		}
		if err := os.Remove(s.blobPath(d)); err != nil {
			return deleted, err
		}
	}
	here, err := s.layers.List()
	if err != nil {
		return deleted, err
	}
	for _, d := range here {
		if trees[d] {
			continue
		}
		if err := s.layers.Remove(d, scratch.path); err != nil {
			return deleted, err
		}
		deleted = append(deleted, d)
	}
	return deleted, nil
}

// reachable are the blobs and layers that the index leads to.
func (s *Store) reachable() (blobs, trees map[digest.Digest]bool, err error) {
	index, err := s.index()
	if err != nil {
		return nil, nil, err
	}
	blobs, trees = make(map[digest.Digest]bool), make(map[digest.Digest]bool)
	for _, d := range index {
		config, parts, err := s.manifest(d)
		if err != nil {
			return nil, nil, err
		}
		image, err := s.read(d)
		if err != nil {
			return nil, nil, err
		}
		blobs[d.Digest], blobs[config.Digest] = true, true
		for i, part := range parts {
			blobs[part.Digest], trees[image.Layers[i]] = true, true
		}
	}
	return blobs, trees, nil
}
