package images

import (
	"errors"
	"fmt"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Tag gives the image source, a name or ID, the name target. Another image of
// that name loses it.
func (s *Store) Tag(source, target string) error {
	full, err := Normalize(target)
	if err != nil {
		return err
	}
	if strings.Contains(full, "@") {
		return hint.New(fmt.Errorf("tag %s: a digest cannot be assigned", target), "write NAME:TAG")
	}
	if _, _, err := s.lookup(source); err != nil {
		return err
	}
	err = s.locked(lockfile.Shared, "tag "+target, func(scratch *scratch) error {
		return s.tagAs(source, full, scratch)
	})
	if err != nil {
		return err
	}
	if image, err := s.Image(full); err == nil {
		event(s, "tag", image.ID.String(), Familiar(full))
	}
	return nil
}

// tagAs adds the name to the index.
func (s *Store) tagAs(source, full string, scratch *scratch) error {
	var gone error
	err := s.changeIndex(scratch, func(index []ocispec.Descriptor) []ocispec.Descriptor {
		d, err := s.find(index, source)
		if err != nil {
			gone = err
			return index
		}
		sizes, err := splitSizes(d.Annotations[layerSizes])
		if err != nil {
			gone = err
			return index
		}
		return tag(index, d, []string{full}, sizes)
	})
	return errors.Join(gone, err)
}
