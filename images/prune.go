package images

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Pruned is what a Prune has removed.
type Pruned struct {
	Lines []string // as docker image prune prints them
	Freed int64    // bytes on disk: of blobs, of files in layers, of interrupted pulls
}

// Prune removes images that have no name and that no container was made from,
// and what interrupted commands have left: blobs, layers, parts of blobs. With
// all it removes images that have names as well, unless a container needs
// them.
func (s *Store) Prune(all bool) (*Pruned, error) {
	if _, err := os.Stat(s.path("tmp")); errors.Is(err, fs.ErrNotExist) {
		return &Pruned{}, nil // nothing was ever here
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
	pruned, err := s.prune(all, scratch)
	if err != nil {
		err = s.hintRoom(fmt.Errorf("prune: %w", err))
	}
	return pruned, errors.Join(err, scratch.close())
}

func (s *Store) prune(all bool, scratch *scratch) (*Pruned, error) {
	used, err := s.usedManifests()
	if err != nil {
		return nil, err
	}
	pruned := &Pruned{}
	dead := func(d ocispec.Descriptor) bool { return !used[d.Digest] && (all || nameOf(d) == "") }
	err = s.changeIndex(scratch, func(index []ocispec.Descriptor) []ocispec.Descriptor {
		for _, d := range index {
			if dead(d) && nameOf(d) != "" {
				pruned.Lines = append(pruned.Lines, "Untagged: "+Familiar(nameOf(d)))
			}
		}
		return slices.DeleteFunc(index, dead)
	})
	if err != nil {
		return nil, err
	}
	before, err := s.diskUsage()
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
	after, err := s.diskUsage()
	if err != nil {
		return pruned, err
	}
	freed, err := s.removePartials()
	pruned.Freed = before - after + freed
	return pruned, err
}

// used are the manifests that containers were made from.
func (s *Store) usedManifests() (map[digest.Digest]bool, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	used := make(map[digest.Digest]bool)
	for _, d := range index {
		users, err := s.containersOf(d.Digest)
		if err != nil {
			return nil, err
		}
		used[d.Digest] = len(users) > 0
	}
	return used, nil
}

// bytes is the size of all blobs and of the files in all layers.
func (s *Store) diskUsage() (sum int64, err error) {
	files, err := filepath.Glob(s.path("blobs", "sha256", "*"))
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
	here, err := s.layers.List()
	if err != nil {
		return 0, err
	}
	for _, d := range here {
		n, err := s.layers.Size(d)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
