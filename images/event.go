package images

import (
	"maps"
	"slices"
	"strconv"

	"github.com/minictr/minictr/events"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// event writes an event of an image to the journal of the store, with the name and, while
// the store has the image, its labels. The ID is the image's, or the name that was pulled or
// pushed, as docker's.
func event(s *Store, action, id, name string) {
	attributes := make(map[string]string)
	if image, err := s.Image(id); err == nil {
		maps.Copy(attributes, image.Config.Config.Labels)
	}
	attributes["name"] = name
	events.Append(s.root, events.Image, action, events.Actor{ID: id, Attributes: attributes})
}

// transferEvent is the event of a pull or push of a complete name.
func transferEvent(s *Store, action, full string) {
	repository, _ := Split(Familiar(full))
	event(s, action, Familiar(full), repository)
}

// deleteEvents writes the events of images that are no longer in the index: the names that
// they lost, and an end for each.
func deleteEvents(s *Store, gone []ocispec.Descriptor) {
	for i, d := range gone {
		config, _, err := s.manifest(d)
		if err != nil {
			continue
		}
		id := config.Digest.String()
		if nameOf(d) != "" {
			event(s, "untag", id, id)
		}
		if !slices.ContainsFunc(gone[i+1:], func(o ocispec.Descriptor) bool { return o.Digest == d.Digest }) {
			event(s, "delete", id, id)
		}
	}
}

// pruneEvent is the event of a prune that freed so many bytes.
func pruneEvent(s *Store, freed int64) {
	attributes := map[string]string{"reclaimed": strconv.FormatInt(freed, 10)}
	events.Append(s.root, events.Image, "prune", events.Actor{Attributes: attributes})
}
