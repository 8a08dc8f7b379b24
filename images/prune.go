package images

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/minictr/minictr/internal/lockfile"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Pruned is what Prune removed.
type Pruned struct {
	Lines []string // as docker image prune prints them
	Freed int64    // bytes in blobs, files of layers and interrupted downloads
}

// Prune removes images without a name and what interrupted commands left: blobs,
// layers and partial blobs. With all, it also removes images with names. It removes
// only images that match, unless matches is nil, and none that a container uses.
func (s *Store) Prune(all bool, matches func(*Image) bool) (pruned *Pruned, err error) {
	if _, err := os.Stat(s.path("tmp")); errors.Is(err, fs.ErrNotExist) {
		return &Pruned{}, nil // there is no store
	}
	err = s.locked(lockfile.Exclusive, "prune", func(scratch *scratch) (err error) {
		pruned, err = s.prune(all, matches, scratch)
		return err
	})
	return pruned, err
}

// prune prunes while the lock is held.
func (s *Store) prune(all bool, matches func(*Image) bool, scratch *scratch) (*Pruned, error) {
	// remove images from the index
	pruned := &Pruned{}
	var gone []ocispec.Descriptor
	dead := func(d ocispec.Descriptor) bool {
		if nameOf(d) != "" && !all {
			return false
		}
		if by, err := users(s, d); err != nil || len(by) > 0 {
			return false
		}
		image, err := s.read(d)
		return matches == nil || err == nil && matches(image)
	}
	err := s.changeIndex(scratch, func(index []ocispec.Descriptor) (kept []ocispec.Descriptor) {
		for _, d := range index {
			if !dead(d) {
				kept = append(kept, d)
				continue
			}
			gone = append(gone, d)
			if nameOf(d) != "" {
				pruned.Lines = append(pruned.Lines, "Untagged: "+Familiar(nameOf(d)))
			}
			if image, err := s.read(d); err == nil {
				line := "Deleted: " + image.ID.String()
				if !slices.Contains(pruned.Lines, line) {
					pruned.Lines = append(pruned.Lines, line)
				}
			}
		}
		return kept
	})
	if err != nil {
		return nil, err
	}
	deleteEvents(s, gone)
	// remove what it no longer refers to
	before, err := diskUsage(s)
	if err != nil {
		return nil, err
	}
	deleted, err := s.collect(scratch)
	for _, d := range deleted {
		pruned.Lines = append(pruned.Lines, "Deleted: "+d.String())
	}
	if err != nil {
		return pruned, err
	}
	after, err := diskUsage(s)
	if err != nil {
		return pruned, err
	}
	// remove interrupted downloads
	freed, err := removePartials(s)
	pruned.Freed = before - after + freed
	pruneEvent(s, pruned.Freed)
	return pruned, err
}

// diskUsage returns the bytes in all blobs and in the files of all layers.
func diskUsage(s *Store) (sum int64, err error) {
	// blobs
	files, err := s.own("blobs/sha256", isBlob)
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		st, err := os.Stat(file)
		if err != nil {
			return 0, err
		}
		sum += st.Size()
	}
	// layers
	all, err := s.layers.List()
	if err != nil {
		return 0, err
	}
	for _, d := range all {
		n, _ := s.layers.Size(d) // unknown for a damaged layer
		sum += n
	}
	return sum, nil
}
