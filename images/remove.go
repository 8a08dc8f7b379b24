package images

// To remove an image is to untag it. When its last name is gone and no container
// uses it, the image is removed from the index; then the blobs and layers that no
// image refers to are collected. A crash in between leaves invisible files, which
// the next removal or load collects.

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

// Remove removes a name of an image, or an image by its ID. With its last name, the
// image is removed; if a container uses it, that is an error. Remove returns the
// lines that docker rmi prints.
func (s *Store) Remove(name string) ([]string, error) { return s.remove(name, false) }

// ForceRemove is Remove, except that an ID may have several names, and that an
// image that a container uses loses its last name and stays.
func (s *Store) ForceRemove(name string) ([]string, error) { return s.remove(name, true) }

// remove implements Remove and ForceRemove.
func (s *Store) remove(name string, force bool) (lines []string, err error) {
	if _, _, err := s.lookup(name); err != nil { // also if there is no store
		return nil, err
	}
	err = s.locked(lockfile.Exclusive, "remove image "+name, func(scratch *scratch) (err error) {
		lines, err = s.removeLocked(name, force, scratch)
		return err
	})
	return lines, err
}

// removeLocked removes while the lock is held.
func (s *Store) removeLocked(name string, force bool, scratch *scratch) (lines []string, err error) {
	// choose its names
	index, d, err := s.lookup(name)
	if err != nil {
		return nil, err
	}
	id := d.Digest.String() // of a damaged image
	if image, err := s.read(d); err == nil {
		id = image.ID.String()
	}
	chosen, all, err := choice(index, d, name, force)
	if err != nil {
		return nil, err
	}
	// an image in use stays
	users, err := users(s, d)
	if err != nil {
		return nil, err
	}
	if all && len(users) > 0 && !force {
		err := fmt.Errorf("image is used by container %s", strings.Join(users, ", "))
		return nil, hint.New(err, "remove the container first, or only the name with: minictr rmi -f "+name)
	}
	// change the index
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
	for range lines {
		event(s, "untag", id, id)
	}
	if all && len(users) == 0 {
		lines = append(lines, "Deleted: "+id)
		event(s, "delete", id, id)
	}
	// remove what it no longer refers to
	deleted, err := s.collect(scratch)
	for _, dead := range deleted {
		lines = append(lines, "Deleted: "+dead.String())
	}
	return lines, err
}

// choice returns which descriptors of the image d the name refers to, and whether
// those are all.
func choice(index []ocispec.Descriptor, d ocispec.Descriptor, name string, force bool) (f filter, all bool, err error) {
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
		err := errors.New("image has several names")
		return nil, false, hint.New(err, "remove each name, or all with: minictr rmi -f "+name)
	}
	return same, true, nil
}

// A container is what images knows of one: its ID and its image.
type container struct {
	id       string
	manifest digest.Digest // "" if it is being made
}

// containers reads containers/<id>/image of each container.
func (s *Store) containers() ([]container, error) {
	dirs, err := s.own("containers", isContainer)
	if err != nil {
		return nil, err
	}
	var all []container
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, "image"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, container{filepath.Base(dir), digest.Digest(strings.TrimSpace(string(text)))})
	}
	return all, nil
}

// users returns the IDs of the containers that use an image, for any platform.
func users(s *Store, entry ocispec.Descriptor) ([]string, error) {
	m, unread := s.members(entry)
	all, err := s.containers()
	if err != nil {
		return nil, err
	}
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, c := range all {
		is := func(d ocispec.Descriptor) bool { return d.Digest == c.manifest }
		// a damaged index may have the manifest
		if is(entry) || slices.ContainsFunc(m.manifests, is) || unread != nil && !slices.ContainsFunc(index, is) {
			ids = append(ids, c.id)
		}
	}
	return ids, nil
}

// collect deletes blobs and layers that no image refers to. It returns the diff IDs
// of the layers. If that is not known, because an image is damaged or the image of a
// container is not in the index, it deletes nothing.
func (s *Store) collect(scratch *scratch) (deleted []digest.Digest, err error) {
	blobs, layers, err := reachable(s)
	if errors.Is(err, errDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	// blobs
	present, err := s.own("blobs/sha256", isBlob)
	if err != nil {
		return nil, err
	}
	for _, path := range present {
		if blobs[digest.NewDigestFromEncoded(digest.SHA256, filepath.Base(path))] {
			continue
		}
		if err := os.Remove(path); err != nil {
			return deleted, err
		}
	}
	// layers
	trees, err := s.layers.List()
	if err != nil {
		return deleted, err
	}
	for _, d := range trees {
		if layers[d] {
			continue
		}
		if err := s.layers.Remove(d, scratch.path); err != nil {
			return deleted, err
		}
		deleted = append(deleted, d)
	}
	return deleted, nil
}

// reachable returns the blobs and layers that the index refers to.
func reachable(s *Store) (blobs, trees map[digest.Digest]bool, err error) {
	index, err := s.index()
	if err != nil {
		return nil, nil, err
	}
	blobs, trees = make(map[digest.Digest]bool), make(map[digest.Digest]bool)
	for _, d := range index {
		if err := reachEntry(s, d, blobs, trees); err != nil {
			return nil, nil, err
		}
	}
	// a container may run on layers of an image that the index has lost
	containers, err := s.containers()
	for _, c := range containers {
		if c.manifest != "" && !blobs[c.manifest] {
			return nil, nil, fmt.Errorf("image of container %s is %w", c.id, errDamaged)
		}
	}
	return blobs, trees, err
}

// reachEntry adds what an entry of the index refers to.
func reachEntry(s *Store, entry ocispec.Descriptor, blobs, trees map[digest.Digest]bool) error {
	m, err := s.members(entry)
	if err != nil {
		return damaged(entry, err)
	}
	for _, index := range m.indexes {
		blobs[index.Digest] = true
	}
	for _, manifest := range m.manifests {
		if err := reach(s, manifest, blobs, trees); err != nil {
			return err
		}
	}
	return nil
}

// reach adds a manifest and what it refers to.
func reach(s *Store, manifest ocispec.Descriptor, blobs, trees map[digest.Digest]bool) error {
	contents, err := contents(s, manifest)
	if err != nil {
		return damaged(manifest, err)
	}
	for _, d := range append(contents, manifest) {
		blobs[d.Digest] = true
	}
	if !s.isImage(manifest) {
		return nil
	}
	image, err := s.read(manifest)
	if err != nil {
		return err
	}
	for _, d := range image.Layers {
		trees[d] = true
	}
	return nil
}
